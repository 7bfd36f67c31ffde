import { describe, expect, it } from 'vitest';
import type { JournalEvent, StreamOpened } from '../journal/event.ts';
import { decide } from './decide.ts';
import { describeDivergence } from './divergence.ts';
import { given, opened, scheduled, started, when } from './given.fixture.ts';
import type { Report } from './input.ts';
import { closedStream } from './state.ts';

const RETRY = { attempts: 2, delayMs: 100, factor: 2, maxDelayMs: 1000, jitter: 0 };
const ERROR = { name: 'Error', message: 'boom' };

function source(key: string, retry = RETRY): StreamOpened {
  return { type: 'StreamOpened', key, kind: 'source', name: 'orders', retry };
}
function progress(key: string): StreamOpened {
  return { type: 'StreamOpened', key, kind: 'progress', name: 't', retry: null };
}
function item(key: string, n: number, attempt = 1): JournalEvent {
  return { type: 'ItemRecorded', key, n, attempt, item: `item ${n}`, cursor: n };
}
function produced(key: string, attempt = 1, n = 0): Report {
  return { type: 'ItemProduced', key, attempt, item: `item ${n}`, cursor: n };
}
function erred(key: string, attempt = 1, retryable = true): Report {
  return { type: 'AttemptErred', key, attempt, error: ERROR, cause: 'error', retryable, draw: 0 };
}
const closed = (key: string, consumed = 1): JournalEvent => ({ type: 'StreamClosed', key, consumed });

describe('a source', () => {
  it('is recorded, and waits to be opened', () => {
    const { type: _, ...facts } = source('0');
    expect(when(given(), { type: 'OpenStream', ...facts })).toEqual({
      events: [source('0')],
      effects: [{ type: 'QueueAttempt', key: '0' }],
    });
  });

  it('is opened without a slot, its openings counting up', () => {
    expect(when(given(source('0')), { type: 'SlotGranted', key: '0' })).toEqual({
      events: [started('0')],
      effects: [{ type: 'StartAttempt', key: '0', attempt: 1 }],
    });
    const again = given(source('0'), started('0'));
    expect(when(again, { type: 'SlotGranted', key: '0' }).events).toEqual([started('0', 2)]);
  });

  it('gives items over all its attempts in one count', () => {
    const state = given(source('0'), started('0'), item('0', 0), started('0', 2));
    expect(when(state, produced('0', 2, 1)).events).toEqual([item('0', 1, 2)]);
  });

  it.each<[string, readonly JournalEvent[], Report]>([
    ['an earlier attempt', [source('0'), started('0'), started('0', 2)], produced('0', 1)],
    ['an attempt that failed', [source('0'), started('0'), failed('0')], produced('0', 1)],
    ['a source that ended', [source('0'), started('0'), { type: 'StreamEnded', key: '0' }], produced('0')],
    ['one that was left', [source('0'), started('0'), closed('0')], produced('0')],
    [
      'one that was left, ending',
      [source('0'), started('0'), closed('0')],
      { type: 'SourceEnded', key: '0', attempt: 1 },
    ],
    ['one that was left, failing', [source('0'), started('0'), closed('0')], erred('0')],
    ['one that was left, due', [source('0'), started('0'), closed('0')], { type: 'RetryDue', key: '0' }],
    [
      'one that was cancelled',
      [source('0'), started('0'), { type: 'TaskCancelled', key: '0', reason: '' }],
      produced('0'),
    ],
    [
      'a group that was decided',
      [opened('0'), source('0/0/0'), started('0/0/0'), scopeClosed('0')],
      produced('0/0/0'),
    ],
    ['what no source knows', [source('0'), started('0')], { type: 'DeadlinePassed', key: '0' }],
    ['a call that is none', [], produced('7')],
  ])('nothing follows from %s', (_, events, report) => {
    expect(when(given(...events), report)).toEqual({ events: [], effects: [] });
  });

  it('ends', () => {
    const state = given(source('0'), started('0'));
    expect(when(state, { type: 'SourceEnded', key: '0', attempt: 1 })).toEqual({
      events: [{ type: 'StreamEnded', key: '0' }],
      effects: [{ type: 'ClearTimers', key: '0' }],
    });
    expect([...state.pending]).toEqual([]);
  });

  it('fails, waits, and is due', () => {
    const state = given(source('0'), started('0'));
    expect(when(state, erred('0'))).toEqual({
      events: [failed('0')],
      effects: [{ type: 'SetTimer', delayMs: 100, report: { type: 'RetryDue', key: '0' } }],
    });
    expect(when(state, { type: 'RetryDue', key: '0' }).effects).toEqual([{ type: 'QueueAttempt', key: '0' }]);
  });

  it('fails for good after as many failures without an item as its policy says', () => {
    const once = [source('0'), started('0'), failed('0'), started('0', 2)];
    expect(when(given(...once), erred('0', 2))).toEqual({
      events: [{ type: 'StreamFailed', key: '0', error: ERROR, failures: 2 }],
      effects: [{ type: 'ClearTimers', key: '0' }],
    });
    const withItem = given(...once, item('0', 0, 2));
    expect(when(withItem, erred('0', 2)).events[0]?.type).toBe('AttemptFailed');
    expect(when(given(source('0'), started('0')), erred('0', 1, false)).events).toEqual([
      { type: 'StreamFailed', key: '0', error: ERROR, failures: 1 },
    ]);
  });

  it('acknowledges that it was stopped', () => {
    const state = given(source('0'), started('0'));
    expect(when(state, { type: 'AttemptStopped', key: '0', attempt: 1 }).events).toEqual([
      { type: 'AttemptInterrupted', key: '0', attempt: 1 },
    ]);
  });

  it('is left: its attempt is aborted', () => {
    const state = given(source('0'), started('0'), item('0', 0));
    const abort = { type: 'AbortAttempt', key: '0', reason: 'the process stopped reading it' };
    expect(when(state, { type: 'CloseStream', key: '0', consumed: 1 })).toEqual({
      events: [closed('0')],
      effects: [{ type: 'ClearTimers', key: '0' }, abort],
    });
    expect(closedStream(state.calls.get('0'))).toEqual({ consumed: 1, seq: 5 });
    const waiting = given(source('0'));
    expect(when(waiting, { type: 'CloseStream', key: '0', consumed: 0 }).effects).toEqual([
      { type: 'ClearTimers', key: '0' },
    ]);
  });

  it('is left once, and not where it was given up', () => {
    const close = { type: 'CloseStream', key: '0', consumed: 1 } as const;
    expect(decide(given(source('0'), closed('0')), close, 0).events).toEqual([]);
    expect(decide(given(source('0'), { type: 'CancelRequested', reason: '' }), close, 0).events).toEqual([]);
    expect(decide(given(), close, 0).events).toEqual([]);
  });

  it('is cancelled with its scope', () => {
    const state = given(source('0'), started('0'));
    expect(when(state, { type: 'CancelCall', key: '0', reason: 'lost' })).toEqual({
      events: [{ type: 'TaskCancelled', key: '0', reason: 'lost' }],
      effects: [
        { type: 'ClearTimers', key: '0' },
        { type: 'AbortAttempt', key: '0', reason: 'lost' },
      ],
    });
  });

  it('at the head it is opened again, or waits out what is left of its wait', () => {
    const head: Report = { type: 'HeadReached' };
    const queue = [{ type: 'QueueAttempt', key: '0' }];
    expect(when(given(source('0')), head).effects).toEqual(queue);
    expect(when(given(source('0'), started('0'), item('0', 0)), head).effects).toEqual(queue);
    expect(when(given(source('0'), started('0'), failed('0')), head, 1040).effects).toEqual([
      { type: 'SetTimer', delayMs: 60, report: { type: 'RetryDue', key: '0' } },
    ]);
    expect(when(given(source('0'), closed('0')), head).effects).toEqual([]);
  });
});

describe('the progress of a task', () => {
  const read = [scheduled('0'), progress('0'), started('0')];

  it('is opened while the task is pending', () => {
    const { type: _, ...facts } = progress('0');
    expect(when(given(scheduled('0')), { type: 'OpenStream', ...facts })).toEqual({
      events: [progress('0')],
      effects: [],
    });
    const done = given(scheduled('0'), started('0'), {
      type: 'TaskSucceeded',
      key: '0',
      output: 1,
      by: 'attempt',
    });
    expect(when(done, { type: 'OpenStream', ...facts }).events).toEqual([]);
  });

  it('is recorded where it is read, and only while its attempt runs', () => {
    expect(when(given(...read), produced('0')).events).toEqual([item('0', 0)]);
    expect(when(given(scheduled('0'), started('0')), produced('0')).events).toEqual([]);
    const second = given(...read, started('0', 2));
    expect(when(second, produced('0', 1)).events).toEqual([]);
    expect(when(second, { type: 'SourceEnded', key: '0', attempt: 2 }).events).toEqual([]);
  });

  it('is no longer read: the task is given up, and nothing of it counts', () => {
    const state = given(...read, item('0', 0));
    expect(when(state, { type: 'CloseStream', key: '0', consumed: 1 })).toEqual({
      events: [closed('0')],
      effects: [{ type: 'CancelWithin', scope: '0', reason: 'the process stopped reading it' }],
    });
    expect(when(state, produced('0')).events).toEqual([]);
    const output: Report = { type: 'AttemptSucceeded', key: '0', attempt: 1, output: 1 };
    expect(when(state, output).events).toEqual([
      { type: 'LateResult', key: '0', attempt: 1, outcome: 'succeeded' },
    ]);
    expect(when(state, { type: 'SlotGranted', key: '0' }).events).toEqual([]);
  });

  it('at the head a task that is no longer read is cancelled', () => {
    expect(when(given(...read, closed('0')), { type: 'HeadReached' })).toEqual({
      events: [],
      effects: [{ type: 'CancelWithin', scope: '0', reason: 'the process stopped reading it' }],
    });
  });
});

describe('a divergence', () => {
  it.each<[JournalEvent, string, string | undefined, string]>([
    [
      source('0'),
      "source 'orders'",
      undefined,
      'the call was removed, or moved behind a condition that is false now',
    ],
    [
      progress('0'),
      "the progress of task 't'",
      undefined,
      'the process no longer reads what the task tells: it was called by ctx.stream',
    ],
    [
      closed('0', 2),
      'the end of reading after 2 items',
      'the end of reading after 1 item',
      'the process takes another number of items before it leaves the loop',
    ],
  ])('of %j', (event, recorded, asked, likelyCause) => {
    const instead = asked === undefined ? undefined : { what: asked, where: undefined };
    expect(describeDivergence(3, '0', event, instead)).toMatchObject({ recorded, likelyCause });
  });
});

function failed(key: string): JournalEvent {
  return { type: 'AttemptFailed', key, attempt: 1, error: ERROR, retryAt: 1100, delayMs: 100 };
}

function scopeClosed(key: string): JournalEvent {
  return { type: 'ScopeClosed', key, outcome: 'fulfilled', winner: null };
}
