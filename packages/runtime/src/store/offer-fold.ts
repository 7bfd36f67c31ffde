/** S3: the external tasks that a store keeps as open are the fold of the run's events. */
import { isDeepStrictEqual } from 'node:util';

import { isWithin, type CallKey } from '../journal/call-key.ts';
import { isTerminal, type Recorded } from '../journal/event.ts';
import type { Millis, RunId } from '../journal/ids.ts';
import type { RunForked } from '../journal/fork-event.ts';
import { forkedOffer, noteOf, offerAfter, type Offer } from '../journal/offer.ts';

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
  readonly #open: Map<CallKey, Offer>;

  /** @param open before the first event, as of the run that this one is a fork of */
  constructor(runId: RunId, open: ReadonlyMap<CallKey, Offer> = new Map()) {
    this.#runId = runId;
    this.#open = new Map(open);
  }

  add(recorded: Recorded): void {
    const { event } = recorded;
    const note = noteOf(this.#runId, recorded, (key) => this.#open.get(key)?.taskId);
    if (note !== undefined && 'key' in event) {
      const after = offerAfter(this.#open.get(event.key), note);
      if (after === undefined) this.#open.delete(event.key);
      else this.#open.set(event.key, after);
    }
    if (event.type === 'RunForked') this.#fork(recorded.at, event);
    // The rows that settled them may have been removed, and those that offered them not yet.
    if (event.type === 'Folded')
      for (const key of this.#open.keys()) if (isWithin(key, event.key)) this.#open.delete(key);
    if (isTerminal(event)) this.#open.clear();
  }

  /** By the key of their calls. */
  get open(): ReadonlyMap<CallKey, Offer> {
    return this.#open;
  }

  #fork(at: Millis, { offers = [] }: RunForked): void {
    for (const { key, taskId } of offers) {
      const offer = this.#open.get(key);
      if (offer !== undefined) this.#open.set(key, forkedOffer(offer, this.#runId, taskId, at));
    }
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
