/** Where a run was forked from, as far up as is known, and all that was forked from there. */
import type { JournalReader, RunId } from '@pawl/runtime';

import type { Describe, Document } from './describe.ts';

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
  readonly #reader: JournalReader;
  readonly #origins = new Map<RunId, Origin | null>();

  constructor(reader: JournalReader) {
    this.#reader = reader;
  }

  /** @returns null for a run that is no fork and has none; @throws RuntimeError NOT_FOUND */
  of(id: RunId, describe: Describe): Document | null {
    let root = this.#reader.get(id).runId;
    for (let above = 0; above < MOST_ABOVE; above += 1) {
      const origin = this.#originOf(root);
      if (origin === null || !this.#isThere(origin.runId)) break;
      root = origin.runId;
    }
    const left = { nodes: MOST_NODES };
    const tree = this.#node(root, describe, left);
    const { forks } = tree as { readonly forks: readonly unknown[] };
    return root === id && forks.length === 0 ? null : { tree, isPart: left.nodes <= 0 };
  }

  #node(id: RunId, describe: Describe, left: { nodes: number }): Document {
    left.nodes -= 1;
    const forks: Document[] = [];
    for (const fork of this.#reader.forksOf(id)) {
      if (left.nodes <= 0) break;
      forks.push(this.#node(fork, describe, left));
    }
    return { run: describe.run(this.#reader.get(id)), behind: this.#originOf(id)?.seq ?? null, forks };
  }

  #originOf(id: RunId): Origin | null {
    const known = this.#origins.get(id);
    if (known !== undefined) return known;
    let origin: Origin | null = null;
    // A fork of a fork has both marks: the last is its own.
    for (const { event } of this.#reader.events(id).take(MOST_EVENTS))
      if (event.type === 'RunForked') origin = { runId: event.parentRunId, seq: event.parentSeq };
    this.#origins.set(id, origin);
    return origin;
  }

  #isThere(id: RunId): boolean {
    try {
      this.#reader.get(id);
      return true;
    } catch {
      return false;
    }
  }
}
