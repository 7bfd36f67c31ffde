import { describe, expect, it } from 'vitest';
import type { ChildFinished, ChildOutcome } from '../journal/child-event.ts';
import type { JournalEvent } from '../journal/event.ts';
import { awaitsPeople } from './awaits-people.ts';
import { fingerprintOf } from './fingerprint.ts';
import { given, opened, when } from './given.fixture.ts';

const STARTED = { type: 'ChildStarted', key: '0', process: 'p', inputHash: 'h', runId: 'r.0' } as const;
const { type: _, ...facts } = STARTED;
const succeeded: ChildOutcome = { status: 'succeeded', output: 1 };
const finished = (outcome: ChildOutcome): ChildFinished => ({ type: 'ChildFinished', key: '0', outcome });
const within = { ...STARTED, key: '0/1/0' } as const;
const decided = (outcome: 'fulfilled' | 'aborted'): JournalEvent => ({
  type: 'ScopeClosed',
  key: '0',
  outcome,
  winner: null,
});

describe('a run that another one starts', () => {
  it('is recorded, and started with that', () => {
    const state = given();
    expect(when(state, { type: 'StartChild', ...facts })).toEqual({
      events: [STARTED],
      effects: [{ type: 'StartChild', key: '0' }],
    });
    expect([...state.pending]).toEqual(['0']);
  });

  it.each<ChildOutcome>([
    succeeded,
    { status: 'failed', error: { name: 'Error', message: 'no' } },
    { status: 'cancelled', reason: 'enough' },
    { status: 'detached' },
  ])('settles its call once by its end: $status', (outcome) => {
    const state = given(STARTED);
    expect(when(state, { type: 'ChildEnded', key: '0', outcome }).events).toEqual([finished(outcome)]);
    expect(state.pending.size).toBe(0);
    expect(when(state, { type: 'ChildEnded', key: '0', outcome }).events).toEqual([]);
  });

  it('has nothing more to say once its call is fenced', () => {
    const state = given(opened('0'), within, decided('fulfilled'));
    expect(when(state, { type: 'ChildEnded', key: '0/1/0', outcome: succeeded }).events).toEqual([]);
  });

  it('is told when its call is given up', () => {
    const state = given(STARTED);
    expect(when(state, { type: 'CancelCall', key: '0', reason: 'lost' })).toEqual({
      events: [{ type: 'TaskCancelled', key: '0', reason: 'lost' }],
      effects: [
        { type: 'ClearTimers', key: '0' },
        { type: 'CancelChild', key: '0', runId: 'r.0', reason: 'lost' },
      ],
    });
  });

  it.each([{ detached: true }, { onParentCancel: 'abandon' }] as const)(
    'goes on when its call is given up, where it was started so: %o',
    (how) => {
      const state = given({ ...STARTED, ...how });
      expect(when(state, { type: 'CancelCall', key: '0', reason: 'lost' }).effects).toEqual([
        { type: 'ClearTimers', key: '0' },
        { type: 'LeaveChild', key: '0' },
      ]);
      expect(when(state, { type: 'HeadReached' }).effects).toEqual([{ type: 'DriveChild', key: '0' }]);
      when(state, { type: 'CancelRun', reason: 'enough' });
      expect(when(state, { type: 'ForceCancel', reason: 'now' }).effects).toEqual([
        { type: 'CancelWithin', scope: '', reason: 'the run was cancelled: now' },
      ]);
    },
  );

  it.each<[string, readonly JournalEvent[], readonly unknown[]]>([
    ['goes on', [STARTED], [{ type: 'DriveChild', key: '0' }]],
    ['is over', [STARTED, finished(succeeded)], []],
    [
      'goes on by itself',
      [{ ...STARTED, detached: true }, finished({ status: 'detached' })],
      [{ type: 'DriveChild', key: '0' }],
    ],
    [
      'is told again that it was given up',
      [STARTED, { type: 'TaskCancelled', key: '0', reason: 'lost' }],
      [{ type: 'CancelChild', key: '0', runId: 'r.0', reason: 'its call was given up' }],
    ],
    [
      'is given up where a decision was the last that was recorded',
      [opened('0'), within, decided('fulfilled')],
      [{ type: 'CancelWithin', scope: '0', reason: expect.any(String) }],
    ],
  ])('at the head %s', (_what, events, effects) => {
    expect(when(given(...events), { type: 'HeadReached' })).toEqual({ events: [], effects });
  });

  it('is the same by its process and its input, not by its id', () => {
    const same = fingerprintOf(STARTED);
    expect(fingerprintOf({ ...STARTED, runId: 'other' })).toBe(same);
    expect(fingerprintOf({ ...STARTED, process: 'q' })).not.toBe(same);
    expect(fingerprintOf({ ...STARTED, inputHash: 'i' })).not.toBe(same);
    expect(fingerprintOf({ ...STARTED, onParentCancel: 'abandon' })).toBe(same);
    expect(fingerprintOf({ ...STARTED, detached: true })).not.toBe(same);
  });

  it('waits for people where its own run does', () => {
    const state = given(STARTED);
    expect(awaitsPeople(state, () => true)).toBe(true);
    expect(awaitsPeople(state, () => false)).toBe(false);
  });

  it('J3, J4: it starts once and ends once', () => {
    expect(() => given(STARTED, STARTED)).toThrow('J3');
    expect(() => given(finished(succeeded))).toThrow('J4');
    expect(() => given(STARTED, finished(succeeded), finished(succeeded))).toThrow('J4');
  });

  it('knows who started it', () => {
    const parent = { parentRunId: 'r', parentKey: '0', depth: 2 };
    expect(given({ type: 'ParentRecorded', ...parent }).parent).toEqual(parent);
  });
});
