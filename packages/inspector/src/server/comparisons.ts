/** Two runs beside each other: every event of both is read for it, so the last ones are kept until either goes on. */
import type { JournalReader, RunId } from '@pawl/runtime';

import type { Describe, Document } from './describe.ts';

const MOST_KEPT = 4;

export class Comparisons {
  readonly #reader: JournalReader;
  readonly #describe: Describe;
  readonly #kept = new Map<string, { readonly stand: string; readonly document: Document }>();

  constructor(reader: JournalReader, describe: Describe) {
    this.#reader = reader;
    this.#describe = describe;
  }

  /** @throws RuntimeError NOT_FOUND */
  of(a: RunId, b: RunId): Document {
    const runs = [this.#reader.get(a), this.#reader.get(b)] as const;
    const [runA, runB] = runs.map((run) => this.#describe.run(run));
    const name = `${a} ${b}`;
    const stand = runs.map(({ lastSeq }) => lastSeq).join(' ');
    const kept = this.#kept.get(name);
    const document = kept?.stand === stand ? kept.document : this.#describe.diff(this.#reader, a, b);
    this.#kept.delete(name);
    this.#kept.set(name, { stand, document });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return { runA, runB, diff: document };
  }
}
