import type { Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { foldRun } from '../../src/engine/fold-run.ts';
import { journal } from '../lab.fixture.ts';
import { Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';
import { AT_ONCE, survives, WatchedStore } from './watched-store.fixture.ts';

watchForLeaks();

const items = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

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
    const full = store.uncut(store.history.length);
    expect(foldRun(store, 'r').state).toEqual(foldRun(full, 'r').state);
    const [compacted, uncut] = [store, full].map((each) => each.getRun('r', 0));
    expect(compacted).toMatchObject({ tasksScheduled: 15, tasksSettled: 15 });
    expect({ ...compacted, owner: null, ownerAlive: false }).toEqual({
      ...uncut,
      owner: null,
      ownerAlive: false,
    });
  });
});
