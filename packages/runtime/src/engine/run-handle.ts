import { isTerminal, type Recorded } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import type { FinalEvent } from './run-plan.ts';
import { outputOf } from './run-result.ts';

const PAGE = 500;

/** What a handle needs of its runtime. */
export interface HandleDeps {
  readonly store: JournalStore;
  /** Calls back after each commit of the run; the result ends that. */
  watch(runId: RunId, callback: () => void): () => void;
  cancel(runId: RunId, reason: string): void;
}

/** A run, from outside. */
export class RunHandle<Output = unknown> {
  readonly id: RunId;
  readonly #ended: Promise<FinalEvent>;
  readonly #deps: HandleDeps;
  #left = false;

  constructor(id: RunId, ended: Promise<FinalEvent>, deps: HandleDeps) {
    this.id = id;
    this.#ended = ended;
    this.#deps = deps;
    // Taken off the handle (`const { result } = runtime.start(…)`) they are still its own.
    this.result = this.result.bind(this);
    this.events = this.events.bind(this);
    this.cancel = this.cancel.bind(this);
    // Whoever does not ask for the result is not told of it.
    ended
      .catch(() => undefined)
      .finally(() => {
        this.#left = true;
      });
  }

  /**
   * The output; of a run that was continued as new, that of the last one. Rejects with RuntimeError: RUN_FAILED (its `cause` is what the process threw),
   * CANCELLED, STOPPED, FENCED, STALLED, STORAGE; or with NonDeterminismError.
   */
  async result(): Promise<Output> {
    // The journal gives back what the process returned, whose type the handle carries.
    return outputOf(this.id, await this.#ended, `See what it did: pawl show ${this.id}`) as Output;
  }

  /** All events from the first on, each once it is committed; ends with the run, or when it is left. */
  async *events(): AsyncGenerator<Recorded, void, void> {
    let wake = noop;
    const unwatch = this.#deps.watch(this.id, () => wake());
    void this.#ended.then(noop, noop).then(() => wake());
    let seq = 0;
    try {
      for (;;) {
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const left = this.#left;
        const page = this.#read(seq);
        for (const recorded of page) {
          yield recorded;
          seq = recorded.seq;
          if (isTerminal(recorded.event)) return;
        }
        if (page.length > 0) continue;
        if (left) return;
        await changed;
      }
    } finally {
      unwatch();
    }
  }

  /** Nothing, once the run was left and the runtime closed its store. */
  #read(seq: number): readonly Recorded[] {
    try {
      return this.#deps.store.read(this.id, seq, PAGE);
    } catch (error) {
      if (this.#left) return [];
      throw error;
    }
  }

  /** Asks the run to give up. It is recorded first, and then acts. */
  cancel(reason = 'asked by the program'): void {
    this.#deps.cancel(this.id, reason);
  }
}

function noop(): void {
  // Only its timing counts.
}
