import type { Millis } from '../journal/ids.ts';
import type { Clock } from '../ports/clock.ts';
import { RuntimeError } from '../errors.ts';

/** How long a lock of another program is waited for, beyond what the store itself waits at each try. */
const LONGEST_MS = 30_000;
/** Two tries further apart than this have nothing to do with each other. */
const APART_MS = 10_000;

/**
 * With a journal that another program has locked.
 *
 * Owns when that began. What is done and not committed stays in memory meanwhile: leaving the runs at
 * the first refusal would do finished work again.
 */
export class Patience {
  readonly #clock: Clock;
  #since: Millis = -Infinity;
  #last: Millis = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether to try again after this error. */
  allows(error: unknown): boolean {
    if (!isBusy(error)) return false;
    const now = this.#clock.monotonic();
    if (now - this.#last > APART_MS) this.#since = now;
    this.#last = now;
    return now - this.#since < LONGEST_MS;
  }

  /** A write went through. */
  renew(): void {
    this.#last = -Infinity;
  }
}

/** Another program has the journal locked. */
export function isBusy(error: unknown): boolean {
  return error instanceof RuntimeError && error.code === 'BUSY';
}
