import { describe, expect, it } from 'vitest';
import type { JournalEvent, Recorded } from '../journal/event.ts';
import type { Compacted, FoldedSource } from '../journal/fold-event.ts';
import { decide } from './decide.ts';
import { evolve } from './evolve.ts';
import { closedGroups, forgetSettled } from './forget.ts';
import { given, opened, scheduled, started, when } from './given.fixture.ts';
import type { Report } from './input.ts';
import { isBehindMark, type RunState } from './state.ts';

const reduce = (key = '0'): JournalEvent => opened(key, { mode: 'reduce', width: null });
const done = (key: string): JournalEvent => ({ type: 'TaskSucceeded', key, output: 1, by: 'attempt' });
const mark = (n: number, key = '0'): JournalEvent => ({
  type: 'Folded',
  key,
  n,
  state: n,
  source: null,
});
const reached = (n: number, key = '0'): Report => ({
  type: 'FoldReached',
  key,
  n,
  state: n,
  source: null,
});
const removed = (count: number): Compacted => ({
  type: 'Compacted',
  count,
  chain: 'c',
  scheduled: 1,
  succeeded: 1,
  failed: 0,
  sources: [],
  digest: 'd',
});

function next(state: RunState, event: JournalEvent, places = 1): void {
  evolve(state, { seq: state.seq + places, at: 9, event });
}

describe('a mark', () => {
  it('is decided once for each n, while the reduce is open', () => {
    const state = given(reduce(), scheduled('0/0/0'), started('0/0/0'), done('0/0/0'));
    expect(when(state, reached(1))).toEqual({ events: [mark(1)], effects: [] });
    expect(when(state, reached(1)).events).toEqual([]);
    expect(when(state, reached(3)).events).toEqual([mark(3)]);
    expect(decide(state, reached(2), 0).events).toEqual([]);
    next(state, { type: 'ScopeClosed', key: '0', outcome: 'fulfilled', winner: null });
    expect(decide(state, reached(4), 0).events).toEqual([]);
    expect(decide(state, reached(4, '7'), 0).events).toEqual([]);
  });

  it('is not decided where the reduce was given up with what is around it', () => {
    const state = given(opened('0'), reduce('0/0/0'), {
      type: 'ScopeClosed',
      key: '0',
      outcome: 'rejected',
      winner: 1,
    });
    expect(decide(state, reached(1, '0/0/0'), 0)).toEqual({ events: [], effects: [] });
    const left: Report = { type: 'LeftBehind', key: '0/0/0' };
    expect(decide(state, left, 0)).toEqual({ events: [], effects: [] });
  });

  it('is no part of a group that was detached: what its branches left behind is given up by an abort of it, once', () => {
    const detached = opened('0', { losers: 'detach' });
    const state = given(detached, { type: 'ScopeClosed', key: '0', outcome: 'fulfilled', winner: 1 });
    const reason = 'the branches of group 0 ended without it';
    const left: Report = { type: 'LeftBehind', key: '0' };
    expect(when(state, left)).toEqual({
      events: [{ type: 'ScopeAborted', key: '0', reason }],
      effects: [
        { type: 'ClearTimers', key: '0' },
        { type: 'CancelWithin', scope: '0', reason },
      ],
    });
    expect(decide(state, left, 0)).toEqual({ events: [], effects: [] });
  });

  it('gives up what items left behind first: J8', () => {
    const state = given(reduce(), scheduled('0/0/0'));
    expect(when(state, { type: 'LeftBehind', key: '0' })).toEqual({
      events: [],
      effects: [{ type: 'GiveUpWithin', scope: '0', reason: 'reduce 0 went on without it' }],
    });
    expect(() => decide(state, reached(1), 0)).toThrow(/J8.*at mark 1 of 0 1 calls are open/);
  });

  it('takes what lies before it out of the state, group within group, and nothing else', () => {
    const state = given(
      scheduled('0'),
      opened('1'),
      reduce('1/0/0'),
      scheduled('1/0/0/0/0'),
      done('1/0/0/0/0'),
      opened('1/0/0/0/1'),
      scheduled('1/0/0/0/1/0/0'),
      done('1/0/0/0/1/0/0'),
      { type: 'ScopeClosed', key: '1/0/0/0/1', outcome: 'fulfilled', winner: null },
      scheduled('1/1/0'),
    );
    next(state, mark(1, '1/0/0'));
    expect([...state.calls.keys()]).toEqual(['0', '1', '1/0/0', '1/1/0']);
    expect(state.calls.get('1/0/0')).toMatchObject({ folded: { n: 1, seq: 12 }, inside: [], unsettled: 0 });
    expect(state.calls.get('1')).toMatchObject({ unsettled: 1 });
    expect(() => next(state, mark(1, '1/0/0'))).toThrow(/J8/);
    expect(() => next(state, mark(2, '1'))).toThrow(/J8/);
    expect(() => next(state, mark(2, '9'))).toThrow(/J4/);
    // Of what is gone nothing is recorded any more.
    expect(when(state, { type: 'AttemptSucceeded', key: '1/0/0/0/0', attempt: 1, output: 1 }).events).toEqual(
      [],
    );
  });

  it('closes what has its end in removed rows', () => {
    const state = given(reduce(), scheduled('0/0/0'), started('0/0/0'), scheduled('0/1/0'));
    next(state, removed(4), 4);
    next(state, mark(2));
    expect(state.pending.size).toBe(0);
    expect(state.calls.get('0')).toMatchObject({ unsettled: 0 });
  });

  it('stands for what came before it within the reduce', () => {
    const state = given(reduce(), scheduled('0/0/0'), done('0/0/0'), mark(1), mark(2), scheduled('1'));
    const at = (seq: number, event: JournalEvent): Recorded => ({ seq, at: 0, event });
    const behind = (seq: number, event: JournalEvent): boolean => isBehindMark(state, at(seq, event));
    expect(behind(3, scheduled('0/0/0'))).toBe(true);
    expect(behind(5, mark(1))).toBe(true);
    expect(behind(6, mark(2))).toBe(false);
    expect(behind(2, reduce())).toBe(false);
    expect(behind(8, scheduled('0/2/0'))).toBe(false);
    expect(behind(3, scheduled('1'))).toBe(false);
    expect(behind(1, { type: 'CancelRequested', reason: 'r' })).toBe(false);
  });
});

describe('a mark of a reduce that reads a source', () => {
  const last = (seq: number): FoldedSource => ({ key: '0', seq, attempt: 1, cursor: seq });
  const folded = (n: number, seq: number): JournalEvent => ({
    type: 'Folded',
    key: '1',
    n,
    state: n,
    source: last(seq),
  });
  const item = (n: number, attempt = 1): JournalEvent => ({
    type: 'ItemRecorded',
    key: '0',
    n,
    attempt,
    item: n,
    cursor: n,
  });
  const source: JournalEvent = {
    type: 'StreamOpened',
    key: '0',
    kind: 'source',
    name: 's',
    retry: { attempts: 3, delayMs: 0, factor: 1, maxDelayMs: 0, jitter: 0 },
  };
  /** Items 0 and 1 at seq 5 and 6. */
  const twoItems = (): RunState => given(source, reduce('1'), started('0'), item(0), item(1));

  it('stands for what the source told up to the item, and for nothing behind it', () => {
    const state = twoItems();
    const report = { type: 'FoldReached', key: '1', n: 1, state: 1, source: last(5) } as const;
    expect(when(state, report).events).toEqual([{ ...folded(1, 5), state: 1 }]);
    const behind = (seq: number, event: JournalEvent): boolean => isBehindMark(state, { seq, at: 0, event });
    expect([behind(2, source), behind(4, started('0')), behind(5, item(0)), behind(6, item(1))]).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('J8: names a source, and each time a later item of it that came before', () => {
    const state = twoItems();
    next(state, folded(1, 5));
    expect(() => next(state, folded(2, 5))).toThrow(/J8/);
    expect(() => next(twoItems(), folded(1, 7))).toThrow(/J8/);
    expect(() => next(given(reduce('1'), scheduled('0')), folded(1, 2))).toThrow(/J8/);
  });

  it('goes on where the removed rows say that it stood', () => {
    const state = twoItems();
    const stands: JournalEvent = { ...removed(9), sources: [{ key: '0', items: 7, attempt: 3 }] };
    next(state, stands, 9);
    expect(state.calls.get('0')).toMatchObject({ items: 7, attempts: 3, failures: 0, phase: 'running' });
    expect(() => next(state, item(6, 3))).toThrow(/J5/);
    next(twoItems(), { ...stands, sources: [{ key: '9', items: 7, attempt: 3 }] }, 9);
    const backwards = { ...stands, sources: [{ key: '0', items: 1, attempt: 1 }] };
    expect(() => next(twoItems(), backwards, 9)).toThrow(/J5/);
  });
});

describe('removed rows', () => {
  it('J1: take as many places as they say', () => {
    const state = given(reduce());
    next(state, removed(7), 7);
    expect(state.seq).toBe(9);
    expect(() => next(state, removed(7), 6)).toThrow(/J1/);
    expect(() => next(state, removed(2), 1)).toThrow(/J1/);
  });
});

describe('a closed group', () => {
  const close = (key: string): JournalEvent => ({
    type: 'ScopeClosed',
    key,
    outcome: 'fulfilled',
    winner: null,
  });

  it('keeps only calls that can still tell something', () => {
    const state = given(
      opened('0'),
      scheduled('0/0/0'),
      started('0/0/0'),
      done('0/0/0'),
      opened('0/1/0'),
      scheduled('0/1/0/0/0'),
      started('0/1/0/0/0'),
      done('0/1/0/0/0'),
      close('0/1/0'),
      scheduled('0/2/0'),
      started('0/2/0'),
      scheduled('0/3/0'),
      { type: 'TimerStarted', key: '0/4/0', timer: 'sleep', dueAt: 9, durationMs: 9 },
      close('0'),
    );
    expect(forgetSettled(state, '0')).toBe(false);
    // Its losers are not cancelled yet.
    expect(state.calls.size).toBe(7);
    for (const key of ['0/2/0', '0/3/0', '0/4/0']) next(state, { type: 'TaskCancelled', key, reason: 'r' });
    forgetSettled(state, '0');
    expect([...state.calls.keys()]).toEqual(['0', '0/2/0']);
    expect([...closedGroups(state)]).toEqual(['0']);
    next(state, { type: 'LateResult', key: '0/2/0', attempt: 1, outcome: 'succeeded' });
    expect(forgetSettled(state, '7')).toBe(true);
  });

  it('keeps what goes on behind its decision', () => {
    const state = given(
      opened('0', { losers: 'detach' }),
      opened('0/0/0', { losers: 'detach' }),
      scheduled('0/0/0/0/0'),
      started('0/0/0/0/0'),
      done('0/0/0/0/0'),
      close('0/0/0'),
      close('0'),
    );
    forgetSettled(state, '0');
    expect([...state.calls.keys()]).toEqual(['0', '0/0/0', '0/0/0/0/0']);
  });
});

describe('a run that another follows', () => {
  it('ends with it', () => {
    const state = given(scheduled('0'));
    const result = { status: 'continued', inputs: 2, inputsHash: 'h', nextRunId: 'r~2' } as const;
    expect(() => when(state, { type: 'RunEnded', result })).toThrow(/J6/);
    const other = given();
    expect(when(other, { type: 'RunEnded', result }).events).toEqual([
      { type: 'RunContinued', inputs: 2, inputsHash: 'h', nextRunId: 'r~2' },
    ]);
    expect(other.phase).toEqual({ status: 'ended', by: 'RunContinued' });
  });
});
