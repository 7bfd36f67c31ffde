import { CancelledError, durationMs, type Duration } from '@pawl/sdk';
import { VirtualClock } from './virtual-clock.ts';

/** Looks at a still program before time moves: what was reported a moment ago has made its turns by then. */
const QUIET_LOOKS = 3;
/** How long, in real ms, a replay may wait for something outside ctx before virtual time passes for it. */
const PATIENCE_MS = 500;

/**
 * Time that moves by itself: to the next timer, as soon as no run can go on and no task does anything real.
 *
 * Owns the clock and the count of what is under way. Talks to the runtime by `isIdle`. Invariant: it leaves no real
 * timer and no immediate behind when it is stopped or nothing is due.
 */
export class VirtualTime {
  readonly clock: VirtualClock;
  readonly #isIdle: () => boolean;
  #working = 0;
  #quiet = 0;
  #looks = false;
  #isStopped = false;
  #isByItself: boolean;
  #isHeldUp = true;
  #patience: NodeJS.Timeout | undefined;
  /** Grows with all that happens. */
  moves = 0;

  /** @param isIdle whether no run can make a turn now */
  constructor(start: number, isIdle: () => boolean, isByItself: boolean) {
    this.clock = new VirtualClock(start);
    this.#isIdle = isIdle;
    this.#isByItself = isByItself;
    this.clock.onSet = () => this.#kick();
  }

  /** Of a task function, or of what a test does at some time: time stands still meanwhile. */
  async during<T>(fn: () => T | Promise<T>): Promise<T> {
    this.#began();
    try {
      return await fn();
    } finally {
      this.#ended();
    }
  }

  /** For what is under way and waits, of all things, for time or for a message. */
  async aside<T>(wait: () => Promise<T>): Promise<T> {
    this.#ended();
    try {
      return await wait();
    } finally {
      this.#began();
    }
  }

  /** Of a task: resolves after that much virtual time, and rejects with the reason of `signal`. */
  sleep(duration: Duration, signal: AbortSignal): Promise<void> {
    return this.aside(() => this.#wait(durationMs(duration, 'duration'), signal));
  }

  /** Of a task: never resolves, and rejects with the reason of `signal`. */
  hang(signal: AbortSignal): Promise<never> {
    return this.aside(() => this.#wait(Infinity, signal) as Promise<never>);
  }

  /** Time passes, from timer to timer, each with all that follows from it; `true`: it moved to the end. */
  async advance(ms: number): Promise<void> {
    const wasByItself = this.#isByItself;
    this.#isByItself = false;
    const end = this.clock.monotonic() + ms;
    try {
      for (;;) {
        await this.settle();
        if (!this.clock.step(end)) break;
        this.moves += 1;
      }
      this.clock.passTo(end);
      await this.settle();
    } finally {
      this.#isByItself = wasByItself;
      this.#kick();
    }
  }

  /** Resolves when no run can go on by itself and no task does anything, as far as time does not move. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_LOOKS;) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#isStill ? quiet + 1 : 0;
    }
  }

  /** From now on nothing holds time up: what does not heed that it was aborted is given up. */
  letGo(): void {
    this.#isByItself = true;
    this.#isHeldUp = false;
    this.#kick();
  }

  /** Nothing moves any more; what slept is left asleep. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#patience);
    this.clock.clear();
  }

  /** Something real is under way. */
  get isWorking(): boolean {
    return this.#working > 0;
  }

  get #isStill(): boolean {
    return this.#working === 0 && this.#isIdle();
  }

  #began(): void {
    this.#working += 1;
    this.moves += 1;
  }

  #ended(): void {
    this.#working -= 1;
    this.moves += 1;
    this.#kick();
  }

  #kick(): void {
    if (this.#looks || this.#isStopped) return;
    this.#looks = true;
    setImmediate(this.#look);
  }

  readonly #look = (): void => {
    this.#looks = false;
    if (this.#isStopped || !this.#isByItself) return;
    // What is under way kicks when it has ended.
    if (this.#working > 0 && this.#isHeldUp) return;
    this.#quiet = this.#isIdle() ? this.#quiet + 1 : 0;
    if (this.#quiet < QUIET_LOOKS) {
      this.#kick();
      return;
    }
    this.#quiet = 0;
    if (this.clock.step()) {
      this.moves += 1;
      this.#kick();
    } else if (this.clock.mayStall) this.#waitForOutside();
  };

  /** It is real time that such a wait takes. */
  #waitForOutside(): void {
    clearTimeout(this.#patience);
    const seen = this.moves;
    this.#patience = setTimeout(() => {
      if (!this.#isStopped && seen === this.moves && this.#isStill) this.clock.stall();
      this.moves += 1;
      this.#kick();
    }, PATIENCE_MS);
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        cancel();
        reject(signal.reason instanceof Error ? signal.reason : new CancelledError(String(signal.reason)));
      };
      const cancel =
        ms === Infinity
          ? (): void => undefined
          : this.clock.after(ms, () => {
              signal.removeEventListener('abort', abort);
              resolve();
            });
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });
  }
}
