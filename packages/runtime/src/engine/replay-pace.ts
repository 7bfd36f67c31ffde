import type { LogLevel } from '@pawl/sdk';
import type { Seq } from '../journal/ids.ts';

/** What a process logged. */
export interface Said {
  readonly level: LogLevel;
  readonly values: readonly unknown[];
}

/**
 * How far a replay may go. It stands still before what comes next, until it may go further.
 *
 * Owns the place where it stands. Talks to who waits for it to arrive.
 */
export class ReplayPace {
  #until: Seq = 0;
  #isHeld = false;
  #arrived: (() => void) | undefined;
  #logs: Said[] = [];

  /** The process has all that is recorded up to the place, and waits. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Asked before each event that needs something of the process; the head comes after the last one. */
  holds(seq: Seq): boolean {
    this.#isHeld = seq > this.#until;
    if (this.#isHeld) this.#arrived?.();
    return this.#isHeld;
  }

  /** Settles when it stands there; who calls wakes the run. */
  goTo(until: Seq): Promise<void> {
    this.#until = until;
    this.#isHeld = false;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#arrived = resolve;
    return promise;
  }

  log(level: LogLevel, values: readonly unknown[]): void {
    this.#logs.push({ level, values });
  }

  /** What the process logged since they were taken last. */
  takeLogs(): readonly Said[] {
    const logs = this.#logs;
    this.#logs = [];
    return logs;
  }
}
