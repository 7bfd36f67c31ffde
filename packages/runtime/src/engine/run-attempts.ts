import type { CallKey } from '../journal/call-key.ts';
import { Attempt, type AttemptDeps } from './attempt.ts';
import { DEFAULT_POOL } from './dispatcher.ts';
import type { Engine } from './engine.ts';
import type { RunDriver } from './run-driver.ts';

/**
 * The attempts of one run that are under way, or were given up and have not ended.
 *
 * Owns them and their slots. Talks to the run by reports.
 */
export class RunAttempts {
  readonly #engine: Engine;
  readonly #run: RunDriver;
  readonly #deps: AttemptDeps;
  /** By key; an attempt that timed out can still be there beside its successor. */
  readonly #current = new Map<CallKey, Attempt>();
  #running = 0;

  constructor(engine: Engine, run: RunDriver) {
    const { clock, entropy, graceMs, limits, sink } = engine.options;
    this.#engine = engine;
    this.#run = run;
    this.#deps = {
      clock,
      entropy,
      payloadBytes: limits.payloadBytes,
      graceMs,
      isOurs: () => this.#isOurs(),
      log: (key, values) => sink.log({ runId: run.runId, key, values }),
    };
  }

  /** Attempts that have neither ended nor been given up on. */
  get running(): number {
    return this.#running;
  }

  /** What the store answers badly is the run's error, not the task's. */
  #isOurs(): boolean {
    try {
      return this.#run.isOurs();
    } catch (error) {
      this.#run.fail(error);
      return false;
    }
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
    const { digest } = this.#engine.options;
    const idempotencyKey = digest(`idempotency ${this.#run.state.seed} ${key}`).slice(0, 32);
    const made: Attempt = new Attempt(
      { runId: this.#run.runId, key, attempt, idempotencyKey },
      task,
      this.#deps,
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
