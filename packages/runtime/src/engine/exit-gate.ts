import { exitPath, isExitPath, isWithin, scopeOf, type CallKey } from '../journal/call-key.ts';
import type { RunAttempts } from './run-attempts.ts';
import type { RunChildren } from './run-children.ts';
import type { RunStreams } from './run-streams.ts';

/**
 * Holds the exits of a scope back while what was given up in it has not ended: a payment that is being aborted
 * must not be taken back before it is made. An attempt, and a source, that does not answer its abort ends with its grace.
 *
 * Owns which exits wait. It gates attempts only (law 6): nothing of it is recorded.
 */
export class ExitGate {
  readonly #attempts: RunAttempts;
  readonly #children: RunChildren;
  readonly #streams: RunStreams;
  readonly #queue: (key: CallKey) => void;
  readonly #held = new Set<CallKey>();

  /** @param queue lets an attempt wait for its slot */
  constructor(
    attempts: RunAttempts,
    children: RunChildren,
    streams: RunStreams,
    queue: (key: CallKey) => void,
  ) {
    this.#attempts = attempts;
    this.#children = children;
    this.#streams = streams;
    this.#queue = queue;
  }

  /** Whether the call has to wait; it is queued later then. */
  holds(key: CallKey): boolean {
    if (!isExitPath(scopeOf(key)) || !this.#isBusy(key)) return false;
    this.#held.add(key);
    return true;
  }

  /** Something of the run ended. */
  look(): void {
    for (const key of this.#held) {
      if (this.#isBusy(key)) continue;
      this.#held.delete(key);
      this.#queue(key);
    }
  }

  #isBusy(exit: CallKey): boolean {
    const scope = scopeOf(scopeOf(exit));
    const isInside = (key: CallKey): boolean => isWithin(key, scope) && !isWithin(key, exitPath(scope));
    return (
      this.#attempts.some(isInside) ||
      this.#children.hasGivenUp(isInside) ||
      this.#streams.isClosing(isInside)
    );
  }
}
