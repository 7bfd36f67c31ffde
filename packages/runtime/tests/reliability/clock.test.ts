import { performance } from 'node:perf_hooks';
import { defineTask, type Process } from '@pawl/sdk';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../src/ports/clock.ts';
import { openRuntime, type Runtime } from '../../src/runtime.ts';
import { systemClock } from '../../src/system.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, Lab } from '../lab.fixture.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const JUMPS = [
  ['two days forward', 2 * DAY_MS],
  ['a day back', -DAY_MS],
] as const;

/** Waits of every kind, each a minute long. */
const waits: Readonly<Record<string, (lab: Lab) => Process>> = {
  'a sleep': () => (_, ctx) => ctx.sleep('1m'),
  'a point of time': () => (_, ctx) => ctx.sleepUntil(ctx.now().getTime() + MINUTE_MS),
  "a retry's wait": (lab) => async (_, ctx) => {
    await ctx
      .task(lab.work, { ms: 0, fail: 'once more' }, { retry: { attempts: 2, delay: '1m' } })
      .catch(() => 0);
  },
  'a timeout of an attempt': (lab) => async (_, ctx) => {
    await ctx.task(lab.work, { ms: 9 * MINUTE_MS, value: 0 }, { timeout: '1m' }).catch(() => 0);
  },
  'a deadline': (lab) => async (_, ctx) => {
    await ctx.task(lab.work, { ms: 9 * MINUTE_MS, value: 0 }, { deadline: '1m' }).catch(() => 0);
  },
  'a timeout of a group': (lab) => async (_, ctx) => {
    const slow = (): Promise<unknown> => ctx.task(lab.work, { ms: 9 * MINUTE_MS, value: 0 });
    await ctx.parallel.all([slow], { timeout: '1m' }).catch(() => 0);
  },
};

/** Of a retry, after the second failure; of the others, when the wait has ended. */
function isOver(store: MemoryStore): boolean {
  return journal(store).some(({ event }) => event.type === 'RunSucceeded');
}

async function withRun(
  lab: Lab,
  store: MemoryStore,
  process: Process,
  during: (runtime: Runtime) => Promise<void>,
): Promise<void> {
  await using runtime = await lab.open(store);
  const handle =
    runtime.get('r') === undefined
      ? runtime.start(process, null as never, { id: 'r' })
      : runtime.resume('r', process);
  handle.result().catch(() => undefined);
  await lab.clock.advance(0);
  await during(runtime);
}

describe.each(Object.entries(waits))('%s of a minute', (name, make) => {
  const isOfAttempt = name === 'a timeout of an attempt';

  it.each(JUMPS)(
    'is neither early nor late when the wall clock jumps %s meanwhile',
    async (_name, jumpMs) => {
      const lab = new Lab();
      const store = new MemoryStore();
      await withRun(lab, store, make(lab), async () => {
        await lab.clock.advance(MINUTE_MS / 2);
        lab.clock.jumpWall(jumpMs);
        await lab.clock.advance(MINUTE_MS / 2 - 1);
        expect(isOver(store)).toBe(false);
        await lab.clock.advance(1);
        expect(isOver(store)).toBe(true);
      });
    },
  );

  it.each([['by nothing', 0] as const, ...JUMPS])(
    'never takes longer after a restart, where the wall clock jumped %s',
    async (_name, jumpMs) => {
      const before = new Lab();
      const store = new MemoryStore();
      await withRun(before, store, make(before), () => before.clock.advance(MINUTE_MS / 2));
      expect(isOver(store)).toBe(false);

      const after = Lab.at(before.clock.now() + jumpMs);
      await withRun(after, store, make(after), async () => {
        await after.clock.advance(MINUTE_MS / 2 - 1);
        // Forward: it is over at once. Back: the whole minute is waited for again, and no more than that.
        if (jumpMs <= 0) expect(isOver(store)).toBe(false);
        // Another attempt has a time of its own.
        await after.clock.advance(jumpMs < 0 || isOfAttempt ? MINUTE_MS / 2 + 1 : 1);
        expect(isOver(store)).toBe(true);
      });
    },
  );
});

it('a runtime that goes by the wall clock alone would be found by these', async () => {
  const lab = new Lab();
  const store = new MemoryStore();
  const { clock } = lab;
  const look = (due: number, callback: () => void): void => {
    if (clock.now() >= due) callback();
    else clock.after(Math.min(1000, due - clock.now()), () => look(due, callback));
  };
  const wall: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.now(),
    after: (delayMs, callback) => {
      let isCancelled = false;
      look(clock.now() + delayMs, () => {
        if (!isCancelled) callback();
      });
      return () => {
        isCancelled = true;
      };
    },
  };
  await using runtime = await lab.open(store, { clock: wall });
  const handle = runtime.start<null, void>(async (_, ctx) => ctx.sleep('1m'), null, { id: 'r' });
  handle.result().catch(() => undefined);
  await clock.advance(MINUTE_MS / 2);
  expect(isOver(store)).toBe(false);
  clock.jumpWall(2 * DAY_MS);
  await clock.advance(2000);
  expect(isOver(store)).toBe(true);
});

describe('ctx.now()', () => {
  it('never decreases, whatever the wall clock does within a program or between two', async () => {
    const store = new MemoryStore();
    const make =
      (lab: Lab): Process =>
      async (_, ctx) => {
        const seen = [ctx.now().getTime()];
        for (let i = 0; i < 12; i += 1) {
          await ctx.task(lab.work, { ms: 1000, value: i });
          seen.push(ctx.now().getTime());
        }
        return seen;
      };
    let wall = Date.UTC(2026, 5, 1);
    for (const jumpMs of [0, -DAY_MS, 2 * DAY_MS, -3 * DAY_MS]) {
      const lab = Lab.at(wall + jumpMs);
      await withRun(lab, store, make(lab), async () => {
        await lab.clock.advance(1500);
        lab.clock.jumpWall(-MINUTE_MS);
        await lab.clock.advance(1500);
        lab.clock.jumpWall(2 * MINUTE_MS);
        await lab.clock.advance(1000);
      });
      wall = lab.clock.now();
    }
    const times = journal(store).map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const lab = Lab.at(wall);
    const { value: seen } = (await lab.drive(store, make(lab))) as { value: number[] };
    expect(seen).toHaveLength(13);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });
});

describe('the clock of the system', () => {
  afterEach(() => {
    // What was spied on was a timer that is not real: it must not come back behind those that are.
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it('does not let sixty days pass at once', async () => {
    const store = new MemoryStore();
    await using runtime = await openRuntime({ store });
    let ticks = 0;
    const tick = defineTask({ name: 'tick', run: (): number => (ticks += 1) });
    const process: Process = async (_, ctx) => {
      await ctx.parallel.race([
        () => ctx.sleep('60d'),
        async () => {
          for (let i = 0; i < 200; i += 1) await ctx.task(tick);
        },
      ]);
      return journal(store).some(({ event }) => event.type === 'TimerFired');
    };
    expect(await runtime.start(process, null as never, { id: 'r' }).result()).toBe(false);
    expect(ticks).toBe(200);
    const timer = journal(store).find(({ event }) => event.type === 'TimerStarted');
    expect(timer?.event).toMatchObject({ dueAt: (timer?.at ?? 0) + 60 * DAY_MS, durationMs: 60 * DAY_MS });
  });

  it('waits for any time in pieces that Node can count, and calls back once, never early', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1 });
    vi.spyOn(performance, 'now').mockImplementation(() => Date.now());
    const set = vi.spyOn(globalThis, 'setTimeout');
    const lengths = [0, 1, 2 ** 31 - 1, 2 ** 31, 60 * DAY_MS, 100_000 * DAY_MS];
    for (const ms of lengths) {
      const called = vi.fn();
      const from = systemClock.monotonic();
      systemClock.after(ms, called);
      const cancelled = vi.fn();
      const cancel = systemClock.after(ms, cancelled);
      await vi.advanceTimersByTimeAsync(Math.max(0, ms - 1));
      expect(called).toHaveBeenCalledTimes(ms === 0 ? 1 : 0);
      if (ms > 0) cancel();
      await vi.advanceTimersByTimeAsync(2);
      expect(called).toHaveBeenCalledTimes(1);
      expect(cancelled).toHaveBeenCalledTimes(ms === 0 ? 1 : 0);
      expect(systemClock.monotonic() - from).toBeGreaterThanOrEqual(ms);
    }
    for (const [, delayMs] of set.mock.calls) expect(delayMs).toBeLessThanOrEqual(2 ** 31 - 1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
