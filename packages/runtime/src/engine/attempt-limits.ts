import type { Millis } from '../journal/ids.ts';
import type { Clock } from '../ports/clock.ts';
import { Timers } from './timers.ts';

interface Limit {
  readonly leftMs: number;
  /** Monotonic. */
  readonly since: Millis;
  readonly passed: () => void;
}

/**
 * How long an attempt may take, by name. Setting a name again replaces its limit.
 *
 * Owns its timers. While it stands still, no time passes for it.
 */
export class AttemptLimits {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #limits = new Map<string, Limit>();
  #isStill = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#timers = new Timers(clock);
  }

  set(name: string, leftMs: number, passed: () => void): void {
    this.#limits.set(name, { leftMs, since: this.#clock.monotonic(), passed });
    if (!this.#isStill) this.#timers.set(name, leftMs, passed);
  }

  standStill(): void {
    if (this.#isStill) return;
    this.#isStill = true;
    this.#timers.clearAll();
    const now = this.#clock.monotonic();
    for (const [name, { leftMs, since, passed }] of this.#limits)
      this.#limits.set(name, { leftMs: Math.max(0, leftMs - (now - since)), since: now, passed });
  }

  goOn(): void {
    if (!this.#isStill) return;
    this.#isStill = false;
    for (const [name, { leftMs, passed }] of this.#limits) this.set(name, leftMs, passed);
  }

  clear(): void {
    this.#timers.clearAll();
    this.#limits.clear();
  }
}
