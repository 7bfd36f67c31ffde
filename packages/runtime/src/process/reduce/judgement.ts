import type { CallKey } from '../../journal/call-key.ts';
import type { Decided, GroupCall } from '../../kernel/state.ts';
import type { Scope } from '../scope.ts';

interface JudgementHost {
  readonly live: boolean;
  /** Below the head: whether a decision made now has the place that the journal gives it. */
  isDue(key: CallKey, recorded: boolean): boolean;
  recordedGroup(key: CallKey): GroupCall | undefined;
}

/**
 * Whether a group is decided: once, at the head at once, below it only as recorded.
 *
 * Owns the decision that was made early. Talks to the group by `finish`.
 */
export class Judgement {
  readonly #key: CallKey;
  /** The scope that the group was called in. */
  readonly #scope: Scope;
  readonly #host: JudgementHost;
  readonly #finish: (decided: Decided, recorded: boolean) => void;
  #isGiven = false;
  /** Made below the journal's head and not taken yet. */
  #held: Decided | undefined;

  constructor(
    key: CallKey,
    scope: Scope,
    host: JudgementHost,
    finish: (decided: Decided, recorded: boolean) => void,
  ) {
    this.#key = key;
    this.#scope = scope;
    this.#host = host;
    this.#finish = finish;
  }

  get isGiven(): boolean {
    return this.#isGiven;
  }

  /** Live a decision counts at once; below the head the recorded one is the authority. */
  propose(decided: Decided): void {
    if (this.#isGiven) return;
    if (this.#scope.fence !== undefined || this.#host.live) {
      this.#give(decided);
      return;
    }
    const phase = this.#host.recordedGroup(this.#key)?.phase;
    const isRecorded = phase?.status === 'closed';
    if (isRecorded && !isSame(phase.decided, decided)) return;
    // A decision that comes early is held: losers may have gone on before it, as is recorded.
    if (this.#host.isDue(this.#key, isRecorded)) this.#give(decided);
    else this.#held ??= decided;
  }

  /** Takes the decision that was held, where it is the one wanted (undefined: whichever it is). */
  takeHeld(wanted: Decided | undefined): boolean {
    const held = this.#held;
    if (held === undefined || this.#isGiven || (wanted !== undefined && !isSame(held, wanted))) return false;
    this.#give(held);
    return true;
  }

  /** In a scope that has lost meanwhile it counts for the scope alone, and is not recorded. */
  #give(decided: Decided): void {
    this.#isGiven = true;
    this.#held = undefined;
    this.#finish(decided, this.#scope.fence === undefined);
  }
}

function isSame(a: Decided, b: Decided): boolean {
  return a.outcome === b.outcome && a.winner === b.winner;
}
