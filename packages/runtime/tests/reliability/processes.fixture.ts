/** The processes that programs here run, by name. */
import type { Context, ProcessDefinition } from '@pawl/sdk';
import { defineProcess } from '@pawl/sdk';
import { flaky, gated, hopeless, load, marked, once, stall, stalling, work } from './world.fixture.ts';

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function floor(ctx: Context, n: number): Promise<unknown> {
  const [plain, late, settled] = await ctx.parallel.all([
    () => ctx.task(work, { ms: 2 * n, value: n }),
    async () => {
      await ctx.sleep(3 + n);
      return ctx.task(flaky, { failures: n % 3, value: `flaky ${n}` });
    },
    () =>
      ctx.parallel.allSettled([
        () => ctx.task(hopeless, { value: n }),
        () =>
          ctx.parallel.map([1, 2, 3], (i) => ctx.task(work, { ms: i, value: [n, i] }), { concurrency: 2 }),
      ]),
  ]);
  // Both give the same, whoever is first.
  const won = await ctx.parallel.race([1, 4].map((ms) => () => ctx.task(work, { ms, value: `won ${n}` })));
  return [
    plain,
    late,
    settled.map((entry) => (entry.status === 'fulfilled' ? entry.value : message(entry.reason))),
    won,
  ];
}

/** Nested parallel work, timers, retries, losers, closures: the same result however often it is killed. */
const tower = defineProcess({
  name: 'tower',
  run: async (input: { floors: number }, ctx): Promise<unknown> => {
    const order: number[] = [];
    let sum = Number(await ctx.task(work, { ms: 1, value: 1 }));
    const floors = await ctx.parallel.map(
      Array.from({ length: input.floors }, (_, n) => n),
      async (n) => {
        const built = await floor(ctx, n);
        const counted = await ctx.task(work, { ms: 1, value: n });
        sum += Number(counted);
        // Drawn by the run's seed: a replay that drew something else would diverge.
        await ctx.task(work, { ms: 0, value: ctx.random() });
        return built;
      },
      { concurrency: 3 },
    );
    for (let i = 0; i < 5; i += 1) order.push(Number(await ctx.task(work, { ms: 0, value: i })));
    const first = await ctx.parallel.any([
      () => ctx.task(hopeless, { value: 'any' }),
      () => ctx.task(work, { ms: 2, value: 'any' }),
    ]);
    return { floors, sum, order, first };
  },
});

/** One step after the other; the result is the nonces of the starts that counted. */
const steps = defineProcess({
  name: 'steps',
  run: async (input: { steps: number }, ctx): Promise<unknown> => {
    const nonces: string[] = [];
    for (let i = 0; i < input.steps; i += 1) nonces.push(await ctx.task(once, i));
    return nonces;
  },
});

/** Steps of some time each: for programs that are stopped in their midst. */
const slowSteps = defineProcess({
  name: 'slowSteps',
  run: async (input: { steps: number; ms: number }, ctx): Promise<unknown> => {
    const nonces: string[] = [];
    for (let i = 0; i < input.steps; i += 1) {
      const [nonce] = await ctx.parallel.all([
        () => ctx.task(once, i),
        () => ctx.task(work, { ms: input.ms, value: i }),
        () => ctx.sleep(input.ms + 1),
      ]);
      nonces.push(nonce);
    }
    return nonces;
  },
});

/** Waits for a gate, between two rounds of steps. */
const gatedSteps = defineProcess({
  name: 'gatedSteps',
  run: async (_: null, ctx): Promise<unknown> => {
    const before = await ctx.parallel.map([1, 2, 3], (i) => ctx.task(once, i));
    const between = await ctx.task(gated, 'go');
    const after = await ctx.parallel.map([4, 5, 6], (i) => ctx.task(once, i));
    return [...before, between, ...after];
  },
});

/** Outputs of some size, a few at a time. */
const bulk = defineProcess({
  name: 'bulk',
  run: async (input: { tasks: number; bytes: number }, ctx): Promise<unknown> => {
    const sizes = await ctx.parallel.map(
      Array.from({ length: input.tasks }).keys(),
      async (i) => (await ctx.task(load, { i, bytes: input.bytes })).length,
      { concurrency: 4 },
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  },
});

/** Its own code holds the event loop, in the middle of a turn. */
const stallingProcess = defineProcess({
  name: 'stallingProcess',
  run: async (_: null, ctx): Promise<unknown> => {
    const before = await ctx.parallel.map([1, 2, 3], (i) => ctx.task(once, i));
    stall();
    const after = await ctx.parallel.map([4, 5, 6], (i) => ctx.task(once, i));
    return [...before, ...after, await ctx.task(once, 7)];
  },
});

/** The first of many tasks that start together holds the event loop. */
const stallingTask = defineProcess({
  name: 'stallingTask',
  run: (_: null, ctx): Promise<unknown> =>
    ctx.parallel.map(Array.from({ length: 20 }).keys(), (i) => ctx.task(stalling, i)),
});

/** Holds all slots of a pool until a gate opens. */
const holdsPool = defineProcess({
  name: 'holdsPool',
  run: (input: { slots: number }, ctx): Promise<unknown> =>
    ctx.pool('shared', { maxConcurrent: input.slots }).executeMany(
      gated,
      Array.from({ length: input.slots }, () => 'go'),
    ),
});

/** Many tasks in a pool that other programs use too. */
const crowd = defineProcess({
  name: 'crowd',
  run: (input: { tasks: number; slots: number; ms: number; log: string }, ctx): Promise<unknown> =>
    ctx.pool('crowd', { maxConcurrent: input.slots }).executeMany(
      marked,
      Array.from({ length: input.tasks }, () => ({ ms: input.ms, log: input.log })),
    ),
});

function* numbers(count: number): Generator<number> {
  for (let n = 0; n < count; n += 1) yield n;
}

/** Numbers from a source that goes on at its cursor, and that fails now and then. */
const recorded = (ctx: Context, count: number): AsyncIterable<number> =>
  ctx.source<number, number>(
    'numbers',
    function* (cursor = -1) {
      for (let n = cursor + 1; n < count; n += 1) {
        if (n % 100 === 99 && n > cursor + 1) throw new Error(`not ${n} at once`);
        yield { item: n, cursor: n };
      }
    },
    { buffer: 10, retry: { attempts: 2, delay: 1 } },
  );

/** Two reduces side by side, and steps beside them; the result tells whether an item was lost or counted twice. */
const folding =
  (source: (ctx: Context, count: number) => Iterable<number> | AsyncIterable<number>) =>
  async (input: { items: number }, ctx: Context): Promise<unknown> => {
    const fold = (count: number): Promise<{ sum: number; items: number }> =>
      ctx.reduce(
        source(ctx, count),
        { sum: 0, items: 0 },
        ({ sum, items }, n: number) => ({ sum: sum + n, items: items + 1 }),
        {
          each: async (n) => {
            await ctx.task(work, { ms: n % 3, value: [n, ctx.now().getTime()] });
            return n;
          },
          concurrency: 4,
          foldEvery: 25,
        },
      );
    return ctx.parallel.all([
      () => fold(input.items),
      () => fold(input.items / 2),
      async () => {
        let made = 0;
        for (let i = 0; i < 20; i += 1) made += Number(await ctx.task(work, { ms: 5, value: 1 }));
        return made;
      },
    ]);
  };
const folds = defineProcess({ name: 'folds', run: folding((_, count) => numbers(count)) });
const foldsSources = defineProcess({ name: 'foldsSources', run: folding(recorded) });

/** What the programs know. The types of inputs are the tests' business. */
export const processes: Readonly<Record<string, ProcessDefinition>> = {
  tower,
  folds,
  foldsSources,
  steps,
  slowSteps,
  gatedSteps,
  bulk,
  stallingProcess,
  stallingTask,
  holdsPool,
  crowd,
};
