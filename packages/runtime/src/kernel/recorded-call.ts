/** How calls come into the state, and which of them are pending. */
import type { CallKey } from '../journal/call-key.ts';
import { broken } from '../journal/invariant.ts';
import { groupAround, groupAroundNew, type CallState, type RunState } from './state.ts';

export function addCall(state: RunState, key: CallKey, call: CallState): void {
  if (state.calls.has(key)) broken('J3', `call ${key} was recorded twice`);
  call.group = groupAroundNew(state, key);
  call.group?.inside.push(key);
  state.calls.set(key, call);
}

export function addPending(state: RunState, key: CallKey): void {
  state.pending.add(key);
  for (let group = groupAround(state, key); group !== undefined; group = group.group) group.unsettled += 1;
}

export function removePending(state: RunState, key: CallKey): void {
  state.pending.delete(key);
  if (state.notified.size > 0) state.notified.delete(key);
  for (let group = groupAround(state, key); group !== undefined; group = group.group) group.unsettled -= 1;
}
