import type { Clock } from '../../src/ports/clock.ts';

interface Due {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that goes on only when it is told to: to the next timer, or past all of the next moments. */
export class SimClock implements Clock {
  #elapsed = 0;
  #wall: number;
  #order = 0;
  readonly #timers = new Set<Due>();

  constructor(wall: number) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall + this.#elapsed;
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

  jumpWall(byMs: number): void {
    this.#wall += byMs;
  }

  /** Fires the next timer, and with it all that fall due within `windowMs`, as a busy program would see it. */
  fire(windowMs: number): boolean {
    const first = this.#next();
    if (first === undefined) return false;
    const end = first.at + windowMs;
    for (
      let due: Due | undefined = first;
      due !== undefined && due.at <= end;
      due = windowMs > 0 ? this.#next() : undefined
    ) {
      this.#timers.delete(due);
      this.#elapsed = Math.max(this.#elapsed, due.at);
      due.callback();
    }
    return true;
  }

  #next(): Due | undefined {
    let next: Due | undefined;
    for (const due of this.#timers) {
      if (next === undefined || due.at < next.at || (due.at === next.at && due.order < next.order))
        next = due;
    }
    return next;
  }
}
