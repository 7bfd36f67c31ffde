import type { CallKey } from '../journal/call-key.ts';
import { NEVER, type Millis } from '../journal/ids.ts';
import { unreachable } from '../journal/invariant.ts';
import { verdict } from './breakpoint.ts';
import { isFenced, type CallState, type RunState } from './state.ts';

/**
 * When a run of which nothing is under way goes on by itself: the first of its timers, timeouts and backoffs, NEVER
 * where only somebody outside can go on with it. Undefined where something of it is under way, or could be: it
 * cannot be put down then.
 * @param childWake the same of a run that this one waits for
 */
export function wakeOf(
  state: Readonly<RunState>,
  childWake: (key: CallKey) => Millis | undefined,
): Millis | undefined {
  if (state.phase.status !== 'running' || state.pending.size === 0) return undefined;
  let wakeAt: Millis = NEVER;
  for (const key of state.pending) {
    const call = state.calls.get(key);
    // One that is fenced is about to be cancelled.
    const at = call === undefined || isFenced(state, key) ? undefined : wakeOfCall(key, call, childWake);
    if (at === undefined) return undefined;
    wakeAt = Math.min(wakeAt, at);
  }
  for (const [key, call] of state.calls) {
    if (call.kind !== 'group' || call.timeoutMs === null || call.openedAborted) continue;
    const isDecided = call.phase.status === 'closed' && call.phase.fencedBy !== null;
    if (!isDecided && !isFenced(state, key)) wakeAt = Math.min(wakeAt, call.openedAt + call.timeoutMs);
  }
  return wakeAt;
}

function wakeOfCall(
  key: CallKey,
  call: CallState,
  childWake: (key: CallKey) => Millis | undefined,
): Millis | undefined {
  switch (call.kind) {
    case 'timer':
      return call.dueAt;
    case 'wait':
      return call.timeoutMs === null ? NEVER : call.openedAt + call.timeoutMs;
    case 'offer':
      return call.timeoutMs === null ? NEVER : call.offeredAt + call.timeoutMs;
    case 'breakpoint':
      // One that is decided by what was recorded is closed at once.
      if (verdict(call, call.answers) !== undefined) return undefined;
      return call.timeoutMs === null ? NEVER : call.openedAt + call.timeoutMs;
    case 'task': {
      if (call.phase !== 'asked' && call.phase !== 'backoff') return undefined;
      const { deadlineMs } = call.policy;
      const deadline = deadlineMs === null ? NEVER : call.scheduledAt + deadlineMs;
      return call.phase === 'backoff' ? Math.min(deadline, call.retryAt) : deadline;
    }
    case 'stream':
      return call.phase === 'backoff' ? call.retryAt : undefined;
    case 'child':
      return childWake(key);
    case 'group':
    case 'exit':
    case 'value':
    case 'state':
      return undefined;
    default:
      return unreachable(call);
  }
}
