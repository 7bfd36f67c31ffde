/** Where a run was forked from, as far up as is known, and all that was forked from there. */
import type { RunId } from '@pawl/runtime';

import type { Describe, Document } from './describe.ts';
import { slicesOf, type Unhurried } from './slices.ts';

const MOST_ABOVE = 50;
const MOST_NODES = 200;
/** Of a run that are looked through for where it was forked from. */
const MOST_EVENTS = 50_000;

interface Origin {
  readonly runId: RunId;
  readonly seq: number;
}

/** Owns what was found: where a run was forked from never changes. */
export class Lineage {
  readonly #reading: Unhurried;
  readonly #origins = new Map<RunId, Origin | null>();

  constructor(reading: Unhurried) {
    this.#reading = reading;
  }

  /** @returns null for a run that is no fork and has none; @throws RuntimeError NOT_FOUND */
  async of(id: RunId, describe: Describe): Promise<Document | null> {
    let root = this.#reading.reader.get(id).runId;
    for (let above = 0; above < MOST_ABOVE; above += 1) {
      const origin = await this.#originOf(root);
      if (origin === null || !this.#isThere(origin.runId)) break;
      root = origin.runId;
    }
    const left = { nodes: MOST_NODES };
    const tree = await this.#node(root, describe, left);
    const { forks } = tree as { readonly forks: readonly unknown[] };
    return root === id && forks.length === 0 ? null : { tree, isPart: left.nodes <= 0 };
  }

  async #node(id: RunId, describe: Describe, left: { nodes: number }): Promise<Document> {
    const { reader } = this.#reading;
    left.nodes -= 1;
    const forks: Document[] = [];
    for (const fork of reader.forksOf(id)) {
      if (left.nodes <= 0) break;
      forks.push(await this.#node(fork, describe, left));
    }
    const origin = await this.#originOf(id);
    return { run: describe.run(reader.get(id)), behind: origin?.seq ?? null, forks };
  }

  async #originOf(id: RunId): Promise<Origin | null> {
    const known = this.#origins.get(id);
    if (known !== undefined) return known;
    let origin: Origin | null = null;
    // A fork of a fork has both marks: the last is its own.
    for await (const slice of slicesOf(this.#reading, id, MOST_EVENTS))
      for (const { event } of slice)
        if (event.type === 'RunForked') origin = { runId: event.parentRunId, seq: event.parentSeq };
    this.#origins.set(id, origin);
    return origin;
  }

  #isThere(id: RunId): boolean {
    try {
      this.#reading.reader.get(id);
      return true;
    } catch {
      return false;
    }
  }
}
