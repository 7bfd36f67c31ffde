import type { Millis } from '../../journal/ids.ts';
import type { Clock } from '../../ports/clock.ts';

/** What a clock is set right by from time to time is less. */
const JUMP_MS = 1000;

/**
 * From when on leases of other programs count.
 *
 * Owns how far the wall clock ran ahead of the time that passed, such as after a sleep of the machine, or where it
 * is set. Every lease is over then, and nobody has had time to renew one: who took what is over would have it twice.
 */
export class LeaseTime {
  readonly #clock: Clock;
  #wall: Millis;
  #monotonic: Millis;
  #ahead: Millis = 0;
  /** Monotonic: whoever lives has renewed its leases by then. */
  #until: Millis = -Infinity;
  /** Monotonic. */
  #jumpedAt: Millis = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wall = clock.now();
    this.#monotonic = clock.monotonic();
  }

  countFrom(ttlMs: Millis): Millis {
    const wall = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const jump = wall - this.#wall - (monotonic - this.#monotonic);
    this.#wall = wall;
    this.#monotonic = monotonic;
    if (monotonic >= this.#until) this.#ahead = 0;
    if (jump > JUMP_MS) {
      this.#ahead += jump;
      this.#until = monotonic + ttlMs;
      this.#jumpedAt = monotonic;
    }
    return wall - this.#ahead;
  }

  /** Then what was leased before is to be renewed: who comes new knows of no jump. */
  hasJumpedSince(monotonic: Millis, ttlMs: Millis): boolean {
    this.countFrom(ttlMs);
    return this.#jumpedAt > monotonic;
  }
}
