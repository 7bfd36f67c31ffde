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
  if (call.kind !== 'group' && call.phase === 'running') effects.push({ type: 'AbortAttempt', key, reason });
  if (call.kind === 'child') effects.push(cancelChild(key, call.runId, reason));
  return { events: [{ type: 'TaskCancelled', key, reason }], effects };
}

export function cancelRun(state: Readonly<RunState>, reason: string): Decision {
  if (state.phase.status !== 'running') return { events: [], effects: [] };
  return {
    events: [{ type: 'CancelRequested', reason }],
    effects: [{ type: 'CancelWithin', scope: '', reason: `the run was cancelled: ${reason}` }],
  };
}
