import { expect, test } from 'vitest';

import type { JournalEvent } from '../journal/event.ts';
import { opened, RUN_STARTED, scheduled, started } from '../kernel/given.fixture.ts';
import { addTimelineEvent, barsOf, createTimeline, type Timeline } from './timeline.ts';

const done = (key: string): JournalEvent => ({ type: 'TaskSucceeded', key, output: 1, by: 'attempt' });
const ERROR = { name: 'Error', message: 'no' } as const;

function timelineOf(events: readonly JournalEvent[], limit = 12): Timeline {
  const timeline = createTimeline(limit);
  for (const [at, event] of events.entries()) addTimelineEvent(timeline, { seq: at + 1, at, event });
  return timeline;
}

test('what a task did when: it waited, failed, waited for the next attempt, worked', () => {
  const [bar] = barsOf(
    timelineOf([
      RUN_STARTED,
      scheduled('0'),
      started('0'),
      { type: 'AttemptFailed', key: '0', attempt: 1, error: ERROR, retryAt: 9, delayMs: 1 },
      { type: 'AttemptStarted', key: '0', attempt: 2 },
      done('0'),
    ]),
  );
  expect(bar).toMatchObject({ key: '0', from: 1, to: 5, status: 'succeeded', attempts: 2 });
  expect(bar?.parts.map(({ kind, from, to, failed }) => [kind, from, to, failed])).toEqual([
    ['wait', 1, 2, false],
    ['run', 2, 3, true],
    ['backoff', 3, 4, false],
    ['run', 4, 5, false],
  ]);
});

test('what lies within a group comes below it, a level deeper', () => {
  const timeline = timelineOf([
    RUN_STARTED,
    opened('0', { width: 2 }),
    scheduled('0/0/0'),
    scheduled('0/1/0'),
    done('0/0/0'),
    scheduled('1'),
    done('0/1/0'),
    { type: 'ScopeClosed', key: '0', outcome: 'fulfilled', winner: null },
  ]);
  expect(barsOf(timeline).map(({ key, depth }) => [key, depth])).toEqual([
    ['0', 0],
    ['0/0/0', 1],
    ['0/1/0', 1],
    ['1', 0],
  ]);
});

test('a wide group takes the room of the calls that have a bar of their own, and counts the others', () => {
  const count = 5000;
  const items = Array.from({ length: count }, (_, i) => [
    scheduled(`0/${i}/0`),
    started(`0/${i}/0`),
    i % 1000 === 999
      ? ({
          type: 'TaskFailed',
          key: `0/${i}/0`,
          error: ERROR,
          cause: 'error',
          failures: 1,
          by: 'attempt',
        } as const)
      : done(`0/${i}/0`),
  ]).flat();
  const timeline = timelineOf([RUN_STARTED, opened('0', { width: count }), ...items], 3);
  const bars = barsOf(timeline);
  expect(bars.map(({ kind, count: calls, failed }) => [kind, calls, failed])).toEqual([
    ['group', 0, 0],
    ['task', 0, 0],
    ['task', 0, 0],
    ['task', 0, 0],
    ['rest', 4997, 5],
  ]);
  expect({ open: timeline.open.size, places: timeline.places.size }).toEqual({ open: 1, places: 2 });
});

test('what is open at the end of the run ends with it; a late result changes nothing', () => {
  const timeline = timelineOf([
    RUN_STARTED,
    scheduled('0'),
    started('0'),
    { type: 'RunFailed', error: ERROR },
    { type: 'LateResult', key: '0', attempt: 1, outcome: 'succeeded' },
  ]);
  expect(barsOf(timeline)).toMatchObject([{ key: '0', to: 3, status: 'cancelled' }]);
  expect(timeline.to).toBe(3);
});
