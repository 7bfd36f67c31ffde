import { exitPath, isExitPath, scopeOf, type CallKey } from '../journal/call-key.ts';
import type { CallState, RunState } from './state.ts';

/**
 * Whether scopes of a run that has not ended have tasks to run for their end, were it cancelled now. Its code has
 * to be there for that. Of a state that was folded from a whole journal.
 */
export function owesExits({ calls, pending, phase }: Readonly<RunState>): boolean {
  if (phase.status === 'cancelling' && phase.isForced) return false;
  const begun = new Map<CallKey, number>();
  for (const [key, { kind }] of calls) {
    if (kind === 'task') begun.set(scopeOf(key), (begun.get(scopeOf(key)) ?? 0) + 1);
  }
  for (const key of pending) if (isExitPath(scopeOf(key))) return true;
  const owed = new Map<CallKey, number>();
  for (const call of calls.values()) {
    if (call.kind !== 'exit' || (call.when === 'failure' && isDone(calls.get(call.scope)))) continue;
    owed.set(call.scope, (owed.get(call.scope) ?? 0) + 1);
  }
  for (const [scope, count] of owed) if (count > (begun.get(exitPath(scope)) ?? 0)) return true;
  return false;
}

/** The scope ended by a result of its own. */
function isDone(scope: CallState | undefined): boolean {
  return (
    scope?.kind === 'group' && scope.phase.status === 'closed' && scope.phase.decided.outcome === 'fulfilled'
  );
}
