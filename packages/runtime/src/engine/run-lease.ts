import type { Epoch, Millis, RunId } from '../journal/ids.ts';
import type { Engine } from './engine.ts';
import { problemOf } from './run-exits.ts';
import type { RunExit } from './run-plan.ts';

/**
 * The right to append to one run.
 *
 * Owns the time at which it was last proven. Talks to the store. Only the fence in the store's
 * transaction is safety; this keeps effects from starting on a right that may be gone.
 */
export class RunLease {
  readonly #engine: Engine;
  readonly #runId: RunId;
  readonly #epoch: Epoch;
  #provenAt: Millis;
  #held = false;

  /** @param held false for a run that its first commit will create, or that is only replayed */
  constructor(engine: Engine, runId: RunId, epoch: Epoch, held: boolean) {
    this.#engine = engine;
    this.#runId = runId;
    this.#epoch = epoch;
    this.#held = held;
    this.#provenAt = engine.options.clock.monotonic();
  }

  /** A commit was not fenced. */
  proven(): void {
    this.#held = true;
    this.#provenAt = this.#engine.options.clock.monotonic();
  }

  /** Renews in good time; false when it was lost. */
  keep(): boolean {
    return this.#isYoungerThan(1 / 3) || this.#renew();
  }

  /** Before an attempt starts: proven well within its time, or proven now. */
  prove(): boolean {
    return this.#isYoungerThan(1 / 2) || this.#renew();
  }

  /** With how it was left: what is wrong with a run is not tried again at once. */
  release(exit: RunExit): void {
    // With the end of a run it was given back in the same commit.
    if (exit.status === 'ended' || exit.status === 'continued') this.#held = false;
    if (!this.#held) return;
    this.#held = false;
    const { store, clock } = this.#engine.options;
    const problem = exit.status === 'left' ? problemOf(exit.error) : undefined;
    try {
      if (problem === undefined)
        store.releaseLease(this.#runId, this.#epoch, exit.status === 'rested' ? exit.rest : undefined);
      else store.work.setBack({ runId: this.#runId, epoch: this.#epoch }, clock.now(), problem, 'error');
    } catch {
      // The store is closed or broken; the lease ends by itself.
    }
  }

  #isYoungerThan(share: number): boolean {
    const { clock, leaseMs } = this.#engine.options;
    return !this.#held || clock.monotonic() - this.#provenAt < leaseMs * share;
  }

  #renew(): boolean {
    const renewed = this.#engine.options.store.renewLease(this.#runId, this.#epoch, this.#engine.claim);
    if (renewed) this.proven();
    return renewed;
  }
}
