import { expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf, until } from './pawl.fixture.ts';

const MODULE = `
import { appendFileSync, existsSync } from 'node:fs';
import { defineTask, type Context } from '@pawl/sdk';

const step = defineTask({
  name: 'step',
  run: async (name: string, { signal }) => {
    appendFileSync('effects.log', \`start \${name}\\n\`);
    while (name === 'held' && !existsSync('go')) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      signal.throwIfAborted();
    }
    return name;
  },
});

async function part(name: string, ctx: Context): Promise<string> {
  if (name === 'asks') return await ctx.receive('answer');
  await ctx.task(step, 'first');
  if (name === 'fails') throw new RangeError('no more of it');
  return await ctx.task(step, name);
}

export const process = async (name: string, ctx: Context) => [await ctx.run(part, name, { key: 'part' }), 'done'];
`;

function moduleFolder(): Folder {
  const folder = new Folder();
  folder.write('outer.ts', MODULE);
  return folder;
}

test('kill -9 in a run within a run, then resume: both go on, and nothing is done twice', async () => {
  using folder = moduleFolder();
  const first = folder.start(['run', 'outer.ts', '-i', '"held"', '--id', 'one']);
  await until(() => folder.effects().includes('start held'));
  first.child.kill('SIGKILL');
  await first.ended;
  expect((await folder.pawl('list')).stdout).toMatch(/part[^]*one\.:part|one\.:part[^]*part/);
  folder.write('go', '');
  // The outer one is the only one to resume: the other goes on with it.
  const resumed = await folder.pawl('resume');
  expect(resumed).toMatchObject({ code: 0 });
  expect(JSON.parse(resumed.stdout)).toEqual(['held', 'done']);
  expect(folder.effects()).toEqual(['start first', 'start held', 'start held']);
  expect((await folder.pawl('verify')).code).toBe(0);
  const shown = await folder.pawl('show', 'one');
  expect(shown.stdout).toContain('run part');
  expect(shown.stdout).toContain('one.:part → "held"');
  expect((await folder.pawl('show', 'one.:part')).stdout).toContain('one, call :part');
  expect(documentOf((await folder.pawl('show', 'one', '--json')).stdout)).toMatchObject({
    run: { calls: [{ kind: 'child', key: ':part', name: 'part', runId: 'one.:part', status: 'succeeded' }] },
  });
  expect((await folder.pawl('events', 'one')).stdout).toMatch(/ChildStarted +:part +part as one\.:part/);
});

test('one that waits for a message: exit 13, and the outer one is resumed after the answer', async () => {
  using folder = moduleFolder();
  const waiting = await folder.pawl('run', 'outer.ts', '-i', '"asks"', '--id', 'one');
  expect(waiting.code).toBe(13);
  expect(waiting.stderr).toContain('Run one waits for run one.:part (call :part), which waits for people.');
  expect((await folder.pawl('waiting')).stdout).toContain('one.:part');
  expect((await folder.pawl('list', '-s', 'waiting', '-o', 'ids')).stdout.split('\n').toSorted()).toEqual([
    '',
    'one',
    'one.:part',
  ]);
  const { stdout: outer } = await folder.pawl('show', 'one');
  expect(outer).toMatch(/status +waiting for a run within it, which waits for people\n[^]*pawl waiting/);
  expect((await folder.pawl('send', 'one.:part', 'answer', '"yes"')).code).toBe(0);
  expect(await folder.pawl('resume', 'one')).toMatchObject({ code: 0 });
});

test('one that fails, and one that is cancelled with the outer one', async () => {
  using folder = moduleFolder();
  const failed = await folder.pawl('run', 'outer.ts', '-i', '"fails"', '--id', 'one');
  expect(failed.code).toBe(3);
  expect(failed.stderr).toContain("Run one.:part of process 'part' failed: no more of it");
  const first = folder.start(['run', 'outer.ts', '-i', '"held"', '--id', 'two']);
  await until(() => folder.effects().includes('start held'));
  first.child.kill('SIGKILL');
  await first.ended;
  expect((await folder.pawl('cancel', 'two')).code).toBe(0);
  const { stdout } = await folder.pawl('list', '--json');
  const { runs } = documentOf(stdout) as {
    readonly runs: readonly { readonly id: string; readonly status: string }[];
  };
  expect(Object.fromEntries(runs.map(({ id, status }) => [id, status]))).toEqual({
    one: 'failed',
    'one.:part': 'failed',
    two: 'cancelled',
    'two.:part': 'cancelled',
  });
});

const DETACHING = `
import { defineProcess, type Context } from '@pawl/sdk';
import { late } from './late.ts';
export default defineProcess({
  name: 'starts',
  run: async (_: null, ctx: Context) => (await ctx.run(late, null, { detached: true, id: 'late' })).runId,
});
`;
const LATE = `
import { appendFileSync, existsSync } from 'node:fs';
import { defineProcess, defineTask } from '@pawl/sdk';
const hold = defineTask({
  name: 'hold',
  run: async (_: null, { signal }) => {
    appendFileSync('effects.log', 'start late\\n');
    while (!existsSync('go')) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      signal.throwIfAborted();
    }
    return 'at last';
  },
});
export const late = defineProcess({ name: 'late', run: async (_: null, ctx) => ctx.task(hold, null) });
export default late;
`;

test('a detached run has the program to itself, and is resumed by its own module', async () => {
  using folder = new Folder();
  folder.write('starts.ts', DETACHING);
  folder.write('late.ts', LATE);
  const first = folder.start(['run', 'starts.ts', '-i', 'null', '--id', 'one']);
  await until(() => folder.effects().includes('start late'));
  first.child.kill('SIGINT');
  expect(await first.ended).toMatchObject({ code: 0, stdout: 'late\n' });
  expect((await folder.pawl('show', 'one')).stdout).toContain('late · goes on by itself');
  expect((await folder.pawl('events', 'one')).stdout).toMatch(/ChildFinished +0 +it goes on by itself/);
  folder.write('go', '');
  expect(await folder.pawl('resume', 'late', '--module', 'late.ts')).toMatchObject({
    code: 0,
    stdout: 'at last\n',
  });
  const both = await folder.pawl('run', 'starts.ts', '-i', 'null', '--id', 'two', '--db', 'other.db');
  expect(both).toMatchObject({ code: 0 });
  expect((await folder.pawl('list', '--db', 'other.db', '-s', 'succeeded', '-o', 'ids')).stdout).toContain(
    'late',
  );
});

test('--module with another process is refused before anything; any export of the name is taken', async () => {
  using folder = new Folder();
  const module = (survey: string): string => `
import { defineProcess } from '@pawl/sdk';

${survey} survey = defineProcess({ name: 'survey', run: (_: null, ctx) => ctx.receive('go') });

export const process = defineProcess({
  name: 'parent',
  run: async (_: null, ctx) => (await ctx.run(survey, null, { detached: true, id: 'sv1' })).runId,
});
`;
  folder.write('one.ts', module('const'));
  folder.write('two.ts', module('export const'));
  const first = await folder.pawl('run', 'one.ts', '--id', 'p');
  expect(first).toMatchObject({ code: 0 });
  expect(first.stderr).toContain('Run sv1, which was started to go on by itself, waits: pawl show sv1');
  expect((await folder.pawl('send', 'sv1', 'go', '1')).code).toBe(0);
  const other = await folder.pawl('resume', 'sv1', '--module', 'one.ts');
  expect(other.code).toBe(11);
  expect(other.stderr).toContain("one.ts exports process 'parent'; run sv1 is of 'survey'");
  const bare = await folder.pawl('resume', 'sv1');
  expect(bare).toMatchObject({ code: 11, stderr: expect.stringContaining('Export it there') as string });
  expect(await folder.pawl('resume', 'sv1', '--module', 'two.ts')).toMatchObject({ code: 0, stdout: '1\n' });
});

test('a detached run goes on by the module of the run that started it, where that exports its process', async () => {
  using folder = new Folder();
  folder.write(
    'both.ts',
    `
import { defineProcess } from '@pawl/sdk';

export const survey = defineProcess({ name: 'survey', run: (_: null, ctx) => ctx.receive('go') });

export const process = defineProcess({
  name: 'parent',
  run: async (_: null, ctx) => (await ctx.run(survey, null, { detached: true, id: 'sv1' })).runId,
});
`,
  );
  expect(await folder.pawl('run', 'both.ts', '--id', 'p')).toMatchObject({ code: 0 });
  expect((await folder.pawl('send', 'sv1', 'go', '1')).code).toBe(0);
  expect(await folder.pawl('resume', 'sv1')).toMatchObject({ code: 0, stdout: '1\n' });
});

test('a run of a plain function is gone on with by no other code: the run that started it has it', async () => {
  using folder = new Folder();
  const module = (kid: string): string => `
import type { Context } from '@pawl/sdk';
${kid} kid = async (n: number, ctx: Context) => \`kid \${n} \${await ctx.receive('go')}\`;
export async function process(detached: boolean, ctx: Context) {
  if (typeof detached !== 'boolean') return 'parent as kid';
  const kids = await ctx.run(kid, 1, detached ? { id: 'dk', detached } : { id: 'fk' });
  return detached ? 'left' : kids;
}
`;
  folder.write('fam.ts', module('const'));
  expect((await folder.pawl('run', 'fam.ts', '-i', 'false', '--id', 'fp')).code).toBe(13);
  expect((await folder.pawl('send', 'fk', 'go', '1')).stderr).toBe('go on with: pawl resume fp\n');
  for (const more of [[], ['--module', 'fam.ts']]) {
    const refused = await folder.pawl('resume', 'fk', ...more);
    expect(refused).toMatchObject({ code: 11, stdout: '' });
    expect(refused.stderr).toContain("fam.ts exports process 'fam'; run fk is of 'kid'");
    expect(refused.stderr).toContain('→ It goes on with the run that started it: pawl resume fp');
  }
  expect(await folder.pawl('resume', 'fp')).toMatchObject({ code: 0, stdout: 'kid 1 1\n' });

  // Of one that is on its own nobody knows the code, until its function is exported.
  expect((await folder.pawl('run', 'fam.ts', '-i', 'true', '--id', 'dp')).code).toBe(0);
  expect((await folder.pawl('send', 'dk', 'go', '2')).stderr).toBe('go on with: pawl resume dk\n');
  const all = await folder.pawl('resume', '--all');
  expect(all).toMatchObject({ code: 11, stderr: expect.stringContaining('Export it there') as string });
  folder.write('with-kid.ts', module('export const'));
  expect(await folder.pawl('resume', 'dk', '--module', 'with-kid.ts')).toMatchObject({
    code: 0,
    stdout: 'kid 1 2\n',
  });
});

test('a fork of a run that another one started goes on by its own process of the module', async () => {
  using folder = new Folder();
  folder.write(
    'both.ts',
    `
import { defineProcess, type Context } from '@pawl/sdk';
export const kid = defineProcess({ name: 'kid', run: (_: null, ctx) => ctx.receive('go') });
export const process = async (_: null, ctx: Context) => ctx.run(kid, null, { id: 'k' });
`,
  );
  expect((await folder.pawl('run', 'both.ts', '-i', 'null', '--id', 'p')).code).toBe(13);
  expect((await folder.pawl('fork', 'k', '--after-seq', '3', '--id', 'f')).code).toBe(13);
  expect((await folder.pawl('send', 'f', 'go', '1')).stderr).toBe('go on with: pawl resume f\n');
  expect(await folder.pawl('resume', 'f')).toMatchObject({ code: 0, stdout: '1\n' });
});
