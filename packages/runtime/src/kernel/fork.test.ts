import { describe, expect, it } from 'vitest';

import type { JournalEvent } from '../journal/event.ts';
import type { RunForked } from '../journal/fork-event.ts';
import { SAMPLE_EVENTS } from '../journal/sample-events.fixture.ts';
import { given, opened, scheduled, started } from './given.fixture.ts';
import { recorderAt } from './evolve-fork.ts';

const forked = (more: Partial<RunForked> = {}): RunForked => ({
  type: 'RunForked',
  parentRunId: 'p',
  parentSeq: 5,
  seed: 'another seed',
  given: [],
  ...more,
});
const offered: JournalEvent = { ...SAMPLE_EVENTS.TaskOffered, key: '0', taskId: 'p.1' };
const failed: JournalEvent = {
  type: 'AttemptFailed',
  key: '0',
  attempt: 1,
  error: { name: 'E', message: 'e' },
  retryAt: 700,
  delayMs: 600,
};
const source: JournalEvent = { ...SAMPLE_EVENTS.StreamOpened, key: '0' };
const question: JournalEvent = { ...SAMPLE_EVENTS.BreakpointOpened, key: '0' };
const DONE: JournalEvent = { type: 'TaskSucceeded', key: '0', output: 1, by: 'attempt' };
const timer: JournalEvent = { type: 'TimerStarted', key: '0', timer: 'sleep', dueAt: 900, durationMs: 899 };

describe('what is under way where a fork begins', () => {
  it('a task, and a source, begin anew with all their tries', () => {
    const state = given(scheduled('0'), started('0'), failed, forked());
    expect(state.calls.get('0')).toMatchObject({
      phase: 'scheduled',
      scheduledAt: 4,
      failures: 0,
      unknowns: 0,
    });
    const settled = given(scheduled('0'), started('0'), DONE, forked());
    expect(settled.calls.get('0')).toMatchObject({ phase: 'succeeded', scheduledAt: 1 });
    const streams = given(source, started('0'), { ...failed }, forked());
    expect(streams.calls.get('0')).toMatchObject({ kind: 'stream', phase: 'scheduled', failures: 0 });
  });

  it('an external task is another one, and open from now on', () => {
    const state = given(offered, forked({ offers: [{ key: '0', taskId: 'f.1' }] }));
    expect(state.calls.get('0')).toMatchObject({ taskId: 'f.1', offeredAt: 2 });
    expect(() => given(offered, forked())).toThrow(/J4.*has no id in the fork/);
  });

  it('a question, a wait and a group count their time from now; a sleep ends when it would have ended', () => {
    expect(given(question, forked()).calls.get('0')).toMatchObject({ openedAt: 2 });
    expect(given({ ...SAMPLE_EVENTS.SignalAwaited, key: '0' }, forked()).calls.get('0')).toMatchObject({
      openedAt: 2,
    });
    expect(given(opened('0'), forked()).calls.get('0')).toMatchObject({ openedAt: 2 });
    const closed: JournalEvent = { type: 'ScopeClosed', key: '0', outcome: 'fulfilled', winner: null };
    expect(given(opened('0'), closed, forked()).calls.get('0')).toMatchObject({ openedAt: 1 });
    expect(given(timer, forked()).calls.get('0')).toMatchObject({ dueAt: 900, durationMs: 899 });
  });

  it('a run that a call started belongs to another one', () => {
    expect(() => given({ ...SAMPLE_EVENTS.ChildStarted, key: '0', runId: 'p.0' }, forked())).toThrow(
      /J4.*belongs to another run/,
    );
  });
});

it('what is recorded and done with stays as it is, and people are told again', () => {
  const told: JournalEvent = { type: 'WaitNotified', key: '0' };
  const values = [SAMPLE_EVENTS.ValueRecorded, SAMPLE_EVENTS.StateSet, SAMPLE_EVENTS.ExitRegistered];
  const state = given(question, told, ...values, forked());
  expect([...state.notified]).toEqual([]);
  expect([...state.calls.values()].slice(1)).toEqual(
    [...given(question, told, ...values).calls.values()].slice(1),
  );
});

it('a fork knows whose events it shares, and takes what it was given of its own', () => {
  const inputs = { value: 1, hash: 'other' };
  const state = given(
    scheduled('0'),
    forked({ inputs, code: { module: 'm', codeHash: 'c' }, recordedBy: 'grandparent' }),
  );
  expect(state).toMatchObject({
    inputsHash: 'other',
    inputsSeq: 3,
    codeHash: 'c',
    effectSeed: 'another seed',
  });
  expect([recorderAt(state, 4), recorderAt(state, 5)]).toEqual(['grandparent', undefined]);
  expect(state.forked).toEqual({ seq: 3, parentRunId: 'p', parentSeq: 5 });
  expect(state.sharedWith).toEqual([{ runId: 'grandparent', upTo: 5 }]);
  expect(given(forked()).sharedWith).toEqual([{ runId: 'p', upTo: 5 }]);
});

it('there is none of a run that has ended, and none twice that shares nothing', () => {
  expect(() => given({ type: 'RunCancelled', reason: 'r' }, forked())).toThrow(/J6/);
  expect(() => given(forked({ parentSeq: 0 }), forked({ parentSeq: 0 }))).toThrow(/J1.*begun twice/);
  const parent = SAMPLE_EVENTS.ParentRecorded;
  expect(given(parent, forked({ parentSeq: 0 }))).toMatchObject({
    parent: { parentRunId: 'run_1', parentKey: '6', depth: 1 },
    sharedWith: [],
  });
  expect(given(parent, forked()).parent).toBeUndefined();
});
