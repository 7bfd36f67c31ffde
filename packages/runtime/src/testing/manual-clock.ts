import type { Clock } from '../ports/clock.ts';

interface Due {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is told to go on. Wall time can be made to jump. */
export class ManualClock implements Clock {
  #elapsed = 0;
  #wallOffset: number;
  #order = 0;
  readonly #timers = new Set<Due>();
  #running = false;

  /** @param start wall time in ms since 1970 */
  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.#wallOffset = start;
  }

  now(): number {
    return this.#wallOffset + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(delayMs: number, callback: () => void): () => void {
    this.#order += 1;
    const due: Due = { at: this.#elapsed + Math.max(0, delayMs), order: this.#order, callback };
    this.#timers.add(due);
    return () => this.#timers.delete(due);
  }

  /** Resolves after that much time of this clock; an abort rejects at once. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves the wall clock alone. */
  jumpWall(byMs: number): void {
    this.#wallOffset += byMs;
  }

  /** Lets time pass; what falls due happens in order, each with time to take effect. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    for (;;) {
      await settle();
      const next = this.#next();
      if (next === undefined || next.at > end) break;
      this.#fire(next);
    }
    this.#elapsed = end;
    await settle();
  }

  /**
   * From now on time passes by itself, whenever `isIdle` holds, up to the next timer. The result
   * stops that.
   */
  run(isIdle: () => boolean): () => void {
    this.#running = true;
    let quiet = 0;
    const look = (): void => {
      if (!this.#running) return;
      quiet = isIdle() ? quiet + 1 : 0;
      if (quiet > 2) {
        quiet = 0;
        const next = this.#next();
        if (next !== undefined) this.#fire(next);
      }
      setImmediate(look);
    };
    setImmediate(look);
    return () => {
      this.#running = false;
    };
  }

  #next(): Due | undefined {
    let next: Due | undefined;
    for (const due of this.#timers) {
      if (next === undefined || due.at < next.at || (due.at === next.at && due.order < next.order))
        next = due;
    }
    return next;
  }

  #fire(due: Due): void {
    this.#timers.delete(due);
    this.#elapsed = Math.max(this.#elapsed, due.at);
    due.callback();
  }
}

/** Enough macrotasks for every turn that is due. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
