/** Two runs beside each other: the events of both are read for it, so the last ones are kept until either goes on. */
import type { RunId } from '@pawl/runtime';

import type { Describe, Document } from './describe.ts';
import { slicesOf, type Unhurried } from './slices.ts';

const MOST_KEPT = 4;
/** Of each run, from its beginning on. */
const MOST_EVENTS = 200_000;

interface Kept {
  readonly stand: string;
  readonly diff: Promise<Document>;
}

export class Comparisons {
  readonly #reading: Unhurried;
  readonly #describe: Describe;
  readonly #mostEvents: number;
  readonly #kept = new Map<string, Kept>();

  constructor(reading: Unhurried, describe: Describe, mostEvents: number = MOST_EVENTS) {
    this.#reading = reading;
    this.#describe = describe;
    this.#mostEvents = mostEvents;
  }

  /** @throws RuntimeError NOT_FOUND, SEALED, STOPPED */
  async of(a: RunId, b: RunId): Promise<Document> {
    const runs = [this.#reading.reader.get(a), this.#reading.reader.get(b)] as const;
    const [runA, runB] = runs.map((run) => this.#describe.run(run));
    const name = `${a} ${b}`;
    const stand = runs.map(({ lastSeq }) => lastSeq).join(' ');
    const kept = this.#kept.get(name);
    const { diff } = kept?.stand === stand ? kept : this.#begin(name, stand, a, b);
    const most = this.#mostEvents;
    return { runA, runB, diff: await diff, comparedTo: runs.some((run) => run.lastSeq > most) ? most : null };
  }

  /** What is asked for once more while it is read is not read twice. */
  #begin(name: string, stand: string, a: RunId, b: RunId): Kept {
    const begun = { stand, diff: this.#read(a, b) };
    this.#kept.delete(name);
    this.#kept.set(name, begun);
    begun.diff.catch(() => this.#kept.delete(name));
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return begun;
  }

  /** A slice of each in turn, so that neither run is held for the other. */
  async #read(a: RunId, b: RunId): Promise<Document> {
    const fold = this.#describe.diff(this.#reading.reader, a, b);
    const [ofA, ofB] = [a, b].map((id) => slicesOf(this.#reading, id, this.#mostEvents));
    for (;;) {
      const [sliceA, sliceB] = [await ofA?.next(), await ofB?.next()];
      fold.add('a', sliceA?.value ?? []);
      fold.add('b', sliceB?.value ?? []);
      if (sliceA?.done !== false && sliceB?.done !== false) return fold.end();
    }
  }
}
