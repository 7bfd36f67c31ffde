import type { CallKey } from '../../journal/call-key.ts';
import { isInterruption, type Decided } from '../../kernel/state.ts';
import type { GroupHost } from './group-host.ts';

/** A decision, and what it means for whoever waits. */
export interface Made<End> {
  readonly decided: Decided;
  readonly end: End;
}

/**
 * The decision of one call that was made below the journal's head, and waits there for its place.
 *
 * Owns it. Talks to the host, which knows what is recorded.
 * Invariant: of several the one that is recorded is kept; where none is, what one branch decided, and else the first,
 * but for two that both count all that came so far.
 */
export class Held<End = undefined> {
  readonly #host: Pick<GroupHost, 'live' | 'wentOutside' | 'isDue' | 'recordedGroup'>;
  readonly #key: CallKey;
  readonly #isNamed: boolean;
  #made: Made<End> | undefined;

  /** @param isNamed whether branches have names, so that they may stand in another order by now */
  constructor(
    host: Pick<GroupHost, 'live' | 'wentOutside' | 'isDue' | 'recordedGroup'>,
    key: CallKey,
    isNamed: boolean,
  ) {
    this.#host = host;
    this.#key = key;
    this.#isNamed = isNamed;
  }

  get decided(): Decided | undefined {
    return this.#made?.decided;
  }

  get recorded(): Decided | undefined {
    const phase = this.#host.live ? undefined : this.#host.recordedGroup(this.#key)?.phase;
    return phase?.status === 'closed' ? phase.decided : undefined;
  }

  get waitsFor(): 'decider' | undefined {
    return this.#made === undefined || this.isRight(this.#made.decided) ? undefined : 'decider';
  }

  /** Another one is recorded: not even of named branches that stand in another order. */
  isRefused(decided: Decided): boolean {
    const { recorded } = this;
    return recorded !== undefined && !this.#isAlike(decided, recorded);
  }

  /** It is the one that is recorded, if any is. */
  isRight(decided: Decided): boolean {
    const { recorded } = this;
    return recorded === undefined || this.#isIt(decided, recorded);
  }

  /** It is, and has the place that the journal gives it. */
  isDue(decided: Decided): boolean {
    return this.#host.isDue(this.#key, this.recorded !== undefined) && this.isRight(decided);
  }

  /** Where all comes in its order, one that is alike stands at another place. */
  #isIt(decided: Decided, recorded: Decided): boolean {
    return isSame(decided, recorded) || (!this.#host.wentOutside && this.#isAlike(decided, recorded));
  }

  /** Which one counts now, where it may be either: what one branch decided does not give way to the end of all. */
  first(decided: Decided): Decided {
    const held = this.recorded === undefined ? this.decided : undefined;
    const isEnd = decided.winner === null && !isInterruption(decided.outcome);
    return isEnd && held !== undefined && held.winner !== null ? held : decided;
  }

  /** @returns whether it may be what was recorded, as far as is known: then the slot of who decided goes to nobody */
  hold(made: Made<End>): boolean {
    const before = this.#made;
    if (before === undefined || this.#givesWay(before.decided, made.decided)) this.#made = made;
    return before === undefined || (this.recorded !== undefined && this.#made === made);
  }

  #givesWay(held: Decided, decided: Decided): boolean {
    if (this.recorded !== undefined) return !this.isRight(held) && this.isRight(decided);
    return held.winner === null && decided.winner === null && !isInterruption(held.outcome);
  }

  /** Takes the one that is wanted (undefined: whichever it is). */
  take(wanted: Decided | undefined, isAlikeEnough: boolean): Made<End> | undefined {
    const made = this.#made;
    if (made === undefined) return undefined;
    const { decided } = made;
    const fits =
      wanted === undefined ||
      this.#isIt(decided, wanted) ||
      (isAlikeEnough && this.#isAlike(decided, wanted));
    if (!fits) return undefined;
    this.#made = undefined;
    return made;
  }

  /** Who decided is then told by the outcomes alone. */
  #isAlike(a: Decided, b: Decided): boolean {
    return this.#isNamed ? a.outcome === b.outcome : isSame(a, b);
  }
}

function isSame(a: Decided, b: Decided): boolean {
  return a.outcome === b.outcome && a.winner === b.winner;
}
