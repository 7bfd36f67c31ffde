import { afterClaim, afterNote, UNTRIED, type Circuit, type TrialClaim } from '../../journal/circuit.ts';
import type { Encoded } from '../../journal/event.ts';
import type { Millis } from '../../journal/ids.ts';
import { isFresh, KEPT_RESULTS, KEPT_SIZE, LARGEST_KEPT, type KeptNote } from '../../journal/kept-result.ts';
import type { StoreNote } from '../../ports/journal-store.ts';

interface Kept {
  readonly at: Millis;
  readonly ttlMs: number;
  /** As text, so that nobody shares it. */
  readonly output: string;
}

/** All that was ever told, in order: what runs shared at any point can be made of it again. */
export type SharedStep = StoreNote | { readonly kind: 'claim'; readonly claim: TrialClaim };

/** Results written between two looks for those whose time is over. */
const SWEEP_EVERY = 256;

/**
 * What runs know of each other: circuits, and results that are kept.
 *
 * Owns both, and the steps that made them.
 */
export class Shared {
  readonly steps: SharedStep[] = [];
  readonly #circuits = new Map<string, Circuit>();
  /** The oldest first. */
  readonly #kept = new Map<string, Kept>();
  #size = 0;

  constructor(steps: readonly SharedStep[] = []) {
    for (const step of steps) {
      if (step.kind === 'claim') this.claim(step.claim);
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
    const { name } = note.plan;
    this.#circuits.set(name, afterNote(this.#circuits.get(name) ?? UNTRIED, note));
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
