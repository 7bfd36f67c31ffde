import type { CancelledError } from '@pawl/sdk';
import type { CallKey } from '../../journal/call-key.ts';
import type { GroupMode, ScopeOutcome } from '../../journal/event.ts';
import { isInterruption, type Decided } from '../../kernel/state.ts';
import type { Scope, ScopeDefaults } from '../scope.ts';
import { listenTo } from './abort-signal.ts';
import { interruption, whyGivenUp } from './given-up.ts';
import type { GroupHost, OpenGroup } from './group-host.ts';
import { Held } from './held.ts';

/** How a call ends for whoever waits for it. */
export type End =
  | { readonly kind: 'done'; readonly value?: unknown }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface VerdictPlan {
  readonly mode: GroupMode;
  readonly signal: AbortSignal | undefined;
  /** Of the tasks inside. */
  readonly defaults: ScopeDefaults;
  /** Whether branches have names, so that they may stand in another order by now. */
  readonly isNamed: boolean;
}

/**
 * The decision over one call that works on a source, and the fence that it raises.
 *
 * Owns whether it was taken, the one that is held, and the listeners of the user's signal and of the
 * fence around it. Talks to the host.
 * Invariants: taken once, synchronously where it is made; below the journal's head only as recorded.
 */
export class Verdict {
  readonly key: CallKey;
  /** Around the source and all branches. */
  readonly inside: Scope;
  readonly #host: GroupHost;
  readonly #group: OpenGroup;
  readonly #plan: VerdictPlan;
  readonly #onTaken: (end: End) => void;
  #isTaken = false;
  readonly #held: Held<End>;
  #reason = '';
  #unlisten: () => void = () => undefined;
  readonly #unhook: () => void;

  /** @param onTaken the fence stands, and whoever waits can be told */
  constructor(host: GroupHost, group: OpenGroup, plan: VerdictPlan, onTaken: (end: End) => void) {
    this.key = group.key;
    this.inside = group.scope.child(group.key, plan.defaults);
    this.#host = host;
    this.#group = group;
    this.#plan = plan;
    this.#onTaken = onTaken;
    this.#held = new Held(host, group.key, plan.isNamed);
    // A stream can stand still with nothing that would be cancelled: the fence itself gives it up.
    this.#unhook = group.scope.whenFenced(() => this.#fencedAround());
  }

  get isTaken(): boolean {
    return this.#isTaken;
  }

  listen(): void {
    if (this.#isTaken) return;
    this.#unlisten = listenTo(this.#plan.signal, (reason) => this.#host.signalAborted(this.key, reason));
  }

  unlisten(): void {
    this.#unlisten();
    this.#unhook();
  }

  #fencedAround(): void {
    this.interrupt('aborted', this.#group.scope.fence?.message ?? '');
  }

  interrupt(outcome: 'aborted' | 'timedOut', reason: string): void {
    this.#reason = reason;
    const error = interruption(outcome, this.#whyGivenUp(outcome));
    this.propose({ outcome, winner: null }, { kind: 'failed', error });
  }

  /**
   * Live a decision counts at once; below the head the recorded one is the authority.
   * @returns false where it is not the one that was recorded, and so is none
   */
  propose(decided: Decided, end: End): boolean {
    if (this.#isTaken) return false;
    if (this.#group.scope.fence !== undefined) {
      this.#take(decided, end, false);
      return true;
    }
    if (this.#host.live) {
      this.#take(decided, end, true);
      return true;
    }
    if (this.#held.isRefused(decided)) return false;
    // A decision that comes early is held: branches may have gone on before it, as is recorded.
    if (this.#held.isDue(decided)) this.#take(decided, end, true);
    else this.#held.hold({ decided, end });
    return true;
  }

  takeHeld(wanted: Decided | undefined, isAlikeEnough = false): boolean {
    if (this.#isTaken) return false;
    const held = this.#held.take(wanted, isAlikeEnough);
    // Its branch may have lost meanwhile: then it counts for the branch alone.
    if (held !== undefined) this.#take(held.decided, held.end, this.#group.scope.fence === undefined);
    return held !== undefined;
  }

  get waitsFor(): 'decider' | undefined {
    return this.#isTaken ? undefined : this.#held.waitsFor;
  }

  #take(decided: Decided, end: End, isRecorded: boolean): void {
    this.#isTaken = true;
    this.unlisten();
    // First the decision: listeners of the losers' signals may set off calls elsewhere.
    if (isRecorded) this.#host.decided(this.key, decided);
    const { outcome } = decided;
    const reach = isRecorded && isInterruption(outcome) ? 'all' : 'losers';
    this.inside.raiseFence(this.#whyGivenUp(outcome), reach);
    this.inside.finish();
    this.#host.closed(this.#group);
    this.#onTaken(end);
  }

  #whyGivenUp(outcome: ScopeOutcome): CancelledError {
    return whyGivenUp(this.#host, { key: this.key, mode: this.#plan.mode }, outcome, this.#reason);
  }
}
