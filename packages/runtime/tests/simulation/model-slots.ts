/** One attempt of a task, from its start until it is gone. */
export interface ModelAttempt {
  readonly key: string;
  readonly number: number;
  readonly isDeaf: boolean;
  readonly slots: ModelSlots;
  readonly cost: number;
  isGone: boolean;
}

interface Waiting {
  readonly key: string;
  readonly priority: number;
  readonly cost: number;
  /** A retry was let in before. */
  readonly isFirst: boolean;
  readonly since: number;
}

/** Nobody passes the first in the queue when it has waited for so long. */
const PASSED_MS = 10_000;

/**
 * Who waits for slots, and who has some: highest priority first, then first come first served. A bounded
 * queue holds those that came first; what came later has no priority yet.
 */
export class ModelSlots {
  readonly #limit: number;
  readonly #queueSize: number;
  readonly #refuses: boolean;
  /** Who needs less may pass. */
  readonly #passes: boolean;
  /** As they came. */
  #waiting: Waiting[] = [];
  #used = 0;

  constructor(
    limit: number,
    { queueSize = Infinity, refuses = false, passes = false } = {} as {
      readonly queueSize?: number | undefined;
      readonly refuses?: boolean;
      readonly passes?: boolean;
    },
  ) {
    this.#limit = limit;
    this.#queueSize = queueSize;
    this.#refuses = refuses;
    this.#passes = passes;
  }

  queue(waiting: Waiting): void {
    this.#waiting.push(waiting);
  }

  /** Those that start now; who is not wanted any more leaves its place to the next. */
  grant(now: number, isWanted: (key: string) => boolean): { readonly key: string; readonly cost: number }[] {
    this.#waiting = this.#waiting.filter(({ key }) => isWanted(key));
    const granted: Waiting[] = [];
    for (let next = this.#next(now); next !== undefined; next = this.#next(now)) {
      const { key, cost } = next;
      this.#waiting = this.#waiting.filter((other) => other.key !== key);
      this.#used += cost;
      granted.push(next);
    }
    return granted;
  }

  /** Those that found the queue full, and no slot either. */
  refuse(): string[] {
    if (!this.#refuses) return [];
    const refused = this.#waiting.slice(this.#queueSize).filter(({ isFirst }) => isFirst);
    this.#waiting = this.#waiting.filter((each) => !refused.includes(each));
    return refused.map(({ key }) => key);
  }

  #next(now: number): Waiting | undefined {
    // A queue of size 0 holds nobody: who comes first goes straight through.
    const inQueue = this.#waiting
      .slice(0, Math.max(1, this.#queueSize))
      .toSorted((a, b) => b.priority - a.priority);
    const [first] = inQueue;
    const passes = this.#passes && first !== undefined && now - first.since < PASSED_MS;
    const candidates = passes ? inQueue : inQueue.slice(0, 1);
    return candidates.find(({ cost }) => this.#used + cost <= this.#limit);
  }

  canGrant(now: number): boolean {
    return this.#next(now) !== undefined;
  }

  leave(attempt: ModelAttempt): void {
    if (attempt.isGone) return;
    attempt.isGone = true;
    this.#used -= attempt.cost;
  }
}
