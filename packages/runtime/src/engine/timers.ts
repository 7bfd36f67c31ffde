import type { Clock, TimerKind } from '../ports/clock.ts';

/**
 * Timers of one run, by name: setting a name again replaces its timer.
 *
 * Owns what it set, so that nothing is left when the run ends.
 */
export class Timers {
  readonly #clock: Clock;
  readonly #cancels = new Map<string, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(name: string, delayMs: number, callback: () => void, kind?: TimerKind): void {
    this.clear(name);
    const passed = (): void => {
      this.#cancels.delete(name);
      callback();
    };
    const cancel = this.#clock.after(delayMs, passed, kind);
    this.#cancels.set(name, cancel);
  }

  clear(name: string): void {
    this.#cancels.get(name)?.();
    this.#cancels.delete(name);
  }

  clearAll(): void {
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
  }

  get size(): number {
    return this.#cancels.size;
  }
}
