import type { CallKey } from '../journal/call-key.ts';
import type { Decision } from './decide.ts';
import { cancelChild } from './decide-child.ts';
import type { Effect } from './input.ts';
import type { RunState } from './state.ts';

/** A decision gave the call up. */
export function cancelCall(state: Readonly<RunState>, key: CallKey, reason: string): Decision {
  const call = state.calls.get(key);
  if (call === undefined || !state.pending.has(key)) return { events: [], effects: [] };
  const effects: Effect[] = [{ type: 'ClearTimers', key }];
  if ('phase' in call && call.kind !== 'group' && call.phase === 'running')
    effects.push({ type: 'AbortAttempt', key, reason });
  if (call.kind === 'child')
    effects.push(call.survives ? { type: 'LeaveChild', key } : cancelChild(state, key, call.runId, reason));
  return { events: [{ type: 'TaskCancelled', key, reason }], effects };
}

export function cancelRun(state: Readonly<RunState>, reason: string): Decision {
  if (state.phase.status !== 'running') return { events: [], effects: [] };
  return {
    events: [{ type: 'CancelRequested', reason }],
    effects: [{ type: 'CancelWithin', scope: '', reason: `the run was cancelled: ${reason}` }],
  };
}

/** Also a run that is on its way to its end, and what it waits for is only that its scopes are cleaned up. */
export function forceCancel(state: Readonly<RunState>, reason: string): Decision {
  const { phase } = state;
  if (phase.status === 'ended' || (phase.status === 'cancelling' && phase.isForced))
    return { events: [], effects: [] };
  const effects: Effect[] = [{ type: 'CancelWithin', scope: '', reason: `the run was cancelled: ${reason}` }];
  for (const [key, call] of state.calls)
    if (call.kind === 'child' && call.phase === 'cancelled' && !call.survives)
      effects.push({ type: 'CancelChild', key, runId: call.runId, reason, isForced: true });
  return { events: [{ type: 'CancelForced', reason }], effects };
}
