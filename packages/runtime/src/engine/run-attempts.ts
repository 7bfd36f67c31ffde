import type { CallKey } from '../journal/call-key.ts';
import { Attempt, type AttemptDeps, type AttemptPlace } from './attempt.ts';
import { DEFAULT_POOL } from './dispatcher.ts';
import type { Engine } from './engine.ts';
import type { RunDriver } from './run-driver.ts';
import type { RunStreams } from './run-streams.ts';

/** What the attempts of one run need of the world. */
export function attemptDeps(engine: Engine, run: RunDriver): AttemptDeps {
  const { clock, entropy, graceMs, limits, sink } = engine.options;
  return {
    clock,
    entropy,
    executors: engine.executors,
    payloadBytes: limits.payloadBytes,
    graceMs,
    /** What the store answers badly is the run's error, not the task's. */
    isOurs: () => {
      try {
        return run.isOurs();
      } catch (error) {
        run.fail(error);
        return false;
      }
    },
    log: (key, values) => sink.log({ runId: run.runId, key, values }),
    progress: (key, attempt, value) => sink.progress({ runId: run.runId, key, attempt, value }),
    warn: (message) => sink.warn(run.runId, message),
  };
}

/**
 * The attempts of one run that are under way, or were given up and have not ended.
 *
 * Owns them and their slots. Talks to the run by reports.
 */
export class RunAttempts {
  readonly #engine: Engine;
  readonly #run: RunDriver;
  readonly #deps: AttemptDeps;
  readonly #streams: RunStreams;
  /** By key; an attempt that timed out can still be there beside its successor. */
  readonly #current = new Map<CallKey, Attempt>();
  #running = 0;

  constructor(engine: Engine, run: RunDriver, deps: AttemptDeps, streams: RunStreams) {
    this.#engine = engine;
    this.#run = run;
    this.#deps = deps;
    this.#streams = streams;
  }

  /** Attempts that have neither ended nor been given up on. */
  get running(): number {
    return this.#running;
  }

  enqueue(key: CallKey): void {
    const task = this.#run.host.openCalls.get(key)?.task;
    if (task === undefined) return;
    this.#engine.dispatcher.enqueue(this.#run, key, this.#poolOf(key), task.priority);
    this.#engine.loop.wake(this.#run);
  }

  start(key: CallKey, attempt: number): void {
    const pool = this.#poolOf(key);
    const made = this.#make(key, attempt, () => this.#engine.dispatcher.release(pool));
    if (made === undefined) this.forgo(key);
    else made.start();
  }

  /** Its slot was granted, and it will not start. */
  forgo(key: CallKey): void {
    this.#engine.dispatcher.release(this.#poolOf(key));
  }

  /** A check holds no slot: it does none of the task's work. */
  check(key: CallKey, attempt: number): void {
    this.#make(key, attempt, () => undefined)?.startCheck();
  }

  #make(key: CallKey, attempt: number, release: () => void): Attempt | undefined {
    const task = this.#run.host.openCalls.get(key)?.task;
    if (task === undefined) return undefined;
    const made: Attempt = new Attempt(
      this.placeOf(key, attempt),
      task,
      this.#deps,
      this.#streams.openWindow(key),
      (report) => this.#run.report(report),
      () => {
        this.#running -= 1;
        if (this.#current.get(key) === made) this.#current.delete(key);
        release();
        this.#run.slotFreed();
      },
    );
    this.#running += 1;
    this.#current.set(key, made);
    return made;
  }

  placeOf(key: CallKey, attempt: number): AttemptPlace {
    const { digest } = this.#engine.options;
    const { runId, state } = this.#run;
    const idempotencyKey = digest(`idempotency ${state.seed} ${key}`).slice(0, 32);
    return { runId, key, attempt, idempotencyKey };
  }

  abort(key: CallKey, reason: string): void {
    this.#current.get(key)?.abort(reason);
  }

  abortAll(reason: string): void {
    for (const attempt of this.#current.values()) attempt.abort(reason);
  }

  #poolOf(key: CallKey): string {
    return this.#run.host.openCalls.get(key)?.task?.pool ?? DEFAULT_POOL;
  }
}
