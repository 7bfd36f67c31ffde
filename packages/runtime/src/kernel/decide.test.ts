import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../journal/event.ts';
import { SAMPLE_EVENTS } from '../journal/sample-events.fixture.ts';
import { decide } from './decide.ts';
import { evolve } from './evolve.ts';
import { forgetSettled } from './forget.ts';
import { given, opened, RUN_STARTED, scheduled, started, when } from './given.fixture.ts';
import type { Command, Report } from './input.ts';
import { initialState, openWait } from './state.ts';

const RETRY = { attempts: 3, delayMs: 100, factor: 2, maxDelayMs: 1000, jitter: 0 };
const ERROR = { name: 'Error', message: 'boom' };

function erred(
  key: string,
  attempt: number,
  more: Partial<Extract<Report, { type: 'AttemptErred' }>> = {},
): Report {
  return {
    type: 'AttemptErred',
    key,
    attempt,
    error: ERROR,
    cause: 'error',
    retryable: true,
    draw: 0.5,
    ...more,
  };
}

describe('a wait for a message', () => {
  const wait = (timeoutMs: number | null = null): JournalEvent => ({
    type: 'SignalAwaited',
    key: '0',
    name: 'go',
    timeoutMs,
    prompt: null,
    data: null,
  });
  const taken: Report = { type: 'SignalTaken', key: '0', messageId: 'm', payload: 7 };

  it('is recorded, offers itself to early messages, and sets its timer', () => {
    const command: Command = {
      type: 'AwaitSignal',
      key: '0',
      name: 'go',
      timeoutMs: 9,
      prompt: null,
      data: null,
    };
    expect(when(given(), command)).toEqual({
      events: [wait(9)],
      effects: [
        { type: 'OfferMessages', name: 'go' },
        { type: 'SetTimer', delayMs: 9, report: { type: 'WaitDue', key: '0' } },
      ],
    });
    expect(when(given(), { ...command, timeoutMs: null }).effects).toHaveLength(1);
  });

  it('is settled by a message once, and by its time', () => {
    const received: JournalEvent = { type: 'SignalReceived', key: '0', messageId: 'm', payload: 7 };
    expect(when(given(wait()), taken).events).toEqual([received]);
    expect(when(given(wait(), received), taken).events).toEqual([]);
    expect(when(given(wait(5)), { type: 'WaitDue', key: '0' }).events).toEqual([
      { type: 'SignalTimedOut', key: '0' },
    ]);
    expect(when(given(wait(5), received), { type: 'WaitDue', key: '0' }).events).toEqual([]);
  });

  it('goes on at the head with what is left of its time', () => {
    expect(when(given(wait(1000)), { type: 'HeadReached' }).effects).toEqual([
      { type: 'SetTimer', delayMs: expect.any(Number), report: { type: 'WaitDue', key: '0' } },
    ]);
    expect(when(given(wait()), { type: 'HeadReached' }).effects).toEqual([]);
  });

  it('the first that is open and not fenced gets the next message of its name', () => {
    const second: JournalEvent = { ...wait(), key: '1/0/0' } as JournalEvent;
    const closed: JournalEvent = { type: 'ScopeClosed', key: '1', outcome: 'rejected', winner: 1 };
    expect(openWait(given(wait(), opened('1'), second), 'go')).toBe('0');
    const received: JournalEvent = { type: 'SignalReceived', key: '0', messageId: 'm', payload: 7 };
    expect(openWait(given(wait(), opened('1'), second, received), 'go')).toBe('1/0/0');
    expect(openWait(given(wait(), opened('1'), second, received, closed), 'go')).toBeUndefined();
    expect(openWait(given(wait()), 'stop')).toBeUndefined();
  });
});

describe('a call that is refused where it asks for a slot', () => {
  const refused = (cause: 'queueFull' | 'circuitOpen'): Report => ({
    type: 'CallRefused',
    key: '0',
    cause,
    error: { name: 'QueueFullError', message: 'full' },
  });

  it('fails for good with that cause, before any attempt only', () => {
    expect(when(given(scheduled('0')), refused('queueFull')).events).toEqual([
      {
        type: 'TaskFailed',
        key: '0',
        cause: 'queueFull',
        error: { name: 'QueueFullError', message: 'full' },
        failures: 0,
        by: 'attempt',
      },
    ]);
    expect(when(given(scheduled('0'), started('0')), refused('circuitOpen')).events).toEqual([]);
  });
});

describe('commands', () => {
  it('StartRun starts a journal', () => {
    const { type: _, ...facts } = RUN_STARTED as Extract<typeof RUN_STARTED, { type: 'RunStarted' }>;
    expect(decide(initialState(), { type: 'StartRun', ...facts }, 5)).toEqual({
      events: [RUN_STARTED],
      effects: [],
    });
  });

  it('ScheduleTask queues an attempt, and sets the deadline where there is one', () => {
    const { type: _, ...facts } = scheduled('0', { deadlineMs: 50 });
    expect(when(given(), { type: 'ScheduleTask', ...facts })).toEqual({
      events: [scheduled('0', { deadlineMs: 50 })],
      effects: [
        { type: 'QueueAttempt', key: '0' },
        { type: 'SetTimer', delayMs: 50, report: { type: 'DeadlinePassed', key: '0' } },
      ],
    });
  });

  it.each([
    [{ kind: 'sleep', durationMs: 30 } as const, { timer: 'sleep', dueAt: 1030, durationMs: 30 }],
    [{ kind: 'sleepUntil', dueAt: 1500 } as const, { timer: 'sleepUntil', dueAt: 1500, durationMs: 500 }],
    [{ kind: 'sleepUntil', dueAt: 10 } as const, { timer: 'sleepUntil', dueAt: 10, durationMs: 0 }],
  ])('StartTimer records when it is due: %o', (timer, recorded) => {
    const { events, effects } = when(given(), { type: 'StartTimer', key: '0', timer });
    expect(events).toEqual([{ type: 'TimerStarted', key: '0', ...recorded }]);
    expect(effects).toEqual([
      { type: 'SetTimer', delayMs: recorded.durationMs, report: { type: 'TimerDue', key: '0' } },
    ]);
  });

  it.each([
    ['without a timeout', {}, []],
    [
      'with one',
      { timeoutMs: 20 },
      [{ type: 'SetTimer', delayMs: 20, report: { type: 'ScopeDue', key: '0' } }],
    ],
    ['aborted before', { timeoutMs: 20, aborted: true }, []],
  ])('OpenScope %s', (_, more, effects) => {
    const { type: _type, ...facts } = opened('0', more) as Extract<
      ReturnType<typeof opened>,
      { type: 'ScopeOpened' }
    >;
    expect(when(given(), { type: 'OpenScope', ...facts })).toEqual({ events: [opened('0', more)], effects });
  });

  it('RetuneScope is recorded', () => {
    const state = given(opened('0'));
    expect(when(state, { type: 'RetuneScope', key: '0', concurrency: 2 }).events).toEqual([
      { type: 'ScopeRetuned', key: '0', concurrency: 2 },
    ]);
    expect(state.calls.get('0')).toMatchObject({ concurrency: 2, openedConcurrency: null });
  });

  it('CloseScope fences what is pending in it, nested calls too, and clears its timer', () => {
    const state = given(
      opened('0', { timeoutMs: 9 }),
      scheduled('0/0/0'),
      opened('0/1/0'),
      scheduled('0/1/0/1/0'),
      scheduled('1'),
    );
    expect(
      when(state, { type: 'CloseScope', key: '0', decided: { outcome: 'rejected', winner: 1 } }),
    ).toEqual({
      events: [{ type: 'ScopeClosed', key: '0', outcome: 'rejected', winner: 1 }],
      effects: [
        { type: 'ClearTimers', key: '0' },
        { type: 'CancelWithin', scope: '0', reason: 'group 0 was decided without it' },
      ],
    });
  });

  it.each([
    ['aborted', 'the signal of group 0 was aborted'],
    ['timedOut', 'group 0 timed out'],
  ] as const)('a group that is %s says so', (outcome, reason) => {
    const state = given(opened('0'), scheduled('0/0/0'));
    expect(when(state, { type: 'CloseScope', key: '0', decided: { outcome, winner: null } }).effects).toEqual(
      [{ type: 'CancelWithin', scope: '0', reason }],
    );
  });

  it('a group without pending calls cancels nothing', () => {
    expect(
      when(given(opened('0')), {
        type: 'CloseScope',
        key: '0',
        decided: { outcome: 'fulfilled', winner: null },
      }).effects,
    ).toEqual([]);
  });

  it('the root scope closes over everything that is left', () => {
    const state = given(scheduled('0'));
    expect(
      when(state, { type: 'CloseScope', key: '', decided: { outcome: 'fulfilled', winner: null } }).effects,
    ).toEqual([{ type: 'CancelWithin', scope: '', reason: 'the process ended before the call was settled' }]);
    expect(state.phase).toMatchObject({ status: 'closing' });
  });
});

describe('attempts', () => {
  it('a slot starts the next attempt', () => {
    expect(when(given(scheduled('0')), { type: 'SlotGranted', key: '0' })).toEqual({
      events: [started('0')],
      effects: [{ type: 'StartAttempt', key: '0', attempt: 1 }],
    });
  });

  it('a success settles the call and clears its timers', () => {
    const state = given(scheduled('0'), started('0'));
    expect(when(state, { type: 'AttemptSucceeded', key: '0', attempt: 1, output: 7 })).toEqual({
      events: [{ type: 'TaskSucceeded', key: '0', output: 7, by: 'attempt' }],
      effects: [{ type: 'ClearTimers', key: '0' }],
    });
    expect(state.pending.size).toBe(0);
  });

  it('a failure is tried again with a growing wait, as often as the plan says', () => {
    const state = given(scheduled('0', { retry: RETRY }), started('0'));
    expect(when(state, erred('0', 1))).toEqual({
      events: [{ type: 'AttemptFailed', key: '0', attempt: 1, error: ERROR, retryAt: 1100, delayMs: 100 }],
      effects: [{ type: 'SetTimer', delayMs: 100, report: { type: 'RetryDue', key: '0' } }],
    });
    expect(when(state, { type: 'RetryDue', key: '0' })).toEqual({
      events: [],
      effects: [{ type: 'QueueAttempt', key: '0' }],
    });
    when(state, { type: 'SlotGranted', key: '0' });
    expect(when(state, erred('0', 2)).events).toMatchObject([
      { type: 'AttemptFailed', delayMs: 200, retryAt: 1200 },
    ]);
    when(state, { type: 'SlotGranted', key: '0' });
    expect(when(state, erred('0', 3)).events).toEqual([
      { type: 'TaskFailed', key: '0', error: ERROR, cause: 'error', failures: 3, by: 'attempt' },
    ]);
  });

  it.each([
    ['the definition forbids it', { retry: RETRY }, { retryable: false }],
    ['the wait would pass the deadline', { retry: RETRY, deadlineMs: 1050 }, {}],
    ['there is no plan', {}, {}],
  ])('a failure is final where %s', (_, policy, report) => {
    const state = given(scheduled('0', policy), started('0'));
    expect(when(state, erred('0', 1, report)).events).toMatchObject([{ type: 'TaskFailed', failures: 1 }]);
  });

  it.each([
    [1099, 'TaskFailed'],
    [1100, 'AttemptFailed'],
  ])('a deadline %s ms after the task was asked for, at 1, and a wait until 1100: %s', (deadlineMs, type) => {
    const state = given(scheduled('0', { retry: RETRY, deadlineMs }), started('0'));
    expect(when(state, erred('0', 1)).events).toMatchObject([{ type }]);
  });

  it('jitter shortens the wait by the drawn share', () => {
    const state = given(scheduled('0', { retry: { ...RETRY, jitter: 0.5 } }), started('0'));
    expect(when(state, erred('0', 1, { draw: 0.5 })).events).toMatchObject([{ delayMs: 75, retryAt: 1075 }]);
  });

  it('the wait has an upper bound', () => {
    const state = given(
      scheduled('0', { retry: { ...RETRY, delayMs: 900 } }),
      started('0'),
      { type: 'AttemptFailed', key: '0', attempt: 1, error: ERROR, retryAt: 1, delayMs: 1 },
      started('0', 2),
    );
    expect(when(state, erred('0', 2)).events).toMatchObject([{ delayMs: 1000 }]);
  });

  it('no wait stays no wait after any number of failures', () => {
    const state = given(scheduled('0', { retry: { ...RETRY, delayMs: 0, attempts: 5000 } }));
    const call = state.calls.get('0');
    if (call?.kind === 'task') call.failures = 2000;
    when(state, { type: 'SlotGranted', key: '0' });
    expect(when(state, erred('0', 1)).events).toMatchObject([{ type: 'AttemptFailed', delayMs: 0 }]);
  });

  it('RetryDue means nothing to a call that is not waiting', () => {
    expect(when(given(scheduled('0')), { type: 'RetryDue', key: '0' })).toEqual({ events: [], effects: [] });
  });

  it('a stop that was acknowledged counts neither as failed nor as unknown', () => {
    const state = given(scheduled('0'), started('0'));
    expect(when(state, { type: 'AttemptStopped', key: '0', attempt: 1 }).events).toEqual([
      { type: 'AttemptInterrupted', key: '0', attempt: 1 },
    ]);
    expect(state.calls.get('0')).toMatchObject({ phase: 'scheduled', failures: 0, unknowns: 0 });
  });

  it.each([[true], [false]])('the deadline fails the call (running: %s)', (running) => {
    const state = given(scheduled('0', { deadlineMs: 10 }), ...(running ? [started('0')] : []));
    const reason = 'deadline of 10 ms passed';
    const error = { name: 'TimeoutError', message: reason };
    expect(when(state, { type: 'DeadlinePassed', key: '0' })).toEqual({
      events: [{ type: 'TaskFailed', key: '0', error, cause: 'timeout', failures: 0, by: 'attempt' }],
      effects: [
        { type: 'ClearTimers', key: '0' },
        ...(running ? [{ type: 'AbortAttempt', key: '0', reason }] : []),
      ],
    });
  });
});

describe('reports that come too late', () => {
  it.each([
    [{ type: 'AttemptSucceeded', key: '0', attempt: 1, output: 1 }, 'succeeded'],
    [erred('0', 1), 'failed'],
    [{ type: 'AttemptStopped', key: '0', attempt: 1 }, 'interrupted'],
  ] as const)('of a settled call are kept for audit: %o', (report, outcome) => {
    const state = given(scheduled('0'), started('0'), { type: 'TaskCancelled', key: '0', reason: 'r' });
    expect(when(state, report).events).toEqual([{ type: 'LateResult', key: '0', attempt: 1, outcome }]);
  });

  it.each([
    [{ type: 'AttemptSucceeded', key: '0/0/0', attempt: 1, output: 1 }],
    [erred('0/0/0', 1)],
    [{ type: 'AttemptStopped', key: '0/0/0', attempt: 1 }],
  ] as const)('of a fenced call that is not cancelled yet: %o', (report) => {
    const state = given(opened('0'), scheduled('0/0/0'), started('0/0/0'), {
      type: 'ScopeClosed',
      key: '0',
      outcome: 'rejected',
      winner: 1,
    });
    expect(when(state, report).events).toMatchObject([{ type: 'LateResult', key: '0/0/0' }]);
  });

  it.each(['SlotGranted', 'RetryDue', 'DeadlinePassed', 'CheckErred'] as const)(
    '%s means nothing to a fenced call',
    (type) => {
      const state = given(opened('0'), scheduled('0/0/0'), {
        type: 'ScopeClosed',
        key: '0',
        outcome: 'rejected',
        winner: 1,
      });
      expect(when(state, { type, key: '0/0/0' })).toEqual({ events: [], effects: [] });
    },
  );

  it('of an attempt that timed out while the next one runs', () => {
    const state = given(
      scheduled('0', { retry: RETRY }),
      started('0'),
      { type: 'AttemptFailed', key: '0', attempt: 1, error: ERROR, retryAt: 1, delayMs: 1 },
      started('0', 2),
    );
    expect(when(state, { type: 'AttemptSucceeded', key: '0', attempt: 1, output: 1 }).events).toMatchObject([
      { type: 'LateResult', attempt: 1 },
    ]);
    expect(state.calls.get('0')).toMatchObject({ phase: 'running', attempts: 2 });
  });

  it.each([
    [{ type: 'SlotGranted', key: '9' }],
    [{ type: 'TimerDue', key: '9' }],
    [{ type: 'ScopeDue', key: '9' }],
    [{ type: 'SignalAborted', key: '0', reason: 'r' }],
    [{ type: 'CancelCall', key: '9', reason: 'r' }],
    [{ type: 'AttemptSucceeded', key: '0', attempt: 7, output: 1 }],
  ] as const)('of calls that are not there, or attempts that never were, mean nothing: %o', (report) => {
    expect(when(given(scheduled('0')), report)).toEqual({ events: [], effects: [] });
  });
});

describe('unknown outcomes', () => {
  const asked = (): ReturnType<typeof given> =>
    given(scheduled('0'), started('0'), { type: 'OutcomeAsked', key: '0', attempt: 1 });
  const report = (
    answer: Extract<Report, { type: 'OutcomeResolved' }>['answer'],
    by: 'check' | 'person' = 'person',
  ): Report => ({ type: 'OutcomeResolved', key: '0', by, answer });

  it('a check that fails asks a person', () => {
    expect(when(given(scheduled('0'), started('0')), { type: 'CheckErred', key: '0' }).events).toEqual([
      { type: 'OutcomeAsked', key: '0', attempt: 1 },
    ]);
  });

  it('done, failed and retry settle what was asked', () => {
    expect(when(asked(), report({ status: 'done', output: 3 })).events).toEqual([
      { type: 'TaskSucceeded', key: '0', output: 3, by: 'person' },
    ]);
    const running = given(scheduled('0'), started('0'));
    expect(when(running, report({ status: 'failed', error: ERROR }, 'check')).events).toMatchObject([
      { type: 'TaskFailed', failures: 1, by: 'check' },
    ]);
    const state = asked();
    expect(when(state, report({ status: 'retry' }))).toEqual({
      events: [{ type: 'AttemptInterrupted', key: '0', attempt: 1 }],
      effects: [{ type: 'QueueAttempt', key: '0' }],
    });
    expect(when(state, { type: 'SlotGranted', key: '0' }).events).toEqual([started('0', 2)]);
    expect(state.calls.get('0')).toMatchObject({ unknowns: 0 });
  });

  it('a check that says failed ends the call, whatever its retry says', () => {
    const retry = { attempts: 3, delayMs: 0, factor: 1, maxDelayMs: 0, jitter: 0 };
    const state = given(scheduled('0', { onUnknown: 'check', retry }), started('0'));
    expect(when(state, report({ status: 'failed', error: ERROR }, 'check')).events).toMatchObject([
      { type: 'TaskFailed', failures: 1, by: 'check' },
    ]);
  });

  it('a check that says retry is believed maxUnknown times, then a person is asked', () => {
    const state = given(scheduled('0', { onUnknown: 'check', maxUnknown: 2 }), started('0'));
    for (const attempt of [1, 2]) {
      expect(when(state, report({ status: 'retry' }, 'check'))).toEqual({
        events: [{ type: 'AttemptInterrupted', key: '0', attempt, unknown: true }],
        effects: [{ type: 'QueueAttempt', key: '0' }],
      });
      when(state, { type: 'SlotGranted', key: '0' });
    }
    expect(state.calls.get('0')).toMatchObject({ unknowns: 2, attempts: 3 });
    expect(when(state, report({ status: 'retry' }, 'check'))).toEqual({
      events: [{ type: 'OutcomeAsked', key: '0', attempt: 3 }],
      effects: [],
    });
    expect(when(state, report({ status: 'retry' })).events).toEqual([
      { type: 'AttemptInterrupted', key: '0', attempt: 3 },
    ]);
  });

  it('an attempt that was stopped counts as no unknown one', () => {
    const state = given(scheduled('0', { onUnknown: 'check', maxUnknown: 0 }), started('0'));
    when(state, { type: 'AttemptStopped', key: '0', attempt: 1 });
    expect(state.calls.get('0')).toMatchObject({ phase: 'scheduled', unknowns: 0 });
  });

  it('a second answer, while the attempt of the first runs, starts nothing', () => {
    const state = asked();
    when(state, report({ status: 'retry' }));
    when(state, { type: 'SlotGranted', key: '0' });
    expect(when(state, report({ status: 'retry' }))).toEqual({ events: [], effects: [] });
    expect(when(state, report({ status: 'done', output: 1 })).events).toEqual([]);
    expect(when(asked(), report({ status: 'retry' }, 'check')).events).toEqual([]);
    expect(when(asked(), { type: 'CheckErred', key: '0' }).events).toEqual([]);
  });

  it('an answer nobody asked for means nothing', () => {
    expect(when(given(scheduled('0')), report({ status: 'retry' }))).toEqual({ events: [], effects: [] });
  });
});

describe('remote attempts', () => {
  const remote = (attempt = 1): JournalEvent => ({ type: 'AttemptStarted', key: '0', attempt, remote: true });
  const lost: Report = { type: 'AttemptLost', key: '0', attempt: 1 };

  it('are recorded as such, and the next one is what it is', () => {
    const state = given(scheduled('0'));
    expect(when(state, { type: 'SlotGranted', key: '0', remote: true })).toEqual({
      events: [remote()],
      effects: [{ type: 'StartAttempt', key: '0', attempt: 1 }],
    });
    expect(state.calls.get('0')).toMatchObject({ isRemote: true });
    when(state, { type: 'SlotGranted', key: '0' });
    expect(state.calls.get('0')).toMatchObject({ isRemote: false, attempts: 2 });
  });

  it.each<[string, Parameters<typeof scheduled>[1], ReturnType<typeof when>]>([
    ['retry', {}, { events: [], effects: [{ type: 'QueueAttempt', key: '0' }] }],
    ['check', { onUnknown: 'check' }, { events: [], effects: [{ type: 'RunCheck', key: '0', attempt: 1 }] }],
    ['ask', { onUnknown: 'ask' }, { events: [{ type: 'OutcomeAsked', key: '0', attempt: 1 }], effects: [] }],
    [
      'retry, once too often',
      { maxUnknown: 0 },
      { events: [{ type: 'OutcomeAsked', key: '0', attempt: 1 }], effects: [] },
    ],
  ])('one whose end nobody knows is up to onUnknown: %s', (_, policy, decision) => {
    expect(when(given(scheduled('0', policy), remote()), lost)).toEqual(decision);
  });

  it('one that is lost counts as unknown when the next one starts', () => {
    const state = given(scheduled('0'), remote());
    when(state, lost);
    when(state, { type: 'SlotGranted', key: '0', remote: true });
    expect(state.calls.get('0')).toMatchObject({ unknowns: 1, attempts: 2 });
  });

  it('one that was given up, or had a successor, is lost without consequences', () => {
    const nothing = { events: [], effects: [] };
    const fenced = given(opened('0'), scheduled('0/0/0'), { ...remote(), key: '0/0/0' } as JournalEvent, {
      type: 'ScopeClosed',
      key: '0',
      outcome: 'rejected',
      winner: 1,
    });
    expect(when(fenced, { ...lost, key: '0/0/0' })).toEqual(nothing);
    expect(when(given(scheduled('0'), remote(), remote(2)), lost)).toEqual(nothing);
    const settled: JournalEvent = { type: 'TaskSucceeded', key: '0', output: 1, by: 'attempt' };
    expect(when(given(scheduled('0'), remote(), settled), lost)).toEqual(nothing);
  });
});

describe('what is refused, or was kept, where it asks for a slot', () => {
  const refused: Report = { type: 'CallRefused', key: '0', error: ERROR, cause: 'circuitOpen' };
  const kept: Report = {
    type: 'OutcomeResolved',
    key: '0',
    by: 'cache',
    answer: { status: 'done', output: 5 },
  };
  const failedOnce: JournalEvent = {
    type: 'AttemptFailed',
    key: '0',
    attempt: 1,
    error: ERROR,
    retryAt: 1100,
    delayMs: 100,
  };
  const failed = (failures: number): JournalEvent => ({
    type: 'TaskFailed',
    key: '0',
    error: ERROR,
    cause: 'circuitOpen',
    failures,
    by: 'attempt',
  });

  it('a call before its first attempt, and one before its next', () => {
    expect(when(given(scheduled('0')), refused).events).toEqual([failed(0)]);
    const state = given(scheduled('0', { retry: RETRY }), started('0'), failedOnce);
    expect(when(state, refused).events).toEqual([failed(1)]);
  });

  it('a result that was kept settles a call before its first attempt', () => {
    expect(when(given(scheduled('0')), kept).events).toEqual([
      { type: 'TaskSucceeded', key: '0', output: 5, by: 'cache' },
    ]);
  });

  it.each<[string, readonly JournalEvent[]]>([
    ['a call that runs, or whose end is unknown', [scheduled('0'), started('0')]],
    [
      'a call that was given up',
      [opened('1'), scheduled('0'), { type: 'TaskCancelled', key: '0', reason: 'x' }],
    ],
    ['a run that was cancelled', [scheduled('0'), { type: 'CancelRequested', reason: 'x' }]],
  ])('nothing of %s', (_, events) => {
    expect(when(given(...events), refused).events).toEqual([]);
    expect(when(given(...events), kept).events).toEqual([]);
  });
});

describe('scopes, timers and the run', () => {
  it('a due timer fires once', () => {
    const state = given({ type: 'TimerStarted', key: '0', timer: 'sleep', dueAt: 5, durationMs: 5 });
    expect(when(state, { type: 'TimerDue', key: '0' }).events).toEqual([{ type: 'TimerFired', key: '0' }]);
    expect(when(state, { type: 'TimerDue', key: '0' }).events).toEqual([]);
  });

  it('abort and timeout of a group are recorded once it is open, and not after its decision', () => {
    const state = given(opened('0'));
    expect(when(state, { type: 'SignalAborted', key: '0', reason: 'stop' }).events).toEqual([
      { type: 'ScopeAborted', key: '0', reason: 'stop' },
    ]);
    expect(when(state, { type: 'ScopeDue', key: '0' }).events).toEqual([{ type: 'ScopeTimedOut', key: '0' }]);
    when(state, { type: 'CloseScope', key: '0', decided: { outcome: 'aborted', winner: null } });
    expect(when(state, { type: 'ScopeDue', key: '0' }).events).toEqual([]);
  });

  it('a cancelled call aborts its attempt, a cancelled timer only its timer', () => {
    const state = given(scheduled('0'), started('0'), {
      type: 'TimerStarted',
      key: '1',
      timer: 'sleep',
      dueAt: 5,
      durationMs: 5,
    });
    expect(when(state, { type: 'CancelCall', key: '0', reason: 'r' })).toEqual({
      events: [{ type: 'TaskCancelled', key: '0', reason: 'r' }],
      effects: [
        { type: 'ClearTimers', key: '0' },
        { type: 'AbortAttempt', key: '0', reason: 'r' },
      ],
    });
    expect(when(state, { type: 'CancelCall', key: '1', reason: 'r' }).effects).toEqual([
      { type: 'ClearTimers', key: '1' },
    ]);
  });

  it('a cancelled run is cancelled once', () => {
    const state = given(scheduled('0'));
    expect(when(state, { type: 'CancelRun', reason: 'enough' })).toEqual({
      events: [{ type: 'CancelRequested', reason: 'enough' }],
      effects: [{ type: 'CancelWithin', scope: '', reason: 'the run was cancelled: enough' }],
    });
    expect(when(state, { type: 'CancelRun', reason: 'again' }).events).toEqual([]);
  });

  it.each([
    [
      { status: 'succeeded', output: 1 },
      { type: 'RunSucceeded', output: 1 },
    ],
    [
      { status: 'failed', error: ERROR },
      { type: 'RunFailed', error: ERROR },
    ],
    [
      { status: 'cancelled', reason: 'r' },
      { type: 'RunCancelled', reason: 'r' },
    ],
  ] as const)('a run ends: %o', (result, event) => {
    expect(when(given(), { type: 'RunEnded', result }).events).toEqual([event]);
  });
});

describe('at the head of the journal', () => {
  it.each([
    ['scheduled', [scheduled('0')], [], [{ type: 'QueueAttempt', key: '0' }]],
    [
      'running: its outcome is unknown, and tried again',
      [scheduled('0'), started('0')],
      [],
      [{ type: 'QueueAttempt', key: '0' }],
    ],
    [
      'running, to be checked',
      [scheduled('0', { onUnknown: 'check' }), started('0')],
      [],
      [{ type: 'RunCheck', key: '0', attempt: 1 }],
    ],
    [
      'running, to be asked',
      [scheduled('0', { onUnknown: 'ask' }), started('0')],
      [{ type: 'OutcomeAsked', key: '0', attempt: 1 }],
      [],
    ],
    [
      'unknown once too often',
      [scheduled('0', { maxUnknown: 1 }), started('0'), started('0', 2)],
      [{ type: 'OutcomeAsked', key: '0', attempt: 2 }],
      [],
    ],
    [
      'running elsewhere: it goes on, whatever onUnknown says',
      [scheduled('0', { onUnknown: 'ask' }), { type: 'AttemptStarted', key: '0', attempt: 1, remote: true }],
      [],
      [{ type: 'AttendAttempt', key: '0', attempt: 1 }],
    ],
    [
      'running elsewhere, and given up: it is there to be stopped',
      [
        opened('0'),
        scheduled('0/0/0'),
        { type: 'AttemptStarted', key: '0/0/0', attempt: 1, remote: true },
        { type: 'ScopeClosed', key: '0', outcome: 'rejected', winner: 1 },
      ],
      [],
      [
        { type: 'AttendAttempt', key: '0/0/0', attempt: 1 },
        { type: 'CancelWithin', scope: '0', reason: expect.any(String) as string },
      ],
    ],
    ['asked before', [scheduled('0'), started('0'), { type: 'OutcomeAsked', key: '0', attempt: 1 }], [], []],
    [
      'interrupted',
      [scheduled('0'), started('0'), { type: 'AttemptInterrupted', key: '0', attempt: 1 }],
      [],
      [{ type: 'QueueAttempt', key: '0' }],
    ],
    [
      'backing off: what is left of the wait, never more than its length',
      [
        scheduled('0'),
        started('0'),
        { type: 'AttemptFailed', key: '0', attempt: 1, error: ERROR, retryAt: 9_000_000, delayMs: 400 },
      ],
      [],
      [{ type: 'SetTimer', delayMs: 400, report: { type: 'RetryDue', key: '0' } }],
    ],
    [
      'a timer that is overdue',
      [{ type: 'TimerStarted', key: '0', timer: 'sleep', dueAt: 5, durationMs: 5 }],
      [],
      [{ type: 'TimerPassed', report: { type: 'TimerDue', key: '0' } }],
    ],
    [
      'a deadline and a group timeout',
      [scheduled('0', { deadlineMs: 5000 }), opened('1', { timeoutMs: 3000 })],
      [],
      [
        { type: 'SetTimer', delayMs: 2002, report: { type: 'ScopeDue', key: '1' } },
        { type: 'SetTimer', delayMs: 4001, report: { type: 'DeadlinePassed', key: '0' } },
        { type: 'QueueAttempt', key: '0' },
      ],
    ],
    [
      'several that are overdue, in the order of their times, and before what is queued',
      [
        opened('0', { timeoutMs: 20 }),
        scheduled('0/0/0', { deadlineMs: 7 }),
        { type: 'TimerStarted', key: '0/1/0', timer: 'sleep', dueAt: 30, durationMs: 27 },
        { type: 'TimerStarted', key: '0/2/0', timer: 'sleep', dueAt: 21, durationMs: 17 },
      ],
      [],
      [
        { type: 'TimerPassed', report: { type: 'DeadlinePassed', key: '0/0/0' } },
        { type: 'TimerPassed', report: { type: 'ScopeDue', key: '0' } },
        { type: 'TimerPassed', report: { type: 'TimerDue', key: '0/2/0' } },
        { type: 'TimerPassed', report: { type: 'TimerDue', key: '0/1/0' } },
        { type: 'QueueAttempt', key: '0/0/0' },
      ],
    ],
    [
      'settled',
      [scheduled('0'), started('0'), { type: 'TaskSucceeded', key: '0', output: 1, by: 'attempt' }],
      [],
      [],
    ],
    [
      'fenced and not cancelled yet',
      [opened('0'), scheduled('0/0/0'), { type: 'ScopeClosed', key: '0', outcome: 'rejected', winner: 1 }],
      [],
      [{ type: 'CancelWithin', scope: '0', reason: 'group 0 was decided without it' }],
    ],
    [
      'left over at the end of the process',
      [scheduled('0'), { type: 'ScopeClosed', key: '', outcome: 'fulfilled', winner: null }],
      [],
      [{ type: 'CancelWithin', scope: '', reason: 'the process ended before the call was settled' }],
    ],
    [
      'left over in a cancelled run',
      [scheduled('0'), { type: 'CancelRequested', reason: 'enough' }],
      [],
      [{ type: 'CancelWithin', scope: '', reason: 'the run was cancelled: enough' }],
    ],
    ['a group that was aborted when it opened', [opened('0', { timeoutMs: 5, aborted: true })], [], []],
  ] as const)('a call that is %s', (_, events, facts, effects) => {
    expect(when(given(...events), { type: 'HeadReached' })).toEqual({ events: facts, effects });
  });
});

describe('the code of a run', () => {
  it('that is another one, and fits all that is recorded, is that of the run from then on', () => {
    const state = given();
    expect(when(state, { type: 'CodeFits', codeHash: 'new' }).events).toEqual([
      { type: 'CodeAccepted', codeHash: 'new' },
    ]);
    expect(state.codeHash).toBe('new');
    expect(when(state, { type: 'CodeFits', codeHash: 'new' })).toEqual({ events: [], effects: [] });
  });
});

it('a retry of a source that is due when it is not in backoff any more does nothing', () => {
  const state = given({ ...SAMPLE_EVENTS.StreamOpened, key: '0' });
  expect(when(state, { type: 'RetryDue', key: '0' })).toEqual({ events: [], effects: [] });
});

it('the end of a scope that is no group, and not the root, gives nothing up', () => {
  const decided = { outcome: 'fulfilled', winner: null } as const;
  const decision = decide(given(), { type: 'CloseScope', key: '5', decided }, 1000);
  expect(decision.events).toMatchObject([{ type: 'ScopeClosed', key: '5' }]);
  expect(decision.effects ?? []).toEqual([]);
});

it('what is gone from a closed group already is not looked for again', () => {
  const state = given(opened('0'), scheduled('0/0/0'), started('0/0/0'), {
    ...SAMPLE_EVENTS.TaskSucceeded,
    key: '0/0/0',
  });
  evolve(state, {
    seq: state.seq + 1,
    at: 9,
    event: { type: 'ScopeClosed', key: '0', outcome: 'fulfilled', winner: null },
  });
  state.calls.delete('0/0/0');
  expect(forgetSettled(state, '0')).toBe(true);
});

it('a run that takes results over begins as a fork that shares nothing', () => {
  const { type: _, ...facts } = RUN_STARTED as Extract<JournalEvent, { type: 'RunStarted' }>;
  const { events } = when(initialState(), { type: 'StartRun', ...facts, reuseFrom: 'other' });
  expect(events.map(({ type }) => type)).toEqual(['RunStarted', 'RunForked']);
  expect(events[1]).toMatchObject({ parentRunId: 'other', parentSeq: 0, reuses: true });
});

it('a message that stands for earlier ones says which, and the wait ends with it', () => {
  const state = given({ ...SAMPLE_EVENTS.SignalAwaited, key: '0' });
  const taken = {
    type: 'SignalTaken',
    key: '0',
    messageId: 'm3',
    payload: 3,
    superseded: ['m1', 'm2'],
  } as const;
  expect(when(state, taken).events).toMatchObject([
    { type: 'SignalsSuperseded', key: '0', messageIds: ['m1', 'm2'] },
    { type: 'SignalReceived', messageId: 'm3', payload: 3 },
  ]);
  expect(state.calls.get('0')).toMatchObject({ phase: 'received' });
});
