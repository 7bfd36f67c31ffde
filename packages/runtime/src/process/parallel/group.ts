import type { CancelledError } from '@pawl/sdk';
import type { CallKey, ScopePath } from '../../journal/call-key.ts';
import type { Losers } from '../../journal/event.ts';
import { fencesLosers, isInterruption, type Decided } from '../../kernel/state.ts';
import type { Scope } from '../scope.ts';
import { Begun, orderOf } from './begun.ts';
import { BranchPaths, IDLE, indexOf, startBranch, type Branch, type Outcome } from './branch.ts';
import { decideGroup, isByAll, type LastSettled } from './decision.ts';
import { listenTo } from './abort-signal.ts';
import { interruption, whyGivenUp } from './given-up.ts';
import type { GroupHost, OpenGroup } from './group-host.ts';
import { Held } from './held.ts';
import type { GroupPlan, Opening } from './group-plan.ts';
import { ParkedBranches } from './out-of-order.ts';
import { groupResult } from './result.ts';

type Phase =
  | { readonly status: 'open' }
  /** Decided, and its branches go on. */
  | { readonly status: 'goingOn'; readonly decided: Decided; readonly why: CancelledError }
  | { readonly status: 'closed' };

/**
 * One parallel call: invokes thunks, decides, fences.
 *
 * Owns its branches. Talks to the host.
 * Invariants: decided once, synchronously at the settle that decides it; below the journal's head
 * only as recorded; no thunk is invoked after the decision; below the head those are invoked that were before it.
 */
export class Group implements OpenGroup {
  readonly key: CallKey;
  readonly plan: GroupPlan;
  /** The scope that the group was called in. */
  readonly scope: Scope;
  readonly #host: GroupHost;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #branches: Branch[];
  readonly #paths: BranchPaths;
  /** Around all branches, also those that have settled: what they left behind is given up with the rest. */
  readonly #inside: Scope;
  readonly #settleOrder: number[] = [];
  #fulfilled = 0;
  #rejected = 0;
  /** Branches that have not settled. */
  #running = 0;
  /** Slots of the concurrency that are taken. */
  #active = 0;
  #next = 0;
  #concurrency: number;
  #batchSize: number;
  #losers: Losers;
  #phase: Phase = { status: 'open' };
  /** Some branch had to wait until it could begin. */
  #isBounded = false;
  /** Below the journal's head: who had begun when it was decided, as far as that is known. */
  #begun: Begun | undefined;
  readonly #parked: ParkedBranches;
  readonly #held: Held;
  #abortReason = '';
  #unlisten: () => void = () => undefined;
  #unhook: (() => void) | undefined;

  constructor(
    key: CallKey,
    scope: Scope,
    plan: GroupPlan,
    host: GroupHost,
    settle: { resolve: (value: unknown) => void; reject: (reason: unknown) => void },
  ) {
    const { concurrency, batchSize, losers, defaults } = plan.options;
    this.key = key;
    this.plan = plan;
    this.scope = scope;
    this.#host = host;
    this.#resolve = settle.resolve;
    this.#reject = settle.reject;
    this.#branches = Array.from({ length: plan.width }, () => IDLE);
    this.#paths = new BranchPaths(key, plan.width, plan.names);
    this.#inside = scope.child(key, defaults);
    this.#concurrency = concurrency;
    this.#batchSize = batchSize;
    this.#losers = losers;
    this.#parked = new ParkedBranches(host);
    this.#held = new Held(host, key, plan.names !== undefined);
  }

  get concurrency(): number {
    return this.#concurrency;
  }

  get wantedConcurrency(): number {
    return this.plan.options.concurrency;
  }

  get isOpen(): boolean {
    return this.#phase.status === 'open';
  }

  get isDetached(): boolean {
    return this.#phase.status === 'goingOn' && this.#losers === 'detach' && this.#inside.fence === undefined;
  }

  open({ concurrency, batchSize, losers, aborted }: Opening): void {
    this.#concurrency = concurrency;
    this.#batchSize = batchSize;
    this.#losers = losers;
    if (aborted) {
      this.interrupt('aborted', 'the signal was aborted before the call');
      return;
    }
    const decided = this.#decide(undefined);
    this.plan.options.limiter?.limit(concurrency);
    this.#begun = Begun.recorded(this.#host, this.#paths);
    if (decided === undefined) this.#pump();
    else this.#propose(decided);
    this.#isBounded = this.#branches.includes(IDLE);
    if (this.#isBounded && this.isOpen) this.#begun ??= Begun.likely(this.#host, this.#paths);
  }

  /** The journal's head is reached. */
  goLive(): void {
    this.listen();
    if (!this.isOpen) for (const scope of this.#parked.all) this.#host.release(scope);
    this.#pump();
  }

  /** Reports an abort of the user's signal, from now on or at once. Only at the journal's head. */
  listen(): void {
    if (this.#phase.status === 'closed') return;
    this.#unlisten = listenTo(this.plan.options.signal, (reason) =>
      this.#host.signalAborted(this.key, reason),
    );
  }

  /** The run is left with this group open. */
  unlisten(): void {
    this.#unlisten();
    this.#unhook?.();
  }

  retune(concurrency: number): void {
    this.#concurrency = concurrency;
    if (this.isOpen) this.plan.options.limiter?.limit(concurrency);
    this.#pump();
  }

  /** A recorded abort or timeout was delivered. */
  interrupt(outcome: 'aborted' | 'timedOut', reason: string): void {
    this.#abortReason = reason;
    const phase = this.#phase;
    if (phase.status !== 'goingOn') {
      this.#propose({ outcome, winner: null });
      return;
    }
    // The decision stays; what was left to go on is given up now.
    const why = this.#whyGivenUp(outcome);
    this.#fence(why, 'all');
    if (this.#losers === 'drain') this.#settlePromise(phase.decided, interruption(outcome, why));
  }

  takeHeld(wanted: Decided | undefined, isAlikeEnough = false): boolean {
    if (!this.isOpen || (wanted !== undefined && this.#isHeldUp(wanted))) return false;
    const held = this.#held.take(wanted, isAlikeEnough);
    // Its branch may have lost meanwhile: then it counts for the branch alone.
    if (held !== undefined) this.#finish(held.decided, this.scope.fence === undefined);
    return held !== undefined;
  }

  /** Whether this is a named branch that was not invoked. */
  isIdle(path: ScopePath): boolean {
    return this.isOpen && this.#idleIndex(path) !== -1;
  }

  #idleIndex(path: ScopePath): number {
    if (this.#paths.names === undefined || !path.startsWith(`${this.key}/`)) return -1;
    return this.#branches.findIndex((branch, index) => branch === IDLE && this.#paths.of(index) === path);
  }

  /** The journal has a call of this branch next: it gets the slot of one that has none recorded so far. */
  beginOutOfOrder(path: ScopePath): void {
    this.#beginInPlace(this.#idleIndex(path));
  }

  #beginInPlace(index: number): void {
    if (this.#paths.names !== undefined) this.#parked.park(this.#branches);
    this.#invoke(index);
  }

  /** What it gives up need not have begun in its order: it begins when it is taken. What goes on is waited for. */
  #isHeldUp({ outcome }: Decided): boolean {
    return !fencesLosers(outcome, this.#losers) && this.#begun?.next(this.#branches) !== undefined;
  }

  get waitsFor(): 'branches' | 'decider' | undefined {
    const { decided } = this.#held;
    if (!this.isOpen || decided === undefined) return undefined;
    return this.#isHeldUp(decided) ? 'branches' : this.#held.waitsFor;
  }

  giveWay(wanted: Decided): void {
    if (this.#isHeldUp(wanted)) this.#catchUp();
    else this.takeHeld(wanted, true);
  }

  /** Who had begun, and has not here: waits outside ctx take longer than they did, or it is not the same order. */
  #catchUp(): void {
    let index = this.#begun?.next(this.#branches);
    for (; index !== undefined; index = this.#begun?.next(this.#branches)) this.#beginInPlace(index);
  }

  /** Parked branches go first, once the journal's head is reached; below it their place is recorded. */
  #unpark(): void {
    if (!this.#host.live || this.scope.fence !== undefined) return;
    const others = this.#running - this.#parked.count;
    if (this.#batchSize !== Infinity && others > 0) return;
    for (let room = this.#concurrency - others; room > 0; room -= 1) {
      const scope = this.#parked.next();
      if (scope === undefined) return;
      this.#host.release(scope);
    }
  }

  #decide(last: LastSettled | undefined): Decided | undefined {
    const { mode, options } = this.plan;
    const tally = { width: this.#branches.length, fulfilled: this.#fulfilled, rejected: this.#rejected };
    return decideGroup(mode, tally, last, options.completion);
  }

  #pump(): void {
    if (this.#parked.count > 0) this.#unpark();
    if (this.#parked.count > 0) return;
    const most = this.plan.options.limiter ? Infinity : this.#concurrency;
    while (this.isOpen && this.#active < most && this.#next < this.#branches.length) {
      if (this.scope.fence !== undefined) return;
      if (
        this.#branches[this.#next] !== IDLE ||
        (this.#begun?.isKnown === true && !this.#begun.has(this.#next))
      ) {
        this.#next += 1;
        continue;
      }
      if (this.#next % this.#batchSize === 0 && this.#fulfilled + this.#rejected < this.#next) return;
      this.#invoke(this.#next);
    }
  }

  #invoke(index: number): void {
    if (index < 0) return;
    const scope = this.#inside.child(this.#paths.of(index), this.#inside.defaults);
    if (index === this.#next) this.#next += 1;
    this.#active += 1;
    this.#running += 1;
    this.#branches[index] = { status: 'running', scope };
    this.#host.addScope(scope);
    startBranch(index, this.#run, this.#settled);
  }

  readonly #run = (index: number): unknown => this.plan.inUserContext(this.#enter, index);

  readonly #enter = (index: number): unknown => {
    const branch = this.#branches[index];
    return branch?.status === 'running' ? this.#host.runIn(branch.scope, this.plan.call, index) : undefined;
  };

  readonly #settled = (index: number, branch: Outcome): void => {
    const before = this.#branches[index];
    if (before?.status !== 'running') return;
    before.scope.finish();
    this.#running -= 1;
    if (this.#phase.status === 'closed') return;
    this.#branches[index] = branch;
    this.#settleOrder.push(index);
    const fulfilled = branch.status === 'fulfilled';
    if (fulfilled) this.#fulfilled += 1;
    else this.#rejected += 1;
    if (this.#phase.status === 'goingOn') {
      this.#endWhenQuiet(this.#phase);
      return;
    }
    const decided = this.#decide({ index, fulfilled });
    // Whether it is taken now or held for its place: the slot of who decided goes to nobody.
    if (decided !== undefined && this.#propose(decided)) return;
    this.#active -= 1;
    if (this.#active === 0 && this.scope.fence !== undefined)
      this.interrupt('aborted', this.scope.fence.message);
    this.#pump();
    // Those that it waited for may have begun.
    const { recorded, decided: held } = this.#held;
    if (recorded !== undefined && held !== undefined && this.#host.isDue(this.key, true))
      this.takeHeld(recorded);
  };

  /**
   * Live a decision counts at once; below the head the recorded one is the authority.
   * @returns false where another one is held for its place
   */
  #propose(decided: Decided): boolean {
    if (!this.isOpen) return false;
    const first = this.#held.first(decided);
    const isGivenUp = this.scope.fence !== undefined;
    if (!isGivenUp && !this.#host.live) {
      if (this.#held.isRefused(decided)) return true;
      // A decision that comes early is held: losers may have gone on before it, as is recorded.
      if (!this.#held.isDue(first) || this.#isHeldUp(first)) {
        // Nothing else tells it that the group is given up.
        this.#unhook ??= this.scope.whenFenced(() => this.takeHeld(undefined));
        return this.#held.hold({ decided, end: undefined });
      }
    }
    this.#finish(first, !isGivenUp);
    return true;
  }

  #finish(decided: Decided, recorded: boolean): void {
    this.#unhook?.();
    const { outcome } = decided;
    const why = this.#whyGivenUp(outcome);
    const isFence = !recorded || fencesLosers(outcome, this.#losers);
    const phase = { status: 'goingOn', decided, why } as const;
    this.#phase = phase;
    if (recorded) this.#catchUp();
    const dropped = isFence ? [] : this.#parked.unbegun(this.#branches, this.#begun);
    // First the decision: listeners of the losers' signals may set off calls elsewhere.
    if (recorded) this.#host.decided(this.key, this.#withBegun(decided, dropped.length));
    if (isFence) {
      this.#fence(why, recorded && isInterruption(outcome) ? 'all' : 'losers');
      this.#settlePromise(decided, interruption(outcome, why));
      return;
    }
    this.#dropParked(why, dropped);
    if (this.#losers === 'detach') {
      this.#inside.detach();
      this.#settlePromise(decided, why);
    }
    this.#endWhenQuiet(phase);
  }

  /** How many had begun, where that does not go without saying. */
  #withBegun({ outcome, winner }: Decided, dropped: number): Decided {
    const decided = { outcome, winner };
    if (!this.#isBounded || isByAll(decided, this.plan.options.completion)) return decided;
    const begun = this.#settleOrder.length + this.#running;
    if (dropped > 0 || this.#branches.slice(0, begun).includes(IDLE)) return decided;
    const order = orderOf(this.#host, this.plan.names);
    return order === undefined ? { ...decided, begun } : { ...decided, begun, order };
  }

  /** Others of those without a slot go on. */
  #dropParked(why: CancelledError, dropped: readonly Scope[]): void {
    const parked = this.#parked.all;
    for (const scope of dropped) {
      this.#branches[indexOf(this.#branches, scope)] = IDLE;
      this.#running -= 1;
      scope.raiseFence(why, 'all');
    }
    for (const scope of parked) if (this.#host.live || scope.fence !== undefined) this.#host.release(scope);
  }

  #fence(why: CancelledError, reach: 'losers' | 'all'): void {
    this.#phase = { status: 'closed' };
    this.#unlisten();
    this.#inside.raiseFence(why, reach);
    this.#inside.finish();
    if (!this.#host.live)
      for (const i of this.#branches.keys())
        if (this.#branches[i] !== IDLE) this.#host.removeScope(this.#paths.of(i));
    this.#host.closed(this);
  }

  /** What settled branches left behind is not waited for; it goes on like calls of the process itself. */
  #endWhenQuiet({ decided, why }: Extract<Phase, { status: 'goingOn' }>): void {
    if (this.#running > 0) return;
    this.#phase = { status: 'closed' };
    this.#unlisten();
    this.#inside.finish();
    this.#host.closed(this);
    if (this.#losers === 'drain') this.#settlePromise(decided, why);
  }

  #whyGivenUp(outcome: Decided['outcome']): CancelledError {
    return whyGivenUp(this.#host, { key: this.key, mode: this.plan.mode }, outcome, this.#abortReason);
  }

  #settlePromise(decided: Decided, interrupted: Error): void {
    this.#host.settled(this);
    const { mode, names, options } = this.plan;
    const result = groupResult({
      mode,
      names,
      branches: this.#branches,
      settleOrder: this.#settleOrder,
      preserveOrder: options.preserveOrder,
      decided,
      interrupted,
    });
    if (result.ok) this.#resolve(result.value);
    else this.#reject(result.reason);
  }
}
