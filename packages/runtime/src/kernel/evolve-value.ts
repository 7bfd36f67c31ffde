import type { ExitRegistered } from '../journal/exit-event.ts';
import type { Seq } from '../journal/ids.ts';
import type { CodeAccepted, StateSet, ValueRecorded } from '../journal/value-event.ts';
import { unreachable } from '../journal/invariant.ts';
import { fingerprintOf, valueFingerprint } from './fingerprint.ts';
import { addCall } from './recorded-call.ts';
import type { RunState } from './state.ts';

/** What a run says of itself beside its calls, and what it registers for the end of a scope: recorded, and done with. */
export function applyToValue(
  state: RunState,
  seq: Seq,
  event: ExitRegistered | ValueRecorded | StateSet | CodeAccepted,
): void {
  switch (event.type) {
    case 'ExitRegistered': {
      const { key, scope, when } = event;
      const fingerprint = fingerprintOf(event);
      addCall(state, key, { kind: 'exit', seq, group: undefined, fingerprint, scope, when });
      return;
    }
    case 'ValueRecorded': {
      const fingerprint = valueFingerprint(event);
      addCall(state, event.key, { kind: 'value', seq, group: undefined, fingerprint, value: event.value });
      return;
    }
    case 'StateSet':
      setState(state, seq, event);
      return;
    case 'CodeAccepted':
      state.codeHash = event.codeHash;
      return;
    default:
      unreachable(event);
  }
}

function setState(state: RunState, seq: Seq, { key, name }: StateSet): void {
  state.stateNames.add(name);
  const known = state.calls.get(key);
  if (known?.kind === 'state') known.count += 1;
  else addCall(state, key, { kind: 'state', seq, group: undefined, fingerprint: 'state', count: 1 });
}
