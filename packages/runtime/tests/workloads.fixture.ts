import { setTimeout as rawDelay } from 'node:timers/promises';
import type { Process } from '@pawl/sdk';
import type { Lab } from './lab.fixture.ts';

/** A process made for a lab, so that its tasks run in that lab's time. */
export type Workload = (lab: Lab) => Process;

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What crashes at every prefix are tried on. */
export const workloads: Readonly<Record<string, Workload>> = {
  sequence: (lab) => async (_, ctx) => {
    const seen: unknown[] = [];
    for (let i = 0; i < 4; i += 1) seen.push(await ctx.task(lab.work, { ms: 5, value: i }));
    return { seen, random: ctx.random(), id: ctx.uuid(), now: ctx.now().getTime() > 0 };
  },
  all: (lab) => (_, ctx) =>
    ctx.parallel.all([30, 5, 15].map((ms, i) => () => ctx.task(lab.work, { ms, value: i }))),
  allFails: (lab) => async (_, ctx) => {
    try {
      await ctx.parallel.all([
        () => ctx.task(lab.work, { ms: 300, value: 1 }),
        () => ctx.task(lab.work, { ms: 20, fail: 'boom' }),
      ]);
      return 'no error';
    } catch (error) {
      return [message(error), await ctx.task(lab.work, { ms: 1, value: 'after' })];
    }
  },
  nested: (lab) => (_, ctx) =>
    ctx.parallel.map([1, 2, 3], async (n) => {
      const inner = await ctx.parallel.all([
        () => ctx.task(lab.work, { ms: 10 * n, value: n }),
        async () => {
          await ctx.sleep(3);
          return ctx.task(lab.work, { ms: 2, value: -n });
        },
      ]);
      return [
        inner,
        await ctx.parallel.race([
          () => ctx.task(lab.work, { ms: 50, value: 'slow' }),
          () => ctx.task(lab.work, { ms: n, value: 'fast' }),
        ]),
      ];
    }),
  race: (lab) => (_, ctx) =>
    ctx.parallel.race([100, 10, 40].map((ms) => () => ctx.task(lab.work, { ms, value: ms }))),
  raceRejects: (lab) => async (_, ctx) => {
    const error = await ctx.parallel
      .race([() => ctx.task(lab.work, { ms: 5, fail: 'e' }), () => ctx.task(lab.work, { ms: 50, value: 1 })])
      .then(() => 'no error', message);
    return [error, await ctx.task(lab.work, { ms: 2, value: 'after' })];
  },
  any: (lab) => (_, ctx) =>
    ctx.parallel.any([
      () => ctx.task(lab.work, { ms: 5, fail: 'a' }),
      () => ctx.task(lab.work, { ms: 40, value: 'ok' }),
      () => ctx.task(lab.work, { ms: 400, value: 'late' }),
    ]),
  anyFails: (lab) => async (_, ctx) => {
    try {
      return await ctx.parallel.any([
        () => ctx.task(lab.work, { ms: 20, fail: 'a' }),
        () => ctx.task(lab.work, { ms: 5, fail: 'b' }),
      ]);
    } catch (error) {
      return error instanceof AggregateError ? error.errors.map(message) : message(error);
    }
  },
  retry: (lab) => async (_, ctx) => [
    await ctx.task(lab.flaky, { ms: 5, failures: 2, value: 'done' }),
    await ctx.task(lab.flaky, { ms: 5, failures: 9, value: 'never' }).catch(message),
  ],
  timer: (lab) => async (_, ctx) => {
    const from = ctx.now().getTime();
    await ctx.sleep('1h');
    await ctx.sleepUntil(from + 7_200_000);
    return [ctx.now().getTime() - from >= 7_200_000, await ctx.task(lab.work, { ms: 1, value: 'after' })];
  },
  timeout: (lab) => async (_, ctx) => [
    await ctx.task(lab.work, { ms: 500, value: 1 }, { timeout: 100 }).catch(message),
    await ctx.task(lab.work, { ms: 10, value: 2 }, { timeout: 100 }),
    await ctx.parallel.all([() => ctx.task(lab.work, { ms: 500, value: 3 })], { timeout: 50 }).catch(message),
  ],
  closures: (lab) => async (_, ctx) => {
    let sum = 0;
    const order: number[] = [];
    const add = async (ms: number): Promise<void> => {
      const value = await ctx.task(lab.work, { ms, value: ms });
      sum += Number(value);
    };
    await ctx.parallel.map([40, 10, 30, 20], add, { concurrency: 2 });
    await ctx.parallel.map(
      [4, 1, 3],
      async (ms, i) => {
        await add(ms);
        order.push(i);
      },
      { concurrency: 1 },
    );
    return { sum, order };
  },
  settled: (lab) => async (_, ctx) => {
    const entries = await ctx.parallel.allSettled(
      [
        () => ctx.task(lab.work, { ms: 50, value: 'a' }),
        () => ctx.task(lab.work, { ms: 5, fail: 'b' }),
        () => {
          throw new Error('sync');
        },
      ],
      { preserveOrder: false },
    );
    return entries.map((entry) => [
      entry.index,
      entry.status === 'fulfilled' ? entry.value : message(entry.reason),
    ]);
  },
  promiseAll: (lab) => async (_, ctx) => {
    const walk = async (name: string, ms: number): Promise<unknown> => [
      await ctx.task(lab.work, { ms, value: `${name}1` }),
      await ctx.task(lab.work, { ms: 30 - ms, value: `${name}2` }),
    ];
    return Promise.all([walk('a', 10), walk('b', 20), walk('c', 5)]);
  },
  promiseRace: (lab) => async (_, ctx) => {
    const first = await Promise.race([
      ctx.task(lab.work, { ms: 30, value: 'slow' }),
      ctx.task(lab.work, { ms: 10, value: 'fast' }),
    ]);
    return [first, await ctx.task(lab.work, { ms: 5, value: 'after' })];
  },
  rawWaits: (lab) => async (_, ctx) => {
    const raw = async (): Promise<unknown> => {
      await rawDelay(2);
      const a = await ctx.task(lab.work, { ms: 5, value: 'raw' });
      await rawDelay(1);
      return [a, await ctx.task(lab.work, { ms: 5, value: 'raw2' })];
    };
    const plain = async (): Promise<unknown> => [
      await ctx.task(lab.work, { ms: 3, value: 'plain' }),
      await ctx.task(lab.work, { ms: 3, value: 'plain2' }),
    ];
    return Promise.all([raw(), plain()]);
  },
  keyed: (lab) => (_, ctx) =>
    ctx.parallel.map(
      ['eu', 'us'],
      (region) => ctx.task(lab.work, { ms: region === 'eu' ? 9 : 4, value: region }, { key: 'charge' }),
      {
        keyBy: (region) => region,
        key: 'regions',
      },
    ),
  throws: (lab) => async (_, ctx) => {
    await ctx.task(lab.work, { ms: 5, value: 1 });
    throw new RangeError('the process gave up');
  },
  leftovers: (lab) => async (_, ctx) => {
    void ctx.task(lab.work, { ms: 1000, value: 'nobody waits' });
    void ctx.task(lab.work, { ms: 1000, value: 'deaf', deaf: true });
    return ctx.task(lab.work, { ms: 5, value: 'done' });
  },
};
