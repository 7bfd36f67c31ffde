import { NonDeterminismError } from '@pawl/sdk';
import type { CallKey } from '../../journal/call-key.ts';
import type { FoldedSource } from '../../journal/fold-event.ts';
import type { RunId } from '../../journal/ids.ts';

/** The source is not the one whose items are folded: it ends before them. */
export function fewerItems(key: CallKey, runId: RunId, items: number, folded: number): NonDeterminismError {
  return new NonDeterminismError(
    `The source of reduce (${key}) in run ${runId} ends after ${items} items, and ${folded} are folded. A source has to give the same items each time.`,
  );
}

/** The reduce does not read the `ctx.source` any more that its mark names. */
export function otherSource(key: CallKey, runId: RunId, stood: FoldedSource): NonDeterminismError {
  return new NonDeterminismError(
    `Reduce (${key}) in run ${runId} has folded items of the source (${stood.key}) and is given something else now. Put the source back as it was.`,
  );
}
