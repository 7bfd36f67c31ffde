import type { CallKey } from '../journal/call-key.ts';
import { awaitsPeople } from '../kernel/awaits-people.ts';
import { describeWait, type ChannelWait } from '../process/wait-list.ts';
import { RuntimeError } from '../errors.ts';
import type { EngineOptions, Sink } from './engine.ts';
import type { RunDriver } from './run-driver.ts';
import type { RunEffects } from './run-effects.ts';
import { RunRest } from './run-rest.ts';

const TIMER = 'channel stall';
/** Waits that a message lists. */
const MAX_LISTED = 10;

/**
 * A live run in which nothing happens. It may wait for a person, which is told once; or for nothing but
 * channels, which nothing of the runtime can end: that would be a silent hang. Something outside ctx may
 * still feed them, so it gets a bound.
 *
 * Owns what was told, and since when channels are watched. Talks to the run and the sink.
 */
export class Standstill {
  readonly #run: RunDriver;
  readonly #effects: RunEffects;
  readonly #stallMs: number;
  readonly #sink: Sink;
  readonly rest: RunRest;
  #hasTold = false;
  #isWatching = false;

  constructor(
    run: RunDriver,
    effects: RunEffects,
    { stallMs, sink, clock }: Pick<EngineOptions, 'stallMs' | 'sink' | 'clock'>,
    restAfterMs: number | undefined,
  ) {
    this.rest = new RunRest(run, effects, () => clock.now(), restAfterMs);
    this.#run = run;
    this.#effects = effects;
    this.#stallMs = stallMs;
    this.#sink = sink;
  }

  /** Nothing of the run can go on before somebody outside answers. */
  get awaitsPeople(): boolean {
    return this.#hasTold;
  }

  /** Somebody answered: what is waited for from now on is told anew. */
  answered(): void {
    this.#hasTold = false;
  }

  /**
   * Told at the end of each turn.
   * @param isQuiet nothing is uncommitted, and there is nothing to make another turn of
   */
  turned(isQuiet: boolean): void {
    const { attempts, timers } = this.#effects;
    const { pending } = this.#run.state;
    this.rest.turned(isQuiet);
    if (isQuiet && pending.size > 0) this.#tellWaiting(pending);
    const isStill = isQuiet && pending.size + attempts.running === 0;
    const isStalling = isStill && this.#waits.size > 0 && timers.size === Number(this.#isWatching);
    if (isStalling === this.#isWatching) return;
    this.#isWatching = isStalling;
    if (isStalling) this.#watch();
    else timers.clear(TIMER);
  }

  #tellWaiting(pending: ReadonlySet<CallKey>): void {
    const { runId, state } = this.#run;
    const { children, streams, notices } = this.#effects;
    // Who stops the run when it waits shall not stop the telling.
    if (notices?.isIdle === false) return;
    const rests = (key: CallKey): boolean => children.awaitsPeople(key) || streams.isFull(key);
    if (this.#hasTold || !awaitsPeople(state, rests)) return;
    this.#hasTold = true;
    // Whoever drives the run above it is told of that one, once nothing of it can go on.
    if (!children.tellParent()) this.#sink.waiting(runId, [...pending]);
  }

  get #waits(): ReadonlySet<ChannelWait> {
    return this.#run.host.channelWaits;
  }

  #watch(): void {
    const waits = [...this.#waits];
    this.#effects.timers.set(TIMER, this.#stallMs, () => {
      // One that has ended meanwhile was fed from outside ctx.
      if (waits.every((wait) => this.#waits.has(wait))) this.#run.fail(this.#stalled(waits));
      else this.#watch();
    });
  }

  #stalled(waits: readonly ChannelWait[]): RuntimeError {
    const list = waits.slice(0, MAX_LISTED).map((wait) => `\n  ${describeWait(wait)}`);
    const more = waits.length > MAX_LISTED ? `\n  and ${waits.length - MAX_LISTED} more` : '';
    return new RuntimeError(
      'STALLED',
      `Run ${this.#run.runId} stalls: nothing is pending in it but waits for channels that nobody feeds or empties:${list.join('')}${more}`,
      {
        hint: `Close the channel when its producer is done (channel.close()), or feed it from a task's result; then: pawl resume ${this.#run.runId}`,
        data: { runId: this.#run.runId, waits: waits.slice(0, MAX_LISTED).map(describeWait) },
      },
    );
  }
}
