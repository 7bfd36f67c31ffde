import type { Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { foldRun } from '../../src/engine/cancel-run.ts';
import type { Recorded } from '../../src/journal/event.ts';
import type { AppendRun, CompactAnswer, CompactRun, LeaseClaim } from '../../src/ports/journal-store.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, settledKeys } from '../lab.fixture.ts';
import { replays, Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

const items = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Every row that is useless goes at once. */
const AT_ONCE = { limits: { compactRows: 1 } } as const;

/** Keeps what it was after each write, and all that was ever appended. */
class WatchedStore extends MemoryStore {
  readonly states: ReturnType<MemoryStore['snapshot']>[] = [];
  readonly history: Recorded[] = [];
  compactions = 0;

  override append(batch: readonly AppendRun[], claim: LeaseClaim): readonly ('committed' | 'fenced')[] {
    const answers = super.append(batch, claim);
    for (const { afterSeq, events } of batch)
      this.history.push(...events.map(({ at, event }, i) => ({ seq: afterSeq + i + 1, at, event })));
    this.states.push(this.snapshot());
    return answers;
  }

  override compact(run: CompactRun, claim: LeaseClaim): CompactAnswer {
    const answer = super.compact(run, claim);
    if (answer.status === 'committed' && answer.removed > 0) this.compactions += 1;
    this.states.push(this.snapshot());
    return answer;
  }
}

/** Runs a program whose useless rows go at once, crashes it after each write, and resumes it. */
async function survives(program: Program, expected: unknown): Promise<WatchedStore> {
  const stage = new Stage();
  const store = new WatchedStore();
  expect(await stage.drive(store, program(stage), null, AT_ONCE)).toEqual({ value: expected });
  expect(store.verify().damage).toEqual([]);
  expect(store.compactions).toBeGreaterThan(0);
  await replays(store, program);
  for (const [n, state] of store.states.entries()) {
    const resumed = MemoryStore.from(state);
    const { owner, lastSeq, updatedAt } = resumed.getRun('r', 0) ?? expect.fail('no run');
    const where = `after write ${n} of ${store.states.length}, at seq ${lastSeq}`;
    expect(resumed.verify().damage, where).toEqual([]);
    if (owner !== null) resumed.ownerDied(owner);
    const again = Stage.at(updatedAt);
    expect(await again.drive(resumed, program(again), null, AT_ONCE), where).toEqual({ value: expected });
    const settled = settledKeys(store.history.filter(({ seq }) => seq <= lastSeq));
    expect(
      again.invoked.filter(({ key }) => settled.has(key)),
      where,
    ).toEqual([]);
    expect(resumed.verify().damage, where).toEqual([]);
    await replays(resumed, program, where);
  }
  return store;
}

const work = (stage: Stage, ctx: Context, n: number): Promise<unknown> =>
  ctx.task(stage.step, t(2 + (n % 3), { n, at: ctx.now().getTime() }));

function sum(stage: Stage, ctx: Context, count: number, key: string): Promise<number> {
  return ctx.reduce(items(count), 0, (total, n) => total + Number(n), {
    key,
    each: async (n) => {
      await work(stage, ctx, n);
      return n;
    },
    concurrency: 3,
    foldEvery: 4,
  });
}

describe('a journal that is compacted as it goes', () => {
  it('of one reduce: one row stands for all that is folded', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const total = await sum(stage, ctx, 14, 'a');
      await ctx.sleep(1);
      return total;
    };
    const store = await survives(program, 91);
    expect(journal(store).map(({ seq, event }) => `${seq} ${event.type}`)).toEqual([
      '1 RunStarted',
      '2 ScopeOpened',
      `${store.history.length - 5} Compacted`,
      `${store.history.length - 4} Folded`,
      `${store.history.length - 3} ScopeClosed`,
      `${store.history.length - 2} TimerStarted`,
      `${store.history.length - 1} TimerFired`,
      `${store.history.length} RunSucceeded`,
    ]);
  });

  it('of a reduce in a branch of map, beside another and beside tasks', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const before = await ctx.task(stage.step, t(1, 'before'));
      const inner = await ctx.parallel.map([7, 5, 6], async (count, i) => {
        if (i < 2) return sum(stage, ctx, count, 'sum');
        for (const n of items(count)) await work(stage, ctx, n);
        return 'tasks';
      });
      return [before, inner, await ctx.task(stage.step, t(1, 'behind'))];
    };
    const store = await survives(program, ['before', [21, 10, 'tasks'], 'behind']);
    // What lies beside is all there.
    const left = journal(store).flatMap(({ event }) => (event.type === 'TaskScheduled' ? [event.key] : []));
    expect(left).toEqual(expect.arrayContaining(['0', '1/2/0', '1/2/5', '2']));
    expect(left.filter((key) => key.startsWith('1/0/'))).toEqual([]);
  });

  it('of reduces within reduces, with what items leave behind', async () => {
    const program: Program = (stage) => (_, ctx) =>
      ctx.reduce(
        items(5),
        [] as number[],
        async (sums, n) => {
          void ctx.sleep('1h');
          return [...sums, await sum(stage, ctx, n + 3, 'inner')];
        },
        { foldEvery: 2 },
      );
    await survives(program, [3, 6, 10, 15, 21]);
  });

  it('of a reduce that fails, and is caught', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const end = await ctx
        .reduce(
          items(12),
          0,
          (total, n) => {
            if (n === 10) throw new RangeError('ten');
            return total + Number(n);
          },
          {
            each: async (n) => {
              await work(stage, ctx, n);
              return n;
            },
            concurrency: 2,
            foldEvery: 3,
          },
        )
        .catch((error: unknown) => String(error));
      return [end, await ctx.task(stage.step, t(1, 'on'))];
    };
    await survives(program, ['RangeError: ten', 'on']);
  });

  it('folds to the state that the whole journal folds to', async () => {
    const program: Program = (stage) => async (_, ctx) =>
      ctx.parallel.all([
        () => sum(stage, ctx, 9, 'a'),
        () => work(stage, ctx, 4),
        () => sum(stage, ctx, 5, 'b'),
      ]);
    const whole = new Stage();
    const store = new WatchedStore();
    await whole.drive(store, program(whole), null, AT_ONCE);
    const full = new MemoryStore();
    const claim = { owner: 'a', now: 0, ttlMs: 1 };
    full.append([{ runId: 'r', epoch: 1, afterSeq: 0, events: store.history, consumed: [] }], claim);
    expect(foldRun(store, 'r')).toEqual(foldRun(full, 'r'));
    const [compacted, uncut] = [store, full].map((each) => each.getRun('r', 0));
    expect(compacted).toMatchObject({ tasksScheduled: 15, tasksSettled: 15 });
    expect({ ...compacted, owner: null, ownerAlive: false }).toEqual({
      ...uncut,
      owner: null,
      ownerAlive: false,
    });
  });
});
