import type { Millis } from '../journal/ids.ts';
import { wakeOf } from '../kernel/wake.ts';
import type { RunDriver } from './run-driver.ts';
import type { RunEffects } from './run-effects.ts';

const TIMER = 'rest';

/**
 * Puts a run down of which nothing is under way: it leaves memory, and its lease ends with the time at which it
 * goes on by itself. What its driver has not seen by then wakes it at once, so nothing is slept over.
 *
 * Owns the timer of the next look. Talks to the run and to the runs that it waits for, which are put down with it.
 * A look comes a while after the last turn: a message that is answered in a moment costs no replay, and what process
 * code waits for outside ctx has that long to come.
 */
export class RunRest {
  readonly #run: RunDriver;
  readonly #effects: RunEffects;
  /** Undefined: it stays, whatever it waits for. */
  #afterMs: number | undefined;
  readonly #now: () => Millis;
  #turns = 0;
  #isArmed = false;

  constructor(run: RunDriver, effects: RunEffects, now: () => Millis, afterMs: number | undefined) {
    this.#run = run;
    this.#effects = effects;
    this.#now = now;
    this.#afterMs = afterMs;
  }

  /** Somebody here waits for its end. */
  stay(): void {
    this.#afterMs = undefined;
    this.#clear();
  }

  /** Told at the end of each turn. */
  turned(isQuiet: boolean): void {
    this.#turns += 1;
    if (this.#run.state.pending.size === 0) this.#clear();
    else if (isQuiet && !this.#isArmed) this.#arm();
  }

  #clear(): void {
    if (this.#isArmed) this.#effects.timers.clear(TIMER);
    this.#isArmed = false;
  }

  #arm(): void {
    const afterMs = this.#afterMs;
    if (afterMs === undefined) return;
    this.#isArmed = true;
    const turns = this.#turns;
    this.#effects.timers.set(TIMER, afterMs, () => {
      this.#isArmed = false;
      const wakeAt = turns === this.#turns ? this.wakeAt : undefined;
      // What goes on in a moment is not worth a replay.
      if (wakeAt === undefined || wakeAt < this.#now() + afterMs) this.#arm();
      else this.putDown(wakeAt);
    });
  }

  /** When it would go on by itself, were it put down now; undefined where it cannot be. */
  get wakeAt(): Millis | undefined {
    const { children, working, notices } = this.#effects;
    if (!this.#run.isStill || working > 0 || children.isGivingUp) return undefined;
    // Somebody is being told of what it waits for.
    if (notices?.isIdle === false) return undefined;
    return wakeOf(this.#run.state, (key) => children.wakeAt(key));
  }

  putDown(wakeAt: Millis): void {
    const awaited = this.#effects.children.putDown();
    this.#run.leave({ status: 'rested', rest: { wakeAt, known: this.#run.inbox.seen, awaited } });
  }
}
