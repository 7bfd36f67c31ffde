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

/** Steps that are put into Node's queue at once: one turn takes two of them, and each further one takes one more. */
const FEWEST_STEPS = 2;
const MOST_STEPS = 32;

/**
 * Makes the turns of all runs in step, and a burst's commit when no live run can make another.
 *
 * Owns nothing but the list of runs that are awake. Talks to runs and to `flush`.
 * Invariants: P2 one delivery per run and turn; the code that a delivery wakes has run to its next
 * wait before the turn ends; E4 one commit per burst.
 */
export class TurnLoop {
  readonly #awake = new Set<Turnable>();
  /** Whether it let anything start. */
  readonly #flush: () => boolean;
  readonly #onError: (run: Turnable, error: unknown) => void;
  /** Turns must not run in the async context of whichever process woke the loop. */
  readonly #outside: (fn: () => void) => void = AsyncLocalStorage.snapshot();
  readonly #step = (): void => this.#makeStep();
  /** Whose turn has begun and not ended. */
  #turning: readonly Turnable[] = [];
  /** Turns have ended since the last flush. */
  #owesFlush = false;
  /** Steps that are still in Node's queue. */
  #steps = 0;
  #nextSteps = FEWEST_STEPS;
  /** A burst was flushed: what it let start took its time, and the event loop goes round before the next turn. */
  #isSpent = false;
  /** A burst is on its way to where it is kept: nothing is delivered or decided before it is there. */
  #isHeld = false;

  constructor(flush: () => boolean, onError: (run: Turnable, error: unknown) => void) {
    this.#flush = flush;
    this.#onError = onError;
  }

  wake(run: Turnable): void {
    this.#awake.add(run);
    this.#resume();
  }

  /** Called by a flush: no turn is made before `release`. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    if (this.#awake.size > 0) this.#resume();
  }

  #resume(): void {
    if (this.isIdle && !this.#isHeld) this.#outside(() => this.#queueSteps());
  }

  get isIdle(): boolean {
    return this.#steps === 0;
  }

  drop(run: Turnable): void {
    this.#awake.delete(run);
  }

  /**
   * Neighbours in Node's queue: between them run all microtasks that the first one caused, and nothing else.
   * So a call made between the beginning of a turn and its end was caused by the delivery. Several turns at
   * once, since the way round the event loop costs more than a turn.
   */
  #queueSteps(): void {
    this.#steps = this.#nextSteps;
    for (let i = 0; i < this.#nextSteps; i += 1) setImmediate(this.#step);
  }

  #makeStep(): void {
    this.#steps -= 1;
    const isLast = this.#steps === 0;
    if (this.#isHeld) {
      if (isLast) this.#rest();
      return;
    }
    // What a commit lets start has its microtasks before the next turn, which did not cause them.
    if (!this.#isSpent && !this.#isBursting()) this.#isSpent = this.#settle();
    const goesOn = !this.#isSpent;
    if (!isLast) {
      if (goesOn) this.#begin();
      return;
    }
    this.#isSpent = false;
    const isBusy = this.#awake.size > 0;
    this.#nextSteps = isBusy && goesOn ? Math.min(this.#nextSteps * 2, MOST_STEPS) : FEWEST_STEPS;
    if (isBusy && this.isIdle) this.#queueSteps();
  }

  /** The last step of a round in which a flush was held. */
  #rest(): void {
    this.#isSpent = false;
    this.#nextSteps = FEWEST_STEPS;
  }

  #begin(): void {
    this.#turning = [...this.#awake];
    for (const run of this.#turning) this.#guarded(run, beginTurn);
  }

  /** Ends the turn that is open. */
  #isBursting(): boolean {
    if (this.#turning.length > 0) return this.#end();
    // Whoever made a burst of it may have been dropped since.
    return this.#awake.size > 0;
  }

  /** @returns whether it let anything start */
  #settle(): boolean {
    if (!this.#owesFlush) return false;
    this.#owesFlush = false;
    return this.#flush();
  }

  /** @returns whether the burst goes on */
  #end(): boolean {
    this.#owesFlush = true;
    const turning = this.#turning;
    this.#turning = [];
    for (const run of turning) {
      this.#guarded(run, endTurn);
      if (!run.isReady) this.#awake.delete(run);
    }
    for (const run of this.#awake) if (run.isBursting) return true;
    return false;
  }

  #guarded(run: Turnable, turn: (run: Turnable) => void): void {
    try {
      turn(run);
    } catch (error) {
      this.#onError(run, error);
    }
  }
}

function beginTurn(run: Turnable): void {
  run.beginTurn();
}

function endTurn(run: Turnable): void {
  run.endTurn();
}
