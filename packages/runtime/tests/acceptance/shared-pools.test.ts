import type { Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import type { RuntimeOptions } from '../../src/runtime-options.ts';
import type { Runtime } from '../../src/runtime.ts';
import { MemoryStore, seededEntropy } from '../../src/testing.ts';
import { Stage, t, watchForLeaks, type Span } from './stage.fixture.ts';

watchForLeaks();

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Counts the transactions that are made for pools. */
class CountingStore extends MemoryStore {
  poolCommits = 0;

  override changePools(...args: Parameters<MemoryStore['changePools']>): void {
    this.poolCommits += 1;
    super.changePools(...args);
  }
}

/** Programs of one journal, in one time. */
async function programs<T>(
  count: number,
  fn: (runtimes: readonly Runtime[], stage: Stage, store: CountingStore) => Promise<T>,
  options: Partial<RuntimeOptions> = {},
): Promise<{ readonly stage: Stage; readonly told: T; readonly store: CountingStore }> {
  const stage = new Stage();
  const store = new CountingStore();
  const told = await stage.use(store, { entropy: seededEntropy(1), ...options }, async (first) => {
    const others = await Promise.all(
      range(count - 1).map((i) => stage.open(store, { entropy: seededEntropy(2 + i), ...options })),
    );
    try {
      return await fn([first, ...others], stage, store);
    } finally {
      await Promise.all(others.map((runtime) => runtime.close()));
    }
  });
  return { stage, told, store };
}

/** How many ran at a point of time, of calls whose key begins so. */
function at(stage: Stage, ms: number, start = ''): number {
  return stage.spans.filter(
    ({ key, from, to }: Span) => key.startsWith(start) && from <= ms && (to === undefined || to > ms),
  ).length;
}

const run =
  (
    stage: Stage,
    name: string,
    tasks: number,
    ms: (i: number) => number,
    options: Parameters<Context['pool']>[1],
  ) =>
  (_: null, ctx: Context): Promise<unknown> =>
    ctx.pool('p', options).executeMany(
      stage.step,
      range(tasks).map((i) => t(ms(i), i)),
      { key: name },
    );

describe('programs that share a pool', () => {
  it('never have more than its limit together, and each gets its share', async () => {
    const { stage } = await programs(2, async ([a, b], lab) => {
      const uneven = (i: number): number => 40 + (i % 5);
      await Promise.all([
        a?.start(run(lab, 'A', 60, uneven, { maxConcurrent: 4 }), null, { id: 'a' }).result(),
        b?.start(run(lab, 'B', 60, uneven, { maxConcurrent: 4 }), null, { id: 'b' }).result(),
      ]);
    });
    expect(stage.spans).toHaveLength(120);
    expect(stage.maxParallel).toBe(4);
    for (const ms of [400, 600, 800]) {
      expect(at(stage, ms, ':A')).toBeGreaterThanOrEqual(1);
      expect(at(stage, ms, ':B')).toBeGreaterThanOrEqual(1);
    }
    // Nothing is left idle for long: 120 tasks of 42 ms on 4 slots take 1,260 ms.
    expect(Math.max(...stage.spans.map(({ to }) => to ?? 0))).toBeLessThan(1700);
  });

  it('take turns at a single slot', async () => {
    const { stage } = await programs(3, async (runtimes, lab) => {
      await Promise.all(
        runtimes.map((runtime, i) =>
          runtime
            .start(
              run(lab, 'ABC'[i] ?? '', 100, () => 10, { maxConcurrent: 1 }),
              null,
              { id: `r${i}` },
            )
            .result(),
        ),
      );
    });
    expect(stage.maxParallel).toBe(1);
    const last = (name: string): number =>
      Math.max(...stage.spans.filter(({ key }) => key.startsWith(name)).map(({ to }) => to ?? 0));
    const ends = [':A', ':B', ':C'].map(last).toSorted((a, b) => a - b);
    // Nobody is done before the others have had a good part of theirs.
    expect(ends[0]).toBeGreaterThan(1800);
    expect(ends[2]).toBeLessThan(4200);
  });

  it('get what the others do not want', async () => {
    const { stage } = await programs(2, async ([a, b], lab) => {
      const busy = a
        ?.start(
          run(lab, 'A', 600, () => 20, { maxConcurrent: 8 }),
          null,
          { id: 'a' },
        )
        .result();
      await lab.clock.sleep(300);
      await Promise.all([
        busy,
        b
          ?.start(
            run(lab, 'B', 2, () => 400, { maxConcurrent: 8 }),
            null,
            { id: 'b' },
          )
          .result(),
      ]);
    });
    expect(at(stage, 200, ':A')).toBe(8);
    expect(at(stage, 620, ':B')).toBe(2);
    expect(at(stage, 620)).toBeGreaterThanOrEqual(7);
    expect(stage.maxParallel).toBeLessThanOrEqual(8);
  });

  it('share a parent by the weights of its children, whoever has them', async () => {
    const child = (lab: Stage, name: string, weight: number) => async (_: null, ctx: Context) => {
      const parent = ctx.pool('parent', { maxConcurrent: 9 });
      await ctx.pool(name, { maxConcurrent: 9, parent, weight }).executeMany(
        lab.step,
        range(120).map((i) => t(30 + (i % 3), i)),
        { key: name },
      );
    };
    const { stage } = await programs(2, async ([a, b], lab) => {
      await Promise.all([
        a?.start(child(lab, 'A', 2), null, { id: 'a' }).result(),
        b?.start(child(lab, 'B', 1), null, { id: 'b' }).result(),
      ]);
    });
    expect(stage.maxParallel).toBeLessThanOrEqual(9);
    for (const ms of [300, 400]) {
      expect(at(stage, ms, ':A')).toBe(6);
      expect(at(stage, ms, ':B')).toBe(3);
    }
  });

  it('one that needs more at once than is fair for it gets it in turn', async () => {
    const { stage } = await programs(2, async ([a, b], lab) => {
      const large = async (_: null, ctx: Context): Promise<void> => {
        await ctx.sleep(50);
        await ctx.pool('p', { maxConcurrent: 4 }).execute(lab.step, t(10), { cost: 4, key: 'large' });
      };
      await Promise.all([
        a
          ?.start(
            run(lab, 'A', 200, () => 10, { maxConcurrent: 4 }),
            null,
            { id: 'a' },
          )
          .result(),
        b?.start(large, null, { id: 'b' }).result(),
      ]);
    });
    const span = stage.spans.find(({ key }) => key === ':large');
    // Two looks of the other program, and one of its own.
    expect(span?.from).toBeLessThan(500);
    expect(at(stage, span?.from ?? 0)).toBe(1);
  });

  it('use one rate', async () => {
    const { stage } = await programs(2, async (runtimes, lab) => {
      const options = { rate: { limit: 2, per: 100, burst: 4 } };
      await Promise.all(
        runtimes.map((runtime, i) =>
          runtime
            .start(
              run(lab, 'AB'[i] ?? '', 10, () => 1, options),
              null,
              { id: `r${i}` },
            )
            .result(),
        ),
      );
    });
    const starts = stage.spans.map(({ from }) => from).toSorted((a, b) => a - b);
    expect(starts).toHaveLength(20);
    for (const start of starts)
      expect(starts.filter((from) => from >= start && from < start + 100).length).toBeLessThanOrEqual(6);
    expect(starts.at(-1)).toBeGreaterThanOrEqual(800);
  });

  it('never have more than its limit when the wall clock jumps, as after a sleep of the machine', async () => {
    for (const jumpMs of [-3_600_000, 40_000, 3_600_000]) {
      const { stage } = await programs(2, async ([a, b], lab, store) => {
        lab.later(110, () => lab.clock.jumpWall(jumpMs));
        // Longer than a lease: each has to be renewed in the new time.
        const long = (): number => 60_000;
        const first = a?.start(run(lab, 'A', 3, long, { maxConcurrent: 3 }), null, { id: 'a' }).result();
        await lab.clock.sleep(50);
        const second = b?.start(run(lab, 'B', 3, long, { maxConcurrent: 3 }), null, { id: 'b' }).result();
        await lab.clock.sleep(350);
        // It has seen no jump.
        const c = await lab.open(store, { entropy: seededEntropy(9) });
        await c.start(run(lab, 'C', 3, long, { maxConcurrent: 3 }), null, { id: 'c' }).result();
        await Promise.all([first, second]);
        await c.close();
      });
      expect(stage.maxParallel, `${jumpMs}`).toBe(3);
      expect(Math.max(...stage.spans.map(({ to }) => to ?? Infinity))).toBeLessThan(182_000);
    }
  });

  it('follow limits that one of them sets', async () => {
    const { stage } = await programs(2, async ([a, b], lab) => {
      lab.later(100, () => b?.setLimits('p', 2));
      lab.later(500, () => b?.setLimits('p', null));
      await a
        ?.start(
          run(lab, 'A', 200, () => 20, { maxConcurrent: 6 }),
          null,
          { id: 'a' },
        )
        .result();
    });
    expect(at(stage, 90)).toBe(6);
    expect(at(stage, 450)).toBe(2);
    expect(at(stage, 790)).toBe(6);
  });

  it('C30 what a program held that is gone comes back: at once where that is certain, else with its time', async () => {
    for (const isCertain of [true, false]) {
      const stage = new Stage();
      const store = new MemoryStore();
      const leaseMs = 3000;
      const lost = await stage.open(store, { entropy: seededEntropy(7), leaseMs });
      // It runs three, and is never heard of again: its time stands still.
      const frozen = new Stage();
      const gone = await frozen.open(store, { entropy: seededEntropy(8), leaseMs });
      void gone
        .start(
          run(frozen, 'X', 3, () => 1e9, { maxConcurrent: 3 }),
          null,
          { id: 'x' },
        )
        .result()
        .catch(() => undefined);
      for (let i = 0; i < 50; i += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(frozen.spans).toHaveLength(3);
      const [lease] = store.readPools(stage.clock.now()).leases;
      expect(lease).toMatchObject({ pool: 'p', leased: { slots: 3 } });
      if (isCertain) store.ownerDied(lease?.owner ?? '');
      await stage.use(store, { entropy: seededEntropy(9), leaseMs }, async (runtime) => {
        await runtime
          .start(
            run(stage, 'A', 3, () => 10, { maxConcurrent: 3 }),
            null,
            { id: 'a' },
          )
          .result();
        expect(runtime.pools().find(({ name }) => name === 'p')).toMatchObject({
          used: { slots: 0 },
          active: 0,
        });
      });
      const [first] = stage.spans;
      if (isCertain) expect(first?.from).toBe(0);
      else expect(first?.from).toBeGreaterThanOrEqual(leaseMs);
      expect(first?.from).toBeLessThan(leaseMs + 300);
      await Promise.all([lost.close(), gone.close()]);
    }
  });

  it('C29 never use less than nothing, however attempts end', async () => {
    const { told } = await programs(2, async ([a, b], lab, store) => {
      const seen: number[] = [];
      const look = (): void => {
        for (const { leased } of store.readPools(lab.clock.now()).leases) seen.push(leased['slots'] ?? 0);
        for (const runtime of [a, b])
          seen.push(runtime?.pools().find(({ name }) => name === 'p')?.used['slots'] ?? 0);
      };
      for (const ms of range(40)) lab.later(ms * 17, look);
      await Promise.all(
        [a, b].map((runtime, i) =>
          runtime
            ?.start(
              async (_: null, ctx: Context) => {
                const pool = ctx.pool('p', { maxConcurrent: 3 });
                await ctx.parallel.race(range(8).map((n) => () => pool.execute(lab.step, t(20 + 9 * n))));
                await pool.executeMany(
                  lab.step,
                  range(10).map((n) => t(10 + n)),
                  { timeout: 400 },
                );
              },
              null,
              { id: `r${i}` },
            )
            .result(),
        ),
      );
      look();
      return seen;
    });
    expect(Math.min(...told)).toBe(0);
    expect(Math.max(...told)).toBe(3);
  });
});

describe('transactions', () => {
  it('a program that is alone pays for a pool by the block, not by the task', async () => {
    const { told, stage } = await programs(1, async ([runtime], lab, store) => {
      await runtime
        ?.start(
          run(lab, 'A', 1000, (i) => 5 + (i % 7), { maxConcurrent: 10 }),
          null,
          { id: 'a' },
        )
        .result();
      return store.poolCommits;
    });
    expect(stage.maxParallel).toBe(10);
    // One to lease and one to give back, and what tells people of it, once a second at most.
    expect(told).toBeLessThanOrEqual(6);
  });

  it('tasks that follow each other use one slot again and again', async () => {
    const { told } = await programs(1, async ([runtime], lab, store) => {
      const sequence = async (_: null, ctx: Context): Promise<void> => {
        const pool = ctx.pool('p', { maxConcurrent: 10 });
        for (const i of range(1000)) await pool.execute(lab.step, t(1, i));
      };
      await runtime?.start(sequence, null, { id: 'a' }).result();
      return store.poolCommits;
    });
    expect(told).toBeLessThanOrEqual(6);
  });

  it('the slots of tasks that name no pool cost none', async () => {
    const { told, store } = await programs(1, async ([runtime], lab, counting) => {
      const plain = (_: null, ctx: Context): Promise<unknown> =>
        ctx.parallel.map(range(100), (i) => ctx.task(lab.step, t(1, i)));
      await runtime?.start(plain, null, { id: 'a' }).result();
      return counting.poolCommits;
    });
    expect(told).toBe(0);
    expect(store.readPools(0)).toEqual({ pools: [], leases: [] });
  });
});
