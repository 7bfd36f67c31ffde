import { AsyncLocalStorage } from 'node:async_hooks';

/** A run as the loop sees it. */
export interface Turnable {
  /** Delivers at most one outcome. */
  beginTurn(): void;
  /** Takes up what the process asked for in the turn. */
  endTurn(): void;
  /** Whether another turn can be made now. */
  readonly isReady: boolean;
  /** Whether its commit should wait until it is not ready. */
  readonly isBursting: boolean;
}

/**
 * Makes the turns of all runs in step, and a burst's commit when no live run can make another.
 *
 * Owns nothing but the list of runs that are awake. Talks to runs and to `flush`.
 * Invariants: P2 one delivery per run and turn; the code that a delivery wakes has run to its next
 * wait before the turn ends; E4 one commit per burst.
 */
export class TurnLoop {
  readonly #awake = new Set<Turnable>();
  readonly #flush: () => void;
  readonly #onError: (run: Turnable, error: unknown) => void;
  /** Turns must not run in the async context of whichever process woke the loop. */
  readonly #outside: (fn: () => void) => void = AsyncLocalStorage.snapshot();
  #turning: Turnable[] = [];
  #scheduled = false;

  constructor(flush: () => void, onError: (run: Turnable, error: unknown) => void) {
    this.#flush = flush;
    this.#onError = onError;
  }

  wake(run: Turnable): void {
    this.#awake.add(run);
    this.#schedule();
  }

  get isIdle(): boolean {
    return !this.#scheduled;
  }

  drop(run: Turnable): void {
    this.#awake.delete(run);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#outside(() => {
      // Two neighbours in Node's queue: between them run all microtasks that the first one caused,
      // and nothing else. So a call made between them was caused by the delivery.
      setImmediate(() => this.#begin());
      setImmediate(() => this.#end());
    });
  }

  #begin(): void {
    this.#turning = [...this.#awake];
    for (const run of this.#turning) this.#guarded(run, () => run.beginTurn());
  }

  #end(): void {
    this.#scheduled = false;
    for (const run of this.#turning) {
      this.#guarded(run, () => run.endTurn());
      if (!run.isReady) this.#awake.delete(run);
    }
    this.#turning = [];
    let bursting = false;
    for (const run of this.#awake) bursting ||= run.isBursting;
    if (!bursting) this.#flush();
    if (this.#awake.size > 0) this.#schedule();
  }

  #guarded(run: Turnable, turn: () => void): void {
    try {
      turn();
    } catch (error) {
      this.#onError(run, error);
    }
  }
}
