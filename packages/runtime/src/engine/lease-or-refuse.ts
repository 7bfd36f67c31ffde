import { RunLockedError } from '@pawl/sdk';
import type { Epoch, RunId } from '../journal/ids.ts';
import type { JournalStore, LeaseClaim } from '../ports/journal-store.ts';
import { tooNew } from './child-run.ts';
import { unknownRun } from './refusals.ts';

/** @throws RunLockedError; RuntimeError NEWER, NOT_FOUND */
export function leaseOrRefuse(store: JournalStore, id: RunId, claim: LeaseClaim): Epoch {
  const answer = store.acquireLease(id, claim);
  switch (answer.status) {
    case 'acquired':
      return answer.lease.epoch;
    case 'busy':
      throw new RunLockedError(
        `Run ${id} is driven by another program (its lease ends ${new Date(answer.until).toISOString()}). See it: pawl show ${id}`,
      );
    case 'newer':
      throw tooNew(id, answer.minReader);
    default:
      throw unknownRun(id, []);
  }
}
