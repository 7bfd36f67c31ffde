import { defineTask, InvalidOptionError, QueueFullError, type Context, type PoolRate } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import type { Runtime } from '../../src/runtime.ts';
import { MemoryStore, seededEntropy } from '../../src/testing.ts';
import { brief, everywhere, perform, Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const BUCKET: PoolRate = { limit: 2, per: 500, burst: 8 };

const many =
  (rate: PoolRate, count: number, pool?: string): Program =>
  (stage) =>
  (_, ctx) =>
    ctx.parallel.map(range(count), (i) =>
      ctx.task(stage.with({ rate }), t(1, i), pool === undefined ? {} : { pool }),
    );

/** Not one more than the bucket ever held, and gained, in any length of time. */
function expectNoMoreThan({ limit, per, burst = 0 }: PoolRate, starts: readonly number[]): void {
  const perMs = Number(per);
  for (const start of starts)
    for (const length of [1, 2, 4].map((n) => n * perMs)) {
      const within = starts.filter((at) => at >= start && at < start + length).length;
      expect(within).toBeLessThanOrEqual(burst + (limit * length) / perMs);
    }
}

describe('a task with a rate', () => {
  it('C32 a bucket of 8 that gains 2 every 500 ms: 20 calls take 3 s', async () => {
    const { stage, value } = await perform(many(BUCKET, 20));
    const starts = stage.spans.map(({ from }) => from);
    expect(value).toEqual(range(20));
    expect(starts.filter((from) => from < 250)).toHaveLength(8);
    expect(starts.at(-1)).toBeGreaterThanOrEqual(3000);
    expect(starts.at(-1)).toBeLessThan(3100);
  });

  it('⟲ is the same everywhere', async () => {
    await everywhere(many({ limit: 3, per: 100 }, 7), range(7));
  });

  it('a restart grants nothing extra', async () => {
    const store = new MemoryStore();
    const starts: number[] = [];
    let now = 0;
    for (const id of ['a', 'b', 'c']) {
      const stage = Stage.at(Date.UTC(2026, 0, 1) + now);
      await stage.use(store, {}, (runtime) =>
        runtime.start(many(BUCKET, 6)(stage), null as never, { id }).result(),
      );
      for (const { from } of stage.spans) starts.push(now + from);
      now += stage.clock.monotonic();
    }
    expect(starts).toHaveLength(18);
    expectNoMoreThan(BUCKET, starts);
    expect(starts.at(-1)).toBeGreaterThanOrEqual(2500);
  });

  it('is one over runs, programs and pools', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    await stage.use(store, { entropy: seededEntropy(1) }, async (first) => {
      const second = await stage.open(store, { entropy: seededEntropy(2) });
      const run = (runtime: Runtime, id: string, pool?: string): Promise<unknown> =>
        runtime.start(many(BUCKET, 6, pool)(stage), null as never, { id }).result();
      await Promise.all([run(first, 'a'), run(first, 'b', 'p'), run(second, 'c'), run(second, 'd', 'q')]);
      await second.close();
    });
    const starts = stage.spans.map(({ from }) => from).toSorted((a, b) => a - b);
    expect(starts).toHaveLength(24);
    expectNoMoreThan(BUCKET, starts);
    expect(starts.at(-1)).toBeGreaterThanOrEqual(4000);
    expect(starts.at(-1)).toBeLessThan(4600);
  });

  it('holds no slot while it waits, and holds up no other task of its pool', async () => {
    const { stage, value } = await perform(
      (lab) => async (_, ctx) => {
        const rare = lab.with({ rate: { limit: 1, per: 1000 }, pool: 'one' }, 'rare');
        const [rated, others] = await ctx.parallel.all([
          () => ctx.parallel.map(range(3), (i) => ctx.task(rare, t(1, `rare ${i}`))),
          () => ctx.parallel.map(range(20), (i) => ctx.task(lab.step, t(10, i), { pool: 'one' })),
        ]);
        return [rated, others.length];
      },
      { pools: { one: 1 } },
    );
    expect(value).toEqual([['rare 0', 'rare 1', 'rare 2'], 20]);
    expect(stage.maxParallel).toBe(1);
    const rest = stage.spans.filter(({ key }) => key.startsWith('0/1'));
    expect(Math.max(...rest.map(({ to }) => to ?? Infinity))).toBeLessThan(220);
    const rated = stage.spans.filter(({ key }) => key.startsWith('0/0')).map(({ from }) => from);
    expect(rated[1]).toBeGreaterThanOrEqual(1000);
    expect(rated[2]).toBeLessThan(2100);
  });

  it('costs what its pool counts, all or nothing, and reconciles there', async () => {
    const seen: unknown[] = [];
    const look = (runtime: Runtime | undefined): void => {
      const pool = runtime?.pools().find(({ name }) => name === 'gpu');
      seen.push([pool?.used, pool?.active, pool?.queueLength]);
    };
    const stage = new Stage();
    const render = defineTask({
      name: 'render',
      rate: { limit: 10, per: 1000 },
      pool: 'gpu',
      run: async (mem: number, task): Promise<number> => {
        task.reconcile({ mem: mem + 1 });
        await stage.clock.sleep(100, task.signal);
        return mem;
      },
    });
    const value = await stage.use(new MemoryStore(), {}, (runtime) => {
      stage.later(50, () => look(runtime));
      stage.later(150, () => look(runtime));
      return runtime
        .start((_: null, ctx: Context) => {
          ctx.pool('gpu', { limits: { mem: 8 } });
          return ctx.parallel.map([3, 3, 3], (mem) => ctx.task(render, mem, { cost: mem }));
        }, null)
        .result();
    });
    expect(value).toEqual([3, 3, 3]);
    expect(seen).toEqual([
      [{ mem: 8 }, 2, 1],
      [{ mem: 4 }, 1, 0],
    ]);
  });

  it('waits in the queue of its pool, which may be full', async () => {
    const { value } = await perform((stage) => (_, ctx) => {
      const pool = ctx.pool('p', { maxConcurrent: 1, queueSize: 2, overflow: 'reject' });
      const rated = stage.with({ rate: { limit: 1, per: 50 } }, 'rated');
      return ctx.parallel.all([
        () => pool.execute(rated, t(5, 'a')),
        () => pool.execute(rated, t(5, 'b')),
        () => pool.execute(stage.step, t(5, 'c')),
        () => pool.execute(rated, t(5, 'd')).catch((error: unknown) => error instanceof QueueFullError),
        () => pool.execute(stage.step, t(5, 'e')).catch(brief),
      ]);
    });
    expect(value).toEqual(['a', 'b', 'c', true, 'QueueFullError']);
  });

  it('⟲ with a circuit, a cache, a retry and a pool with costs, all on one task', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const all = stage.with({
        rate: { limit: 3, per: 50, burst: 4 },
        circuit: { threshold: 9, openFor: 100 },
        cache: { ttl: '1h' },
        retry: { attempts: 3, delay: 20 },
        timeout: 500,
      });
      const pool = ctx.pool('p', { limits: { mem: 4 }, order: 'backfill' });
      const ask = (value: number, failures = 0): Promise<unknown> =>
        pool.execute(all, { ms: 5 + value, value, failures }, { cost: 1 + (value % 4) });
      const first = await ctx.parallel.map([0, 1, 2, 3, 4, 5], (value) => ask(value, value % 2));
      return [first, await ask(1, 1), await ask(6)];
    };
    await everywhere(program, [[0, 1, 2, 3, 4, 5], 1, 6]);
  });

  it('what is no rate is refused at the definition, and a call has none', async () => {
    const made = (rate: unknown) => () => defineTask({ name: 'x', run: () => 1, rate: rate as PoolRate });
    for (const [rate, option] of [
      [3, 'rate'],
      [null, 'rate'],
      [{ limit: 0, per: 100 }, 'rate.limit'],
      [{ limit: 1.5, per: 100 }, 'rate.limit'],
      [{ limit: 1, per: 0 }, 'rate.per'],
      [{ limit: 1 }, 'rate.per'],
      [{ limit: 1, per: 100, burst: 0 }, 'rate.burst'],
      [{ limit: 1, per: 100, brust: 5 }, 'rate.brust'],
    ] as const) {
      expect(made(rate)).toThrow(InvalidOptionError);
      expect(made(rate)).toThrow(`'${option}'`);
    }
    const { value } = await perform((stage) => (_, ctx) => {
      const errors: string[] = [];
      const tries = [
        () => ctx.task(stage.step, t(1), { rate: BUCKET } as object),
        () => ctx.task(stage.step, t(1), { pool: 'task:step' }),
        () => ctx.pool('task:step', { maxConcurrent: 1 }),
      ];
      for (const attempt of tries) {
        try {
          void attempt();
        } catch (error) {
          errors.push(error instanceof InvalidOptionError ? error.message : String(error));
        }
      }
      return Promise.resolve(errors);
    });
    expect(value).toEqual([
      expect.stringContaining("'rate'"),
      expect.stringContaining("'pool'"),
      expect.stringContaining("'pool'"),
    ]);
  });
});
