import { CancelledError, TimeoutError } from '@pawl/sdk';
import type { CallKey } from '../../journal/call-key.ts';
import type { GroupMode, ScopeOutcome } from '../../journal/event.ts';
import { unreachable } from '../../journal/invariant.ts';
import type { GroupHost } from './group-host.ts';

/** What whoever waits for an interrupted call is told. */
export function interruption(outcome: ScopeOutcome, why: CancelledError): Error {
  return outcome === 'timedOut' ? new TimeoutError(why.message) : why;
}

/**
 * Why what runs in a parallel call is given up.
 * @param reason of an abort
 */
export function whyGivenUp(
  host: Pick<GroupHost, 'recordedGroup'>,
  { key, mode }: { readonly key: CallKey; readonly mode: GroupMode },
  outcome: ScopeOutcome,
  reason: string,
): CancelledError {
  const name = `${mode === 'reduce' || mode === 'scope' ? mode : `parallel.${mode}`} (${key})`;
  switch (outcome) {
    case 'aborted':
      return new CancelledError(`${name} was given up: ${reason}`);
    case 'timedOut':
      // Process code can read it: it tells what was recorded, not what the code says by now.
      return new CancelledError(`${name} timed out after ${host.recordedGroup(key)?.timeoutMs} ms`);
    case 'fulfilled':
    case 'rejected':
      return new CancelledError(`${name} was decided without this branch`);
    default:
      return unreachable(outcome);
  }
}
