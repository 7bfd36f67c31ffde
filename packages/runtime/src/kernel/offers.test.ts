import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../journal/event.ts';
import type { TaskOffered } from '../journal/offer-event.ts';
import { awaitsPeople } from './awaits-people.ts';
import { given, opened, POLICY, when } from './given.fixture.ts';
import type { TaskAnswer } from './input.ts';

const ONCE = POLICY.retry;
const offered = (policy: Partial<TaskOffered['policy']> = {}, key = '0'): TaskOffered => ({
  type: 'TaskOffered',
  key,
  taskId: `r.${key}`,
  task: 't',
  version: null,
  inputHash: 'i',
  args: null,
  kind: 'agent',
  description: { kind: 'agent' },
  outputSchema: null,
  policy: { retry: ONCE, timeoutMs: null, leaseMs: 5, ...policy },
});
const given1 = (answer: TaskAnswer, draw = 0) =>
  ({ type: 'AnswerGiven', key: '0', worker: 'ada', answer, draw }) as const;
const done: TaskAnswer = { status: 'done', output: 1 };
const failed: TaskAnswer = { status: 'failed', error: { name: 'Error', message: 'no' } };
const clear = { type: 'ClearTimers', key: '0' };

describe('work that somebody else does', () => {
  it.each([
    [null, []],
    [100, [{ type: 'SetTimer', delayMs: 100, report: { type: 'DeadlinePassed', key: '0' } }]],
  ])('is recorded; with a timeout of %s', (timeoutMs, effects) => {
    const { type: _, ...facts } = offered({ timeoutMs });
    const state = given();
    expect(when(state, { type: 'OfferTask', ...facts })).toEqual({
      events: [offered({ timeoutMs })],
      effects,
    });
    expect([...state.pending]).toEqual(['0']);
    expect(awaitsPeople(state, () => false)).toBe(true);
  });

  it.each<[string, TaskAnswer, JournalEvent]>([
    ['done', done, { type: 'TaskSucceeded', key: '0', output: 1, by: 'worker', worker: 'ada' }],
    [
      'failed',
      failed,
      {
        type: 'TaskFailed',
        key: '0',
        error: { name: 'Error', message: 'no' },
        cause: 'error',
        failures: 1,
        by: 'worker',
        worker: 'ada',
      },
    ],
    ['given up', { status: 'cancelled', reason: 'r' }, { type: 'TaskCancelled', key: '0', reason: 'r' }],
  ])('is settled once by an answer: %s', (_, answer, event) => {
    const state = given(offered());
    expect(when(state, given1(answer))).toEqual({ events: [event], effects: [clear] });
    expect(state.pending.size).toBe(0);
    expect(when(state, given1(done)).events).toEqual([]);
  });

  it('is tried again after a failure, as its retry says, and not beyond its time', () => {
    const retry = { ...ONCE, attempts: 3, delayMs: 100, factor: 2, maxDelayMs: 1e6 };
    const state = given(offered({ retry, timeoutMs: 1250 }));
    const [first] = when(state, given1(failed)).events;
    expect(first).toMatchObject({ type: 'AttemptFailed', attempt: 1, retryAt: 1100, delayMs: 100 });
    // 200 ms more would be beyond 1 + 1250.
    const [second] = when(state, given1(failed), 1100).events;
    expect(second).toMatchObject({ type: 'TaskFailed', failures: 2, cause: 'error' });
  });

  it('settles nothing by an answer that is refused', () => {
    const state = given(offered());
    const issues = [{ path: '$', message: 'must be a number' }];
    const refused = { key: '0', messageId: 'm', worker: 'ada', issues };
    expect(when(state, { type: 'AnswerUnfit', ...refused })).toEqual({
      events: [{ type: 'AnswerRefused', ...refused }],
      effects: [],
    });
    expect([...state.pending]).toEqual(['0']);
  });

  it('fails when its time is up, once', () => {
    const state = given(offered({ timeoutMs: 100 }));
    expect(when(state, { type: 'DeadlinePassed', key: '0' }).events).toMatchObject([
      { type: 'TaskFailed', cause: 'timeout', failures: 0, by: 'attempt' },
    ]);
    expect(when(state, { type: 'DeadlinePassed', key: '0' }).events).toEqual([]);
  });

  it('hears nothing of attempts', () => {
    const state = given(offered());
    for (const type of ['SlotGranted', 'RetryDue', 'CheckErred'] as const)
      expect(when(state, { type, key: '0' })).toEqual({ events: [], effects: [] });
  });

  it('is given up with its group, and an answer comes too late then', () => {
    const closed: JournalEvent = { type: 'ScopeClosed', key: '0', outcome: 'fulfilled', winner: 0 };
    const state = given(opened('0'), offered({}, '0/1/0'), closed);
    const late = { ...given1(done), key: '0/1/0' };
    expect(when(state, late).events).toEqual([]);
    expect(when(state, { type: 'CancelCall', key: '0/1/0', reason: 'lost' }).events).toEqual([
      { type: 'TaskCancelled', key: '0/1/0', reason: 'lost' },
    ]);
  });

  it.each([
    [null, []],
    [1500, [{ type: 'SetTimer', delayMs: 501, report: { type: 'DeadlinePassed', key: '0' } }]],
  ])('goes on at the head with what is left of its time: %s', (timeoutMs, effects) => {
    const state = given(offered({ timeoutMs }));
    expect(when(state, { type: 'HeadReached' })).toEqual({ events: [], effects });
  });

  it('is asked for once, and answered where it is open', () => {
    expect(() => given(offered(), offered())).toThrow('J3');
    const settled: JournalEvent = { type: 'TaskSucceeded', key: '0', output: 1, by: 'worker', worker: 'a' };
    expect(() => given(offered(), settled, { ...settled })).toThrow('J4');
    const again: JournalEvent = {
      type: 'AttemptFailed',
      key: '0',
      attempt: 2,
      error: { name: 'Error', message: '' },
      retryAt: 0,
      delayMs: 0,
    };
    expect(() => given(offered(), again)).toThrow('J5');
  });
});
