import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf, STEPS, until } from './pawl.fixture.ts';

const RUN = ['run', 'steps.ts', '--id', 'one'] as const;

function stepsFolder(): Folder {
  const folder = new Folder();
  folder.write('steps.ts', STEPS);
  return folder;
}

async function isInStepTwo(folder: Folder): Promise<void> {
  await until(() => folder.effects().includes('start 2'));
}

describe.concurrent('a run that is interrupted', () => {
  test('kill -9 in a task, then resume: what was done is not done again', async () => {
    using folder = stepsFolder();
    const first = folder.start(RUN);
    await isInStepTwo(folder);
    first.child.kill('SIGKILL');
    await first.ended;
    expect((await folder.pawl('list')).stdout).toContain('◌ interrupted');

    folder.write('go', '');
    const { code, stdout, stderr } = await folder.pawl('resume', 'one');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '60\n' });
    expect(folder.effects()).toEqual(['start 1', 'end 1', 'start 2', 'start 2', 'end 2', 'start 3', 'end 3']);
    // What was told before is not told again.
    expect(stderr).not.toMatch(/^✓ step \(0\)/m);
    expect(stderr).toMatch(/^✓ step \(1\)/m);
    expect((await folder.pawl('verify')).code).toBe(0);
  });

  test('kill -9 in a shell task, then resume', async () => {
    using folder = new Folder();
    folder.write(
      'shell.ts',
      `import { shellTask } from '@pawl/sdk';
       const one = shellTask({ name: 'one', command: 'echo one >> effects.log' });
       const two = shellTask({ name: 'two', command: 'echo two >> effects.log; while [ ! -e go ]; do sleep 0.02; done' });
       export const process = async (_: unknown, ctx) => { await ctx.task(one); return (await ctx.task(two)).exitCode; };`,
    );
    const first = folder.start(['run', 'shell.ts', '--id', 'one']);
    await until(() => folder.effects().includes('two'));
    first.child.kill('SIGKILL');
    await first.ended;
    folder.write('go', '');
    expect(await folder.pawl('resume', 'one')).toMatchObject({ code: 0, stdout: '0\n' });
    expect(folder.effects()).toEqual(['one', 'two', 'two']);
  });

  test('Ctrl-C stops it so that it can be resumed', async () => {
    using folder = stepsFolder();
    const first = folder.start(RUN);
    await isInStepTwo(folder);
    first.child.kill('SIGINT');
    const { code, signal, stderr } = await first.ended;
    expect({ code, signal }).toEqual({ code: 130, signal: null });
    expect(stderr).toMatch(/stopped; go on with: pawl resume one\n$/);
    folder.write('go', '');
    expect(await folder.pawl('resume', 'one')).toMatchObject({ code: 0, stdout: '60\n' });
    expect(folder.effects().filter((line) => line.endsWith('1'))).toEqual(['start 1', 'end 1']);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s stops it as well, with its own code', async (name, expected) => {
    using folder = stepsFolder();
    const first = folder.start(RUN);
    await isInStepTwo(folder);
    first.child.kill(name);
    expect(await first.ended).toMatchObject({ code: expected, signal: null });
    expect((await folder.pawl('list', '--status', 'interrupted', '-o', 'ids')).stdout).toBe('one\n');
  });

  test('Ctrl-C twice leaves at once, although a task does not listen', async () => {
    using folder = new Folder();
    folder.write(
      'deaf.ts',
      `import { appendFileSync } from 'node:fs';
       import { defineTask } from '@pawl/sdk';
       const deaf = defineTask({ name: 'deaf', run: async () => {
         appendFileSync('effects.log', 'start\\n');
         await new Promise((resolve) => setTimeout(resolve, 60_000));
       } });
       export const process = async (_: unknown, ctx) => { await ctx.task(deaf); };`,
    );
    const run = folder.start(['run', 'deaf.ts']);
    await until(() => folder.effects().length === 1);
    run.child.kill('SIGINT');
    await until(() => run.stderr.includes('once more to leave at once'));
    const before = performance.now();
    run.child.kill('SIGINT');
    expect(await run.ended).toMatchObject({ code: 130, signal: null });
    expect(performance.now() - before).toBeLessThan(3000);
  });

  test('--json: a stop is a document too', async () => {
    using folder = stepsFolder();
    const run = folder.start([...RUN, '--json']);
    await isInStepTwo(folder);
    run.child.kill('SIGINT');
    const { stdout, stderr } = await run.ended;
    expect(stdout).toBe('');
    expect(documentOf(stderr)).toMatchObject({
      version: 1,
      error: { code: 'STOPPED', exitCode: 130, hint: 'Go on: pawl resume one', data: { runId: 'one' } },
    });
  });

  test('two programs resume one run: one drives it, the other exits 5', async () => {
    using folder = stepsFolder();
    const first = folder.start(RUN);
    await isInStepTwo(folder);
    first.child.kill('SIGKILL');
    await first.ended;

    const rivals = [folder.start(['resume', 'one']), folder.start(['resume', 'one'])];
    const loser = await Promise.race(rivals.map(({ ended }) => ended));
    expect(loser).toMatchObject({ code: 5, stdout: '' });
    expect(loser.stderr).toMatch(/^✗ Run one is driven by another program/);
    folder.write('go', '');
    const codes = await Promise.all(rivals.map(async ({ ended }) => (await ended).code));
    expect(codes.toSorted()).toEqual([0, 5]);
    expect(folder.effects().filter((line) => line === 'start 2')).toHaveLength(2);
  });

  test('a program that was stopped past its lease finds the run taken, writes nothing and exits 6', async () => {
    using folder = stepsFolder();
    const first = folder.start([...RUN, '--lease', '500ms']);
    await isInStepTwo(folder);
    first.child.kill('SIGSTOP');
    let second = await folder.pawl('list');
    folder.write('go', '');
    // Busy until the lease is over.
    do second = await folder.pawl('resume', 'one');
    while (second.code === 5);
    expect(second).toMatchObject({ code: 0, stdout: '60\n' });
    const events = (await folder.pawl('events', 'one', '--json')).stdout;
    first.child.kill('SIGCONT');
    const fenced = await first.ended;
    expect(fenced).toMatchObject({ code: 6, stdout: '' });
    expect(fenced.stderr).toContain('Run one was taken over by another owner');
    expect((await folder.pawl('events', 'one', '--json')).stdout).toBe(events);
  });

  test('cancel from another program', async () => {
    using folder = stepsFolder();
    const run = folder.start(RUN);
    await isInStepTwo(folder);
    const cancel = await folder.pawl('cancel', 'one', '--reason', 'wrong input');
    expect(cancel).toMatchObject({ code: 0, stderr: '' });
    expect(cancel.stdout).toMatch(/^one was asked to stop/);
    const { code, stderr } = await run.ended;
    expect(code).toBe(12);
    expect(stderr).toContain('Run one was cancelled: wrong input');
    expect((await folder.pawl('show', 'one')).stdout).toMatch(/status +cancelled after/);
    // It is over: resuming tells so and does nothing.
    expect(await folder.pawl('resume', 'one')).toMatchObject({ code: 12, stdout: '' });
  });

  test('cancel where nobody drives it', async () => {
    using folder = stepsFolder();
    const run = folder.start(RUN);
    await isInStepTwo(folder);
    run.child.kill('SIGKILL');
    await run.ended;
    expect(documentOf((await folder.pawl('cancel', 'one', '--json')).stdout)).toEqual({
      version: 1,
      runId: 'one',
      result: 'cancelled',
    });
    expect(documentOf((await folder.pawl('cancel', 'one', '--json')).stdout)).toMatchObject({
      result: 'ended',
    });
    expect((await folder.pawl('list', '-s', 'cancelled', '-o', 'ids')).stdout).toBe('one\n');
  });

  test('resume --all goes on with every run that nobody drives', async () => {
    using folder = stepsFolder();
    folder.write('gone.ts', STEPS);
    const runs = ['steps a', 'steps b', 'gone c'].map((name) => {
      const [module, id = ''] = name.split(' ');
      return folder.start(['run', `${module}.ts`, '--id', id]);
    });
    await until(() => folder.effects().filter((line) => line === 'start 2').length === 3);
    for (const run of runs) run.child.kill('SIGKILL');
    await Promise.all(runs.map(({ ended }) => ended));
    const which = await folder.pawl('resume');
    expect(which).toMatchObject({ code: 2, stdout: '' });
    expect(which.stderr).toMatch(/^✗ 3 runs can be resumed: \w, \w, \w\./m);
    folder.write('gone.ts', 'not a module any more {');
    folder.write('go', '');

    const { code, stdout } = await folder.pawl('resume', '--all');
    expect(code).toBe(11);
    expect(stdout).toMatch(/✓ +steps +a/);
    expect(stdout).toMatch(/✓ +steps +b/);
    expect(stdout).toMatch(/✗ +gone +c +gone\.ts has a syntax error/);
    const again = documentOf((await folder.pawl('resume', '--all', '--json')).stdout);
    expect(again).toMatchObject({ version: 1, runs: [{ id: 'c', left: { code: 'REFUSED', exitCode: 11 } }] });
    folder.write('gone.ts', STEPS);
    // Only one is left: it need not be named.
    expect(await folder.pawl('resume')).toMatchObject({ code: 0, stdout: '60\n' });
    expect((await folder.pawl('resume')).stderr).toContain('nothing to resume');
    expect((await folder.pawl('resume', '--all')).stderr).toContain('nothing to resume');
  });

  test('stdout that nobody reads any more is no error', async () => {
    using folder = stepsFolder();
    folder.write('go', '');
    const run = folder.start(RUN);
    run.child.stdout?.destroy();
    expect(await run.ended).toMatchObject({ code: 0, signal: null });
    const events = folder.start(['events', 'one', '--follow']);
    events.child.stdout?.destroy();
    const { code, stderr } = await events.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('an error outside any run ends the program with exit 1, and it says how to go on', async () => {
    using folder = new Folder();
    folder.write(
      'stray.ts',
      `let begun = false;
       const timer = setInterval(() => { if (begun) { clearInterval(timer); void Promise.reject(new RangeError('out of place')); } }, 10);
       import { defineTask } from '@pawl/sdk';
       const t = defineTask({ name: 't', run: async () => { begun = true; await new Promise((resolve) => setTimeout(resolve, 5000)); } });
       export const process = async (_: unknown, ctx) => ctx.task(t);`,
    );
    const { code, stderr } = await folder.pawl('run', 'stray.ts', '--id', 'one');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^✗ RangeError: out of place\n {2}at stray\.ts:2:\d+\n {2}→ go on with: pawl resume one$/m,
    );
    expect(stderr).toMatch(/^ {4,}at .*stray\.ts:2/m);
  });

  test('a rejection in process code that nobody waits for is a warning', async () => {
    using folder = new Folder();
    folder.write(
      'float.ts',
      `export const process = async (_: unknown, ctx) => {
         void (async () => { await ctx.sleep(1); throw new RangeError('lost'); })();
         await ctx.sleep(20);
         return 'on';
       };`,
    );
    const { code, stdout, stderr } = await folder.pawl('run', 'float.ts');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'on\n' });
    expect(stderr).toMatch(/^! an error nobody waited for, at .*float\.ts:2:\d+: RangeError: lost/m);
  });

  test('code that ends the program: exit 1, never 0, and how to go on', async () => {
    using folder = new Folder();
    folder.write(
      'exits.ts',
      `import { defineTask } from '@pawl/sdk';
       const t = defineTask({ name: 't', run: () => globalThis.process.exit(0) });
       export const process = async (_: unknown, ctx) => ctx.task(t);`,
    );
    const { code, stderr } = await folder.pawl('run', 'exits.ts', '--id', 'one');
    expect(code).toBe(1);
    expect(stderr).toContain('The program ended before its work was done');
    expect(stderr).toContain('pawl resume one');
  });
});

describe.concurrent('the module of a journal', () => {
  async function interrupted(folder: Folder, module = 'steps.ts'): Promise<void> {
    const run = folder.start(['run', module, '--id', 'one']);
    await isInStepTwo(folder);
    run.child.kill('SIGKILL');
    await run.ended;
    folder.write('go', '');
  }

  test('one that changed and fits: the run waits until that is accepted, and is pinned to it then', async () => {
    using folder = stepsFolder();
    await interrupted(folder);
    folder.write('steps.ts', `${STEPS}\n// a comment\n`);
    const { code, stdout, stderr } = await folder.pawl('resume', 'one');
    expect({ code, stdout }).toEqual({ code: 11, stdout: '' });
    expect(stderr).toMatch(/has\s+changed\s+since\s+run\s+one\s+was\s+started/);
    expect(stderr).toMatch(/^ {2}→ pawl resume one --accept-code-change$/m);
    expect((await folder.pawl('resume', '--all')).code).toBe(11);
    expect(await folder.pawl('run', 'steps.ts', '--id', 'one')).toMatchObject({ code: 11, stdout: '' });
    const before = (await folder.pawl('events', 'one')).stdout;
    expect(before).not.toContain('CodeAccepted');
    const accepted = await folder.pawl('resume', 'one', '--accept-code-change');
    expect(accepted).toMatchObject({ code: 0, stdout: '60\n' });
    expect((await folder.pawl('events', 'one')).stdout).toContain('CodeAccepted');
    expect((await folder.pawl('verify')).code).toBe(0);
  });

  test('a file that it imports counts, at any depth, and what is there for the compiler alone does not', async () => {
    using folder = new Folder();
    const { mkdirSync } = await import('node:fs');
    mkdirSync(`${folder.path}/lib`);
    folder.write('lib/deep.ts', 'export const factor = 1;\n');
    folder.write('lib/types.ts', 'export type Unused = 1;\n');
    folder.write(
      'lib/near.ts',
      "import type { Unused } from './types.ts';\nexport { factor } from './deep.ts';\n",
    );
    folder.write(
      'asks.ts',
      `import type { Context } from '@pawl/sdk';
import { factor } from './lib/near.ts';
export const process = async (_: null, ctx: Context) => factor * Number(await ctx.receive('n'));
`,
    );
    const resume = async (...more: readonly string[]): Promise<number | null> =>
      (await folder.pawl('resume', 'one', ...more)).code;
    expect(await folder.pawl('run', 'asks.ts', '-i', 'null', '--id', 'one')).toMatchObject({ code: 13 });
    folder.write('lib/types.ts', 'export type Unused = 2;\n');
    expect(await resume()).toBe(13);
    folder.write('lib/deep.ts', 'export const factor = 10;\n');
    expect(await resume()).toBe(11);
    expect(await resume('--accept-code-change')).toBe(13);
    // It is pinned to that now.
    expect(await resume()).toBe(13);
    folder.write('lib/deep.ts', 'export const factor = 1;\n');
    expect(await resume()).toBe(11);
    folder.write('lib/deep.ts', 'export const factor = 10;\n');
    await folder.pawl('send', 'one', 'n', '4');
    expect(await folder.pawl('resume', 'one')).toMatchObject({ code: 0, stdout: '40\n' });
  });

  test('one that is gone: exit 4, and how to name another', async () => {
    using folder = stepsFolder();
    await interrupted(folder);
    folder.write('moved.ts', STEPS);
    const { rmSync } = await import('node:fs');
    rmSync(`${folder.path}/steps.ts`);
    const gone = await folder.pawl('resume', 'one');
    expect(gone).toMatchObject({ code: 4, stdout: '' });
    expect(gone.stderr).toContain('pawl resume one --module');
    expect(await folder.pawl('resume', 'one', '--module', 'moved.ts')).toMatchObject({
      code: 0,
      stdout: '60\n',
    });
  });

  test('one outside the folder runs only as it was recorded, or by --force', async () => {
    using elsewhere = stepsFolder();
    using folder = new Folder();
    await interrupted(folder, `${elsewhere.path}/steps.ts`);
    elsewhere.write('steps.ts', `${STEPS}\n// changed\n`);
    const refused = await folder.pawl('resume', 'one');
    expect(refused).toMatchObject({ code: 11, stdout: '' });
    expect(refused.stderr).toContain('pawl resume one --force');
    elsewhere.write('steps.ts', STEPS);
    expect(await folder.pawl('resume', 'one')).toMatchObject({ code: 0, stdout: '60\n' });
  });

  test('a link that leads out of the folder counts as outside', async () => {
    using elsewhere = stepsFolder();
    using folder = new Folder();
    const { symlinkSync } = await import('node:fs');
    symlinkSync(`${elsewhere.path}/steps.ts`, `${folder.path}/steps.ts`);
    await interrupted(folder);
    elsewhere.write('steps.ts', `${STEPS}\n// changed\n`);
    expect((await folder.pawl('resume', 'one')).code).toBe(11);
    expect((await folder.pawl('resume', 'one', '--force')).code).toBe(0);
  });
});

test('the commands wait for nothing: a listing of a run under way does not disturb it', async () => {
  using folder = stepsFolder();
  const run = folder.start(RUN);
  await isInStepTwo(folder);
  const commands = [['list'], ['show'], ['events'], ['verify'], ['doctor']];
  const looked = await Promise.all(commands.map((args) => folder.pawl(...args)));
  expect(looked.map((ended) => ended.code)).toEqual([0, 0, 0, 0, 0]);
  expect(looked[0]?.stdout).toContain('● running');
  const follow = folder.start(['events', '--follow', '--json']);
  await until(() => follow.stdout.includes('AttemptStarted'));
  await sleep(50);
  folder.write('go', '');
  expect((await run.ended).code).toBe(0);
  const { code, stdout } = await follow.ended;
  expect(code).toBe(0);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { seq: number; event: { type: string } });
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.at(-1)?.event.type).toBe('RunSucceeded');
});
