import type { Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { RuntimeError } from '../../src/index.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, settledKeys, shape } from '../lab.fixture.ts';
import { brief, replays, Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

/** Stops, or closes, at 20 ms; then resumes and lets it end. */
async function stopAndResume(
  program: Program,
  how: 'stop' | 'close',
  graceMs = 5000,
): Promise<{
  readonly left: unknown;
  readonly stoppedAt: number;
  readonly before: readonly string[];
  readonly store: MemoryStore;
  readonly second: Stage;
  readonly value: unknown;
}> {
  const store = new MemoryStore();
  const first = new Stage();
  const pools = { one: 1 };
  let left: unknown;
  let stoppedAt = 0;
  await first.use(store, { graceMs, pools }, async (runtime) => {
    const handle = runtime.start(program(first) as (inputs: null, ctx: Context) => unknown, null, {
      id: 'r',
    });
    first.later(20, () => {
      const stopped = how === 'close' ? runtime.close() : runtime.stop('r');
      void stopped.then(() => (stoppedAt = first.clock.monotonic()));
    });
    left = await handle
      .result()
      .catch((error: unknown) => (error instanceof RuntimeError ? error.code : brief(error)));
    await new Promise((resolve) => setImmediate(resolve));
  });
  const before = shape(store);
  const second = Stage.at((journal(store).at(-1)?.at ?? 0) + 5);
  const settled = settledKeys(journal(store));
  const outcome = await second.drive(store, program(second), null, { pools });
  expect(second.invoked.filter(({ key }) => settled.has(key))).toEqual([]);
  await replays(store, program);
  return {
    left,
    stoppedAt,
    before,
    store,
    second,
    value: 'value' in outcome ? outcome.value : brief(outcome.error),
  };
}

const cases: Record<string, { program: Program; value: unknown; interrupted: number; stoppedAt?: number }> = {
  'while a task runs': {
    program: (stage) => async (_, ctx) => [
      await ctx.task(stage.step, t(10, 'a')),
      await ctx.task(stage.step, t(50, 'b')),
    ],
    value: ['a', 'b'],
    interrupted: 1,
  },
  'while a task that ignores it ends within the grace': {
    program: (stage) => async (_, ctx) => [
      await ctx.task(stage.step, { ms: 50, value: 'a', deaf: true }),
      await ctx.task(stage.step, t(5, 'b')),
    ],
    value: ['a', 'b'],
    interrupted: 0,
    stoppedAt: 50,
  },
  'while a task that ignores it goes on beyond the grace': {
    program: (stage) => (_, ctx) => ctx.task(stage.step, { ms: 60_000, value: 'a', deaf: true }),
    value: 'a',
    interrupted: 0,
    stoppedAt: 5020,
  },
  'in a backoff': {
    program: (stage) => (_, ctx) =>
      ctx.task(stage.step, { ms: 5, value: 'a', failures: 1 }, { retry: { attempts: 2, delay: 100 } }),
    value: 'a',
    interrupted: 0,
  },
  'in a sleep': {
    program: (stage) => async (_, ctx) => {
      await ctx.sleep(1000);
      return ctx.task(stage.step, t(5, 'a'));
    },
    value: 'a',
    interrupted: 0,
  },
  'while a task waits for its slot': {
    program: (stage) => (_, ctx) =>
      ctx.parallel.all([50, 5].map((ms) => () => ctx.task(stage.with({ pool: 'one' }), t(ms)))),
    value: [50, 5],
    interrupted: 1,
  },
  'in a race with a timeout': {
    program: (stage) => (_, ctx) =>
      ctx.parallel.race([() => ctx.task(stage.step, t(50, 'w')), () => ctx.task(stage.step, t(60, 'l'))], {
        timeout: 500,
      }),
    value: 'w',
    interrupted: 2,
  },
  'with code that tries again what was interrupted': {
    program: (stage) => async (_, ctx) => {
      for (let i = 0; ; i += 1) {
        try {
          return [i, await ctx.task(stage.step, t(50, 'a'))];
        } catch {
          // An interruption is not told to process code.
        }
      }
    },
    value: [0, 'a'],
    interrupted: 1,
  },
};

describe.each(['stop', 'close'] as const)('%s', (how) => {
  it.each(Object.entries(cases))(
    '%s leaves at once, and the run goes on when it is resumed',
    async (_, { program, value, interrupted, stoppedAt = 20 }) => {
      const told = await stopAndResume(program, how);
      expect(told.left).toBe('STOPPED');
      expect(told.stoppedAt).toBe(stoppedAt);
      expect(told.before.filter((line) => line.startsWith('AttemptInterrupted'))).toHaveLength(interrupted);
      expect(told.before.some((line) => /^Run(Succeeded|Failed|Cancelled)/.test(line))).toBe(false);
      expect(told.value).toEqual(value);
    },
  );
});

it('a stop while a run is replayed leaves its journal as it was', async () => {
  const program: Program = (stage) => async (_, ctx) => {
    const seen: unknown[] = [];
    for (let i = 0; i < 50; i += 1) seen.push(await ctx.task(stage.step, t(1, i)));
    return seen.length;
  };
  const first = new Stage();
  const store = new MemoryStore();
  await first.drive(store, program(first));
  const prefix = store.prefix('r', journal(store).length - 2);
  const second = new Stage();
  await second.use(prefix, {}, async (runtime) => {
    const handle = runtime.resume('r', program(second));
    await new Promise((resolve) => setImmediate(resolve));
    await runtime.stop('r');
    await expect(handle.result()).rejects.toMatchObject({ code: 'STOPPED' });
  });
  expect(journal(prefix)).toHaveLength(journal(store).length - 2);
  const third = new Stage();
  expect(await third.drive(prefix, program(third))).toEqual({ value: 50 });
});

it('a closed runtime refuses to start, and closing twice is one close', async () => {
  const stage = new Stage();
  const runtime = await stage.open(new MemoryStore());
  await Promise.all([runtime.close(), runtime.close()]);
  expect(() => runtime.start(async () => 1, null)).toThrow(/closed/);
});
