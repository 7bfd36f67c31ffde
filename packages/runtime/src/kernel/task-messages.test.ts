import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../journal/event.ts';
import { given, opened, scheduled, started, when } from './given.fixture.ts';
import type { Report } from './input.ts';
import { hearerOf, messagesOf } from './task-messages.ts';

/* Messages that a running attempt takes. */

const taken = (attempt = 1, name = 'word', key = '0'): Report => ({
  type: 'TaskSignalTaken',
  key,
  attempt,
  name,
  messageId: 'm',
  payload: 'said',
});
const received = (n: number, attempt = 1, name = 'word', key = '0'): JournalEvent => ({
  type: 'TaskSignalReceived',
  key,
  attempt,
  n,
  name,
  messageId: 'm',
  payload: 'said',
});
const interrupted: JournalEvent = { type: 'AttemptInterrupted', key: '0', attempt: 1 };
const running = [scheduled('0'), started('0')];

describe('a message for an attempt', () => {
  it.each([
    ['the first of its name', running, taken(), 0],
    ['the second', [...running, received(0)], taken(), 1],
    ['the first of another name', [...running, received(0)], taken(1, 'other'), 0],
    [
      'one that follows what an earlier attempt took',
      [...running, received(0), interrupted, started('0', 2)],
      taken(2),
      1,
    ],
    ['after an unknown end', [...running, received(0), started('0', 2)], taken(2), 1],
  ] as const satisfies readonly (readonly [string, readonly JournalEvent[], Report, number])[])(
    '%s is recorded, and handed over after the commit',
    (_, events, report, n) => {
      const decision = when(given(...events), report);
      expect(decision.events).toEqual([{ ...report, type: 'TaskSignalReceived', n }]);
      const attempt = 'attempt' in report ? report.attempt : 0;
      expect(decision.effects).toEqual([{ type: 'HandMessage', key: '0', attempt, n, payload: 'said' }]);
    },
  );

  it.each([
    ['no such call', []],
    ['no attempt', [scheduled('0')]],
    ['another attempt', [...running, started('0', 2)]],
    ['an attempt that was interrupted', [...running, interrupted]],
    [
      'a call that is settled',
      [...running, { type: 'TaskSucceeded', key: '0', output: null, by: 'attempt' }],
    ],
    ['a run that is cancelled', [...running, { type: 'CancelRequested', reason: 'r' }]],
    ['a timer', [{ type: 'TimerStarted', key: '0', timer: 'sleep', dueAt: 1, durationMs: 1 }]],
  ] as const satisfies readonly (readonly [string, readonly JournalEvent[]])[])(
    '%s takes nothing',
    (_, events) => {
      const state = given(...events);
      expect(hearerOf(state, '0', 1)).toBeUndefined();
      expect(when(state, taken())).toEqual({ events: [], effects: [] });
    },
  );

  it('a branch that was given up takes nothing', () => {
    const state = given(opened('0'), scheduled('0/0/0'), started('0/0/0'), {
      type: 'ScopeClosed',
      key: '0',
      outcome: 'fulfilled',
      winner: 1,
    });
    expect(when(state, taken(1, 'word', '0/0/0')).events).toEqual([]);
  });

  it('is nothing that a replay compares or delivers', () => {
    const state = given(...running, received(0));
    expect(state.lastDecisiveSeq).toBe(2);
    expect(messagesOf(state.calls.get('0') as never, 'word')).toEqual([4]);
    expect(messagesOf(state.calls.get('0') as never, 'other')).toEqual([]);
  });
});

describe('an attempt that waits', () => {
  const missed = (attempt = 1, name = 'word'): Report => ({
    type: 'TaskSignalMissed',
    key: '0',
    attempt,
    name,
    timeoutMs: null,
  });
  const passed = (attempt = 1, name = 'word'): Report => ({
    type: 'TaskSignalPassed',
    key: '0',
    attempt,
    name,
  });
  const awaited: JournalEvent = {
    type: 'TaskSignalAwaited',
    key: '0',
    attempt: 1,
    name: 'word',
    timeoutMs: null,
  };
  const forgone: JournalEvent = { type: 'TaskSignalForgone', key: '0', attempt: 1, name: 'word' };

  it.each([
    ['is recorded', running, missed(), [awaited], 'word'],
    ['is recorded once', [...running, awaited], missed(), [], 'word'],
    ['waits no more when its time has passed', [...running, awaited], passed(), [forgone], undefined],
    ['told of a time that it does not wait for', running, passed(), [], undefined],
    ['of another attempt', [...running, awaited, started('0', 2)], passed(1), [], undefined],
    ['waits no more when it has the message', [...running, awaited, received(0)], passed(), [], undefined],
    ['of a call that is not running', [scheduled('0')], missed(), [], undefined],
    ['waits no more when it was interrupted', [...running, awaited, interrupted], missed(), [], undefined],
  ] as const satisfies readonly (readonly [
    string,
    readonly JournalEvent[],
    Report,
    readonly JournalEvent[],
    string | undefined,
  ])[])('%s', (_, events, report, expected, hearing) => {
    const state = given(...events);
    expect(when(state, report)).toEqual({ events: expected, effects: [] });
    expect(state.calls.get('0')).toMatchObject({ hearing });
  });
});
