import type { Recorded } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import { noteOf, type OfferNote } from '../journal/offer.ts';
import type { RunState } from '../kernel/state.ts';

/** What an event of a run means to those who look for work: noted in its commit. */
export function offerNote(
  runId: RunId,
  state: Readonly<RunState>,
  recorded: Recorded,
): OfferNote | undefined {
  // There may be no offer at all, and a great many results.
  if (recorded.event.type === 'TaskSucceeded' && state.calls.get(recorded.event.key)?.kind !== 'offer')
    return undefined;
  return noteOf(runId, recorded, (key) => {
    const call = state.calls.get(key);
    return call?.kind === 'offer' ? call.taskId : undefined;
  });
}
