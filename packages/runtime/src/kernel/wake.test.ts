import { expect, it } from 'vitest';
import type { JournalEvent } from '../journal/event.ts';
import { NEVER } from '../journal/ids.ts';
import { SAMPLE_EVENTS } from '../journal/sample-events.fixture.ts';
import { given, opened, scheduled, started } from './given.fixture.ts';
import { wakeOf } from './wake.ts';

const timer = (key: string, dueAt: number): JournalEvent => ({
  type: 'TimerStarted',
  key,
  timer: 'sleep',
  dueAt,
  durationMs: dueAt,
});
const wait = (key: string, timeoutMs: number | null = null): JournalEvent => ({
  type: 'SignalAwaited',
  key,
  name: 'n',
  timeoutMs,
  prompt: null,
  data: null,
});
const asked: JournalEvent = { type: 'OutcomeAsked', key: '0', attempt: 1 };
const failed: JournalEvent = {
  type: 'AttemptFailed',
  key: '0',
  attempt: 1,
  error: { name: 'E', message: 'e' },
  retryAt: 700,
  delayMs: 600,
};
const child: JournalEvent = { type: 'ChildStarted', key: '0', process: 'p', inputHash: 'h', runId: 'r.0' };
const source: JournalEvent = {
  type: 'StreamOpened',
  key: '0',
  kind: 'source',
  name: 's',
  retry: { attempts: 2, delayMs: 1, factor: 1, maxDelayMs: 1, jitter: 0 },
};
const offered = (timeoutMs: number | null): JournalEvent => ({
  ...SAMPLE_EVENTS.TaskOffered,
  key: '0',
  policy: { ...SAMPLE_EVENTS.TaskOffered.policy, timeoutMs },
});
const question = (timeoutMs: number | null): JournalEvent => ({
  ...SAMPLE_EVENTS.BreakpointOpened,
  key: '0',
  strategy: 'single',
  quorum: null,
  experts: null,
  timeoutMs,
});
const answered: JournalEvent = { ...SAMPLE_EVENTS.BreakpointAnswered, key: '0' };
const closed = (key: string, outcome: 'fulfilled' | 'timedOut' = 'fulfilled'): JournalEvent => ({
  type: 'ScopeClosed',
  key,
  outcome,
  winner: null,
});
const cancelled: JournalEvent = { type: 'CancelRequested', reason: 'r' };

it.each<[string, readonly JournalEvent[], number | undefined]>([
  ['nothing is pending', [], undefined],
  ['a timer', [timer('0', 500)], 500],
  ['the first of several', [timer('0', 500), timer('1', 300), wait('2')], 300],
  ['a wait without an end', [wait('0')], NEVER],
  ['a wait with a timeout, from its recording', [wait('0', 40)], 41],
  ['a task that is scheduled', [scheduled('0'), timer('1', 500)], undefined],
  ['a task that runs', [timer('1', 500), scheduled('0'), started('0')], undefined],
  ['a task in backoff', [scheduled('0'), started('0'), failed], 700],
  [
    'a task in backoff, with a deadline before',
    [scheduled('0', { deadlineMs: 99 }), started('0'), failed],
    100,
  ],
  ['a task that a person is asked about', [scheduled('0'), started('0'), asked], NEVER],
  ['and its deadline', [scheduled('0', { deadlineMs: 99 }), started('0'), asked], 100],
  ['a question to people', [question(null)], NEVER],
  ['and its timeout', [question(60)], 61],
  ['a question that is decided', [question(60), answered], undefined],
  ['an external task without an end', [offered(null)], NEVER],
  ['and one with a timeout', [offered(40)], 41],
  ['a source in backoff', [source, started('0'), failed], 700],
  ['a source that is open', [source, timer('1', 500)], undefined],
  ['a child that rests', [child, timer('1', 900)], 600],
  ['a group with a timeout', [opened('0', { timeoutMs: 80 }), wait('0/0/0')], 81],
  ['one that was aborted before it began', [opened('0', { timeoutMs: 80, aborted: true }), wait('1')], NEVER],
  ['one that gave up its losers', [opened('0', { timeoutMs: 80 }), wait('1'), closed('0')], NEVER],
  [
    'one whose losers go on',
    [opened('0', { timeoutMs: 80, losers: 'drain' }), wait('0/0/0'), closed('0')],
    81,
  ],
  ['a call that is given up', [opened('0'), wait('0/0/0'), closed('0')], undefined],
  ['a run that is being cancelled', [wait('0'), cancelled], undefined],
])('%s', (_, events, expected) => {
  expect(wakeOf(given(...events), () => 600)).toBe(expected);
});

it('a child that does not rest keeps its parent from it', () => {
  expect(wakeOf(given(child), () => undefined)).toBeUndefined();
});
