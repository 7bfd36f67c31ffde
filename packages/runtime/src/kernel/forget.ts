import type { CallKey } from '../journal/call-key.ts';
import { isFenced, type CallState, type GroupCall, type RunState } from './state.ts';

/**
 * Takes calls of a closed group out of the state of a run that is live, where nothing can come of them any
 * more: nobody asks for them again. Below the head they are needed, so it is no part of the fold.
 * @returns false where calls in it are not settled: try again when they are
 */
export function forgetSettled(state: RunState, key: CallKey): boolean {
  const group = state.calls.get(key);
  if (group?.kind !== 'group') return true;
  if (group.unsettled > 0) return false;
  forgetInside(state, group);
  return true;
}

/** @returns whether nothing is left */
function forgetInside(state: RunState, group: GroupCall): boolean {
  group.inside = group.inside.filter((key) => {
    const call = state.calls.get(key);
    if (call === undefined) return false;
    if (state.pending.has(key) || !canForget(state, key, call)) return true;
    state.calls.delete(key);
    return false;
  });
  return group.inside.length === 0;
}

function canForget(state: RunState, key: CallKey, call: CallState): boolean {
  switch (call.kind) {
    case 'group': {
      const { phase } = call;
      const isGivenUp = phase.status === 'closed' && phase.fencedBy !== null;
      return (isGivenUp || isFenced(state, key)) && forgetInside(state, call);
    }
    case 'task':
      // An attempt that was given up can still tell how it ended, which is recorded.
      return (call.phase === 'succeeded' && call.attempts <= 1) || call.attempts === 0;
    case 'timer':
    case 'wait':
    case 'breakpoint':
    case 'child':
    case 'offer':
    case 'exit':
    case 'value':
    case 'state':
      return true;
    default:
      return false;
  }
}

/** Groups that are closed: what is forgotten when a replay comes to the head. */
export function* closedGroups(state: RunState): Generator<CallKey> {
  for (const [key, call] of state.calls)
    if (call.kind === 'group' && call.phase.status === 'closed') yield key;
}
