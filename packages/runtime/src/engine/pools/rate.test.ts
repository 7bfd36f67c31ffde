import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RateState } from '../../ports/pool-store.ts';
import { freeStarts, isAhead, setBack, useStarts, waitMs, type RatePlan } from './rate.ts';

const BUCKET: RatePlan = { limit: 2, perMs: 500, burst: 8 };
const WINDOW: RatePlan = { limit: 3, perMs: 1000, burst: null };

/** Starts as many as it may, whenever it may, for so long; the times of all starts. */
function startAll(plan: RatePlan, from: number, untilMs: number): number[] {
  const starts: number[] = [];
  let state: RateState | null = null;
  for (let now = from; now <= untilMs;) {
    const free = freeStarts(plan, state, now);
    for (let i = 0; i < free; i += 1) starts.push(now);
    if (free > 0) state = useStarts(plan, state, now, free);
    now += Math.max(1, waitMs(plan, state, now));
  }
  return starts;
}

describe('a bucket', () => {
  it('is full at first, and gains its limit every per', () => {
    expect(freeStarts(BUCKET, null, 0)).toBe(8);
    const empty = useStarts(BUCKET, null, 0, 8);
    expect([0, 249, 250, 500, 10_000].map((now) => freeStarts(BUCKET, empty, now))).toEqual([0, 0, 1, 2, 8]);
    expect(waitMs(BUCKET, empty, 0)).toBe(250);
    expect(waitMs(BUCKET, empty, 100)).toBe(150);
    expect(waitMs(BUCKET, empty, 300)).toBe(0);
  });

  it('grants nothing for a clock that was set back', () => {
    const empty = useStarts(BUCKET, null, 10_000, 8);
    expect(freeStarts(BUCKET, empty, 0)).toBe(0);
    expect(waitMs(BUCKET, empty, 0)).toBe(250);
  });

  it('gains again from where a clock was set back to', () => {
    const empty = useStarts(BUCKET, null, 10_000, 8);
    expect([isAhead(empty, 0), isAhead(empty, 10_000), isAhead(null, 0)]).toEqual([true, false, false]);
    const again = setBack(empty, 0);
    expect(freeStarts(BUCKET, again, 0)).toBe(0);
    expect(freeStarts(BUCKET, again, 500)).toBe(2);
  });

  it('never holds less than nothing, as fractions add up: a row that says so counts as damaged', () => {
    for (const [limit, perMs, burst] of [
      [3, 7, 5],
      [7, 11, 1],
      [1, 3, 1],
    ] as const) {
      const plan = { limit, perMs, burst };
      let state: RateState | null = null;
      for (let now = 1_700_000_000_000, i = 0; i < 500; i += 1) {
        const free = freeStarts(plan, state, now);
        if (free > 0) state = useStarts(plan, state, now, free);
        expect(state).toMatchObject({ tokens: expect.toSatisfy((tokens: number) => tokens >= 0) });
        now += Math.max(1, waitMs(plan, state, now));
      }
    }
  });

  it('that was a window is empty since its last start', () => {
    const state: RateState = { kind: 'window', cells: [{ at: 1000, starts: 3 }] };
    expect(freeStarts(BUCKET, state, 1000)).toBe(0);
    expect(freeStarts(BUCKET, state, 1500)).toBe(2);
  });
});

describe('a window', () => {
  it('that was a bucket is full since its last start', () => {
    const state: RateState = { kind: 'bucket', at: 1000, tokens: 8 };
    expect(freeStarts(WINDOW, state, 1500)).toBe(0);
    expect(freeStarts(WINDOW, state, 2001)).toBe(3);
  });

  it('waits no longer than its length, also when the clock was set back', () => {
    const full = useStarts(WINDOW, null, 5_000, 3);
    expect(waitMs(WINDOW, full, 5_000)).toBeLessThanOrEqual(1000 + 16);
    expect(freeStarts(WINDOW, full, 1_000)).toBe(3);
  });
});

it('never grants more than it says, and all of it in the long run', () => {
  const plans = fc.oneof(
    fc.record({
      limit: fc.integer({ min: 1, max: 9 }),
      perMs: fc.integer({ min: 100, max: 3000 }),
      burst: fc.integer({ min: 1, max: 9 }),
    }),
    fc.record({
      limit: fc.integer({ min: 1, max: 9 }),
      perMs: fc.integer({ min: 100, max: 3000 }),
      burst: fc.constant(null),
    }),
  );
  fc.assert(
    fc.property(plans, fc.nat(10_000), (plan, from) => {
      const length = 10 * plan.perMs;
      const starts = startAll(plan, from, from + length);
      const most = (plan.burst ?? 0) + plan.limit;
      for (const start of starts) {
        const within = starts.filter((at) => at >= start && at < start + plan.perMs).length;
        expect(within).toBeLessThanOrEqual(plan.burst === null ? plan.limit : most);
      }
      // Times are whole milliseconds, so a rate loses less than one for each start.
      expect(starts.length).toBeGreaterThanOrEqual(
        Math.floor((length * plan.limit) / (plan.perMs + plan.limit + plan.perMs / 32)) - 1,
      );
    }),
  );
});
