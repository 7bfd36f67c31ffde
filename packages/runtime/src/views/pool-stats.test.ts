import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../journal/event.ts';
import { SAMPLE_EVENTS } from '../journal/sample-events.fixture.ts';
import { addTime, createHistogram, timesOf } from './histogram.ts';
import { addPoolEvents, createPoolFold, poolStatsOf, type PoolStats } from './pool-stats.ts';

type Row = readonly [at: number, event: JournalEvent];

const { TaskScheduled, RunStarted, RunSucceeded, TaskFailed } = SAMPLE_EVENTS;
const scheduled = (key: string, pool: string | null = 'p'): JournalEvent => ({ ...TaskScheduled, key, pool });
const started = (key: string, attempt = 1): JournalEvent => ({ type: 'AttemptStarted', key, attempt });
const succeeded = (key: string): JournalEvent => ({ type: 'TaskSucceeded', key, output: 1, by: 'attempt' });
const failed = (key: string, cause: 'error' | 'timeout' | 'queueFull' | 'circuitOpen'): JournalEvent => ({
  ...TaskFailed,
  key,
  cause,
});
const late = (key: string): JournalEvent => ({ type: 'LateResult', key, attempt: 1, outcome: 'interrupted' });

function fold(...runs: readonly (readonly Row[])[]): ReadonlyMap<string, PoolStats> {
  const pools = createPoolFold();
  for (const [i, rows] of runs.entries())
    for (const [n, [at, event]] of [[0, RunStarted] as Row, ...rows].entries())
      addPoolEvents(pools, `r${i}`, [{ seq: n + 1, at, event }]);
  return poolStatsOf([pools]);
}

const of = (...rows: readonly Row[]): PoolStats => fold(rows).get('p') ?? expect.fail('nothing of p');

describe('statistics of a pool', () => {
  it('counts by what became of each call', () => {
    const stats = of(
      [0, scheduled('0')],
      [0, scheduled('1')],
      [0, scheduled('2')],
      [0, scheduled('3')],
      [0, scheduled('4')],
      [0, started('0')],
      [0, started('1')],
      [10, succeeded('0')],
      [10, failed('1', 'error')],
      [10, failed('2', 'queueFull')],
      [10, failed('3', 'circuitOpen')],
      [10, { type: 'TaskCancelled', key: '4', reason: 'x' }],
    );
    expect(stats).toMatchObject({
      started: 2,
      completed: 1,
      failed: 1,
      refused: 2,
      cancelled: 1,
      timedOut: 0,
      zombies: 0,
    });
  });

  it('waits begin anew with each attempt: a backoff is no wait', () => {
    const stats = of(
      [0, scheduled('0')],
      [5, started('0')],
      [
        15,
        {
          type: 'AttemptFailed',
          key: '0',
          attempt: 1,
          error: { name: 'Error', message: '' },
          retryAt: 115,
          delayMs: 100,
        },
      ],
      [116, started('0', 2)],
      [120, { type: 'AttemptInterrupted', key: '0', attempt: 2 }],
      [123, started('0', 3)],
      [133, succeeded('0')],
    );
    expect(stats).toMatchObject({ started: 3, retries: 1, completed: 1 });
    expect(stats.wait).toMatchObject({ count: 3, averageMs: 3, maxMs: 5 });
    expect(stats.run).toMatchObject({ count: 3, averageMs: 8, maxMs: 10 });
    expect(stats.averageActive).toBeCloseTo(24 / 133);
  });

  it.each([
    ['a timeout', failed('0', 'timeout')],
    ['a cancel', { type: 'TaskCancelled', key: '0', reason: 'x' } as const],
  ])('an attempt that %s left behind is a zombie until it tells its end, or its run is over', (_, giveUp) => {
    const rows: Row[] = [
      [0, scheduled('0')],
      [0, started('0')],
      [20, giveUp],
    ];
    expect(of(...rows).zombies).toBe(1);
    expect(of(...rows, [90, late('0')]).zombies).toBe(0);
    expect(of(...rows, [90, late('0')], [95, late('0')]).zombies).toBe(0);
    expect(of(...rows, [30, RunSucceeded]).zombies).toBe(0);
  });

  it('a deadline that passes in the queue leaves nothing behind', () => {
    expect(of([0, scheduled('0')], [9, failed('0', 'timeout')])).toMatchObject({
      timedOut: 1,
      zombies: 0,
      started: 0,
    });
  });

  it('come to the same in whatever order runs are read', () => {
    const at = (start: number): Row[] => [
      [start, scheduled('0')],
      [start + 5, started('0')],
      [start + 10, succeeded('0')],
    ];
    expect(fold(at(100), at(0)).get('p')).toEqual(fold(at(0), at(100)).get('p'));
  });

  it('folds many runs, each pool by itself, tasks without a pool too', () => {
    const one: Row[] = [
      [0, scheduled('0')],
      [0, started('0')],
      [10, succeeded('0')],
    ];
    const stats = fold(one, one, [
      [0, scheduled('0', null)],
      [0, started('0')],
    ]);
    expect(stats.get('p')).toMatchObject({ completed: 2, averageActive: 2 });
    expect(stats.get('')).toMatchObject({ started: 1, completed: 0 });
  });
});

it('percentiles are at most an eighth too long, and never longer than the longest', () => {
  const histogram = createHistogram();
  for (let ms = 1; ms <= 1000; ms += 1) addTime(histogram, ms);
  const { p50Ms, p95Ms, maxMs, averageMs, count } = timesOf(histogram);
  expect([count, averageMs, maxMs]).toEqual([1000, 500.5, 1000]);
  expect(p50Ms).toBeGreaterThanOrEqual(500);
  expect(p50Ms).toBeLessThanOrEqual(500 * 1.125);
  expect(p95Ms).toBeGreaterThanOrEqual(950);
  expect(p95Ms).toBeLessThanOrEqual(1000);
  expect(timesOf(createHistogram())).toEqual({ count: 0, averageMs: 0, maxMs: 0, p50Ms: 0, p95Ms: 0 });
});
