/** How a fork begins: with the events of another run, which stay where they are. Inside a transaction. */
import type { Database, Statement } from 'better-sqlite3';

import type { RunId, Seq } from '../../journal/ids.ts';
import type { RunSummary } from '../../journal/run-summary.ts';
import type { NewEvent } from '../../ports/journal-store.ts';
import { summarize } from '../../views/run-summary.ts';
import { MOST_GENERATIONS, type Forks, type Prefix } from './forks.ts';
import type { Keys } from './keys.ts';
import type { Read } from './read.ts';
import type { States } from './states.ts';

const PAGE = 500;

/** What a fork has before its first own event. */
export interface Shared {
  readonly prefix: Prefix;
  readonly chain: string;
  readonly summary: RunSummary;
  readonly states: readonly NewEvent[];
}

interface Parent {
  readonly id: number;
  readonly last_seq: number;
}

export class ForkStart {
  readonly #read: Read;
  readonly #forks: Forks;
  readonly #keys: Keys;
  readonly #states: States;
  readonly #select: Statement<[RunId], Parent>;

  constructor(db: Database, others: { read: Read; forks: Forks; keys: Keys; states: States }) {
    this.#read = others.read;
    this.#forks = others.forks;
    this.#keys = others.keys;
    this.#states = others.states;
    this.#select = db.prepare('select id, last_seq from runs where run_id = ?');
  }

  /** Undefined where there is no such event to begin behind. @throws RuntimeError CORRUPT */
  shared(runId: RunId, parentRunId: RunId, seq: Seq): Shared | undefined {
    const parent = this.#select.get(parentRunId);
    if (parent === undefined || seq > parent.last_seq) return undefined;
    const owner = this.#forks.ownerOf(parent.id, seq);
    const chain = this.#read.chainAt(parent.id, seq);
    if (chain === undefined || owner.generations >= MOST_GENERATIONS) return undefined;
    let summary: RunSummary | undefined;
    const states: NewEvent[] = [];
    for (let last = 0; last < seq;) {
      const page = this.#read.page(parentRunId, last, Math.min(PAGE, seq - last));
      for (const recorded of page) {
        summary = summarize(runId, summary, recorded);
        if (recorded.event.type === 'StateSet') states.push(recorded);
        last = recorded.seq;
      }
      if (page.length === 0) return undefined;
    }
    return summary && { prefix: { parent: parent.id, seq }, chain, summary, states };
  }

  /** The fork has its row. */
  begun(run: number, { prefix, states }: Shared): void {
    this.#forks.insert(run, prefix);
    this.#keys.share(prefix.parent, run);
    this.#states.apply(run, states);
  }
}
