import { expect, it } from 'vitest';
import type { JournalEvent } from '../journal/event.ts';
import { SAMPLE_EVENTS as SAMPLE } from '../journal/sample-events.fixture.ts';
import { closedGroups, forgetSettled } from './forget.ts';
import { given, opened, scheduled, started } from './given.fixture.ts';

/* What of a closed group nobody asks for again, in a run that is live. */

const KEY = '0/0/0';
const closed = (key: string, outcome: 'fulfilled' | 'rejected' = 'fulfilled'): JournalEvent => ({
  type: 'ScopeClosed',
  key,
  outcome,
  winner: null,
});
const done: JournalEvent = { type: 'TaskSucceeded', key: KEY, output: 1, by: 'attempt' };
const failed: JournalEvent = { ...SAMPLE.TaskFailed, key: KEY };
const cancelled: JournalEvent = { type: 'TaskCancelled', key: KEY, reason: 'r' };
const stopped: JournalEvent = { type: 'AttemptInterrupted', key: KEY, attempt: 1 };
const asked: JournalEvent = { type: 'OutcomeAsked', key: KEY, attempt: 1 };

it.each<[string, readonly JournalEvent[], isGone: boolean]>([
  ['a task that succeeded at once', [scheduled(KEY), started(KEY), done], true],
  [
    'one whose first attempt may still tell something',
    [scheduled(KEY), started(KEY), started(KEY, 2), done],
    false,
  ],
  ['one that failed', [scheduled(KEY), started(KEY), failed], false],
  ['one that was cancelled while it ran', [scheduled(KEY), started(KEY), cancelled], false],
  ['one that was cancelled before', [scheduled(KEY), cancelled], true],
  ['one that a person answered', [scheduled(KEY), started(KEY), asked, stopped, cancelled], false],
  [
    'a timer',
    [
      { ...SAMPLE.TimerStarted, key: KEY },
      { type: 'TimerFired', key: KEY },
    ],
    true,
  ],
  [
    'a wait',
    [
      { ...SAMPLE.SignalAwaited, key: KEY },
      { ...SAMPLE.SignalReceived, key: KEY },
    ],
    true,
  ],
  [
    'a question',
    [
      { ...SAMPLE.BreakpointOpened, key: KEY },
      { ...SAMPLE.BreakpointClosed, key: KEY, by: 'timeout' },
    ],
    true,
  ],
  [
    'a child',
    [
      { ...SAMPLE.ChildStarted, key: KEY },
      { ...SAMPLE.ChildFinished, key: KEY },
    ],
    true,
  ],
  ['an external task', [{ ...SAMPLE.TaskOffered, key: KEY }, done], true],
  ['an exit', [{ ...SAMPLE.ExitRegistered, key: KEY }], true],
  ['a version', [{ ...SAMPLE.ValueRecorded, key: KEY }], true],
  ['a state', [{ ...SAMPLE.StateSet, key: KEY }], true],
  [
    'a source',
    [
      { ...SAMPLE.StreamOpened, key: KEY },
      { type: 'StreamEnded', key: KEY },
    ],
    false,
  ],
  ['a group that gave up its losers', [opened(KEY), closed(KEY)], true],
  ['one whose losers go on', [opened(KEY, { losers: 'drain' }), closed(KEY)], false],
  [
    'one that holds what is kept',
    [
      opened(KEY),
      scheduled(`${KEY}/0/0`),
      started(`${KEY}/0/0`),
      { ...failed, key: `${KEY}/0/0` } as JournalEvent,
      closed(KEY),
    ],
    false,
  ],
])('%s: gone %s', (_, events, isGone) => {
  const state = given(opened('0', { losers: 'detach' }), ...events, closed('0'));
  expect(forgetSettled(state, '0')).toBe(true);
  expect(state.calls.has(KEY)).toBe(!isGone);
  expect(state.calls.has('0')).toBe(true);
});

it('one whose losers go on goes with the group around it, which gave up all', () => {
  const inner = opened(KEY, { losers: 'drain' });
  const state = given(opened('0'), inner, closed(KEY), closed('0'));
  expect(forgetSettled(state, '0')).toBe(true);
  expect([...state.calls.keys()]).toEqual(['0']);
});

it('nothing goes while anything in the group is not settled, and of what is no group there is nothing to forget', () => {
  const state = given(
    opened('0', { losers: 'drain' }),
    scheduled(KEY),
    scheduled('0/1/0'),
    cancelled,
    closed('0'),
  );
  expect(forgetSettled(state, '0')).toBe(false);
  expect(state.calls.has(KEY)).toBe(true);
  expect(forgetSettled(state, KEY)).toBe(true);
  expect(state.calls.has(KEY)).toBe(true);
});

it('groups are looked at once they are closed', () => {
  const state = given(opened('0'), closed('0'), opened('1'), scheduled('2'), scheduled('3'), started('3'));
  expect([...closedGroups(state)]).toEqual(['0']);
});
