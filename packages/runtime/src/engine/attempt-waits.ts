import type { Schema } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { Seq } from '../journal/ids.ts';
import type { RunState } from '../kernel/state.ts';
import { hearerOf } from '../kernel/task-messages.ts';

/** A running attempt that waits for a message. */
export interface AttemptWait {
  readonly key: CallKey;
  readonly attempt: number;
  readonly name: string;
  readonly schema: Schema | undefined;
  /** What a task receives is recorded as it is. */
  readonly isSecret: false;
  readonly latest: false;
  /** How long it waits; null = for ever. */
  readonly timeoutMs: number | null;
  /** No message is there for it now. */
  notThere(): void;
  /** Its message is recorded, and handed over once that is committed. */
  taken(): void;
}

interface Opened {
  readonly wait: AttemptWait;
  /** Waits of the process that are recorded up to here were opened before it. */
  readonly after: Seq;
}

/**
 * Attempts of one run that wait for messages, in the order in which they began to.
 *
 * Owns nothing but that order: such a wait ends with its attempt.
 */
export class AttemptWaits {
  readonly #state: Readonly<RunState>;
  readonly #byName = new Map<string, Set<Opened>>();
  readonly #opened = new Map<AttemptWait, Opened>();

  constructor(state: Readonly<RunState>) {
    this.#state = state;
  }

  open(wait: AttemptWait): void {
    const opened = { wait, after: this.#state.seq };
    this.#opened.set(wait, opened);
    const others = this.#byName.get(wait.name);
    if (others === undefined) this.#byName.set(wait.name, new Set([opened]));
    else others.add(opened);
  }

  get size(): number {
    return this.#opened.size;
  }

  isOpen(wait: AttemptWait): boolean {
    return this.#opened.has(wait);
  }

  close(wait: AttemptWait): void {
    const opened = this.#opened.get(wait);
    if (opened === undefined) return;
    this.#opened.delete(wait);
    const others = this.#byName.get(wait.name);
    others?.delete(opened);
    if (others?.size === 0) this.#byName.delete(wait.name);
  }

  /** Who is served first; what was given up, and has not heard of it, is no more. */
  first(name: string): Opened | undefined {
    for (const opened of this.#byName.get(name) ?? []) {
      const { key, attempt } = opened.wait;
      if (hearerOf(this.#state, key, attempt) !== undefined) return opened;
    }
    return undefined;
  }
}
