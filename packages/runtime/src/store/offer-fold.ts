/** S3: the external tasks that a store keeps as open are the fold of the run's events. */
import { isDeepStrictEqual } from 'node:util';

import { isWithin, type CallKey } from '../journal/call-key.ts';
import { isTerminal, type Recorded } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import { noteOf, offerAfter, type Offer } from '../journal/offer.ts';

/** What is a fact; who works on it, and which message answers it, is none. */
const FACTS = [
  'key',
  'seq',
  'task',
  'kind',
  'offeredAt',
  'dueAt',
  'leaseMs',
  'failures',
  'opensAt',
  'refusal',
] as const satisfies readonly (keyof Offer)[];

export class OfferFold {
  readonly #runId: RunId;
  readonly #open = new Map<CallKey, Offer>();

  constructor(runId: RunId) {
    this.#runId = runId;
  }

  add(recorded: Recorded): void {
    const { event } = recorded;
    const note = noteOf(this.#runId, recorded, (key) => this.#open.get(key)?.taskId);
    if (note !== undefined && 'key' in event) {
      const after = offerAfter(this.#open.get(event.key), note);
      if (after === undefined) this.#open.delete(event.key);
      else this.#open.set(event.key, after);
    }
    // The rows that settled them may have been removed, and those that offered them not yet.
    if (event.type === 'Folded')
      for (const key of this.#open.keys()) if (isWithin(key, event.key)) this.#open.delete(key);
    if (isTerminal(event)) this.#open.clear();
  }

  problem(kept: readonly Offer[]): string | undefined {
    const byId = new Map(kept.map((offer) => [offer.taskId, offer]));
    for (const folded of this.#open.values()) {
      const { taskId } = folded;
      const is = byId.get(taskId);
      if (is === undefined) return `its external task ${taskId} is open, and is not offered`;
      byId.delete(taskId);
      const wrong = FACTS.find((field) => !isDeepStrictEqual(is[field], folded[field]));
      if (wrong !== undefined)
        return `its external task ${taskId} has ${wrong} ${String(is[wrong])}, its events give ${String(folded[wrong])}`;
    }
    const [extra] = byId.keys();
    return extra === undefined ? undefined : `external task ${extra} is offered, and no event of it is open`;
  }
}
