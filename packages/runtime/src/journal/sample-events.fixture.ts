import type { EventType, JournalEvent } from './event.ts';

const error = {
  name: 'TypeError',
  message: 'no',
  stack: 'TypeError: no\n    at f (f.ts:1:1)',
  cause: { name: 'Error', message: 'deeper', errors: [{ name: 'NonError', message: 'x', thrown: 1 }] },
} as const;

/** One event of each type, with values that are easily lost. */
export const SAMPLE_EVENTS: {
  readonly [Type in EventType]: Extract<JournalEvent, { readonly type: Type }>;
} = {
  RunStarted: {
    type: 'RunStarted',
    process: 'billing',
    module: null,
    codeHash: 'c0de',
    inputs: { name: 'Zoë \u2028 "quoted" \u0000', none: null, list: [] },
    inputsHash: 'f00d',
    seed: 'seed',
    engine: '0.1.0',
  },
  RunSucceeded: { type: 'RunSucceeded', output: [1, 'two', { three: null }] },
  RunFailed: { type: 'RunFailed', error },
  RunCancelled: { type: 'RunCancelled', reason: 'enough' },
  ScopeOpened: {
    type: 'ScopeOpened',
    key: '3',
    mode: 'map',
    width: 2,
    concurrency: null,
    batchSize: 1,
    buffer: null,
    losers: 'cancel',
    timeoutMs: 60_000,
    aborted: false,
  },
  ScopeRetuned: { type: 'ScopeRetuned', key: '3', concurrency: 4 },
  ScopeAborted: { type: 'ScopeAborted', key: '3', reason: '' },
  ScopeTimedOut: { type: 'ScopeTimedOut', key: '3' },
  ScopeClosed: { type: 'ScopeClosed', key: '', outcome: 'fulfilled', winner: 0 },
  TaskScheduled: {
    type: 'TaskScheduled',
    key: '3/0/:mail%2Fout',
    task: 'mail',
    version: null,
    inputHash: 'beef',
    args: JSON.parse('{"__proto__": {"polluted": true}, "to": "a@b.c"}') as Record<string, never>,
    pool: null,
    policy: {
      retry: { attempts: 3, delayMs: 100, factor: 1.5, maxDelayMs: 1e6, jitter: 0.1 },
      timeoutMs: null,
      deadlineMs: 5,
      onUnknown: 'ask',
      maxUnknown: 3,
    },
  },
  AttemptStarted: { type: 'AttemptStarted', key: '0', attempt: 1 },
  AttemptFailed: {
    type: 'AttemptFailed',
    key: '0',
    attempt: 1,
    error,
    retryAt: 1_700_000_000_000,
    delayMs: 12.5,
  },
  AttemptInterrupted: { type: 'AttemptInterrupted', key: '0', attempt: 2 },
  OutcomeAsked: { type: 'OutcomeAsked', key: '0', attempt: 2 },
  TaskSucceeded: { type: 'TaskSucceeded', key: '0', output: null, by: 'attempt' },
  TaskFailed: { type: 'TaskFailed', key: '0', error, cause: 'timeout', failures: 0, by: 'person' },
  TaskCancelled: { type: 'TaskCancelled', key: '0', reason: 'lost' },
  LateResult: { type: 'LateResult', key: '0', attempt: 1, outcome: 'succeeded' },
  TimerStarted: { type: 'TimerStarted', key: '1', timer: 'sleep', dueAt: 1_700_000_000_000, durationMs: 5 },
  TimerFired: { type: 'TimerFired', key: '1' },
  CancelRequested: { type: 'CancelRequested', reason: 'a person' },
};
