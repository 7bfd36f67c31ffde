import type { CancelledError, Cost, Duration, RetryPolicy } from '@pawl/sdk';
import { ROOT_SCOPE, type ScopePath } from '../journal/call-key.ts';
import type { Request } from './admission.ts';

/** What tasks get that say nothing else themselves, from the innermost group that says it. */
export interface ScopeDefaults {
  readonly priority: number;
  readonly retry: RetryPolicy | undefined;
  readonly timeout: Duration | undefined;
  readonly pool: string | undefined;
  readonly cost: Cost | undefined;
}

export const NO_DEFAULTS: ScopeDefaults = {
  priority: 0,
  retry: undefined,
  timeout: undefined,
  pool: undefined,
  cost: undefined,
};

interface Fence {
  readonly reason: CancelledError;
  readonly reach: 'losers' | 'all';
}

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
  /** Of tasks in this scope that say nothing else. */
  readonly defaults: ScopeDefaults;
  /** Why ctx cannot be used here at all, where that is so. */
  refusal: string | undefined;
  /** Who stops reading where code of this scope leaves a stream: of a source whoever reads it. */
  leaver: Scope = this;
  nextOrdinal = 0;
  nextValue = 0;
  /** How often it set something of the run's state. */
  stateSets = 0;
  /** Calls of this scope that are not settled: more than one means several strands. */
  outstanding = 0;
  /** Calls that got a key. */
  issued = 0;
  /** Invoked below the journal's head, where another branch had its slot: what it asks for waits. */
  isParked = false;
  /** Requests that have no key yet: replay has not come to the place where they were recorded. */
  readonly waiting: Request[] = [];
  // Most branches name nothing, hold no other scope and are watched by nobody.
  #names: Set<string> | undefined;
  #children: Set<Scope> | undefined;
  #onFence: Set<() => void> | undefined;
  #versions: Map<string, number> | undefined;
  readonly #enter: (scope: Scope, fn: () => void) => void;
  #controller: AbortController | undefined;
  #fence: Fence | undefined;
  #isDetached = false;
  #refused = false;
  #finished = false;

  private constructor(
    path: ScopePath,
    parent: Scope | undefined,
    defaults: ScopeDefaults,
    enter: (scope: Scope, fn: () => void) => void,
  ) {
    this.path = path;
    this.parent = parent;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    this.defaults = defaults;
    this.#enter = enter;
  }

  /** @param enter runs a function as code of a scope */
  static root(enter: (scope: Scope, fn: () => void) => void): Scope {
    return new Scope(ROOT_SCOPE, undefined, NO_DEFAULTS, enter);
  }

  /** One that nothing gives up with what is around it: of the exits of a scope. */
  static shielded(path: ScopePath, enter: (scope: Scope, fn: () => void) => void): Scope {
    return new Scope(path, undefined, NO_DEFAULTS, enter);
  }

  child(path: ScopePath, defaults: ScopeDefaults): Scope {
    return new Scope(path, this, defaults, this.#enter);
  }

  /** False when the name was taken before. */
  claimName(name: string): boolean {
    this.#names ??= new Set();
    if (this.#names.has(name)) return false;
    this.#names.add(name);
    return true;
  }

  /** How often it asked about that change before. */
  countVersion(name: string): number {
    this.#versions ??= new Map();
    const times = this.#versions.get(name) ?? 0;
    this.#versions.set(name, times + 1);
    return times;
  }

  /** Why nothing may start here any more, from this scope or one around it. */
  get fence(): CancelledError | undefined {
    return this.#fenceFor(false);
  }

  #fenceFor(isDetached: boolean): CancelledError | undefined {
    const own = this.#fence;
    if (own !== undefined && (own.reach === 'all' || !isDetached)) return own.reason;
    const { parent } = this;
    return parent === undefined ? undefined : parent.#fenceFor(isDetached || this.#isDetached);
  }

  /**
   * Whether code here decides for others that read the same stream. What has lost does not; a source that
   * is closed does, as leaving a generator closes what that reads.
   */
  get mayLeave(): boolean {
    return this.leaver === this ? this.fence === undefined : this.leaver.mayLeave;
  }

  /** No decision further out gives it up any more; what interrupts a group around it does. */
  detach(): void {
    this.#isDetached = true;
  }

  /** Of the scopes from here up to `around`, which is none of them: the outermost that was detached. */
  outermostDetached(around: Scope): Scope | undefined {
    if (this === around) return undefined;
    return this.parent?.outermostDetached(around) ?? (this.#isDetached ? this : undefined);
  }

  /** True once: the first call in a fenced scope is refused, later ones never settle. */
  refuseOnce(): boolean {
    if (this.#refused) return false;
    this.#refused = true;
    return true;
  }

  /** @param reach 'losers' leaves out what was detached in it */
  raiseFence(reason: CancelledError, reach: Fence['reach']): void {
    if (this.#fence !== undefined) return;
    this.#fence = { reason, reach };
    this.#abort(reason, reach);
  }

  #abort(reason: CancelledError, reach: Fence['reach']): void {
    // Listeners are code of the branch: what they ask for is refused as its.
    if (this.#controller !== undefined) this.#enter(this, () => this.#controller?.abort(reason));
    for (const callback of this.#onFence ?? []) {
      this.#onFence?.delete(callback);
      callback();
    }
    for (const child of this.#children ?? [])
      if (reach === 'all' || !child.#isDetached) child.#abort(reason, reach);
  }

  /** Whether anybody would see a fence: by its signal, in a branch, or by a callback. */
  get isWatched(): boolean {
    return this.#controller !== undefined || this.#children !== undefined || this.#onFence !== undefined;
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
    const { parent } = this;
    if (parent === undefined || parent.#children?.has(this) === true) return;
    parent.#children ??= new Set();
    parent.#children.add(this);
    parent.#linkToParent();
  }

  /**
   * Calls back once, as soon as this scope is fenced. The caller saw that it is not.
   * @returns takes it back
   */
  whenFenced(callback: () => void): () => void {
    this.#onFence ??= new Set();
    this.#onFence.add(callback);
    this.#linkToParent();
    return () => {
      if (this.#onFence?.delete(callback) === true && this.#finished) this.#unlink();
    };
  }

  get isFinished(): boolean {
    return this.#finished;
  }

  /** The branch has settled: nothing in it needs its signal any more. */
  finish(): void {
    this.#finished = true;
    this.#unlink();
  }

  /** What it left behind may still wait for its fence. */
  #unlink(): void {
    const isNeeded = (this.#children?.size ?? 0) + (this.#onFence?.size ?? 0) > 0;
    if (this.parent !== undefined && !isNeeded) this.parent.#children?.delete(this);
  }
}
