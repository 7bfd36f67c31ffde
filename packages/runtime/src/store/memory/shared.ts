import { afterClaim, afterNote, UNTRIED, type Circuit, type TrialClaim } from '../../journal/circuit.ts';
import type { Encoded } from '../../journal/event.ts';
import type { Millis } from '../../journal/ids.ts';
import { isFresh, KEPT_RESULTS, KEPT_SIZE, LARGEST_KEPT, type KeptNote } from '../../journal/kept-result.ts';
import {
  isClaimable,
  offerAfter,
  type Offer,
  type OfferChange,
  type OfferNote,
} from '../../journal/offer.ts';
import type { OfferQuery } from '../../ports/offer-store.ts';
import type { StoreNote } from '../../ports/journal-store.ts';

interface Kept {
  readonly at: Millis;
  readonly ttlMs: number;
  /** As text, so that nobody shares it. */
  readonly output: string;
}

/** All that was ever told, in order: what runs shared at any point can be made of it again. */
export type SharedStep =
  | StoreNote
  | { readonly kind: 'claim'; readonly claim: TrialClaim }
  /** An external task, as somebody outside left it. */
  | { readonly kind: 'offerChanged'; readonly offer: Offer };

/** Results written between two looks for those whose time is over. */
const SWEEP_EVERY = 256;

/**
 * What runs know of each other: circuits, and results that are kept.
 *
 * Owns both, and the steps that made them.
 */
export class Shared {
  readonly steps: SharedStep[] = [];
  /** JSON texts by task, in the order in which they were offered. */
  readonly #offers = new Map<string, string>();
  readonly #circuits = new Map<string, Circuit>();
  /** The oldest first. */
  readonly #kept = new Map<string, Kept>();
  #size = 0;

  constructor(steps: readonly SharedStep[] = []) {
    for (const step of steps) {
      if (step.kind === 'claim') this.claim(step.claim);
      else if (step.kind === 'offerChanged') this.#putOffer(step.offer);
      else this.note(step);
    }
  }

  circuit(name: string): Circuit | undefined {
    return this.#circuits.get(name);
  }

  claim(claim: TrialClaim): Circuit | undefined {
    const { name } = claim.plan;
    const claimed = afterClaim(this.#circuits.get(name) ?? UNTRIED, claim);
    if (claimed === undefined) return undefined;
    this.steps.push({ kind: 'claim', claim });
    this.#circuits.set(name, claimed);
    return claimed;
  }

  kept(place: string, now: Millis, ttlMs: number): Encoded | undefined {
    const kept = this.#kept.get(place);
    if (kept === undefined || !isFresh(kept, now, ttlMs)) return undefined;
    return JSON.parse(kept.output) as Encoded;
  }

  note(note: StoreNote): void {
    this.steps.push(note);
    if (note.kind === 'kept') {
      this.#keep(note);
      return;
    }
    if (note.kind !== 'circuit') {
      this.#noteOffer(note);
      return;
    }
    const { name } = note.plan;
    this.#circuits.set(name, afterNote(this.#circuits.get(name) ?? UNTRIED, note));
  }

  offer(taskId: string): Offer | undefined {
    const text = this.#offers.get(taskId);
    return text === undefined ? undefined : (JSON.parse(text) as Offer);
  }

  offers({ runId, kinds, claimableAt, limit }: OfferQuery): Offer[] {
    return [...this.#offers.values()]
      .map((text) => JSON.parse(text) as Offer)
      .filter(
        (offer) =>
          (runId === undefined || offer.runId === runId) &&
          (kinds === undefined || kinds.includes(offer.kind)) &&
          (claimableAt === undefined || isClaimable(offer, claimableAt)),
      )
      .toSorted((a, b) => a.offeredAt - b.offeredAt || a.seq - b.seq)
      .slice(0, limit);
  }

  changeOffer(before: Offer, change: Exclude<OfferChange, { type: 'keep' }>): void {
    const offer =
      change.type === 'claim'
        ? { ...before, claim: change.claim }
        : { ...before, answeredBy: change.message.id };
    this.#putOffer(offer);
  }

  #putOffer(offer: Offer): void {
    this.steps.push({ kind: 'offerChanged', offer });
    if (this.#offers.has(offer.taskId)) this.#offers.set(offer.taskId, JSON.stringify(offer));
  }

  #noteOffer(note: OfferNote): void {
    const taskId = note.kind === 'offered' ? note.offer.taskId : note.taskId;
    const after = offerAfter(this.offer(taskId), note);
    if (after === undefined) this.#offers.delete(taskId);
    else this.#offers.set(taskId, JSON.stringify(after));
  }

  #keep({ place, at, ttlMs, output }: KeptNote): void {
    const text = JSON.stringify(output);
    if (text.length > LARGEST_KEPT) return;
    // One that is kept again is the youngest.
    this.#drop(place);
    this.#kept.set(place, { at, ttlMs, output: text });
    this.#size += text.length;
    if (this.steps.length % SWEEP_EVERY === 0) {
      for (const [old, kept] of this.#kept) if (!isFresh(kept, at, kept.ttlMs)) this.#drop(old);
    }
    for (const old of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_RESULTS && this.#size <= KEPT_SIZE) break;
      this.#drop(old);
    }
  }

  #drop(place: string): void {
    this.#size -= this.#kept.get(place)?.output.length ?? 0;
    this.#kept.delete(place);
  }
}
