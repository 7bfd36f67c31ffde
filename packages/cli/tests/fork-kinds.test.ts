import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';

// Forks of processes in other forms, and forks whose maker is gone: the real program.

const FLOW = `
name: greeting
steps:
  - id: hello
    run: [sh, -c, "echo hello >> effects.log; echo hello"]
  - id: gate
    dependsOn: [hello]
    run: [sh, -c, "echo gate >> effects.log; test -e up"]
`;

test('a workflow in YAML: its retry keeps what was done, and goes on where it failed', async () => {
  using folder = new Folder();
  folder.write('flow.yaml', FLOW);
  expect((await folder.pawl('run', 'flow.yaml', '--id', 'r')).code).toBe(3);
  folder.write('up', '');
  const retry = await folder.pawl('retry', 'r', '--id', 'f');
  expect(retry.code, retry.stderr).toBe(0);
  expect(folder.effects()).toEqual(['hello', 'gate', 'gate']);
  expect((await folder.pawl('replay', 'f')).code).toBe(0);
});

test('a process of Babysitter: a fork offers its open task anew, under its own id', async () => {
  using folder = new Folder();
  folder.write(
    'ferry.cjs',
    `const { defineTask } = require('@a5c-ai/babysitter-sdk');
const say = defineTask('say', ({ n }) => ({ kind: 'agent', title: 'Say ' + n }));
exports.process = async ({ upTo }, ctx) => {
  const said = [];
  for (let n = 1; n <= upTo; n += 1) said.push(await ctx.task(say, { n }));
  return said;
};
`,
  );
  const alias = ['--alias', '@a5c-ai/babysitter-sdk=@pawl/sdk/babysitter'];
  const run = await folder.pawl('run', ...alias, 'ferry.cjs', '--id', 'r', '-i', '{"upTo":2}', '--external');
  expect(run.code, run.stderr).toBe(13);
  expect((await folder.pawl('task', 'complete', '-v', '1', '--run', 'r', '0')).code).toBe(0);
  expect((await folder.pawl('resume', 'r', '--external')).code).toBe(13);
  // What comes after the place is asked anew, of the fork.
  const given = await folder.pawl('fork', 'r', '--at', '0', '--yes', '--id', 'f');
  expect(given.code, given.stderr).toBe(13);
  expect((await folder.pawl('task', 'complete', '-v', '7', '--run', 'f', '0')).code).toBe(0);
  expect((await folder.pawl('resume', 'f', '--external')).code).toBe(13);
  expect((await folder.pawl('task', 'complete', '-v', '8', '--run', 'f', '1')).code).toBe(0);
  expect(await folder.pawl('resume', 'f')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('7') as string,
  });
  expect((await folder.pawl('verify')).code).toBe(0);
});

test('kill -9 right behind the append of a fork: a worker picks it up, and does only what is to be done', async () => {
  using folder = new Folder();
  folder.write(
    'order.ts',
    `import { appendFileSync, existsSync } from 'node:fs';
import { defineTask, type Context } from '@pawl/sdk';
const step = defineTask({ name: 'step', run: (name: string) => {
  appendFileSync('effects.log', name + '\\n');
  if (name === 'gate' && !existsSync('up')) throw new Error('down');
  return name;
} });
export async function process(_: unknown, ctx: Context) {
  return [await ctx.task(step, 'a'), await ctx.task(step, 'gate'), await ctx.task(step, 'z')];
}
`,
  );
  symlinkSync(join(import.meta.dirname, '../node_modules'), join(folder.path, 'node_modules'));
  // It dies in the turn in which the fork is in the file, with the lease that the append took.
  folder.write(
    'kill.ts',
    `import { openRuntime } from '@pawl/runtime';
const runtime = await openRuntime();
const { append } = runtime.store;
runtime.store.append = (...given) => {
  append.apply(runtime.store, given);
  process.kill(process.pid, 'SIGKILL');
  return [];
};
await runtime.leaveFork('r', { retries: true, id: 'f' });
`,
  );
  expect((await folder.pawl('run', 'order.ts', '--id', 'r')).code).toBe(3);
  folder.write('up', '');
  const conditions = process.env['PAWL_BUILT'] === '1' ? [] : ['--conditions=source'];
  const killed = spawnSync(process.execPath, [...conditions, 'kill.ts'], {
    cwd: folder.path,
    encoding: 'utf8',
  });
  expect(killed.signal, killed.stderr).toBe('SIGKILL');
  const why = await folder.pawl('why', 'f');
  expect(why.code, why.stderr).toBe(0);
  const work = await folder.pawl('work', '--until-idle');
  expect(work.code, work.stderr).toBe(0);
  expect((await folder.pawl('show', 'f')).stdout).toMatch(/^✓ order/);
  expect(folder.effects()).toEqual(['a', 'gate', 'gate', 'z']);
  expect((await folder.pawl('verify')).code).toBe(0);
});
