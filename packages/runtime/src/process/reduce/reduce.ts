import { CancelledError } from '@pawl/sdk';
import { ordinalKey, type CallKey } from '../../journal/call-key.ts';
import { decode } from '../../journal/codec.ts';
import type { Folded } from '../../journal/fold-event.ts';
import { broken, unreachable } from '../../journal/invariant.ts';
import { isInterruption, type Decided } from '../../kernel/state.ts';
import { listenTo } from '../parallel/abort-signal.ts';
import { interruption, whyGivenUp } from '../parallel/given-up.ts';
import type { OpenGroup } from '../parallel/group-host.ts';
import { encodePayload } from '../payload.ts';
import type { Scope } from '../scope.ts';
import { isThenable } from '../thenable.ts';
import { Judgement } from './judgement.ts';
import { fewerItems, otherSource } from './other-source.ts';
import type { Item, Phase } from './reduce-phase.ts';
import type { ReduceHost, ReducePlan } from './reduce-plan.ts';
import { Supply } from './supply.ts';

/**
 * One `ctx.reduce`: pulls items, folds them in order, and sets marks.
 *
 * Owns the state and the items between pull and fold. Talks to the host.
 * Invariants: J8 a mark is a barrier, nothing of the items before it is open; what follows a mark
 * begins with its delivery, live and on replay; the state behind a mark is what the journal gives back;
 * decided once, below the journal's head only as recorded.
 */
export class Reduce implements OpenGroup {
  readonly key: CallKey;
  readonly plan: ReducePlan;
  readonly scope: Scope;
  readonly #host: ReduceHost;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #supply: Supply;
  readonly #items = new Map<number, Item>();
  readonly #failures = new Map<number | null, unknown>();
  readonly #judgement: Judgement;
  #phase: Phase = { status: 'resting' };
  #state: unknown;
  /** Items that are folded, that are pulled, and that the last mark holds. */
  #folded = 0;
  #pulled = 0;
  #marked = 0;
  #active = 0;
  #isStepping = false;
  #concurrency = 1;
  #chunk = 1;
  #buffer = 0;
  #abortReason = '';
  #unlisten: () => void = () => undefined;
  #unwatch: () => void = () => undefined;

  constructor(
    key: CallKey,
    scope: Scope,
    plan: ReducePlan,
    host: ReduceHost,
    settle: { resolve: (value: unknown) => void; reject: (reason: unknown) => void },
  ) {
    this.key = key;
    this.scope = scope;
    this.plan = plan;
    this.#host = host;
    this.#resolve = settle.resolve;
    this.#reject = settle.reject;
    this.#judgement = new Judgement(key, scope, host, (decided, recorded) => this.#finish(decided, recorded));
    this.#supply = new Supply(
      key,
      scope,
      plan,
      (inside, fn) => host.runIn(inside, fn),
      (error) => this.#failed(null, error),
    );
  }

  get isOpen(): boolean {
    return this.#phase.status !== 'closed';
  }

  /** What items leave behind is given up at the mark behind them, whatever their own groups let go on. */
  get isDetached(): boolean {
    return false;
  }

  get wantedConcurrency(): number {
    return this.plan.options.concurrency;
  }

  /** Its branches have no names. */
  isIdle(): boolean {
    return false;
  }

  beginOutOfOrder(): void {}

  get concurrency(): number {
    return this.#concurrency;
  }

  /** As recorded, or as the code has it. */
  open(concurrency: number, chunk: number, buffer: number, aborted: boolean): void {
    this.#concurrency = concurrency;
    this.#chunk = chunk;
    this.#buffer = buffer;
    this.#state = decode(this.plan.initial);
    if (aborted) {
      this.interrupt('aborted', 'the signal was aborted before the call');
      return;
    }
    const recorded = this.#host.live ? undefined : this.#host.recordedGroup(this.key);
    if (recorded === undefined || recorded.folded === null) this.#startChunk();
  }

  /** The mark was delivered: one that was asked for, or the one that the replay goes on from. */
  mark({ n, state, source }: Folded): void {
    const { status } = this.#phase;
    if (status === 'closed') return;
    this.#unwatch();
    this.#state = decode(state);
    if (status === 'resting') {
      if (source === null || this.plan.source.isThat(source))
        this.#supply.skip(n, source, (count) => this.#skipped(n, count));
      else this.#host.port.fail(otherSource(this.key, this.#host.runId, source));
      return;
    }
    if (!(status === 'marking' && n === this.#folded))
      broken('J8', `mark ${n} of ${this.key} was not asked for`);
    this.#marked = n;
    this.#startChunk();
  }

  #skipped(n: number, count: number): void {
    if (this.#phase.status === 'closed') return;
    if (count < n) {
      this.#host.port.fail(fewerItems(this.key, this.#host.runId, count, n));
      return;
    }
    this.#folded = n;
    this.#pulled = n;
    this.#marked = n;
    this.#startChunk();
  }

  #startChunk(): void {
    const inside = this.scope.child(this.key, this.plan.options.defaults);
    this.#phase = { status: 'folding', inside, end: this.#folded + this.#chunk };
    this.#work();
  }

  /** All that can be done now, in a fixed order: first pull, then fold, then the end of the chunk. */
  #work(): void {
    for (;;) {
      const phase = this.#phase;
      if (phase.status !== 'folding') return;
      if (this.scope.fence !== undefined) {
        const isQuiet = this.#active === 0 && !this.#isStepping && this.#supply.state !== 'pulling';
        if (isQuiet) this.interrupt('aborted', this.scope.fence.message);
        return;
      }
      const item = this.#items.get(this.#folded);
      if (this.#canPull(phase.end)) this.#pull(phase.inside);
      else if (item?.result !== undefined && !this.#isStepping) this.#fold(item, item.result.value);
      else if (this.#isChunkDone(phase.end)) this.#endChunk(phase.inside);
      else return;
    }
  }

  #canPull(end: number): boolean {
    if (this.#supply.state !== 'open' || this.#pulled >= end) return false;
    if (this.plan.options.each === undefined) return this.#pulled === this.#folded;
    return this.#active < this.#concurrency && this.#pulled - this.#folded < this.#concurrency + this.#buffer;
  }

  #isChunkDone(end: number): boolean {
    if (this.#folded < this.#pulled) return false;
    const { state } = this.#supply;
    return state === 'ended' || (state === 'open' && this.#pulled >= end);
  }

  #pull(inside: Scope): void {
    this.#supply.pull(
      (item) => {
        if (this.#phase.status === 'folding') this.#take(inside, item);
      },
      () => this.#work(),
    );
  }

  #take(inside: Scope, given: unknown): void {
    const index = this.#pulled;
    const scope = inside.child(ordinalKey(this.key, index), this.plan.options.defaults);
    this.#pulled += 1;
    this.#host.addScope(scope);
    const { each } = this.plan.options;
    const item: Item = { scope, result: each === undefined ? { value: given } : undefined };
    this.#items.set(index, item);
    if (each === undefined) return;
    this.#active += 1;
    new Promise((resolve) => {
      resolve(this.#inBranch(scope, () => each(given, index)));
    }).then(
      (value) => this.#worked(item, value),
      // The slot of who decided goes to nobody.
      (error: unknown) => this.#failed(index, error),
    );
  }

  #worked(item: Item, value: unknown): void {
    this.#active -= 1;
    item.result = { value };
    this.#work();
  }

  #inBranch(scope: Scope, fn: () => unknown): unknown {
    return this.plan.inUserContext(() => this.#host.runIn(scope, fn));
  }

  #fold(item: Item, value: unknown): void {
    const index = this.#folded;
    this.#isStepping = true;
    let next: unknown;
    try {
      next = this.#inBranch(item.scope, () => this.plan.step(this.#state, value, index));
      if (isThenable(next)) next = Promise.resolve(next);
    } catch (error) {
      this.#failed(index, error);
      return;
    }
    if (!(next instanceof Promise)) {
      this.#stepped(item, next);
      return;
    }
    next.then(
      (state: unknown) => this.#steppedLater(item, state),
      (error: unknown) => this.#failed(index, error),
    );
  }

  #steppedLater(item: Item, state: unknown): void {
    if (this.#phase.status !== 'folding') return;
    this.#stepped(item, state);
    this.#work();
  }

  #stepped(item: Item, state: unknown): void {
    this.#isStepping = false;
    this.#state = state;
    item.scope.finish();
    this.#items.delete(this.#folded);
    this.#folded += 1;
  }

  #endChunk(inside: Scope): void {
    if (this.#folded === this.#marked) {
      this.#judgement.propose({ outcome: 'fulfilled', winner: null });
      // Where it is held for its place, nothing more is to be done meanwhile.
      if (this.#phase.status === 'folding') this.#phase = { status: 'sealing' };
      return;
    }
    this.#phase = { status: 'sealing' };
    inside.raiseFence(new CancelledError(`reduce (${this.key}) went on without it`), 'all');
    inside.finish();
    this.#removeScopes(this.#marked);
    this.#host.admission.refuseFenced();
    this.#host.whenSettled(inside, () => this.#seal());
    this.#giveUpLeftBehind();
  }

  #giveUpLeftBehind(): void {
    if (this.#phase.status === 'sealing' && this.#host.live) this.#host.port.leftBehind(this.key);
  }

  #removeScopes(from: number): void {
    if (this.#host.live) return;
    for (let index = from; index < this.#pulled; index += 1)
      this.#host.removeScope(ordinalKey(this.key, index));
  }

  /** It waits for its mark to be recorded. */
  get isMarking(): boolean {
    return this.#phase.status === 'marking';
  }

  #seal(): void {
    if (this.#phase.status !== 'sealing') return;
    const { fence } = this.scope;
    if (fence !== undefined) {
      this.interrupt('aborted', fence.message);
      return;
    }
    try {
      const state = encodePayload(
        `The state of reduce (${this.key})`,
        this.#state,
        this.#host.limits.payloadBytes,
      );
      this.#phase = { status: 'marking', n: this.#folded, state };
    } catch (error) {
      this.#failed(null, error);
      return;
    }
    this.#watchFence();
    this.#ask();
  }

  #ask(): void {
    const phase = this.#phase;
    if (phase.status !== 'marking' || !this.#host.live) return;
    const { n, state } = phase;
    this.#host.port.foldReached({ key: this.key, n, state, source: this.plan.source.stand(n) });
  }

  /** While a mark is asked for nothing is open whose end would tell that the scope around was given up. */
  #watchFence(): void {
    const { signal } = this.scope;
    const onFence = (): void => this.interrupt('aborted', this.scope.fence?.message ?? '');
    signal.addEventListener('abort', onFence, { once: true });
    this.#unwatch = () => signal.removeEventListener('abort', onFence);
  }

  goLive(): void {
    this.listen();
    this.#giveUpLeftBehind();
    this.#ask();
  }

  listen(): void {
    const { signal } = this.plan.options;
    if (this.#phase.status === 'closed') return;
    this.#unlisten = listenTo(signal, (reason) => this.#host.port.signalAborted(this.key, reason));
  }

  unlisten(): void {
    this.#unlisten();
    this.#unwatch();
  }

  retune(concurrency: number): void {
    this.#concurrency = concurrency;
    this.#work();
  }

  interrupt(outcome: 'aborted' | 'timedOut', reason: string): void {
    this.#abortReason = reason;
    this.#judgement.propose({ outcome, winner: null });
  }

  takeHeld(wanted: Decided | undefined): boolean {
    return this.#judgement.takeHeld(wanted);
  }

  #failed(index: number | null, reason: unknown): void {
    if (this.#phase.status === 'closed') return;
    if (!this.#failures.has(index)) this.#failures.set(index, reason);
    this.#judgement.propose({ outcome: 'rejected', winner: index });
  }

  #finish(decided: Decided, recorded: boolean): void {
    const before = this.#phase;
    this.#phase = { status: 'closed' };
    this.unlisten();
    const place = { key: this.key, mode: 'reduce' } as const;
    const why = whyGivenUp(this.#host, place, decided.outcome, this.#abortReason);
    // First the decision: listeners of the losers' signals may set off calls elsewhere.
    if (recorded) this.#host.decided(this.key, decided);
    if (before.status === 'folding') {
      before.inside.raiseFence(why, isInterruption(decided.outcome) ? 'all' : 'losers');
      before.inside.finish();
      this.#removeScopes(this.#marked);
    }
    this.#host.closed(this);
    this.#host.settled(this);
    this.#items.clear();
    this.#supply.close();
    this.#settlePromise(decided, why);
  }

  #settlePromise({ outcome, winner }: Decided, why: CancelledError): void {
    switch (outcome) {
      case 'fulfilled':
        this.#resolve(this.#state);
        return;
      case 'rejected':
        this.#reject(this.#failures.get(winner));
        return;
      case 'timedOut':
      case 'aborted':
        this.#reject(interruption(outcome, why));
        return;
      default:
        unreachable(outcome);
    }
  }
}
