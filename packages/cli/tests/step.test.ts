import { afterAll, beforeAll, expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf } from './pawl.fixture.ts';

// Stepping through a recorded run: the same state each time, and nothing runs.

const MODULE = `
import { appendFileSync } from 'node:fs';
import { defineTask, type Context } from '@pawl/sdk';

const load = defineTask({ name: 'load', run: (n: number) => { appendFileSync('effects.log', 'load\\n'); return n * 2; } });
const store = defineTask({ name: 'store', run: (n: number) => { appendFileSync('effects.log', 'store\\n'); return n; } });

export async function process(n: number, ctx: Context) {
  ctx.log('begins', n);
  const [a, b] = await ctx.parallel.all([() => ctx.task(load, n), () => ctx.task(load, n + 1)]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  ctx.log('loaded', a, b);
  await ctx.receive('go');
  return await ctx.task(store, a + b);
}
`;

const folder = new Folder();

beforeAll(async () => {
  folder.write('m.ts', MODULE);
  expect((await folder.pawl('run', 'm.ts', '--id', 'one', '-i', '1')).code).toBe(13);
});

afterAll(() => folder[Symbol.dispose]());

interface Stop {
  readonly seq: number;
  readonly event: { readonly type: string };
  readonly reached: string;
  readonly open: readonly { readonly key: string; readonly where: string | null }[];
  readonly outside: { readonly type: string; readonly where: string } | null;
  readonly logs: readonly string[];
}

async function stopAt(...args: readonly string[]): Promise<Stop> {
  const { code, stdout, stderr } = await folder.pawl('replay', 'one', '--json', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return documentOf(stdout)['stop'] as Stop;
}

test('the event, what is open, and where the process asked for it; the same each time', async () => {
  const { stdout } = await folder.pawl('replay', 'one', '--to', '4');
  const text = stdout.replace(/\d\d:\d\d:\d\d\.\d{3}/, 'TIME');
  expect(text).toMatchInlineSnapshot(`
    "● m  seq 4 of 10
         4  TIME  TaskScheduled       0/1/0       load 2
    › begins 1
    waits for 2 calls
      · load  0/0/0  m.ts:10:52
      · load  0/1/0  m.ts:10:77
    "
  `);
  expect((await folder.pawl('replay', 'one', '--to', '4')).stdout).toBe(stdout);
  // Where nobody types, stepping ends at the last event.
  const last = (await folder.pawl('replay', 'one', '--step')).stdout;
  expect(last).toMatch(/^waits for 1 call\n {2}. receive go {2}1 {2}m\.ts:13:\d+$/m);
  expect(last).toContain('› loaded 2 4');
  expect(folder.effects()).toEqual(['load', 'load']);
});

test('--break stops where the process asks for a task; what is waited for outside ctx is told', async () => {
  expect(await stopAt('--break', 'load')).toMatchObject({
    seq: 3,
    event: { type: 'TaskScheduled' },
    open: [{ key: '0/0/0', where: expect.stringMatching(/m\.ts:10:/) as string }],
    logs: ['begins 1'],
  });
  const closed = (await folder.pawl('events', 'one', '--json')).stdout
    .trim()
    .split('\n')
    .map((line) => documentOf(line) as { seq: number; event: { type: string } })
    .find(({ event }) => event.type === 'ScopeClosed');
  expect(await stopAt('--to', String(closed?.seq))).toMatchObject({
    open: [],
    outside: { type: 'Timeout', where: expect.stringMatching(/m\.ts:11:/) as string },
    logs: ['begins 1'],
  });
});

test('what is not there is named, with what is near', async () => {
  const { code, stderr } = await folder.pawl('replay', 'one', '--to', '99');
  expect({ code, stderr }).toEqual({
    code: 4,
    stderr: '✗ Run one has no event 99: its last is 10.\n  → See them: pawl events one\n',
  });
  expect((await folder.pawl('replay', 'one', '--break', 'loads')).stderr).toContain("Did you mean 'load'?");
  expect((await folder.pawl('replay', 'one', '--break', 'x')).stderr).toContain("It has 'load', 'go'");
  expect((await folder.pawl('replay', '--all', '--to', '3')).code).toBe(2);
});

test('code that diverges says so where it does, and stands before it as it did', async () => {
  folder.write('other.ts', MODULE.replace('ctx.receive', 'ctx.receive').replace("'go'", "'come'"));
  const before = await folder.pawl('replay', 'one', '--module', 'other.ts', '--to', '4');
  expect(before).toMatchObject({ code: 0, stderr: '' });
  const after = await folder.pawl('replay', 'one', '--module', 'other.ts', '--step');
  expect(after.code).toBe(7);
  expect(after.stderr).toContain('come');
  expect(folder.effects()).toEqual(['load', 'load']);
});
