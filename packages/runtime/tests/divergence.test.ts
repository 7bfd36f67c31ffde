import { EventEmitter, once } from 'node:events';
import { setTimeout as rawDelay } from 'node:timers/promises';
import { defineTask, NonDeterminismError, type Context, type Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../src/testing.ts';
import { journal, Lab, transcript } from './lab.fixture.ts';

type Step = (lab: Lab, ctx: Context) => Promise<unknown>;

const work =
  (value: unknown, ms = 5): Step =>
  (lab, ctx) =>
    ctx.task(lab.work, { ms, value });
const keyed =
  (key: string, value: unknown): Step =>
  (lab, ctx) =>
    ctx.task(lab.work, { ms: 5, value }, { key });
const all =
  (...values: unknown[]): Step =>
  (lab, ctx) =>
    ctx.parallel.all(values.map((value) => () => ctx.task(lab.work, { ms: 5, value })));
const settled =
  (...values: unknown[]): Step =>
  (lab, ctx) =>
    ctx.parallel.allSettled(values.map((value) => () => ctx.task(lab.work, { ms: 5, value })));
const sleep =
  (ms: number): Step =>
  (_, ctx) =>
    ctx.sleep(ms);
const race =
  (...values: [number, unknown][]): Step =>
  (lab, ctx) =>
    ctx.parallel.race(
      values.map(
        ([ms, value]) =>
          () =>
            ctx.task(lab.work, { ms, value }),
      ),
    );
const renamed =
  (value: unknown): Step =>
  (_, ctx) =>
    ctx.task(defineTask({ name: 'renamed', run: (input: { ms: number; value: unknown }) => input.value }), {
      ms: 5,
      value,
    });
const versioned =
  (value: unknown): Step =>
  (_, ctx) =>
    ctx.task(
      defineTask({ name: 'work', version: 2, run: (input: { ms: number; value: unknown }) => input.value }),
      { ms: 5, value },
    );

/** The process that was recorded. */
const BASE: readonly Step[] = [
  work('a'),
  work('b'),
  all(1, 2, 3),
  sleep(20),
  keyed('charge', 'c'),
  race([30, 'slow'], [10, 'fast']),
  work('d'),
  work('e'),
];

function replaced(index: number, ...steps: Step[]): Step[] {
  return BASE.toSpliced(index, 1, ...steps);
}

function inserted(index: number, step: Step): Step[] {
  return BASE.toSpliced(index, 0, step);
}

function removed(index: number): Step[] {
  return BASE.toSpliced(index, 1);
}

function swapped(index: number): Step[] {
  const steps = [...BASE];
  [steps[index], steps[index + 1]] = [BASE[index + 1] ?? work(0), BASE[index] ?? work(0)];
  return steps;
}

/** Every edit that changes what is asked for at or after some place. */
const EDITS: Readonly<Record<string, readonly Step[]>> = {
  'rename the first call': replaced(0, renamed('a')),
  'rename a middle call': replaced(1, renamed('b')),
  'rename the last call': replaced(7, renamed('e')),
  'change the version, first': replaced(0, versioned('a')),
  'change the version, middle': replaced(6, versioned('d')),
  'change the version, last': replaced(7, versioned('e')),
  'change an input, first': replaced(0, work('A')),
  'change an input, middle': replaced(6, work('D')),
  'change an input, last': replaced(7, work('E')),
  'change an input by a nested field': replaced(1, work({ deep: [1, { x: 'b' }] })),
  'insert a task, first': inserted(0, work('new')),
  'insert a task, middle': inserted(2, work('new')),
  'insert a task before the last': inserted(7, work('new')),
  'insert a sleep, first': inserted(0, sleep(1)),
  'insert a sleep, middle': inserted(4, sleep(1)),
  'insert a group, first': inserted(0, all(9)),
  'insert a group, middle': inserted(6, all(9)),
  'insert a keyed call, first': inserted(0, keyed('new', 'n')),
  'insert a keyed call, middle': inserted(3, keyed('new', 'n')),
  'remove the first call': removed(0),
  'remove a middle call': removed(1),
  'remove the last call': removed(7),
  'remove a group': removed(2),
  'remove a sleep': removed(3),
  'remove a keyed call': removed(4),
  'remove a race': removed(5),
  'swap two tasks, first': swapped(0),
  'swap task and group': swapped(1),
  'swap group and sleep': swapped(2),
  'swap race and task': swapped(5),
  'swap two tasks, last': swapped(6),
  'another kind: task to sleep, first': replaced(0, sleep(5)),
  'another kind: sleep to task': replaced(3, work('s')),
  'another kind: task to group': replaced(6, all('d')),
  'another kind: group to task': replaced(2, work(1)),
  'sleep for another time': replaced(3, sleep(21)),
  'one thunk more': replaced(2, all(1, 2, 3, 4)),
  'one thunk less': replaced(2, all(1, 2)),
  'no thunk': replaced(2, all()),
  'another combinator': replaced(2, settled(1, 2, 3)),
  'an input inside a group': replaced(2, all(1, 'two', 3)),
  'reorder inside a group': replaced(2, all(2, 1, 3)),
  'a race to an all': replaced(5, all('slow', 'fast')),
  'rename a key': replaced(4, keyed('charged', 'c')),
  'drop a key': replaced(4, work('c')),
  'the input of a keyed call': replaced(4, keyed('charge', 'C')),
  'nothing at all': [],
};

function make(lab: Lab, steps: readonly Step[]): Process {
  return async (_, ctx) => {
    const seen: unknown[] = [];
    for (const step of steps) seen.push(await step(lab, ctx));
    return seen;
  };
}

describe('changed code', async () => {
  const lab = new Lab();
  const store = new MemoryStore();
  const expected = await lab.drive(store, make(lab, BASE));
  const lines = transcript(store);

  it.each(Object.entries(EDITS))('stops before anything is run or written: %s', async (_, steps) => {
    // Interrupted shortly before its end, and ended.
    for (const seq of [lines.length - 1, lines.length]) {
      const crashed = store.prefix('r', seq);
      const changed = new Lab();
      const runtime = await changed.open(crashed);
      const stop = changed.clock.run(() => runtime.isIdle);
      const attempt =
        seq === lines.length
          ? runtime.replay('r', make(changed, steps))
          : runtime.resume('r', make(changed, steps)).result();
      const error: unknown = await attempt.then(
        (value) => value,
        (thrown: unknown) => thrown,
      );
      stop();
      await runtime.close();
      expect(error).toBeInstanceOf(NonDeterminismError);
      expect(changed.invoked).toEqual([]);
      expect(transcript(crashed)).toEqual(lines.slice(0, seq));
      const reverted = new Lab();
      expect(await reverted.drive(crashed, make(reverted, BASE))).toEqual(expected);
    }
  });

  it('says where, what was recorded, what was asked, the difference, the source line and the remedies', async () => {
    const changed = new Lab();
    const outcome = await changed.drive(
      store.prefix('r', lines.length - 1),
      make(changed, replaced(6, work({ amount: 2 }))),
    );
    const error = 'error' in outcome ? outcome.error : undefined;
    expect(error).toBeInstanceOf(NonDeterminismError);
    const report = error instanceof NonDeterminismError ? error.report : undefined;
    expect(report).toMatchObject({
      runId: 'r',
      key: '5',
      recorded: "task 'work'",
      asked: "task 'work'",
      difference: '$.value: recorded "d", asked {"amount":2}',
      likelyCause: 'the input of the call changed',
    });
    expect(report?.seq).toBeGreaterThan(10);
    expect(report?.where).toMatch(/divergence\.test\.ts:\d+:\d+$/);
    expect(report?.remedies.join('\n')).toContain('pawl resume r');
    expect(error?.message).toContain('$.value');
  });

  it.each<[string, (ctx: Context) => Promise<unknown>]>([
    ['sleep', (ctx) => ctx.sleep(1, { key: 'k' })],
    ['parallel.all', (ctx) => ctx.parallel.all([], { key: 'k' })],
    ['parallel.map', (ctx) => ctx.parallel.map([1], () => 1, { key: 'k' })],
    ['parallel.filter', (ctx) => ctx.parallel.filter([1], () => true, { key: 'k' })],
    ['receive', (ctx) => ctx.receive('x', { key: 'k' })],
  ])('says where also of ctx.%s, which is called deep within', async (_, asks) => {
    const unchanged = new Lab();
    const recorded = new MemoryStore();
    await unchanged.drive(recorded, async (_inputs, ctx) => {
      await ctx.task(unchanged.work, { ms: 5, value: 1 }, { key: 'k' });
      return ctx.sleep(20);
    });
    const prefix = recorded.prefix('r', 4);
    const outcome = await new Lab().drive(prefix, async (_inputs, ctx) => asks(ctx));
    const report =
      'error' in outcome && outcome.error instanceof NonDeterminismError ? outcome.error.report : undefined;
    expect(report?.where).toMatch(/divergence\.test\.ts:\d+:\d+$/);
  });

  it('changes that are no divergence: keyed branches in another order, priority, timeout, retry, concurrency', async () => {
    const regions =
      (lab2: Lab, list: string[], changed: boolean): Process =>
      (_, ctx) =>
        ctx.parallel
          .map(
            list,
            (region) =>
              ctx.task(
                lab2.work,
                { ms: 5, value: region },
                changed ? { priority: 3, timeout: 1000, retry: { attempts: 2 } } : {},
              ),
            {
              keyBy: (region) => region,
              concurrency: changed ? 1 : 3,
              priority: changed ? 'background' : 0,
            },
          )
          .then((values) => values.map(String).toSorted());
    const first = new Lab();
    const keyedStore = new MemoryStore();
    const result = await first.drive(keyedStore, regions(first, ['eu', 'us', 'asia'], false));
    const count = journal(keyedStore).length;
    for (let seq = 1; seq < count; seq += 1) {
      const prefix = keyedStore.prefix('r', seq);
      const second = new Lab();
      expect(await second.drive(prefix, regions(second, ['asia', 'us', 'eu'], true)), `seq ${seq}`).toEqual(
        result,
      );
    }
  });
});

describe('a process that waits for something outside ctx', () => {
  it('stalls the replay, and the report names the call and the line of the wait', async () => {
    const process =
      (lab: Lab, forever: boolean): Process =>
      async (_, ctx) => {
        const a = await ctx.task(lab.work, { ms: 5, value: 'a' });
        await rawDelay(forever ? 60_000 : 1, undefined, { ref: false });
        return [a, await ctx.task(lab.work, { ms: 5, value: 'b' })];
      };
    const lab = new Lab();
    const store = new MemoryStore();
    await lab.drive(store, process(lab, false));
    const prefix = store.prefix('r', journal(store).length - 1);
    const rows = transcript(prefix);
    const stalled = new Lab();
    const outcome = await stalled.drive(prefix, process(stalled, true), null, { stallMs: 30_000 });
    expect(outcome).toMatchObject({ error: { code: 'STALLED', exitCode: 7 } });
    const error = 'error' in outcome ? outcome.error : undefined;
    expect(error?.message).toMatch(/call 1 \(task 'work'\).*divergence\.test\.ts:\d+:\d+/);
    expect(stalled.clock.monotonic()).toBeGreaterThanOrEqual(30_000);
    expect(transcript(prefix)).toEqual(rows);
    const reverted = new Lab();
    expect(await reverted.drive(prefix, process(reverted, false))).toEqual({ value: ['a', 'b'] });
  });

  it('each of several that are replayed at once is told of its own wait, also behind one that has ended', async () => {
    const waits = {
      moment: () => rawDelay(1),
      timer: () => rawDelay(60_000, undefined, { ref: false }),
      signal: () => once(new EventEmitter(), 'never', { signal: AbortSignal.timeout(60_000) }),
    };
    const process =
      (lab: Lab, wait: () => Promise<unknown>): Process =>
      async (_, ctx) => {
        const a = await ctx.task(lab.work, { ms: 5, value: 'a' });
        await wait();
        return [a, await ctx.task(lab.work, { ms: 5, value: 'b' })];
      };
    const lab = new Lab();
    const store = new MemoryStore();
    await lab.drive(store, process(lab, waits.moment));
    const seq = journal(store).length - 1;
    const told = await Promise.all(
      [waits.moment, waits.timer, waits.signal].map((wait) => {
        const each = new Lab();
        return each.drive(store.prefix('r', seq), process(each, wait), null, { stallMs: 30_000 });
      }),
    );
    expect(told[0]).toEqual({ value: ['a', 'b'] });
    const places = told.map((each) =>
      'error' in each ? /at (\S+\.ts:\d+)/.exec(each.error.message)?.[1] : '',
    );
    expect(new Set(places).size).toBe(3);
    expect(places.slice(1).every((place) => place?.includes('divergence.test.ts'))).toBe(true);
  });
});
