import type { CallKey } from '../journal/call-key.ts';
import { isOutcome, type Recorded } from '../journal/event.ts';
import type { RunId, Seq } from '../journal/ids.ts';
import type { JournalStore } from '../ports/journal-store.ts';

const PAGE = 1000;

interface Known {
  /** Questions, and whether each is settled. */
  readonly questions: Map<CallKey, 'open' | 'settled'>;
  /** How far they are known. */
  seq: Seq;
}

/**
 * What became of each question that a run ever asked: its live state forgets those that are settled, and people answer
 * late.
 *
 * Owns that of runs that are driven here and were asked about such a question, as long as they are. Talks to the store: a
 * journal is read once, and read on from there.
 */
export class PastQuestions {
  readonly #store: Pick<JournalStore, 'read'>;
  readonly #byRun = new WeakMap<object, Known>();

  constructor(store: Pick<JournalStore, 'read'>) {
    this.#store = store;
  }

  /** As it is in the file, where another program may have taken the run meanwhile. Undefined: there is no such question. */
  get(run: { readonly runId: RunId }, key: CallKey): 'open' | 'settled' | undefined {
    const known = this.#byRun.get(run) ?? { questions: new Map(), seq: 0 };
    this.#byRun.set(run, known);
    for (;;) {
      const page = this.#store.read(run.runId, known.seq, PAGE);
      if (page.length === 0) return known.questions.get(key);
      for (const recorded of page) note(known, recorded);
    }
  }
}

function note(known: Known, { seq, event }: Recorded): void {
  known.seq = seq;
  if (event.type === 'BreakpointOpened') known.questions.set(event.key, 'open');
  else if (isOutcome(event) && 'key' in event && known.questions.has(event.key))
    known.questions.set(event.key, 'settled');
}
