import type { Offer, OfferChange } from '../journal/offer.ts';
import type { Millis, RunId } from '../journal/ids.ts';

export interface OfferQuery {
  readonly runId?: RunId;
  readonly kinds?: readonly string[];
  /** Only what somebody could claim at this time. */
  readonly claimableAt?: Millis;
  /** Oldest first. */
  readonly limit: number;
}

/** External tasks that are open, of all runs: a fold of their events, beside which claims are kept. */
export interface OfferStore {
  offers(query: OfferQuery): readonly Offer[];
  offer(taskId: string): Offer | undefined;
  /**
   * ONE transaction: what `decide` makes of an open task. An answer goes into the inbox of its run in the same
   * transaction, unless it was sent one of its id. 'unknown' where no such task is open. `decide` must do nothing else.
   */
  changeOffer(
    taskId: string,
    decide: (offer: Offer) => OfferChange,
    now: Millis,
  ): 'changed' | 'duplicate' | 'unknown';
  /** Whether a run was sent a message of this id, also where it was taken. */
  knowsMessage(runId: RunId, messageId: string): boolean;
}
