/** More of one task that wait in one worker. */
const MOST_WAITING = 1000;

/**
 * How much of one task a worker does at once.
 *
 * Owns who is in, and who waits, in the order in which they came.
 */
export class Room {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(size: number) {
    this.#free = size;
  }

  /** Undefined where the signal was aborted before there was room; 'full' where too many wait already. */
  async enter(signal: AbortSignal): Promise<(() => void) | 'full' | undefined> {
    if (signal.aborted) return undefined;
    if (this.#free === 0) {
      if (this.#waiting.size >= MOST_WAITING) return 'full';
      if (!(await this.#turn(signal))) return undefined;
    } else this.#free -= 1;
    let isIn = true;
    return () => {
      if (isIn) this.#leave();
      isIn = false;
    };
  }

  #turn(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const come = (): void => {
        signal.removeEventListener('abort', give);
        resolve(true);
      };
      const give = (): void => {
        this.#waiting.delete(come);
        resolve(false);
      };
      this.#waiting.add(come);
      signal.addEventListener('abort', give, { once: true });
    });
  }

  /** Whoever waits longest has the place of the one that goes. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free += 1;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
