import { defineTask, type Context, type Process, type TaskContext } from '@pawl/sdk';
import { expect, test } from 'vitest';
import type { AppendRun } from '../../src/ports/journal-store.ts';
import { openRuntime, type Runtime } from '../../src/runtime.ts';
import type { RuntimeOptions } from '../../src/runtime-options.ts';
import { ManualClock, MemoryStore } from '../../src/testing.ts';
import { Lab } from '../lab.fixture.ts';

const chat = defineTask({
  name: 'chat',
  run: (texts: readonly string[], task: TaskContext) => {
    for (const text of texts) task.log(text);
    return texts.length;
  },
});

const told = (runtime: Pick<Runtime, 'logs'>): string[] =>
  [...runtime.logs('r')].map(
    ({ level, key, attempt, text }) => `${level} ${key ?? '-'} ${attempt ?? '-'} ${text}`,
  );

/** Drives run 'r', and gives what was appended and what is kept. */
async function driven(
  process: Process,
  options: Partial<RuntimeOptions> = {},
): Promise<{ readonly batches: AppendRun[]; readonly lines: string[]; readonly store: MemoryStore }> {
  const batches: AppendRun[] = [];
  const store = new MemoryStore({ faults: { beforeAppend: (batch) => batches.push(...batch) } });
  await new Lab().drive(store, process, null, options);
  const runtime = await new Lab().open(store);
  const lines = told(runtime);
  await runtime.close();
  return { batches, lines, store };
}

const sequence =
  (texts: readonly string[]): Process =>
  async (_: never, ctx: Context) => {
    for (let i = 0; i < 3; i += 1) await ctx.task(chat, texts);
    return 'ok';
  };

test('lines come in the commits of what happens anyway; where nobody logs, no commit has any', async () => {
  const quiet = await driven(sequence([]));
  const loud = await driven(sequence(['one', 'two']));
  expect(quiet.batches.filter((batch) => 'logs' in batch)).toEqual([]);
  expect(loud.batches.map(({ events }) => events.length)).toEqual(
    quiet.batches.map(({ events }) => events.length),
  );
  expect(loud.batches.map(({ logs }) => logs?.lines.length)).toEqual([undefined, 2, 2, 2]);
  expect(loud.lines.slice(0, 3)).toEqual(['info 0 1 one', 'info 0 1 two', 'info 1 1 one']);
  expect((await driven(sequence(['one']), { keepLogs: false })).lines).toEqual([]);
});

test('what the process logs stands between, once, with its level; a replay says nothing again', async () => {
  const lab = new Lab();
  const store = new MemoryStore();
  const process = async (_: null, ctx: Context): Promise<void> => {
    ctx.log('begun', { seats: 2 });
    await ctx.task(chat, ['in the task']);
    ctx.log.warn('half');
    await ctx.receive('go');
    ctx.log.error('over');
  };
  const first = await lab.open(store);
  const handle = first.start(process, null, { id: 'r' });
  const left = handle.result().catch(() => undefined);
  await expect.poll(() => told(first)).toHaveLength(3);
  await first.close();
  await left;
  const again = await lab.open(store);
  const resumed = again.resume('r', process);
  await again.send('r', 'go', null);
  const stop = lab.clock.run(() => again.isIdle);
  await resumed.result();
  stop();
  expect(told(again)).toEqual([
    'info - - begun { seats: 2 }',
    'info 0 1 in the task',
    'warn - - half',
    'error - - over',
  ]);
  expect([...again.logs('r', { level: 'warn' })].map(({ text }) => text)).toEqual(['half', 'over']);
  expect([...again.logs('r', { task: 'chat' })].map(({ n }) => n)).toEqual([2]);
  expect([...again.logs('r', { after: 3 })].map(({ n }) => n)).toEqual([4]);
  expect(() => again.logs('r', { level: 'loud' as never })).toThrow('level');
  expect(() => again.logs('r', { after: -1 })).toThrow('after');
  expect(() => again.logs('nobody')).toThrow('nobody');
  await again.close();
});

test('lines of a long attempt are there within a second, and a few commits are enough', async () => {
  const lab = new Lab();
  const late: number[] = [];
  const store = new MemoryStore();
  const commits: number[] = [];
  const long = defineTask({
    name: 'long',
    run: async (_: null, task: TaskContext) => {
      for (let i = 0; i < 50; i += 1) {
        task.log('tick', i);
        await lab.clock.sleep(100);
        if (i >= 10) late.push(i - Number(store.logs('r', 0, 1000).at(-1)?.text.slice(5)));
        commits.push(store.logs('r', 0, 1000).length);
      }
    },
  });
  await lab.drive(store, ((_: never, ctx: Context) => ctx.task(long, null)) as Process);
  expect(Math.max(...late)).toBeLessThan(10);
  // Fifty lines in five seconds.
  expect(new Set(commits).size).toBeLessThan(25);
  expect(store.logs('r', 0, 1000)).toHaveLength(50);
});

test('a program that stops keeps what was logged up to then', async () => {
  const lab = new Lab();
  const store = new MemoryStore();
  const runtime = await lab.open(store);
  const stuck = defineTask({
    name: 'stuck',
    run: async (_: null, task: TaskContext) => {
      task.log('begins');
      await lab.clock.sleep(1e9, task.signal).catch(() => task.log('was asked to stop'));
    },
  });
  const handle = runtime.start((_: null, ctx: Context) => ctx.task(stuck, null), null, { id: 'r' });
  const left = handle.result().catch(() => undefined);
  await expect.poll(() => store.getRun('r', 0)?.lastSeq).toBe(3);
  await runtime.close();
  await left;
  expect(store.logs('r', 0, 9).map(({ text }) => text)).toEqual(['begins', 'was asked to stop']);
});

test('however much is logged at once, the newest lines of a call are kept, each cut, and the rest is counted', async () => {
  const flood = defineTask({
    name: 'flood',
    run: (_: null, task: TaskContext) => {
      for (let i = 0; i < 5000; i += 1) task.log(i);
      task.log('x'.repeat(60));
      task.log({
        get boom() {
          throw new Error('no');
        },
      });
    },
  });
  const { store } = await driven(
    (async (_: never, ctx: Context) => {
      ctx.log('before');
      await ctx.task(flood, null);
    }) as Process,
    { limits: { logLines: 100, logLinesPerCall: 10, logLineBytes: 50 } },
  );
  const lines = store.logs('r', 0, 1000);
  expect(lines.map(({ n, leftOut, text }) => `${n} ${leftOut} ${text}`)).toEqual([
    '1 0 before',
    ...Array.from({ length: 8 }, (_, i) => `${4994 + i} ${i === 0 ? 4992 : 0} ${4992 + i}`),
    `5002 0 ${'x'.repeat(50)}… (10 more characters)`,
    expect.stringContaining('5003 0 {'),
  ]);
});

test('in a file: no export has them, verify does not mind, and they are gone with their run', async () => {
  const clock = new ManualClock();
  await using runtime = await openRuntime({ path: ':memory:', clock });
  const process = (text: string, ctx: Context): Promise<number> => ctx.task(chat, [text]);
  for (const id of ['r', 's']) await runtime.start(process, `${id} canary`, { id }).result();
  expect([...runtime.logs('r')]).toMatchObject([{ n: 1, text: 'r canary', task: 'chat', key: '0' }]);
  expect(runtime.store.verify().damage).toEqual([]);
  const text = [...runtime.copies.export('r')].join('\n');
  // The input of the task is there, once as the run's and once as the call's.
  expect(text.split('r canary')).toHaveLength(3);
  clock.jumpWall(60_000);
  expect((await runtime.copies.prune({ olderThan: '1s' })).runs).toBe(1);
  expect(runtime.store.logs('r', 0, 9)).toEqual([]);
  expect(runtime.store.logs('s', 0, 9)).toHaveLength(1);
});
