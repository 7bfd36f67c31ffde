import { defineTask, type Context, type TaskEnvelope } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import type { PoolStatus } from '../../src/index.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal } from '../lab.fixture.ts';
import { perform, replays, Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

// Tasks that tell their progress, many at once, in a pool with a pool around it.

const POOLS = { all: 10, three: { maxConcurrent: 3, parent: 'all' } } as const;

function pass(stage: Stage, ms: number): Promise<void> {
  return new Promise((resolve) => {
    stage.later(ms, resolve);
  });
}

/** Tells once that it is halfway, then returns its number; the one with this number fails. */
const job = (stage: Stage, failing?: number) =>
  defineTask({
    name: 'job',
    pool: 'three',
    run: async function* (n: number, task) {
      stage.invoked.push({ task: 'job', key: task.key, attempt: task.attempt });
      await pass(stage, 10 + n);
      yield 'half';
      await pass(stage, 10);
      if (n === failing) throw new Error(`job ${n}`);
      return n;
    },
  });

/** Runs a program, and looks at the pools in the moment in which it has ended. */
async function ran(
  program: Program,
  store: MemoryStore = new MemoryStore(),
  stage: Stage = new Stage(),
): Promise<{
  readonly value: unknown;
  readonly pools: PoolStatus[];
  readonly store: MemoryStore;
  readonly stage: Stage;
}> {
  return stage.use(store, { pools: POOLS }, async (runtime) => {
    const known = runtime.get('r') !== undefined;
    const process = program(stage);
    const handle = known ? runtime.resume('r', process) : runtime.start(process, null as never, { id: 'r' });
    const value = await handle.result().catch((error: unknown) => error);
    return { value, pools: runtime.pools(), store, stage };
  });
}

/** What each pool has given out, the pools within it included. */
const used = (pools: readonly PoolStatus[]): unknown =>
  Object.fromEntries(
    pools
      .filter(({ name }) => name in POOLS)
      .map((pool) => [pool.name, Object.values(pool.used).reduce((sum, amount) => sum + amount, 0)]),
  );

/** All envelopes of five or so jobs side by side; the first ERROR ends it where that is wanted. */
const jobs =
  (count: number, stopOnError: boolean, failing?: number): Program =>
  (stage) =>
  async (_, ctx: Context) => {
    const told: TaskEnvelope[] = [];
    const streams = Array.from({ length: count }, (_unused, n) => ctx.stream(job(stage, failing), n));
    try {
      for await (const { value } of ctx.parallel.merge(streams)) {
        told.push(value);
        if (value.type === 'ERROR' && stopOnError) throw value.error;
      }
    } catch (error) {
      return { error: error instanceof Error ? error.message : '', told: told.map(({ type }) => type) };
    }
    return told.map((envelope) => [
      envelope.type,
      envelope.type === 'ERROR' ? (envelope.error as Error).message : envelope.value,
    ]);
  };

const ofType = (told: unknown, type: string): unknown[] =>
  (told as [string, unknown][]).filter(([is]) => is === type).map(([, value]) => value);

describe('a pool of three within one of ten', () => {
  it('C13 the first error ends it: what is in flight is cancelled, and no slot stays taken', async () => {
    const { value, pools, store, stage } = await ran(jobs(5, true, 1));
    expect(value).toMatchObject({ error: 'job 1' });
    expect(used(pools)).toEqual({ all: 0, three: 0 });
    const ends = journal(store).map(({ event }) => event.type);
    expect(ends.filter((type) => type === 'TaskFailed')).toHaveLength(1);
    expect(ends.filter((type) => type === 'TaskCancelled').length).toBeGreaterThanOrEqual(3);
    expect(stage.invoked.length).toBeLessThan(5);
    await replays(store, jobs(5, true, 1));
  });

  it('C14 an error among five is one envelope, and the other four are final', async () => {
    const { value, pools, store } = await ran(jobs(5, false, 1));
    expect(ofType(value, 'FINAL').toSorted()).toEqual([0, 2, 3, 4]);
    expect(ofType(value, 'ERROR')).toEqual(['job 1']);
    expect(ofType(value, 'INTERMEDIATE')).toEqual(Array.from({ length: 5 }, () => 'half'));
    expect(used(pools)).toEqual({ all: 0, three: 0 });
    await replays(store, jobs(5, false, 1));
  });

  it('C16 killed with four done and three running of ten: four from the journal, three again, three new', async () => {
    const program = jobs(10, false);
    const first = await ran(program);
    const events = journal(first.store);
    const done = (seq: number): number =>
      events.slice(0, seq).filter(({ event }) => event.type === 'TaskSucceeded').length;
    const begun = (seq: number): number =>
      events.slice(0, seq).filter(({ event }) => event.type === 'AttemptStarted').length;
    const seq = events.findIndex((_, index) => done(index + 1) === 4 && begun(index + 1) === 7) + 1;
    expect(seq).toBeGreaterThan(0);
    const stage = Stage.at(events[seq - 1]?.at ?? 0);
    const { value, store } = await ran(program, first.store.prefix('r', seq), stage);
    const finals = ofType(value, 'FINAL');
    expect(finals.toSorted((a, b) => Number(a) - Number(b))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(finals.slice(0, 4)).toEqual(ofType(first.value, 'FINAL').slice(0, 4));
    const attempts = stage.invoked.map(({ attempt }) => attempt).toSorted();
    expect(attempts).toEqual([1, 1, 1, 2, 2, 2]);
    let under = 0;
    let most = 0;
    for (const { seq: at, event } of journal(store)) {
      if (at <= seq) continue;
      if (event.type === 'AttemptStarted') under += 1;
      if (event.type === 'TaskSucceeded') under -= 1;
      most = Math.max(most, under);
    }
    expect(most).toBe(3);
    await replays(store, program);
  });
});

describe('dispatcher and consumer', () => {
  const startsOf = ({ spans }: Stage): number[] => spans.map(({ from }) => from - (spans[0]?.from ?? 0));

  it('C17 a slow consumer does not slow down what runs, while there is room', async () => {
    const program: Program = (stage) => async (_, ctx: Context) => {
      const seen: unknown[] = [];
      const source = ctx.parallel.streamAll([1, 2, 3, 4, 5, 6], (n) => ctx.task(stage.step, t(20, n)), {
        concurrency: 2,
        buffer: 6,
      });
      for await (const value of source) {
        seen.push(value);
        await ctx.sleep(100);
      }
      return seen;
    };
    const { value, stage, store } = await perform(program);
    expect(value).toEqual([1, 2, 3, 4, 5, 6]);
    expect(Math.max(...startsOf(stage))).toBeLessThanOrEqual(60);
    await replays(store, program);
  });

  it('C18 with room for two, starts stop when the consumer does', async () => {
    const program: Program = (stage) => async (_, ctx: Context) => {
      const source = ctx.parallel.streamAll([1, 2, 3, 4, 5, 6], (n) => ctx.task(stage.step, t(20, n)), {
        concurrency: 2,
        buffer: 2,
      });
      const first = await source.next();
      await ctx.sleep('10s');
      const startedMeanwhile = stage.spans.length;
      await source.return();
      return { first: first.value, startedMeanwhile };
    };
    const { value } = await perform(program);
    expect(value).toMatchObject({ first: 1 });
    // One was taken: two in flight and two that wait may come after it.
    expect((value as { startedMeanwhile: number }).startedMeanwhile).toBeLessThanOrEqual(1 + 2 + 2);
  });
});
