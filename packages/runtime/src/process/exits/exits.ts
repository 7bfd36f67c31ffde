import { isWithin, type CallKey, type ScopePath } from '../../journal/call-key.ts';

/** A `ctx.scope` that has not ended. */
export interface UnfinishedScope {
  readonly key: CallKey;
  /** It was decided or given up, and what it registered is still to run. */
  readonly isLeaving: boolean;
  /** Nothing more of it runs. */
  giveUp(reason: string): void;
}

/**
 * The scopes of one run whose end is not done.
 *
 * Owns them, and who waits for their end: a scope around them, a mark, the end of the run. Talks to nobody else.
 */
export class Exits {
  readonly #scopes = new Map<CallKey, UnfinishedScope>();
  readonly #waiting = new Set<{ readonly path: ScopePath; readonly callback: () => void }>();
  #forced: string | undefined;

  /** Why no exits run any more, where that is so. */
  get forced(): string | undefined {
    return this.#forced;
  }

  /** Whether exits are to run, or run: the end of the run waits for them. */
  get isLeaving(): boolean {
    return this.#scopes.values().some((scope) => scope.isLeaving);
  }

  open(scope: UnfinishedScope): void {
    this.#scopes.set(scope.key, scope);
  }

  finished(key: CallKey): void {
    this.#scopes.delete(key);
    for (const wait of this.#waiting) {
      if (this.#hasLeaving(wait.path)) continue;
      this.#waiting.delete(wait);
      wait.callback();
    }
  }

  /** Calls back when no exits of scopes below the path are to run: at once where that is so. */
  whenDone(path: ScopePath, callback: () => void): void {
    if (this.#hasLeaving(path)) this.#waiting.add({ path, callback });
    else callback();
  }

  #hasLeaving(path: ScopePath): boolean {
    for (const { key, isLeaving } of this.#scopes.values())
      if (isLeaving && key !== path && isWithin(key, path)) return true;
    return false;
  }

  giveUp(reason: string): void {
    this.#forced = reason;
    for (const scope of this.#scopes.values()) scope.giveUp(reason);
  }
}
