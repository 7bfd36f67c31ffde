import { defineTask, type Context, type Cost, type Pool, type TaskContext } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import type { PoolStatus } from '../../src/index.ts';
import type { Runtime } from '../../src/runtime.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape } from '../lab.fixture.ts';
import {
  brief,
  everywhere,
  f,
  perform,
  resumeAt,
  Stage,
  t,
  watchForLeaks,
  type Program,
} from './stage.fixture.ts';

watchForLeaks();

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const statusOf = (runtime: Runtime, name: string): PoolStatus =>
  runtime.pools().find((pool) => pool.name === name) ?? expect.fail(`no pool ${name}`);

/** Runs a program and looks at its runtime at points of its time. */
async function watched<T>(
  program: Program,
  looks: Readonly<Record<number, (runtime: Runtime, stage: Stage) => T>>,
  options: { readonly graceMs?: number; readonly keepPoolStats?: boolean } = {},
): Promise<{
  readonly seen: T[];
  readonly value: unknown;
  readonly stage: Stage;
  readonly last: PoolStatus[];
}> {
  const stage = new Stage();
  const store = new MemoryStore();
  const seen: T[] = [];
  return stage.use(store, options, async (runtime) => {
    for (const [ms, look] of Object.entries(looks))
      stage.later(Number(ms), () => seen.push(look(runtime, stage)));
    const value = await runtime.start(program(stage), null as never, { id: 'r' }).result();
    return { seen, value, stage, last: runtime.pools() };
  });
}

describe('a pool', () => {
  it('B01 execute, executeMany in input order, and a failure', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const pool = ctx.pool('p', { maxConcurrent: 2 });
        return [
          await pool.execute(stage.step, t(5, 'success')),
          await pool.executeMany(stage.step, [t(30, 1), t(10, 2), t(20, 3)]),
          await pool.execute(stage.step, f(5, 'Task failed')).catch(brief),
        ];
      },
      ['success', [1, 2, 3], 'TaskError: Task failed'],
    );
  });

  it('B02 never more at once than maxConcurrent', async () => {
    const { stage, value } = await perform((lab) => (_, ctx) => {
      const pool = ctx.pool('p', { maxConcurrent: 3 });
      return pool.executeMany(
        lab.step,
        range(10).map((i) => t(50, i)),
      );
    });
    expect(value).toEqual(range(10));
    expect(stage.maxParallel).toBe(3);
    expect(stage.spans.at(-1)?.to).toBe(200);
  });

  const five =
    (overflow: 'reject' | 'block'): Program =>
    (stage) =>
    async (_, ctx) => {
      const pool = ctx.pool('p', { maxConcurrent: 1, queueSize: 1, overflow });
      const entries = await ctx.parallel.allSettled(
        range(5).map((i) => () => pool.execute(stage.step, t(20, i))),
      );
      return entries.map((entry) =>
        entry.status === 'fulfilled' ? entry.value : (entry.reason as Error).name,
      );
    };

  it('B04 a full queue rejects what is over: one runs, one waits', async () => {
    const { seen, value } = await watched(five('reject'), { 10: (runtime) => statusOf(runtime, 'p') });
    expect(value).toEqual([0, 1, 'QueueFullError', 'QueueFullError', 'QueueFullError']);
    expect(seen).toMatchObject([{ active: 1, queueLength: 1, utilization: 1, stats: { refused: 3 } }]);
  });

  it('B05 ⟲ what was rejected stays rejected', async () => {
    const rejected = [0, 1, 'QueueFullError', 'QueueFullError', 'QueueFullError'];
    const { store } = await everywhere(five('reject'), rejected);
    const refused = journal(store).filter(({ event }) => event.type === 'TaskFailed');
    expect(refused).toHaveLength(3);
    expect(refused.every(({ event }) => 'cause' in event && event.cause === 'queueFull')).toBe(true);
  });

  it('B06 a full queue that blocks: all complete, and it is never longer', async () => {
    const looks = Object.fromEntries(
      [0, 1, 10, 21, 30, 41, 61, 81, 99].map((ms) => [
        ms,
        (runtime: Runtime) => statusOf(runtime, 'p').queueLength,
      ]),
    );
    const { seen, value, stage } = await watched(five('block'), looks);
    expect(value).toEqual(range(5));
    expect(Math.max(...seen)).toBe(1);
    expect(stage.maxParallel).toBe(1);
    expect(stage.spans.map(({ from }) => from)).toEqual([0, 20, 40, 60, 80]);
    await everywhere(five('block'), range(5));
  });

  it('a queue of size 0: what finds no slot is rejected, or waits before it', async () => {
    const none =
      (overflow: 'reject' | 'block'): Program =>
      (stage) =>
      async (_, ctx) => {
        const pool = ctx.pool('p', { maxConcurrent: 2, queueSize: 0, overflow });
        const entries = await ctx.parallel.allSettled(
          range(4).map((i) => () => pool.execute(stage.step, t(20, i))),
        );
        return entries.map(({ status }) => status);
      };
    const rejected = ['fulfilled', 'fulfilled', 'rejected', 'rejected'];
    await everywhere(none('reject'), rejected);
    await everywhere(
      none('block'),
      range(4).map(() => 'fulfilled'),
    );
  });

  it('a retry is refused by no queue: it was let in before', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const pool = ctx.pool('p', { maxConcurrent: 1, queueSize: 1, overflow: 'reject' });
        const flaky = stage.with({ retry: { attempts: 3, delay: 5 } });
        return ctx.parallel.all([
          () => pool.execute(flaky, { ms: 10, failures: 2, value: 'a' }),
          () => pool.execute(stage.step, t(10, 'b')),
        ]);
      },
      ['a', 'b'],
    );
  });

  it.each([0, -1, Number.NaN, 1.5, '2', null])('B08 maxConcurrent %s is refused at the call', async (bad) => {
    const { value, store } = await perform(() => async (_, ctx) => {
      try {
        ctx.pool('p', { maxConcurrent: bad as number });
      } catch (error) {
        return brief(error);
      }
      return 'accepted';
    });
    expect(value).toBe('InvalidOptionError');
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
  });

  const deaf: Program = (stage) => async (_, ctx) => {
    const pool = ctx.pool('p', { maxConcurrent: 1 });
    const entries = await ctx.parallel.allSettled(
      range(3).map((i) => () => pool.execute(stage.step, { ms: 100, value: i, deaf: true }, { timeout: 20 })),
    );
    return entries.map((entry) => (entry.status === 'rejected' ? (entry.reason as Error).name : entry.value));
  };
  const timeouts = range(3).map(() => 'TimeoutError');

  it('B09 a deaf attempt keeps its slot after its timeout, until it ends', async () => {
    const { value, stage, last, seen } = await watched(
      deaf,
      { 50: (runtime) => statusOf(runtime, 'p').stats.zombies },
      { graceMs: 200 },
    );
    expect(value).toEqual(timeouts);
    expect(stage.maxParallel).toBe(1);
    expect(seen).toEqual([1]);
    expect(last.find(({ name }) => name === 'p')).toMatchObject({
      active: 0,
      stats: { timedOut: 3, zombies: 0 },
    });
  });

  it('B10 beyond the grace its slot is used again, and it counts as a zombie', async () => {
    const { value, stage, seen } = await watched(
      deaf,
      { 35: (runtime) => statusOf(runtime, 'p').stats.zombies },
      { graceMs: 10 },
    );
    expect(value).toEqual(timeouts);
    expect(stage.spans.map(({ from }) => from)).toEqual([0, 30, 60]);
    expect(seen[0]).toBeGreaterThanOrEqual(1);
  });

  it.each(['stringy', undefined])(
    'B12 a task that throws %s is a failure in every combinator',
    async (thrown) => {
      const { value } = await perform(() => async (_, ctx) => {
        const bad = defineTask({ name: 'bad', run: () => Promise.reject(thrown) });
        const pool = ctx.pool('p', { maxConcurrent: 2 });
        const one = (): Promise<unknown> => pool.execute(bad);
        return Promise.all([
          ctx.parallel.all([one]).catch((error: Error) => error.name),
          ctx.parallel.any([one]).catch((error: Error) => error.name),
          ctx.parallel.race([one]).catch((error: Error) => error.name),
          ctx.parallel.allSettled([one]).then(([entry]) => entry.status),
        ]);
      });
      expect(value).toEqual(['TaskError', 'AggregateError', 'TaskError', 'rejected']);
    },
  );

  it('B13 tells how long calls waited', async () => {
    const { last } = await watched(
      (stage) => (_, ctx) => {
        const pool = ctx.pool('p', { maxConcurrent: 1 });
        return ctx.parallel.allSettled(
          [f(30, 'x'), f(30, 'y'), t(1)].map((step) => () => pool.execute(stage.step, step)),
        );
      },
      {},
    );
    const { stats } = last.find(({ name }) => name === 'p') ?? expect.fail('no p');
    expect(stats).toMatchObject({
      started: 3,
      failed: 2,
      completed: 1,
      wait: { count: 3, averageMs: 30, maxMs: 60 },
    });
    expect(stats.run).toMatchObject({ count: 3, maxMs: 30, averageMs: 61 / 3 });
    expect(stats.averageActive).toBeCloseTo(1);
  });

  it('B14 counts what is done, and is idle afterwards', async () => {
    const { last } = await watched(
      (stage) => (_, ctx) => ctx.pool('p', { maxConcurrent: 2 }).executeMany(stage.step, [t(5), t(5)]),
      {},
    );
    expect(last.find(({ name }) => name === 'p')).toMatchObject({
      active: 0,
      queueLength: 0,
      utilization: 0,
      available: { slots: 2 },
      stats: { completed: 2 },
    });
  });

  it('tells what is in use, and counts nothing, where no statistics are kept', async () => {
    const { seen, last } = await watched(
      (stage) => (_, ctx) => ctx.pool('p', { maxConcurrent: 2 }).executeMany(stage.step, [t(5), t(5)]),
      { 2: (runtime) => statusOf(runtime, 'p').active },
      { keepPoolStats: false },
    );
    expect(seen).toEqual([2]);
    expect(last.find(({ name }) => name === 'p')?.stats).toMatchObject({ started: 0, completed: 0 });
  });

  it('B16 leaves no timer behind', async () => {
    const { stage, value } = await perform(
      (lab) => (_, ctx) =>
        ctx
          .pool('p', { maxConcurrent: 1, rate: { limit: 1, per: '1h', burst: 5 } })
          .execute(lab.step, t(5, 'done'), { timeout: 30_000 }),
    );
    expect(value).toBe('done');
    expect(stage.timers).toBe(0);
  });
});

describe('order', () => {
  const behindABusySlot =
    (
      options: Parameters<Context['pool']>[1],
      queue: (stage: Stage, pool: Pool) => Promise<unknown>[],
    ): Program =>
    (stage) =>
    async (_, ctx) => {
      const pool = ctx.pool('p', { maxConcurrent: 1, ...options });
      const first = pool.execute(stage.step, t(50, 'first'));
      await ctx.sleep(10);
      const rest = queue(stage, pool);
      return Promise.all([first, ...rest]);
    };

  it('A52 the highest priority first; results in input order', async () => {
    const { value, stage } = await perform(
      behindABusySlot({}, (lab, pool) =>
        (['background', 'user-visible', 'user-blocking'] as const).map((priority) =>
          pool.execute(lab.step, t(10, priority), { priority, key: priority }),
        ),
      ),
    );
    expect(value).toEqual(['first', 'background', 'user-visible', 'user-blocking']);
    expect(stage.started.slice(1)).toEqual(['@user-blocking', '@user-visible', '@background'].map(named));
  });

  it('A53 of equal priority, first come first served', async () => {
    const { stage } = await perform(
      behindABusySlot({}, (lab, pool) =>
        range(5).map((i) => pool.execute(lab.step, t(10, i), { key: `k${i}` })),
      ),
    );
    expect(stage.started.slice(1)).toEqual(range(5).map((i) => named(`@k${i}`)));
  });

  it('A54 priority, pool and limits may change between a crash and its resume', async () => {
    const program =
      (maxConcurrent: number, priority: number, name: string): Program =>
      (stage) =>
      (_, ctx) =>
        ctx.pool(name, { maxConcurrent, weight: maxConcurrent }).executeMany(
          stage.step,
          range(4).map((i) => t(10, i)),
          { priority, concurrency: maxConcurrent + 1 },
        );
    const { store, value } = await perform(program(1, 0, 'p'));
    expect(value).toEqual(range(4));
    for (let seq = 1; seq <= journal(store).length; seq += 3) {
      const resumed = await resumeAt(store, seq, program(3, 7, 'q'));
      expect(resumed.value).toEqual(range(4));
    }
  });

  it('C36 high, then medium, then low', async () => {
    const { stage } = await perform(
      behindABusySlot({}, (lab, pool) =>
        [1, 10, 5].map((priority) => pool.execute(lab.step, t(10), { priority, key: `p${priority}` })),
      ),
    );
    expect(stage.started.slice(1)).toEqual(['@p10', '@p5', '@p1'].map(named));
  });

  it('C37 who waits gains priority, up to the boost', async () => {
    const aged =
      (newPriority: number): Program =>
      (stage) =>
      async (_, ctx) => {
        const pool = ctx.pool('p', { maxConcurrent: 1, aging: { ratePerMs: 0.01, boost: 5 } });
        const calls = [
          pool.execute(stage.step, t(5000), { priority: 100 }),
          pool.execute(stage.step, t(10), { priority: 1, key: 'old' }),
        ];
        await ctx.sleep(4990);
        calls.push(pool.execute(stage.step, t(10), { priority: newPriority, key: 'new' }));
        return Promise.all(calls);
      };
    // It has gained all of its boost: 1 + 5.
    expect((await perform(aged(5))).stage.started.slice(1)).toEqual(['@old', '@new'].map(named));
    // And never more than that.
    expect((await perform(aged(7))).stage.started.slice(1)).toEqual(['@new', '@old'].map(named));
  });

  it('C42 a backoff holds no slot', async () => {
    const { stage, value } = await perform((lab) => (_, ctx) => {
      const pool = ctx.pool('p', { maxConcurrent: 1 });
      const parse = lab.with({ retry: { attempts: 3, delay: 100 } });
      return ctx.parallel.all([
        () => pool.execute(parse, { ms: 10, failures: 2, value: 'parsed' }, { key: 'parse' }),
        () => pool.execute(lab.step, t(20, 'other'), { key: 'other' }),
      ]);
    });
    expect(value).toEqual(['parsed', 'other']);
    const other = stage.spans.find(({ key }) => key.endsWith('other'));
    const attempts = stage.spans.filter(({ key }) => key.endsWith('parse'));
    expect(attempts).toHaveLength(3);
    expect(other?.from).toBe(10);
    expect(attempts[1]?.from).toBe(110);
  });

  it('C53 a wait holds no slot', async () => {
    const { stage } = await perform((lab) => (_, ctx) => {
      const pool = ctx.pool('p', { maxConcurrent: 1 });
      return ctx.parallel.all([
        async () => {
          await pool.execute(lab.step, t(5, 'A1'), { key: 'A1' });
          await ctx.sleep(100);
          return pool.execute(lab.step, t(5, 'A2'), { key: 'A2' });
        },
        () => pool.execute(lab.step, t(20, 'B'), { key: 'B' }),
      ]);
    });
    expect(stage.spans.map(({ from }) => from)).toEqual([0, 5, 105]);
  });
});

/** As keys of named calls begin. */
function named(name: string): string {
  return name.replace('@', ':');
}

describe('shares', () => {
  /** How many ran in each pool at a point of time. */
  const at = (stage: Stage, ms: number): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { key, from, to } of stage.spans) {
      if (from > ms || (to !== undefined && to <= ms)) continue;
      const name = /[A-Z]/.exec(key)?.[0] ?? '';
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  };
  const many = (stage: Stage, pool: Pool, count: number, ms: (i: number) => number): Promise<unknown> =>
    pool.executeMany(
      stage.step,
      range(count).map((i) => t(ms(i), i)),
      { key: pool.name },
    );

  it('C20 three saturated children of 14 under 30, the third comes last: each gets 10', async () => {
    const { stage } = await perform((lab) => async (_, ctx) => {
      const parent = ctx.pool('parent', { maxConcurrent: 30 });
      const [a, b, c] = ['A', 'B', 'C'].map((name) => ctx.pool(name, { maxConcurrent: 14, parent })) as [
        Pool,
        Pool,
        Pool,
      ];
      const ms = (i: number): number => 50 + (i % 7);
      const first = [many(lab, a, 200, ms), many(lab, b, 200, ms)];
      await ctx.sleep(20);
      await Promise.all([...first, many(lab, c, 200, ms)]);
    });
    expect(at(stage, 10)).toEqual({ A: 14, B: 14 });
    for (const name of ['A', 'B', 'C']) {
      expect(at(stage, 300)[name]).toBeGreaterThanOrEqual(9);
      expect(at(stage, 300)[name]).toBeLessThanOrEqual(11);
    }
    expect(stage.maxParallel).toBe(30);
  });

  it('C21 four saturated children of 14 under 30: none has less than 7', async () => {
    const { stage } = await perform((lab) => async (_, ctx) => {
      ctx.pool('parent', { maxConcurrent: 30 });
      const pools = ['A', 'B', 'C', 'D'].map((name) =>
        ctx.pool(name, { maxConcurrent: 14, parent: 'parent' }),
      );
      await Promise.all(pools.map((pool) => many(lab, pool, 100, (i) => 20 + (i % 5))));
    });
    for (const ms of [5, 60, 100]) {
      const counts = at(stage, ms);
      expect(Math.min(...['A', 'B', 'C', 'D'].map((name) => counts[name] ?? 0))).toBeGreaterThanOrEqual(7);
    }
    expect(stage.maxParallel).toBe(30);
  });

  it('C22 by weight: 2:1:1 of 8 are 4, 2 and 2', async () => {
    const { stage } = await perform((lab) => async (_, ctx) => {
      const parent = ctx.pool('parent', { maxConcurrent: 8 });
      const pools = [2, 1, 1].map((weight, i) =>
        ctx.pool('ABC'[i] ?? '', { maxConcurrent: 8, parent, weight }),
      );
      await Promise.all(pools.map((pool) => many(lab, pool, 40, () => 20)));
    });
    expect(at(stage, 10)).toEqual({ A: 4, B: 2, C: 2 });
    expect(at(stage, 90)).toEqual({ A: 4, B: 2, C: 2 });
  });

  it('what one child does not want goes to the others', async () => {
    const { stage } = await perform((lab) => async (_, ctx) => {
      const parent = ctx.pool('parent', { maxConcurrent: 8 });
      const [a, b] = ['A', 'B'].map((name) => ctx.pool(name, { parent })) as [Pool, Pool];
      await Promise.all([many(lab, a, 2, () => 100), many(lab, b, 40, () => 20)]);
    });
    expect(at(stage, 50)).toEqual({ A: 2, B: 6 });
    expect(at(stage, 105)).toEqual({ B: 8 });
  });

  it('C70 stories with 3 each under a global 10', async () => {
    const stories =
      (count: number): Program =>
      (stage) =>
      async (_, ctx) => {
        const parent = ctx.pool('global', { maxConcurrent: 10 });
        const pools = range(count).map((i) => ctx.pool('ABCDE'[i] ?? '', { maxConcurrent: 3, parent }));
        await Promise.all(pools.map((pool) => many(stage, pool, 5, () => 20)));
      };
    const two = await perform(stories(2));
    expect(at(two.stage, 10)).toEqual({ A: 3, B: 3 });
    const { stage } = await perform(stories(5));
    const counts = at(stage, 10);
    expect(stage.maxParallel).toBeLessThanOrEqual(10);
    for (const name of 'ABCDE') expect(counts[name]).toBeGreaterThanOrEqual(2);
  });
});

describe('costs', () => {
  const refusal = async (call: (ctx: Context, stage: Stage) => unknown): Promise<unknown> => {
    const { value, store } = await perform((stage) => async (_, ctx) => {
      try {
        await call(ctx, stage);
      } catch (error) {
        return `${(error as Error).name}: ${(error as Error).message}`;
      }
      return 'accepted';
    });
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
    return value;
  };

  it('C24 more than any level can give is refused at the call', async () => {
    expect(
      await refusal((ctx, stage) =>
        ctx.pool('p', { maxConcurrent: 3 }).execute(stage.step, t(1), { cost: 4 }),
      ),
    ).toMatch(/^InvalidCostError: A cost of 4 slots is more than pool 'p' can ever give: it has 3\./);
    expect(
      await refusal((ctx, stage) => {
        ctx.pool('root', { limits: { gpu: 2 } });
        ctx.pool('mid', { limits: { gpu: 8 }, parent: 'root' });
        return ctx
          .pool('leaf', { limits: { gpu: 8 }, parent: 'mid' })
          .execute(stage.step, t(1), { cost: { gpu: 3 } });
      }),
    ).toMatch(/^InvalidCostError: .*pool 'root'/);
    expect(await refusal((ctx, stage) => ctx.task(stage.step, t(1), { cost: 513 }))).toMatch(
      /^InvalidCostError/,
    );
  });

  it('C25 a resource that no level has is refused at the call', async () => {
    expect(
      await refusal((ctx, stage) =>
        ctx.pool('p', { limits: { gpu: 2 } }).execute(stage.step, t(1), { cost: { gpu: 1, disk: 1 } }),
      ),
    ).toMatch(/^InvalidCostError: Pool 'p' has no resource 'disk'/);
    expect(
      await refusal((ctx, stage) => ctx.pool('p', { limits: { gpu: 2, mem: 8 } }).execute(stage.step, t(1))),
    ).toMatch(/^InvalidCostError: .*by resource/);
    for (const cost of [0, -1, Number.NaN, {}, { gpu: 0 }, null, '1'] as Cost[])
      expect(await refusal((ctx, stage) => ctx.pool('p').execute(stage.step, t(1), { cost }))).toMatch(
        /^InvalidOptionError/,
      );
  });

  it('a pool within itself is refused where the ring is closed', async () => {
    expect(
      await refusal((ctx) => {
        ctx.pool('a', { parent: 'b' });
        ctx.pool('b', { parent: 'c' });
        return ctx.pool('c', { parent: 'a' });
      }),
    ).toMatch(/^InvalidOptionError: Option 'parent' .*c → a → b → c/);
  });

  it('C26 a lower limit: nothing starts before less is under way', async () => {
    const stage = new Stage();
    const { starts } = await stage.use(new MemoryStore(), {}, async (runtime) => {
      stage.later(5, () => runtime.setLimits('p', 5));
      await runtime
        .start(
          async (_: null, ctx: Context) => {
            const pool = ctx.pool('p', { maxConcurrent: 10 });
            const eight = pool.executeMany(
              stage.step,
              range(8).map((i) => t(10 + 10 * i)),
              { key: 'eight' },
            );
            await ctx.sleep(8);
            await Promise.all([
              eight,
              pool.executeMany(
                stage.step,
                range(3).map(() => t(100)),
                { key: 'more' },
              ),
            ]);
          },
          null,
          { id: 'r' },
        )
        .result();
      expect(statusOf(runtime, 'p')).toMatchObject({ limits: { slots: 5 }, isSet: true });
      return { starts: stage.spans.filter(({ key }) => key.startsWith(':more')).map(({ from }) => from) };
    });
    // Eight end at 10, 20, …: four are left at 40, when the first of the others may start.
    expect(starts).toEqual([40, 50, 60]);
  });

  it('a limit that is set leaves those of other resources, and names one that there is', async () => {
    const stage = new Stage();
    await stage.use(new MemoryStore(), {}, async (runtime) => {
      runtime.setLimits('later', { gpu: 1 });
      await runtime
        .start(async (_: null, ctx: Context) => {
          const pool = ctx.pool('p', { limits: { gpu: 2, mem: 8 } });
          await pool.execute(stage.step, t(1), { cost: { gpu: 1 } });
          runtime.setLimits('p', 3);
          expect(() => runtime.setLimits('p', { gpuu: 1 })).toThrow("'limits.gpuu'");
          const four = range(4).map(() => pool.execute(stage.step, t(10), { cost: { mem: 4 } }));
          await Promise.all(four);
        }, null)
        .result();
      expect(statusOf(runtime, 'p').limits).toEqual({ gpu: 2, mem: 8, slots: 3 });
    });
    expect(stage.maxParallel).toBe(2);
  });

  it('C28 reconcile: what is really taken counts at once', async () => {
    const stage = new Stage();
    const heavy = defineTask({
      name: 'heavy',
      run: async (_: null, task: TaskContext) => {
        await stage.clock.sleep(10, task.signal);
        task.reconcile(6);
        await stage.clock.sleep(100, task.signal);
      },
    });
    const seen: PoolStatus[] = [];
    await stage.use(new MemoryStore(), {}, async (runtime) => {
      stage.later(15, () => seen.push(statusOf(runtime, 'p')));
      await runtime
        .start(
          async (_: null, ctx: Context) => {
            const pool = ctx.pool('p', { maxConcurrent: 10 });
            const others = pool.executeMany(
              stage.step,
              range(9).map((i) => t(20 + 10 * i)),
              { key: 'others' },
            );
            const late = ctx.sleep(12).then(() => pool.execute(stage.step, t(5), { key: 'late' }));
            await Promise.all([others, pool.execute(heavy, null, { key: 'heavy' }), late]);
          },
          null,
          { id: 'r' },
        )
        .result();
      expect(statusOf(runtime, 'p')).toMatchObject({
        used: { slots: 0 },
        available: { slots: 10 },
        active: 0,
      });
    });
    expect(seen).toMatchObject([{ used: { slots: 15 }, available: { slots: -5 } }]);
    // 15 are used; the others end at 20, 30, …, 70: then 9 are used.
    expect(stage.spans.find(({ key }) => key === ':late')?.from).toBe(70);
  });

  it('C34 all or nothing over several resources', async () => {
    const { stage } = await perform((lab) => async (_, ctx) => {
      const pool = ctx.pool('p', { limits: { gpu: 2, cpu: 3 } });
      await Promise.all([
        pool.execute(lab.step, t(10), { cost: { gpu: 2, cpu: 1 }, key: 'encode' }),
        pool.execute(lab.step, t(10), { cost: { gpu: 1, cpu: 2 }, key: 'features' }),
        pool.execute(lab.step, t(10), { cost: { gpu: 1, cpu: 1 }, key: 'thumbs' }),
      ]);
    });
    expect(stage.spans.map(({ key, from }) => [key, from])).toEqual([
      [':encode', 0],
      [':features', 10],
      [':thumbs', 10],
    ]);
  });

  const headOfThree =
    (order: 'strict' | 'backfill'): Program =>
    (stage) =>
    async (_, ctx) => {
      const pool = ctx.pool('p', { maxConcurrent: 4, order, aging: { ratePerMs: 0.1, boost: 10 } });
      const busy = [t(50), t(60)].map((step, i) => pool.execute(stage.step, step, { key: `busy${i}` }));
      await ctx.sleep(1);
      const head = pool.execute(stage.step, t(10), { cost: 3, key: 'head' });
      const small = range(40).map((i) => pool.execute(stage.step, t(8), { key: `small${i}` }));
      await Promise.all([...busy, head, ...small]);
    };

  it('C33 strict: small ones wait behind a head that does not fit', async () => {
    const { stage } = await perform(headOfThree('strict'));
    const head = stage.spans.find(({ key }) => key === ':head');
    const small = stage.spans.filter(({ key }) => key.startsWith(':small'));
    expect(head?.from).toBe(50);
    expect(Math.min(...small.map(({ from }) => from))).toBeGreaterThanOrEqual(50);
  });

  it('C33 backfill: they pass, and the head starts within the aging bound', async () => {
    const { stage } = await perform(headOfThree('backfill'));
    const head = stage.spans.find(({ key }) => key === ':head');
    const small = stage.spans.filter(({ key }) => key.startsWith(':small'));
    expect(Math.min(...small.map(({ from }) => from))).toBe(1);
    // The bound is 100 ms; what runs by then has to end.
    expect(head?.from).toBeGreaterThan(50);
    expect(head?.from).toBeLessThanOrEqual(101 + 8);
  });
});

describe('rates', () => {
  const twenty =
    (rate: { limit: number; per: number; burst?: number }): Program =>
    (stage) =>
    async (_, ctx) => {
      await ctx.pool('p', { rate }).executeMany(
        stage.step,
        range(20).map(() => t(1)),
      );
    };

  it('C32 a bucket of 8 that gains 2 every 500 ms: 20 calls take 3 s', async () => {
    const { stage } = await perform(twenty({ limit: 2, per: 500, burst: 8 }));
    const starts = stage.spans.map(({ from }) => from);
    expect(starts.filter((from) => from < 250)).toHaveLength(8);
    expect(starts.at(-1)).toBeGreaterThanOrEqual(3000);
    expect(starts.at(-1)).toBeLessThan(3100);
  });

  it('a window: never more than its limit in any length of it', async () => {
    const { stage } = await perform(twenty({ limit: 5, per: 1000 }));
    const starts = stage.spans.map(({ from }) => from);
    expect(starts).toHaveLength(20);
    for (const start of starts)
      expect(starts.filter((from) => from >= start && from < start + 1000).length).toBeLessThanOrEqual(5);
    expect(starts.at(-1)).toBeLessThan(3200);
  });

  it('C32 a restart grants nothing extra', async () => {
    const store = new MemoryStore();
    const rate = { limit: 2, per: 500, burst: 8 };
    const starts: number[] = [];
    let now = 0;
    for (const id of ['a', 'b', 'c']) {
      const stage = Stage.at(Date.UTC(2026, 0, 1) + now);
      await stage.use(store, {}, (runtime) =>
        runtime
          .start(
            (_: null, ctx: Context) =>
              ctx.pool('p', { rate }).executeMany(
                stage.step,
                range(6).map(() => t(1)),
              ),
            null,
            { id },
          )
          .result(),
      );
      for (const { from } of stage.spans) starts.push(now + from);
      now += stage.clock.monotonic();
    }
    expect(starts).toHaveLength(18);
    for (const start of starts) {
      const within = starts.filter((from) => from >= start && from <= start + 1000).length;
      // What the bucket held at most, and what it gained.
      expect(within).toBeLessThanOrEqual(8 + 4);
    }
    expect(starts.at(-1)).toBeGreaterThanOrEqual(2500);
  });
});
