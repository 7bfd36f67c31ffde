import { describe, expect, it } from 'vitest';
import { journal, shape, transcript } from '../lab.fixture.ts';
import {
  brief,
  crashes,
  everywhere,
  f,
  perform,
  plain,
  replays,
  resumeAt,
  t,
  watchForLeaks,
  type Program,
} from './stage.fixture.ts';

watchForLeaks();

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('concurrency', () => {
  it('A06 runs exactly so many at once, and the next as soon as one ends', async () => {
    const program: Program = (stage) => (_, ctx) =>
      ctx.parallel.all(
        range(5).map((i) => () => ctx.task(stage.step, t(20, i))),
        { concurrency: 2 },
      );
    const { value, stage } = await perform(program);
    expect(value).toEqual([0, 1, 2, 3, 4]);
    expect(stage.maxParallel).toBe(2);
    expect(stage.spans.map(({ from }) => from)).toEqual([0, 0, 20, 20, 40]);
    expect(stage.spans.at(-1)?.to).toBe(60);
    await everywhere(program, [0, 1, 2, 3, 4]);
  });

  it('A32 race within a concurrency of 1: the first wins, the others are never invoked', async () => {
    const invoked: number[] = [];
    const program: Program = (stage) => (_, ctx) =>
      ctx.parallel.race(
        range(4).map((i) => () => {
          invoked.push(i);
          return ctx.task(stage.step, t(20, i));
        }),
        { concurrency: 1 },
      );
    const { value, stage } = await perform(program);
    expect(value).toBe(0);
    expect(stage.maxParallel).toBe(1);
    expect(invoked).toEqual([0]);
    await everywhere(program, 0, { depth: 2 });
    // Thunks are invoked again on replay; those that lost by not starting never are.
    expect(new Set(invoked)).toEqual(new Set([0]));
  });

  it.each([1, 2, 3])(
    '⟲ decides with idle branches left: all, any and race within %s',
    async (concurrency) => {
      const options = { concurrency };
      await everywhere(
        (stage) => async (_, ctx) => [
          await ctx.parallel.race(
            [t(10, 'r0'), t(20, 'r1'), t(30, 'r2'), t(40, 'r3')].map(
              (step) => () => ctx.task(stage.step, step),
            ),
            options,
          ),
          await ctx.parallel.any(
            [f(5, 'x'), t(10, 'ok'), t(20), t(30)].map((step) => () => ctx.task(stage.step, step)),
            options,
          ),
          await ctx.parallel
            .all(
              [t(5), f(6, 'bad'), t(20), t(30)].map((step) => () => ctx.task(stage.step, step)),
              options,
            )
            .catch(brief),
        ],
        ['r0', 'ok', 'TaskError: bad'],
      );
    },
  );

  it('counts branches, not tasks: a branch that sleeps or fans out keeps its place', async () => {
    const { stage } = await perform(
      (lab) => (_, ctx) =>
        ctx.parallel.map(
          range(4),
          async (i) => {
            await ctx.sleep(10);
            return ctx.parallel.all(
              [t(10), t(10)].map((step) => () => ctx.task(lab.step, { ...step, value: i })),
            );
          },
          { concurrency: 2 },
        ),
    );
    expect(stage.maxParallel).toBe(4);
    expect(stage.spans.map(({ from }) => from)).toEqual([10, 10, 10, 10, 30, 30, 30, 30]);
  });

  it('holds for thunks that return plain values', async () => {
    let under = 0;
    let most = 0;
    const { value } = await perform(
      () => (_, ctx) =>
        ctx.parallel.map(
          range(20),
          async (i) => {
            under += 1;
            most = Math.max(most, under);
            await Promise.resolve();
            under -= 1;
            return i;
          },
          { concurrency: 3 },
        ),
    );
    expect(value).toEqual(range(20));
    expect(most).toBe(3);
  });
});

describe('batchSize', () => {
  it('A48 bounds what runs at once inside a chunk, and waits for the whole chunk', async () => {
    const program: Program = (stage) => (_, ctx) =>
      ctx.parallel.all(
        range(10).map((i) => () => ctx.task(stage.step, t(i % 4 === 1 ? 50 : 20, i))),
        { batchSize: 4, concurrency: 2 },
      );
    const { value, stage } = await perform(program);
    expect(value).toEqual(range(10));
    expect(stage.maxParallel).toBe(2);
    const chunkOf = (key: string): number => Math.floor(Number(key.split('/')[1]) / 4);
    for (const span of stage.spans) {
      const before = stage.spans.filter(({ key }) => chunkOf(key) < chunkOf(span.key));
      expect(before.every(({ to }) => to !== undefined && to <= span.from)).toBe(true);
    }
    await everywhere(program, range(10));
  });

  const failing =
    (mode: 'all' | 'allSettled'): Program =>
    (stage) =>
    async (_, ctx) => {
      const steps = [t(5), f(10, 'x'), t(5), t(5), t(5), t(5)].map(
        (step) => () => ctx.task(stage.step, step),
      );
      const told: unknown = await ctx.parallel[mode](steps, { batchSize: 2 }).catch(brief);
      return Array.isArray(told) ? told.map(({ status }: { status: string }) => status) : told;
    };

  it('A50 a failure in the first of three chunks: all schedules no other', async () => {
    const { store } = await everywhere(failing('all'), 'TaskError: x', { depth: 2 });
    expect(shape(store).filter((line) => line.startsWith('TaskScheduled'))).toEqual([
      'TaskScheduled 0/0/0',
      'TaskScheduled 0/1/0',
    ]);
  });

  it('A50 a failure in the first of three chunks: allSettled runs them all', async () => {
    const { stage } = await everywhere(failing('allSettled'), [
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    expect(stage.invoked).toHaveLength(6);
  });

  it.each([1, 3, 100])('⟲ race and any stop at the chunk that decides (batchSize %s)', async (batchSize) => {
    await everywhere(
      (stage) => async (_, ctx) => [
        await ctx.parallel.race(
          [t(10, 'a'), t(12, 'b'), t(14, 'c'), t(1, 'd')].map((step) => () => ctx.task(stage.step, step)),
          { batchSize },
        ),
        await ctx.parallel.any(
          [f(3, 'x'), f(2, 'y'), f(4, 'w'), t(1, 'z')].map((step) => () => ctx.task(stage.step, step)),
          { batchSize },
        ),
      ],
      [batchSize === 100 ? 'd' : 'a', 'z'],
    );
  });
});

describe('slots and priorities', () => {
  const one = { pools: { one: 1 } };

  it('A52 a pool of one, busy: who waits starts by priority, results come in input order', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const step = stage.with({ pool: 'one' });
      const busy = ctx.task(step, t(50, 'busy'));
      await ctx.sleep(10);
      const values = await ctx.parallel.all([
        () => ctx.task(step, t(5, 'background'), { priority: 'background', key: 'background' }),
        () => ctx.task(step, t(5, 'visible'), { priority: 'user-visible', key: 'visible' }),
        () => ctx.task(step, t(5, 'blocking'), { priority: 'user-blocking', key: 'blocking' }),
      ]);
      return [await busy, values];
    };
    const { value, stage } = await perform(program, one);
    expect(value).toEqual(['busy', ['background', 'visible', 'blocking']]);
    expect(stage.started).toEqual(['0', '2/2/:blocking', '2/1/:visible', '2/0/:background']);
    expect(stage.maxParallel).toBe(1);
  });

  it('A52 groups hand their priority on, and a call of its own overrides it', async () => {
    const { stage } = await perform(
      (lab) => async (_, ctx) => {
        const step = lab.with({ pool: 'one' });
        const busy = ctx.task(step, t(50), { key: 'busy' });
        await ctx.sleep(10);
        await Promise.all([
          ctx.parallel.all(
            [
              () => ctx.task(step, t(5), { key: 'low' }),
              () => ctx.task(step, t(5), { key: 'own', priority: 7 }),
            ],
            {
              priority: 'background',
              key: 'g1',
            },
          ),
          ctx.parallel.all([() => ctx.parallel.all([() => ctx.task(step, t(5), { key: 'deep' })])], {
            priority: 5,
            key: 'g2',
          }),
          ctx.task(step, t(5), { key: 'plain' }),
        ]);
        return busy;
      },
      one,
    );
    expect(stage.started.map((key) => key.split('/').at(-1))).toEqual([
      ':busy',
      ':own',
      ':deep',
      ':plain',
      ':low',
    ]);
  });

  it('A53 equal priorities start first come, first served', async () => {
    const { stage, value } = await perform(
      (lab) => (_, ctx) =>
        ctx.parallel.all(range(5).map((i) => () => ctx.task(lab.with({ pool: 'one' }), t(5, i)))),
      one,
    );
    expect(value).toEqual(range(5));
    expect(stage.started).toEqual(range(5).map((i) => `0/${i}/0`));
    expect(stage.maxParallel).toBe(1);
  });

  it('the limit of attempts in flight holds over all runs and groups', async () => {
    const { stage } = await perform(
      (lab) => (_, ctx) =>
        ctx.parallel.all(
          range(3).map(() => () => ctx.parallel.map(range(4), () => ctx.task(lab.step, t(10)))),
        ),
      { limits: { inFlight: 5 } },
    );
    expect(stage.maxParallel).toBe(5);
  });

  it('law 7: a backoff, a sleep, a wait and a group hold no slot', async () => {
    const { stage, value } = await perform(
      (lab) => async (_, ctx) => {
        const step = lab.with({ pool: 'one' });
        return ctx.parallel.all([
          () =>
            ctx.task(step, { ms: 5, failures: 1, value: 'retried' }, { retry: { attempts: 2, delay: 100 } }),
          async () => {
            await ctx.sleep(10);
            return ctx.parallel.all([() => ctx.task(step, t(20, 'in the backoff'))]);
          },
        ]);
      },
      one,
    );
    expect(value).toEqual(['retried', ['in the backoff']]);
    expect(stage.spans.map(({ key, from }) => [key, from])).toEqual([
      ['0/0/0', 0],
      ['0/1/1/0/0', 10],
      ['0/0/0', 105],
    ]);
  });

  it('a waiter that is given up leaves its place to the next', async () => {
    const { stage, value } = await perform(
      (lab) => async (_, ctx) => {
        const step = lab.with({ pool: 'one' });
        const busy = ctx.task(step, t(50, 'busy'));
        const lost = await ctx.parallel.race([() => ctx.task(step, t(5, 'never')), () => ctx.sleep(10)]);
        return [lost, await ctx.task(step, t(5, 'next')), await busy];
      },
      one,
    );
    expect(value).toEqual([undefined, 'next', 'busy']);
    expect(stage.started).toEqual(['0', '2']);
  });

  it('a task that ignores its abort keeps its slot until it ends or the grace has passed', async () => {
    const program: Program = (lab) => async (_, ctx) => {
      const step = lab.with({ pool: 'one' });
      const late = await ctx.task(step, { ms: 100, deaf: true }, { timeout: 20 }).catch(brief);
      return [late, await ctx.task(step, t(5, 'next'))];
    };
    const patient = await perform(program, one);
    expect(patient.value).toEqual(['TimeoutError', 'next']);
    expect(patient.stage.spans.map(({ from }) => from)).toEqual([0, 100]);
    const hasty = await perform(program, { ...one, graceMs: 10 });
    expect(hasty.value).toEqual(['TimeoutError', 'next']);
    expect(hasty.stage.spans.map(({ from }) => from)).toEqual([0, 30]);
  });
});

describe('A54 D04 what is no identity may change between crash and resume', () => {
  interface Knobs {
    readonly concurrency?: number;
    readonly batchSize?: number;
    readonly priority?: number;
    readonly pool?: string;
    readonly timeout?: number;
  }

  /** Its closures see which thunks were invoked: their sum and count must be those of the journal. */
  const tuned =
    ({ pool, ...options }: Knobs): Program =>
    (stage) =>
    async (_, ctx) => {
      let sum = 0;
      let most = 0;
      let under = 0;
      const step = stage.with(pool === undefined ? {} : { pool });
      await ctx.parallel.map(
        [9, 3, 7, 5, 1, 8],
        async (ms) => {
          under += 1;
          most = Math.max(most, under);
          const value = await ctx.task(step, t(ms));
          sum += Number(value);
          under -= 1;
        },
        options,
      );
      return [sum, most > 0, await ctx.task(step, t(2, 'after'))];
    };
  const expected = { value: [33, true, 'after'] };

  const knobs: Record<string, Knobs> = {
    none: {},
    'one at a time': { concurrency: 1 },
    two: { concurrency: 2 },
    four: { concurrency: 4 },
    'chunks of two': { batchSize: 2 },
    'chunks of four, two at a time': { batchSize: 4, concurrency: 2 },
    'another priority and pool': { priority: 50, pool: 'other' },
    'a timeout': { timeout: 10_000 },
  };

  const pairs = Object.keys(knobs).flatMap((was) => Object.keys(knobs).map((is) => [was, is] as const));
  it.each(pairs.filter(([was, is]) => was !== is))('%s -> %s', async (was, is) => {
    const before = tuned(knobs[was] ?? {});
    const after = tuned(knobs[is] ?? {});
    const first = await perform(before);
    expect(plain(first.told)).toEqual(expected);
    for (let seq = 1; seq <= journal(first.store).length; seq += 1) {
      const where = `${was} -> ${is} at seq ${seq}: ${transcript(first.store)[seq - 1]}`;
      const resumed = await resumeAt(first.store, seq, after);
      expect(plain(resumed.told), where).toEqual(expected);
      await replays(resumed.store, after, where);
      // And back: the journal holds what each life did.
      await replays(resumed.store, before, `${where}, put back`);
    }
  });

  it('a change at the head is recorded as ScopeRetuned, and counts from then on', async () => {
    const first = await perform(tuned({ concurrency: 1 }));
    const seq = shape(first.store).indexOf('TaskSucceeded 0/0/0') + 1;
    const resumed = await resumeAt(first.store, seq, tuned({ concurrency: 3 }));
    expect(shape(resumed.store)).toContain('ScopeRetuned 0');
    expect(resumed.stage.maxParallel).toBe(3);
    await crashes(resumed.store, tuned({ concurrency: 3 }), expected);
    await crashes(resumed.store, tuned({ concurrency: 2 }), expected);
  });
});
