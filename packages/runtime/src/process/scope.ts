import type { CancelledError } from '@pawl/sdk';
import { ROOT_SCOPE, type ScopePath } from '../journal/call-key.ts';
import type { Request } from './admission.ts';

/**
 * What numbers calls: the root, or one branch of a group.
 *
 * Owns the counters of its calls and values and its abort signal. Talks to nobody.
 * Invariants: P3 counters move only when a call is admitted; a fenced scope admits none.
 */
export class Scope {
  readonly path: ScopePath;
  readonly parent: Scope | undefined;
  /** Scopes around this one; in a branch two for each group, the group's own and the branch's. */
  readonly depth: number;
  /** Of attempts in this scope that say nothing else. */
  readonly priority: number;
  nextOrdinal = 0;
  nextValue = 0;
  /** Calls of this scope that are not settled: more than one means several strands. */
  outstanding = 0;
  /** Requests that have no key yet: replay has not come to the place where they were recorded. */
  readonly waiting: Request[] = [];
  readonly #names = new Set<string>();
  readonly #children = new Set<Scope>();
  readonly #enter: (scope: Scope, fn: () => void) => void;
  #controller: AbortController | undefined;
  #fence: CancelledError | undefined;
  #refused = false;
  #finished = false;

  private constructor(
    path: ScopePath,
    parent: Scope | undefined,
    priority: number,
    enter: (scope: Scope, fn: () => void) => void,
  ) {
    this.path = path;
    this.parent = parent;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    this.priority = priority;
    this.#enter = enter;
  }

  /** @param enter runs a function as code of a scope */
  static root(enter: (scope: Scope, fn: () => void) => void): Scope {
    return new Scope(ROOT_SCOPE, undefined, 0, enter);
  }

  child(path: ScopePath, priority: number): Scope {
    return new Scope(path, this, priority, this.#enter);
  }

  /** False when the name was taken before. */
  claimName(name: string): boolean {
    if (this.#names.has(name)) return false;
    this.#names.add(name);
    return true;
  }

  /** Why nothing may start here any more, from this scope or one around it. */
  get fence(): CancelledError | undefined {
    return this.#fence ?? this.parent?.fence;
  }

  /** True once: the first call in a fenced scope is refused, later ones never settle. */
  refuseOnce(): boolean {
    if (this.#refused) return false;
    this.#refused = true;
    return true;
  }

  raiseFence(reason: CancelledError): void {
    if (this.#fence !== undefined) return;
    this.#fence = reason;
    this.#abort(reason);
  }

  #abort(reason: CancelledError): void {
    // Listeners are code of the branch: what they ask for is refused as its.
    if (this.#controller !== undefined) this.#enter(this, () => this.#controller?.abort(reason));
    for (const child of this.#children) child.#abort(reason);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.fence !== undefined) this.#controller.abort(this.fence);
      this.#linkToParent();
    }
    return this.#controller.signal;
  }

  #linkToParent(): void {
    if (this.parent === undefined || this.parent.#children.has(this)) return;
    this.parent.#children.add(this);
    this.parent.#linkToParent();
  }

  get isFinished(): boolean {
    return this.#finished;
  }

  /** The branch has settled: nothing in it needs its signal any more. */
  finish(): void {
    this.#finished = true;
    if (this.parent !== undefined && this.#children.size === 0) this.parent.#children.delete(this);
  }
}
