import type { Seq } from '../journal/ids.ts';
import { broken } from '../journal/invariant.ts';
import type { TimerFired, TimerStarted } from '../journal/timer-event.ts';
import { fingerprintOf } from './fingerprint.ts';
import { addCall, addPending, removePending } from './recorded-call.ts';
import type { RunState } from './state.ts';

export function applyToTimer(state: RunState, seq: Seq, event: TimerStarted | TimerFired): void {
  if (event.type === 'TimerStarted') {
    addCall(state, event.key, {
      kind: 'timer',
      seq,
      group: undefined,
      fingerprint: fingerprintOf(event),
      dueAt: event.dueAt,
      durationMs: event.durationMs,
      phase: 'pending',
    });
    addPending(state, event.key);
    return;
  }
  const timer = state.calls.get(event.key);
  if (!(timer?.kind === 'timer' && timer.phase === 'pending'))
    broken('J4', `timer ${event.key} fired and was not pending`);
  timer.phase = 'fired';
  removePending(state, event.key);
}
