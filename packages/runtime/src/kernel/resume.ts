import type { CallKey } from '../journal/call-key.ts';
import { compareKeys, isWithin } from '../journal/call-key.ts';
import type { JournalEvent } from '../journal/event.ts';
import type { Millis } from '../journal/ids.ts';
import { unreachable } from '../journal/invariant.ts';
import { verdict } from './breakpoint.ts';
import type { Decision } from './decide.ts';
import { childAgain } from './decide-child.ts';
import type { Due, Effect } from './input.ts';
import { NOT_READ, whyGivenUp } from './why-given-up.ts';
import {
  closedStream,
  type GroupCall,
  isFenced,
  type OfferCall,
  isShielded,
  type RunState,
  type StreamCall,
  type TaskCall,
  type BreakpointCall,
  type TimerCall,
  type WaitCall,
} from './state.ts';

/** Something that is recorded to have its time. */
interface Timer {
  readonly dueAt: Millis;
  readonly lengthMs: number;
  readonly report: Due;
}

/**
 * Timers go on in the order of their times: which of two comes first does not depend on whether somebody drove the run.
 * None is longer than it was, whatever the wall clock did.
 */
function timersAgain(timers: readonly Timer[], now: Millis): readonly Effect[] {
  return timers
    .toSorted((a, b) => a.dueAt - b.dueAt || compareKeys(a.report.key, b.report.key))
    .map(({ dueAt, lengthMs, report }) =>
      dueAt > now
        ? { type: 'SetTimer', delayMs: Math.min(lengthMs, dueAt - now), report }
        : { type: 'TimerPassed', report },
    );
}

/** At the head of the journal: every pending call goes on, fenced ones are cancelled. */
export function resume(state: Readonly<RunState>, now: Millis): Decision {
  const events: JournalEvent[] = [];
  const effects: Effect[] = [];
  const timers: Timer[] = [];
  for (const key of state.pending) {
    const call = state.calls.get(key);
    if (closedStream(call) !== undefined)
      effects.push({ type: 'CancelWithin', scope: key, reason: NOT_READ });
    if (call?.kind === 'task' && call.phase === 'running' && call.isRemote && isFenced(state, key))
      // It is given up next, and has to be there to be stopped.
      effects.push({ type: 'AttendAttempt', key, attempt: call.attempts });
    if (
      call === undefined ||
      !('phase' in call) ||
      call.kind === 'group' ||
      call.kind === 'child' ||
      isFenced(state, key)
    )
      continue;
    timers.push(...timersOf(key, call));
    if (call.kind === 'stream' && call.phase !== 'backoff') effects.push({ type: 'QueueAttempt', key });
    if (call.kind === 'task') resumeTask(key, call, events, effects);
  }
  effects.push(...interruptedWithin(state));
  for (const [key, call] of state.calls) {
    if (call.kind === 'child' && (call.phase !== 'pending' || !isFenced(state, key)))
      effects.push(...childAgain(state, key, call));
    if (call.kind !== 'group' || isFenced(state, key)) continue;
    const fencedBy = call.phase.status === 'closed' ? call.phase.fencedBy : null;
    if (fencedBy !== null) {
      if (call.unsettled > 0 && whyInterrupted(call) === undefined)
        effects.push({ type: 'CancelWithin', scope: key, reason: whyGivenUp(key, fencedBy) });
    } else if (!call.openedAborted)
      timers.push(...within(call.openedAt, call.timeoutMs, { type: 'ScopeDue', key }));
  }
  if (state.phase.status === 'closing' || state.phase.status === 'cancelling') {
    const reason =
      state.phase.status === 'closing'
        ? whyGivenUp('', state.phase.decided.outcome)
        : `the run was cancelled: ${state.phase.reason}`;
    effects.push({ type: 'CancelWithin', scope: '', reason });
  }
  return { events, effects: [...timersAgain(timers, now), ...effects] };
}

/** What went on behind its decision and was given up by itself is cancelled in those words, whatever else it lies in. */
function interruptedWithin(state: Readonly<RunState>): Effect[] {
  const effects: Effect[] = [];
  for (const [scope, call] of state.calls) {
    if (call.kind !== 'group' || call.unsettled === 0) continue;
    const reason = whyInterrupted(call);
    if (reason !== undefined) effects.push({ type: 'CancelWithin', scope, reason });
  }
  return effects.toReversed();
}

function whyInterrupted({ phase }: GroupCall): string | undefined {
  return phase.status === 'closed' ? phase.why : undefined;
}

function within(from: Millis, lengthMs: number | null, report: Due): readonly Timer[] {
  return lengthMs === null ? [] : [{ dueAt: from + lengthMs, lengthMs, report }];
}

/** Messages and answers are looked for by the driver itself, once the replay is over. */
function timersOf(
  key: CallKey,
  call: TimerCall | WaitCall | BreakpointCall | OfferCall | StreamCall | TaskCall,
): readonly Timer[] {
  switch (call.kind) {
    case 'timer':
      return [{ dueAt: call.dueAt, lengthMs: call.durationMs, report: { type: 'TimerDue', key } }];
    case 'breakpoint':
      // Its answers are there, and were not decided upon.
      if (verdict(call, call.answers) !== undefined) return within(0, 0, { type: 'WaitDue', key });
      return within(call.openedAt, call.timeoutMs, { type: 'WaitDue', key });
    case 'wait':
      return within(call.openedAt, call.timeoutMs, { type: 'WaitDue', key });
    case 'offer':
      return within(call.offeredAt, call.timeoutMs, { type: 'DeadlinePassed', key });
    case 'stream':
      // Otherwise it is opened again at its last cursor, however its attempt ended.
      return call.phase === 'backoff' ? [retryOf(key, call)] : [];
    case 'task': {
      const deadline = within(call.scheduledAt, call.policy.deadlineMs, { type: 'DeadlinePassed', key });
      return call.phase === 'backoff' ? [...deadline, retryOf(key, call)] : deadline;
    }
    default:
      return unreachable(call);
  }
}

function retryOf(key: CallKey, { retryAt, retryDelayMs }: TaskCall | StreamCall): Timer {
  return { dueAt: retryAt, lengthMs: retryDelayMs, report: { type: 'RetryDue', key } };
}

function resumeTask(key: CallKey, call: TaskCall, events: JournalEvent[], effects: Effect[]): void {
  switch (call.phase) {
    case 'scheduled':
      effects.push({ type: 'QueueAttempt', key });
      return;
    case 'running': {
      const attempt = call.attempts;
      const next: Decision = call.isRemote
        ? { events: [], effects: [{ type: 'AttendAttempt', key, attempt }] }
        : afterUnknown(key, call);
      events.push(...next.events);
      effects.push(...next.effects);
      return;
    }
    case 'backoff':
    case 'asked':
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return;
    default:
      unreachable(call.phase);
  }
}

/** What becomes of a call whose attempt started and has no end that anybody knows. */
export function afterUnknown(key: CallKey, { policy, attempts, unknowns }: TaskCall): Decision {
  const { onUnknown, maxUnknown } = policy;
  if (onUnknown === 'check') return { events: [], effects: [{ type: 'RunCheck', key, attempt: attempts }] };
  if (onUnknown === 'retry' && unknowns < maxUnknown)
    return { events: [], effects: [{ type: 'QueueAttempt', key }] };
  return { events: [{ type: 'OutcomeAsked', key, attempt: attempts }], effects: [] };
}

/** Pending calls that are given up in a scope, in key order: the order in which they are cancelled. */
export function fencedWithin(state: Readonly<RunState>, scope: CallKey): CallKey[] {
  return pendingWithin(state, scope).filter((key) => isFenced(state, key));
}

/** Of what a reduce left behind, but not the exits of its scopes: they run whatever became of the scope. */
export function leftWithin(state: Readonly<RunState>, scope: CallKey): CallKey[] {
  return pendingWithin(state, scope).filter((key) => !isShielded(state, key));
}

function pendingWithin(state: Readonly<RunState>, scope: CallKey): CallKey[] {
  const keys: CallKey[] = [];
  for (const key of state.pending) if (isWithin(key, scope)) keys.push(key);
  return keys.toSorted(compareKeys);
}
