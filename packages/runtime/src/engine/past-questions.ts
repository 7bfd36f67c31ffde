import type { CallKey } from '../journal/call-key.ts';
import type { RunId, Seq } from '../journal/ids.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import { eventsOf } from '../run-events.ts';

interface Asked {
  readonly keys: Set<CallKey>;
  /** How far they are known. */
  seq: Seq;
}

/**
 * Which questions runs have ever asked: their live state forgets those that are settled, and people answer late.
 *
 * Owns the keys of runs that are driven here and were asked about such a question, as long as they are. Talks to the
 * store: a journal is read once, and read on from there.
 */
export class PastQuestions {
  readonly #store: Pick<JournalStore, 'read'>;
  readonly #byRun = new WeakMap<object, Asked>();

  constructor(store: Pick<JournalStore, 'read'>) {
    this.#store = store;
  }

  /** Of what is committed. */
  has(run: { readonly runId: RunId }, key: CallKey): boolean {
    const asked = this.#byRun.get(run) ?? { keys: new Set(), seq: 0 };
    this.#byRun.set(run, asked);
    for (const { seq, event } of eventsOf(this.#store, run.runId, asked.seq)) {
      asked.seq = seq;
      if (event.type === 'BreakpointOpened') asked.keys.add(event.key);
    }
    return asked.keys.has(key);
  }
}
