import { CancelledError, TimeoutError, type Settled, type Thunk } from '@pawl/sdk';
import type { CallKey, ScopePath } from '../../journal/call-key.ts';
import { namedKey, ordinalKey } from '../../journal/call-key.ts';
import { unreachable } from '../../journal/invariant.ts';
import type { Decided, GroupCall } from '../../kernel/state.ts';
import type { Scope } from '../scope.ts';
import { decideGroup, type CombinatorMode, type LastSettled } from './decision.ts';
import type { ResolvedGroupOptions } from './options.ts';

export interface GroupPlan {
  readonly mode: CombinatorMode;
  readonly thunks: readonly Thunk[];
  /** Names given by `keyBy`, one per thunk; undefined = by position. */
  readonly names: readonly string[] | undefined;
  readonly options: ResolvedGroupOptions;
  /** Runs a thunk in the async context of the call, wherever the group is opened and pumped from. */
  readonly inUserContext: <R>(fn: () => R) => R;
}

/** What a group needs of its host. */
export interface GroupHost {
  /** Calls are new, not compared with a journal. */
  readonly live: boolean;
  /** Below the head: whether a decision made now has the place that the journal gives it. */
  isDue(key: CallKey, recorded: boolean): boolean;
  recordedGroup(key: CallKey): GroupCall | undefined;
  addScope(scope: Scope): void;
  removeScope(path: ScopePath): void;
  runIn(scope: Scope, thunk: Thunk): unknown;
  decided(key: CallKey, decided: Decided): void;
  closed(group: Group): void;
  signalAborted(key: CallKey, reason: string): void;
}

type Branch =
  | { readonly status: 'idle' }
  | { readonly status: 'running'; readonly scope: Scope }
  | { readonly status: 'fulfilled'; readonly value: unknown }
  | { readonly status: 'rejected'; readonly reason: unknown };

const IDLE: Branch = { status: 'idle' };

/**
 * One parallel call: invokes thunks, decides, fences.
 *
 * Owns its branches. Talks to the host.
 * Invariants: decided once, synchronously at the settle that decides it; below the journal's head
 * only as recorded; no thunk is invoked after the decision.
 */
export class Group {
  readonly key: CallKey;
  readonly plan: GroupPlan;
  /** The scope that the group was called in. */
  readonly scope: Scope;
  readonly #host: GroupHost;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #branches: Branch[];
  /** Around all branches, also those that have settled: what they left behind is given up with the rest. */
  readonly #inside: Scope;
  readonly #settleOrder: number[] = [];
  #fulfilled = 0;
  #rejected = 0;
  #active = 0;
  #next = 0;
  #concurrency: number;
  #batchSize: number;
  #closed = false;
  /** Made below the journal's head and not taken yet. */
  #held: Decided | undefined;
  #abortReason = '';
  #unlisten: () => void = () => undefined;

  constructor(
    key: CallKey,
    scope: Scope,
    plan: GroupPlan,
    host: GroupHost,
    settle: { resolve: (value: unknown) => void; reject: (reason: unknown) => void },
  ) {
    this.key = key;
    this.plan = plan;
    this.scope = scope;
    this.#host = host;
    this.#resolve = settle.resolve;
    this.#reject = settle.reject;
    this.#branches = plan.thunks.map(() => IDLE);
    this.#inside = scope.child(key, plan.options.priority);
    this.#concurrency = plan.options.concurrency;
    this.#batchSize = plan.options.batchSize;
  }

  get concurrency(): number {
    return this.#concurrency;
  }

  get held(): Decided | undefined {
    return this.#held;
  }

  /** As recorded, or as the code has it. */
  open(concurrency: number, batchSize: number, aborted: boolean): void {
    this.#concurrency = concurrency;
    this.#batchSize = batchSize;
    if (aborted) {
      this.interrupt('aborted', 'the signal was aborted before the call');
      return;
    }
    const decided = decideGroup(this.plan.mode, this.#tally(), undefined);
    if (decided === undefined) this.#pump();
    else this.#propose(decided);
  }

  /** Reports an abort of the user's signal, from now on or at once. Only at the journal's head. */
  listen(): void {
    const { signal } = this.plan.options;
    if (signal === undefined || this.#closed) return;
    const report = (): void => this.#host.signalAborted(this.key, describeReason(signal.reason));
    if (signal.aborted) {
      report();
      return;
    }
    signal.addEventListener('abort', report, { once: true });
    this.#unlisten = () => signal.removeEventListener('abort', report);
  }

  /** The run is left with this group open. */
  unlisten(): void {
    this.#unlisten();
  }

  retune(concurrency: number): void {
    this.#concurrency = concurrency;
    if (!this.#closed) this.#pump();
  }

  /** A recorded abort or timeout was delivered. */
  interrupt(outcome: 'aborted' | 'timedOut', reason: string): void {
    this.#abortReason = reason;
    this.#propose({ outcome, winner: null });
  }

  /** Takes the decision that was held, where it is the one wanted (undefined: whichever it is). */
  takeHeld(wanted: Decided | undefined): boolean {
    const held = this.#held;
    if (held === undefined || this.#closed || (wanted !== undefined && !this.#agrees(held, wanted)))
      return false;
    // Its branch may have lost meanwhile: then it counts for the branch alone.
    this.#finish(held, this.scope.fence === undefined);
    return true;
  }

  /** Named branches may stand in another order by now: who decided is then told by the outcomes alone. */
  #agrees(a: Decided, b: Decided): boolean {
    return a.outcome === b.outcome && (a.winner === b.winner || this.plan.names !== undefined);
  }

  #tally(): { width: number; fulfilled: number; rejected: number } {
    return { width: this.#branches.length, fulfilled: this.#fulfilled, rejected: this.#rejected };
  }

  #pump(): void {
    while (!this.#closed && this.#active < this.#concurrency && this.#next < this.#branches.length) {
      if (this.scope.fence !== undefined) return;
      const settled = this.#fulfilled + this.#rejected;
      if (this.#next % this.#batchSize === 0 && settled < this.#next) return;
      this.#invoke(this.#next);
    }
  }

  #invoke(index: number): void {
    const thunk = this.plan.thunks[index];
    if (thunk === undefined) return;
    const scope = this.#inside.child(this.#branchPath(index), this.plan.options.priority);
    this.#next = index + 1;
    this.#active += 1;
    this.#branches[index] = { status: 'running', scope };
    this.#host.addScope(scope);
    // The executor turns a synchronous throw into a rejection.
    new Promise((resolve) => {
      resolve(this.plan.inUserContext(() => this.#host.runIn(scope, thunk)));
    }).then(
      (value) => this.#settled(index, { status: 'fulfilled', value }),
      (reason: unknown) => this.#settled(index, { status: 'rejected', reason }),
    );
  }

  #branchPath(index: number): string {
    const name = this.plan.names?.[index];
    return name === undefined ? ordinalKey(this.key, index) : namedKey(this.key, name);
  }

  #settled(index: number, branch: Branch): void {
    const before = this.#branches[index];
    if (before?.status === 'running') before.scope.finish();
    if (this.#closed) return;
    this.#branches[index] = branch;
    this.#settleOrder.push(index);
    const fulfilled = branch.status === 'fulfilled';
    if (fulfilled) this.#fulfilled += 1;
    else this.#rejected += 1;
    const last: LastSettled = { index, fulfilled };
    const decided = decideGroup(this.plan.mode, this.#tally(), last);
    if (decided !== undefined) {
      // Whether it is taken now or held for its place: the slot of who decided goes to nobody.
      this.#propose(decided);
      return;
    }
    this.#active -= 1;
    if (this.#active === 0 && this.scope.fence !== undefined)
      this.interrupt('aborted', this.scope.fence.message);
    this.#pump();
  }

  /** Live a decision counts at once; below the head the recorded one is the authority. */
  #propose(decided: Decided): void {
    if (this.#closed) return;
    if (this.scope.fence !== undefined) {
      this.#finish(decided, false);
      return;
    }
    if (this.#host.live) {
      this.#finish(decided, true);
      return;
    }
    const phase = this.#host.recordedGroup(this.key)?.phase;
    const isRecorded = phase?.status === 'closed';
    if (isRecorded && !this.#agrees(phase.decided, decided)) return;
    // A decision that comes early is held: losers may have gone on before it, as is recorded.
    if (this.#host.isDue(this.key, isRecorded)) this.#finish(decided, true);
    else this.#held ??= decided;
  }

  #finish(decided: Decided, recorded: boolean): void {
    this.#closed = true;
    this.#held = undefined;
    this.#unlisten();
    const why = new CancelledError(this.#whyGivenUp(decided));
    // First the decision: listeners of the losers' signals may set off calls elsewhere.
    if (recorded) this.#host.decided(this.key, decided);
    this.#inside.raiseFence(why);
    this.#inside.finish();
    if (!this.#host.live) for (let i = 0; i < this.#next; i += 1) this.#host.removeScope(this.#branchPath(i));
    this.#host.closed(this);
    this.#settlePromise(decided, why);
  }

  #whyGivenUp(decided: Decided): string {
    const name = `parallel.${this.plan.mode} (${this.key})`;
    switch (decided.outcome) {
      case 'aborted':
        return `${name} was given up: ${this.#abortReason}`;
      case 'timedOut':
        // Process code can read it: it tells what was recorded, not what the code says by now.
        return `${name} timed out after ${this.#host.recordedGroup(this.key)?.timeoutMs} ms`;
      case 'fulfilled':
      case 'rejected':
        return `${name} was decided without this branch`;
      default:
        return unreachable(decided.outcome);
    }
  }

  #settlePromise(decided: Decided, why: CancelledError): void {
    const interrupted = decided.outcome === 'timedOut' ? new TimeoutError(why.message) : why;
    if (this.plan.mode === 'allSettled') this.#resolve(this.#entries(interrupted));
    else if (decided.outcome === 'aborted' || decided.outcome === 'timedOut') this.#reject(interrupted);
    else if (decided.winner !== null) this.#settleLike(this.#branches[decided.winner]);
    else if (decided.outcome === 'fulfilled')
      this.#resolve(
        this.#branches.map((branch) => (branch.status === 'fulfilled' ? branch.value : undefined)),
      );
    else this.#reject(this.#allFailed());
  }

  #settleLike(branch: Branch | undefined): void {
    if (branch?.status === 'fulfilled') this.#resolve(branch.value);
    else if (branch?.status === 'rejected') this.#reject(branch.reason);
  }

  #allFailed(): AggregateError {
    const reasons = this.#branches.map((branch, index) => {
      const reason = branch.status === 'rejected' ? branch.reason : undefined;
      return withPlace(reason, index, this.#branchName(index));
    });
    const list = reasons.map(inWords).join('; ');
    return new AggregateError(
      reasons,
      reasons.length === 0
        ? 'parallel.any of an empty list'
        : `all ${reasons.length} branches of parallel.any failed: ${list}`,
    );
  }

  #branchName(index: number): string {
    return this.plan.names?.[index] ?? String(index);
  }

  #entries(interrupted: Error): Settled<unknown>[] {
    const inOrder = [...this.#branches.keys()];
    const order = this.plan.options.preserveOrder
      ? inOrder
      : [...this.#settleOrder, ...inOrder.filter((index) => !isSettled(this.#branches[index]))];
    return Array.from(order, (index): Settled<unknown> => {
      const branch = this.#branches[index] ?? IDLE;
      const place = { index, key: this.#branchName(index) };
      switch (branch.status) {
        case 'fulfilled':
          return { status: 'fulfilled', value: branch.value, ...place };
        case 'rejected':
          return { status: 'rejected', reason: branch.reason, ...place, started: true };
        case 'running':
        case 'idle':
          return { status: 'rejected', reason: interrupted, ...place, started: branch.status === 'running' };
        default:
          return unreachable(branch);
      }
    });
  }
}

function isSettled(branch: Branch | undefined): boolean {
  return branch?.status === 'fulfilled' || branch?.status === 'rejected';
}

/** A reason of any kind in words that can be recorded. */
function describeReason(reason: unknown): string {
  if (typeof reason === 'string') return reason;
  try {
    if (reason instanceof Error) return String(reason.message === '' ? reason.name : reason.message);
  } catch {
    // A getter or a proxy of the user's that throws: the abort counts all the same.
  }
  return 'the signal was aborted';
}

/** What a branch threw, for a message: anything can be thrown, also what has no text or a getter that throws. */
function inWords(reason: unknown): string {
  try {
    return reason instanceof Error ? String(reason.message) : String(reason);
  } catch {
    return `a value of type ${typeof reason} that has no text`;
  }
}

/** Adds index and key to an error of `any`, without touching one that is frozen. */
function withPlace(reason: unknown, index: number, key: string): unknown {
  try {
    if (!(reason instanceof Error) || !Object.isExtensible(reason)) return reason;
    if (!('index' in reason)) Object.defineProperty(reason, 'index', { value: index, configurable: true });
    if (!('key' in reason)) Object.defineProperty(reason, 'key', { value: key, configurable: true });
  } catch {
    // A proxy that refuses stays as it is.
  }
  return reason;
}
