import { expect, test } from 'vitest';

import { documentOf, Folder, until } from './pawl.fixture.ts';

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
  expect((await folder.pawl('show', 'one')).stdout).toMatch(/waiting[^]*pawl waiting/);
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
