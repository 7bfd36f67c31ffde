import type { CallKey } from '../journal/call-key.ts';
import { compareKeys, isWithin } from '../journal/call-key.ts';
import type { JournalEvent } from '../journal/event.ts';
import type { Millis } from '../journal/ids.ts';
import { unreachable } from '../journal/invariant.ts';
import { verdict } from './breakpoint.ts';
import type { Decision } from './decide.ts';
import { childAgain } from './decide-child.ts';
import { offerAgain } from './decide-offer.ts';
import type { Effect } from './input.ts';
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

/** What is left of a recorded wait: never more than its length, whatever the wall clock did. */
function remainingMs(dueAt: Millis, lengthMs: number, now: Millis): number {
  return Math.min(lengthMs, Math.max(0, dueAt - now));
}

/** At the head of the journal: every pending call goes on, fenced ones are cancelled. */
export function resume(state: Readonly<RunState>, now: Millis): Decision {
  const events: JournalEvent[] = [];
  const effects: Effect[] = [];
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
    if (call.kind === 'timer') effects.push(timerAgain(key, call, now));
    else if (call.kind === 'wait' || call.kind === 'breakpoint') waitAgain(key, call, now, effects);
    else if (call.kind === 'offer') effects.push(...offerAgain(key, call, offerLeftMs(call, now)));
    else if (call.kind === 'stream') effects.push(sourceAgain(key, call, now));
    else resumeTask(key, call, now, events, effects);
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
    } else if (call.timeoutMs !== null && !call.openedAborted) {
      const delayMs = remainingMs(call.openedAt + call.timeoutMs, call.timeoutMs, now);
      effects.push({ type: 'SetTimer', delayMs, report: { type: 'ScopeDue', key } });
    }
  }
  if (state.phase.status === 'closing' || state.phase.status === 'cancelling') {
    const reason =
      state.phase.status === 'closing'
        ? whyGivenUp('', state.phase.decided.outcome)
        : `the run was cancelled: ${state.phase.reason}`;
    effects.push({ type: 'CancelWithin', scope: '', reason });
  }
  return { events, effects };
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

function timerAgain(key: CallKey, call: TimerCall, now: Millis): Effect {
  return {
    type: 'SetTimer',
    delayMs: remainingMs(call.dueAt, call.durationMs, now),
    report: { type: 'TimerDue', key },
  };
}

/** Messages and answers are looked for by the driver itself, once the replay is over. */
function waitAgain(key: CallKey, call: WaitCall | BreakpointCall, now: Millis, effects: Effect[]): void {
  const isDecided = call.kind === 'breakpoint' && verdict(call, call.answers) !== undefined;
  if (isDecided) effects.push({ type: 'SetTimer', delayMs: 0, report: { type: 'WaitDue', key } });
  if (call.timeoutMs === null || isDecided) return;
  const delayMs = remainingMs(call.openedAt + call.timeoutMs, call.timeoutMs, now);
  effects.push({ type: 'SetTimer', delayMs, report: { type: 'WaitDue', key } });
}

function offerLeftMs({ offeredAt, timeoutMs }: OfferCall, now: Millis): number {
  return timeoutMs === null ? Infinity : remainingMs(offeredAt + timeoutMs, timeoutMs, now);
}

/** A source is opened again at its last cursor, however its attempt ended. */
function sourceAgain(key: CallKey, call: StreamCall, now: Millis): Effect {
  if (call.phase !== 'backoff') return { type: 'QueueAttempt', key };
  return {
    type: 'SetTimer',
    delayMs: remainingMs(call.retryAt, call.retryDelayMs, now),
    report: { type: 'RetryDue', key },
  };
}

function resumeTask(
  key: CallKey,
  call: TaskCall,
  now: Millis,
  events: JournalEvent[],
  effects: Effect[],
): void {
  const { deadlineMs } = call.policy;
  if (deadlineMs !== null) {
    const delayMs = remainingMs(call.scheduledAt + deadlineMs, deadlineMs, now);
    effects.push({ type: 'SetTimer', delayMs, report: { type: 'DeadlinePassed', key } });
  }
  switch (call.phase) {
    case 'scheduled':
      effects.push({ type: 'QueueAttempt', key });
      return;
    case 'backoff':
      effects.push({
        type: 'SetTimer',
        delayMs: remainingMs(call.retryAt, call.retryDelayMs, now),
        report: { type: 'RetryDue', key },
      });
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
