import { expect, test } from 'vitest';

import type { JournalEvent } from '../journal/event.ts';
import { opened, RUN_STARTED, scheduled } from '../kernel/given.fixture.ts';
import {
  addStatsEvent,
  closeRun,
  createStatsFold,
  processStatsOf,
  type ProcessStats,
} from './process-stats.ts';

type Timed = readonly [at: number, event: JournalEvent];

const ERROR = { name: 'Error', message: 'no' } as const;
const done = (key: string): JournalEvent => ({ type: 'TaskSucceeded', key, output: 1, by: 'attempt' });
const attempt = (key: string, number = 1): JournalEvent => ({ type: 'AttemptStarted', key, attempt: number });

function statsOf(...runs: (readonly Timed[])[]): ProcessStats {
  const fold = createStatsFold();
  for (const [n, events] of runs.entries()) {
    for (const [index, [at, event]] of events.entries())
      addStatsEvent(fold, `r${n}`, { seq: index + 1, at, event });
    closeRun(fold);
  }
  return processStatsOf(fold);
}

test('what retries cost: the attempts that failed, and the waits for the next', () => {
  const stats = statsOf([
    [0, RUN_STARTED],
    [0, scheduled('0')],
    [10, attempt('0')],
    [30, { type: 'AttemptFailed', key: '0', attempt: 1, error: ERROR, retryAt: 80, delayMs: 50 }],
    [90, attempt('0', 2)],
    [100, done('0')],
    [101, { type: 'RunSucceeded', output: 1 }],
  ]);
  expect(stats.tasks).toMatchObject([{ calls: 1, succeeded: 1, failed: 0, retries: 1, retryMs: 80 }]);
  expect(stats.tasks[0]?.run).toMatchObject({ count: 2, maxMs: 20 });
  expect(stats.runs).toEqual({ succeeded: 1, failed: 0, cancelled: 0, continued: 0, running: 0 });
  expect(stats.resumes).toBe(0);
});

test.each([
  ['a crash: starts without an end', []],
  [
    'a stop: the attempts say so',
    [
      [60, { type: 'AttemptInterrupted', key: '1', attempt: 1 }],
      [60, { type: 'AttemptInterrupted', key: '2', attempt: 1 }],
    ],
  ],
] as const)('%s, and what was done by then is saved once', (_, stop: readonly Timed[]) => {
  const stats = statsOf([
    [0, RUN_STARTED],
    [0, scheduled('0')],
    [0, attempt('0')],
    [40, done('0')],
    [40, scheduled('1')],
    [40, scheduled('2')],
    [50, attempt('1')],
    [50, attempt('2')],
    ...stop,
    [1000, attempt('1', 2)],
    [1000, attempt('2', 2)],
    [1005, done('1')],
  ]);
  expect({ resumes: stats.resumes, savedMs: stats.savedMs }).toEqual({ resumes: 1, savedMs: 40 });
  expect(stats.runs.running).toBe(1);
});

test('branches of groups by how long they took, over all runs', () => {
  const run: readonly Timed[] = [
    [0, RUN_STARTED],
    [0, opened('0', { width: 2 })],
    [0, scheduled('0/0/0')],
    [0, scheduled('0/1/0')],
    [5, done('0/0/0')],
    [5, scheduled('0/0/1')],
    [9, done('0/1/0')],
    [30, done('0/0/1')],
    [30, { type: 'ScopeClosed', key: '0', outcome: 'fulfilled', winner: null }],
  ];
  expect(statsOf(run, run).slowest).toEqual([
    { runId: 'r0', path: '0/0', ms: 30 },
    { runId: 'r1', path: '0/0', ms: 30 },
    { runId: 'r0', path: '0/1', ms: 9 },
    { runId: 'r1', path: '0/1', ms: 9 },
  ]);
});
