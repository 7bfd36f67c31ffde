/** One attempt of a task, from its start until it is gone. */
export interface ModelAttempt {
  readonly key: string;
  readonly number: number;
  readonly isDeaf: boolean;
  isGone: boolean;
}

/** Who waits for a slot, and who has one: highest priority first, then first come first served. */
export class ModelSlots {
  readonly #limit: number;
  readonly #waiting: { readonly key: string; readonly priority: number }[] = [];
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  queue(key: string, priority: number): void {
    const before = this.#waiting.findIndex((other) => other.priority < priority);
    this.#waiting.splice(before === -1 ? this.#waiting.length : before, 0, { key, priority });
  }

  /** Those that start now; who is not wanted any more leaves its place to the next. */
  grant(isWanted: (key: string) => boolean): string[] {
    const granted: string[] = [];
    while (this.#used < this.#limit) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      if (!isWanted(next.key)) continue;
      granted.push(next.key);
      this.#used += 1;
    }
    return granted;
  }

  get canGrant(): boolean {
    return this.#waiting.length > 0 && this.#used < this.#limit;
  }

  leave(attempt: ModelAttempt): void {
    if (attempt.isGone) return;
    attempt.isGone = true;
    this.#used -= 1;
  }
}
