import { LimitError } from '@pawl/sdk';

/**
 * How far whoever makes the items of a stream may be ahead: items count from when they are told until they
 * are committed and the process has taken them.
 *
 * Owns the count and who waits for room. Invariant E3: never more than `limit` items are ahead.
 */
export class StreamWindow {
  readonly #size: number;
  readonly #limit: number;
  readonly #onClosed: (window: StreamWindow) => void;
  #ahead: number;
  #waiting: (() => void)[] = [];
  #isClosed = false;

  /** @param ahead items that were told before and not taken */
  constructor(size: number, limit: number, ahead: number, onClosed: (window: StreamWindow) => void) {
    this.#size = size;
    this.#limit = limit;
    this.#ahead = ahead;
    this.#onClosed = onClosed;
  }

  /** An item is told. @throws LimitError where nobody waited for room and there are too many */
  add(): void {
    if (this.#ahead >= this.#limit)
      throw new LimitError(
        'streamItems',
        `${this.#ahead} items wait to be taken by the process, as many as the limit streamItems = ${this.#limit} allows. Await task.progress(…), or raise it: openRuntime({ limits: { streamItems: … } }).`,
      );
    this.#ahead += 1;
  }

  /** Whoever makes items waits for the process. */
  get isFull(): boolean {
    return !this.#isClosed && this.#ahead >= this.#size;
  }

  taken(count: number): void {
    this.#ahead -= count;
    if (this.#ahead < this.#size) this.#wake();
  }

  /** Resolves when there is room for one more, and at once when the window is closed. */
  room(): Promise<void> {
    if (!this.isFull) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Its attempt is over, or not wanted any more: nobody waits. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wake();
    this.#onClosed(this);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
