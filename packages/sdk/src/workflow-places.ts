import type { Limiter } from './parallel.ts';

/**
 * Who is at work in a group, and who waits for a place.
 *
 * Owns the count and the queue. Talks to nobody.
 * Invariants: first come, first served, whatever the priorities (they may change between a crash and the
 * resume, and the order of starts must not); a step that waits for others holds no place.
 */
export class Places implements Limiter {
  #most = 0;
  #taken = 0;
  #isClosed = false;
  #waiting: (() => void)[] = [];
  #next = 0;

  limit(concurrency: number): void {
    this.#most = concurrency;
    this.#grant();
  }

  /** Undefined: there was one. */
  take(): Promise<void> | undefined {
    if (!this.#isClosed && this.#taken < this.#most) {
      this.#taken += 1;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  giveBack(): void {
    this.#taken -= 1;
    this.#grant();
  }

  /** Nobody gets a place any more. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
  }

  #grant(): void {
    while (!this.#isClosed && this.#taken < this.#most && this.#next < this.#waiting.length) {
      const resolve = this.#waiting[this.#next];
      this.#next += 1;
      this.#taken += 1;
      resolve?.();
    }
    if (this.#next < 1000 && this.#next < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#next);
    this.#next = 0;
  }
}
