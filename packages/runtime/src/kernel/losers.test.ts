import { describe, expect, it } from 'vitest';
import type { JournalEvent, Losers } from '../journal/event.ts';
import { evolve } from './evolve.ts';
import { given, opened, scheduled, started, when } from './given.fixture.ts';
import { resume } from './resume.ts';
import { isFenced, type RunState } from './state.ts';

/* What becomes of calls in a group that was decided. */

const closed = (
  key: string,
  outcome: 'fulfilled' | 'rejected' | 'aborted' | 'timedOut' = 'fulfilled',
): JournalEvent => ({ type: 'ScopeClosed', key, outcome, winner: null });
const timedOut = (key: string): JournalEvent => ({ type: 'ScopeTimedOut', key });
const aborted = (key: string): JournalEvent => ({ type: 'ScopeAborted', key, reason: 'r' });
const next = (state: RunState, event: JournalEvent): void =>
  evolve(state, { seq: state.seq + 1, at: 9, event });
const group = (key: string, losers: Losers): JournalEvent => opened(key, { losers });

describe('isFenced', () => {
  const inner = '0/0/0/1/0';
  it.each([
    ['cancel, decided', [group('0', 'cancel'), closed('0')], true],
    ['cancel, open', [group('0', 'cancel')], false],
    ['drain, decided', [group('0', 'drain'), closed('0')], false],
    ['drain, decided by a failure', [group('0', 'drain'), closed('0', 'rejected')], false],
    ['drain, aborted', [group('0', 'drain'), closed('0', 'aborted')], true],
    ['detach, timed out', [group('0', 'detach'), closed('0', 'timedOut')], true],
    ['drain, decided and then timed out', [group('0', 'drain'), closed('0'), timedOut('0')], true],
    ['detach, decided and then aborted', [group('0', 'detach'), closed('0'), aborted('0')], true],
    [
      'drain in a group that is decided',
      [group('0', 'cancel'), group('0/0/0', 'drain'), closed('0/0/0'), closed('0')],
      true,
    ],
    [
      'detach in a group that is decided',
      [group('0', 'cancel'), group('0/0/0', 'detach'), closed('0/0/0'), closed('0')],
      false,
    ],
    [
      'detach in a group that times out',
      [group('0', 'cancel'), group('0/0/0', 'detach'), closed('0/0/0'), closed('0', 'timedOut')],
      true,
    ],
    [
      'an open group in one that is decided',
      [group('0', 'cancel'), group('0/0/0', 'detach'), closed('0')],
      true,
    ],
    [
      'detach in one that drains and then times out',
      [group('0', 'drain'), group('0/0/0', 'detach'), closed('0/0/0'), closed('0'), timedOut('0')],
      true,
    ],
    [
      'what was detached, while the run is cancelled',
      [group('0', 'detach'), closed('0'), { type: 'CancelRequested', reason: 'r' }],
      true,
    ],
  ] as const satisfies readonly (readonly [string, readonly JournalEvent[], boolean])[])(
    '%s',
    (_, events, expected) => {
      expect(isFenced(given(...events), inner)).toBe(expected);
    },
  );

  it('the group that was detached is not given up itself, nor are its signal and its time', () => {
    const state = given(
      group('0', 'cancel'),
      opened('0/0/0', { losers: 'detach', timeoutMs: 50 }),
      closed('0/0/0'),
      closed('0'),
    );
    expect(isFenced(state, '0/0/0')).toBe(false);
    expect(when(state, { type: 'ScopeDue', key: '0/0/0' }).events).toEqual([timedOut('0/0/0')]);
  });
});

describe('a decision that gives nobody up', () => {
  it.each(['drain', 'detach'] as const)('%s: nothing is cancelled, and its time goes on', (losers) => {
    const state = given(opened('0', { losers, timeoutMs: 50 }), scheduled('0/1/0'), started('0/1/0'));
    expect(
      when(state, { type: 'CloseScope', key: '0', decided: { outcome: 'fulfilled', winner: 0 } }),
    ).toEqual({
      events: [{ type: 'ScopeClosed', key: '0', outcome: 'fulfilled', winner: 0 }],
      effects: [],
    });
    expect(when(state, { type: 'AttemptSucceeded', key: '0/1/0', attempt: 1, output: 1 }).events).toEqual([
      { type: 'TaskSucceeded', key: '0/1/0', output: 1, by: 'attempt' },
    ]);
  });

  it.each([
    ['ScopeDue', { type: 'ScopeDue', key: '0' }, timedOut('0'), 'group 0 timed out'],
    [
      'SignalAborted',
      { type: 'SignalAborted', key: '0', reason: 'r' },
      aborted('0'),
      'the signal of group 0 was aborted',
    ],
  ] as const)('%s behind it gives up what is left, once', (_, report, fact, reason) => {
    const state = given(group('0', 'drain'), scheduled('0/1/0'), closed('0'));
    expect(when(state, report)).toEqual({
      events: [fact],
      effects: [
        { type: 'ClearTimers', key: '0' },
        { type: 'CancelWithin', scope: '0', reason },
      ],
    });
    expect(when(state, report)).toEqual({ events: [], effects: [] });
  });

  it('at the head its calls go on, and so does its time', () => {
    const state = given(opened('0', { losers: 'detach', timeoutMs: 3000 }), scheduled('0/1/0'), closed('0'));
    expect(resume(state, 1000)).toEqual({
      events: [],
      effects: [
        { type: 'SetTimer', delayMs: 2001, report: { type: 'ScopeDue', key: '0' } },
        { type: 'QueueAttempt', key: '0/1/0' },
      ],
    });
  });

  it('at the head what was given up behind it is cancelled', () => {
    const state = given(group('0', 'drain'), scheduled('0/1/0'), closed('0'), timedOut('0'));
    expect(resume(state, 1000)).toEqual({
      events: [],
      effects: [{ type: 'CancelWithin', scope: '0', reason: 'group 0 timed out' }],
    });
  });

  const LEFT = 'the branches of group 0/0/1 ended without it';

  it.each([
    ['an abort of what its branches left behind', { type: 'ScopeAborted', key: '0/0/1', reason: LEFT }, LEFT],
    ['an abort by a signal', aborted('0/0/1'), 'the signal of group 0/0/1 was aborted'],
    ['its time', timedOut('0/0/1'), 'group 0/0/1 timed out'],
  ] as const)(
    'at the head %s gives the words, and what is around it those for the rest',
    (_, fact, reason) => {
      const inner = [group('0/0/1', 'detach'), scheduled('0/0/1/0/0'), closed('0/0/1')];
      const state = given(group('0', 'cancel'), ...inner, scheduled('0/1/0'), closed('0'), fact);
      const around = { type: 'CancelWithin', scope: '0', reason: 'group 0 was decided without it' };
      expect(resume(state, 1000)).toEqual({
        events: [],
        effects: [{ type: 'CancelWithin', scope: '0/0/1', reason }, around],
      });
      next(state, { type: 'TaskCancelled', key: '0/0/1/0/0', reason });
      expect(resume(state, 1000).effects).toEqual([around]);
      next(state, { type: 'TaskCancelled', key: '0/1/0', reason: around.reason });
      expect(resume(state, 1000).effects).toEqual([]);
    },
  );

  it('at the head the innermost comes first', () => {
    const outer = [group('0', 'detach'), closed('0')];
    const inner = [group('0/0/0', 'detach'), scheduled('0/0/0/0/0'), closed('0/0/0')];
    const state = given(...outer, ...inner, aborted('0/0/0'), aborted('0'));
    expect(resume(state, 1000).effects).toEqual([
      { type: 'CancelWithin', scope: '0/0/0', reason: 'the signal of group 0/0/0 was aborted' },
      { type: 'CancelWithin', scope: '0', reason: 'the signal of group 0 was aborted' },
    ]);
  });

  it('an abort of an open group gives nobody up before its decision', () => {
    const state = given(group('0', 'detach'), scheduled('0/1/0'));
    const abort = { type: 'SignalAborted', key: '0', reason: 'r' } as const;
    expect(when(state, abort)).toEqual({ events: [aborted('0')], effects: [] });
    expect(state.calls.get('0')).toMatchObject({ phase: { status: 'open' } });
    expect(resume(state, 1000).effects).toEqual([{ type: 'QueueAttempt', key: '0/1/0' }]);
  });
});
