import { Queue } from '../queue.ts';

interface Result {
  readonly value: unknown;
}

/**
 * Settled results that their consumer has not taken.
 *
 * Owns them: as many as the stream's bound lets settle, whatever the number of its items.
 */
export class Results {
  readonly #inOrder: boolean;
  readonly #ready = new Queue<Result>();
  /** By index, those that a slower one before them holds up; undefined = has no result. */
  readonly #early = new Map<number, Result | undefined>();
  #next = 0;

  /** @param inOrder hands them over by index, not as they come */
  constructor(inOrder: boolean) {
    this.#inOrder = inOrder;
  }

  get size(): number {
    return this.#ready.size + this.#early.size;
  }

  /** @param result undefined where the branch has none to hand over */
  add(index: number, result: Result | undefined): void {
    if (!this.#inOrder) {
      if (result !== undefined) this.#ready.push(result);
      return;
    }
    this.#early.set(index, result);
    while (this.#early.has(this.#next)) {
      const next = this.#early.get(this.#next);
      this.#early.delete(this.#next);
      this.#next += 1;
      if (next !== undefined) this.#ready.push(next);
    }
  }

  take(): Result | undefined {
    return this.#ready.shift();
  }

  /** What waits for one that will not come any more. */
  dropEarly(): void {
    this.#early.clear();
  }

  clear(): void {
    this.#early.clear();
    this.#ready.clear();
  }
}
