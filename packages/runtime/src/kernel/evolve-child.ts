import type { ChildFinished, ChildStarted, ParentRecorded } from '../journal/child-event.ts';
import type { Seq } from '../journal/ids.ts';
import { broken } from '../journal/invariant.ts';
import { fingerprintOf } from './fingerprint.ts';
import { addCall, addPending, removePending } from './recorded-call.ts';
import type { RunState } from './state.ts';

/** Runs that this one starts and waits for. */
export function applyToChild(
  state: RunState,
  seq: Seq,
  event: ChildStarted | ChildFinished | ParentRecorded,
): void {
  if (event.type === 'ParentRecorded') {
    const { type: _, ...parent } = event;
    state.parent = parent;
    return;
  }
  const { key } = event;
  if (event.type === 'ChildStarted') {
    const { runId } = event;
    addCall(state, key, {
      kind: 'child',
      seq,
      group: undefined,
      fingerprint: fingerprintOf(event),
      runId,
      survives: event.detached === true || event.onParentCancel === 'abandon',
      phase: 'pending',
    });
    addPending(state, key);
    return;
  }
  const child = state.calls.get(key);
  if (!(child?.kind === 'child' && child.phase === 'pending'))
    broken('J4', `the end of child ${key}, which is no pending one`);
  child.phase = event.outcome.status;
  removePending(state, key);
}
