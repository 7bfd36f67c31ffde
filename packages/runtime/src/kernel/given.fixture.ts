import type { JournalEvent, TaskPolicy, TaskScheduled } from '../journal/event.ts';
import { decide, type Decision } from './decide.ts';
import { evolve } from './evolve.ts';
import type { Command, Report } from './input.ts';
import { initialState, type RunState } from './state.ts';

export const POLICY: TaskPolicy = {
  retry: { attempts: 1, delayMs: 0, factor: 1, maxDelayMs: 0, jitter: 0 },
  timeoutMs: null,
  deadlineMs: null,
  onUnknown: 'retry',
  maxUnknown: 3,
};

export const RUN_STARTED: JournalEvent = {
  type: 'RunStarted',
  process: 'p',
  module: null,
  codeHash: null,
  inputs: null,
  inputsHash: 'h',
  seed: 's',
  engine: '0',
};

export function scheduled(key: string, policy: Partial<TaskPolicy> = {}): TaskScheduled {
  return {
    type: 'TaskScheduled',
    key,
    task: 't',
    version: null,
    inputHash: 'i',
    args: null,
    pool: null,
    policy: { ...POLICY, ...policy },
  };
}

export function opened(
  key: string,
  more: Partial<Extract<JournalEvent, { type: 'ScopeOpened' }>> = {},
): JournalEvent {
  return {
    type: 'ScopeOpened',
    key,
    mode: 'all',
    width: 2,
    concurrency: null,
    batchSize: null,
    buffer: null,
    losers: 'cancel',
    timeoutMs: null,
    aborted: false,
    ...more,
  };
}

export function started(key: string, attempt = 1): JournalEvent {
  return { type: 'AttemptStarted', key, attempt };
}

/** The state after RunStarted and these events, each a millisecond after the one before. */
export function given(...events: readonly JournalEvent[]): RunState {
  const state = initialState();
  [RUN_STARTED, ...events].forEach((event, index) => evolve(state, { seq: index + 1, at: index, event }));
  return state;
}

/** What the rules decide at time 1000, and proof that the result can be applied (K2). */
export function when(state: RunState, input: Command | Report, now = 1000): Decision {
  const decision = decide(state, input, now);
  for (const event of decision.events) evolve(state, { seq: state.seq + 1, at: now, event });
  return decision;
}
