/** How calls come into the state, and which of them are pending. */
import type { CallKey } from '../journal/call-key.ts';
import { assert } from '../journal/invariant.ts';
import { groupsAround, type CallState, type RunState } from './state.ts';

export function addCall(state: RunState, key: CallKey, call: CallState): void {
  assert(!state.calls.has(key), 'J3', `call ${key} was recorded twice`);
  state.calls.set(key, call);
  const [innermost] = groupsAround(state, key);
  innermost?.inside.push(key);
}

export function addPending(state: RunState, key: CallKey): void {
  state.pending.add(key);
  for (const group of groupsAround(state, key)) group.unsettled += 1;
}

export function removePending(state: RunState, key: CallKey): void {
  state.pending.delete(key);
  for (const group of groupsAround(state, key)) group.unsettled -= 1;
}
