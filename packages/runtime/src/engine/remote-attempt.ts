import { toErrorRecord, reviveError } from '../journal/error-record.ts';
import { unreachable } from '../journal/invariant.ts';
import type { Report } from '../kernel/input.ts';
import type { RemoteEnd, RemotePlace, RemoteTasks, RemoteWork } from '../ports/remote-tasks.ts';
import type { OpenTask } from '../process/open-call.ts';
import type { AttemptOwner, AttemptPlace, AttemptSlot, LiveAttempt } from './attempt-owner.ts';
import type { AttemptDeps } from './attempt.ts';
import { isRetryable } from './retryable.ts';
import { Timers } from './timers.ts';

/**
 * One invocation of a task in another program.
 *
 * Owns the wait for its end. Talks to its owner, as an attempt here does. Invariants: what leaves the run leaves it
 * alone; what gives its call up stops it, and tells its end if that comes within the grace.
 */
export class RemoteAttempt implements LiveAttempt {
  readonly place: AttemptPlace;
  readonly #task: OpenTask;
  readonly #tasks: RemoteTasks;
  readonly #process: string;
  readonly #deps: AttemptDeps;
  readonly #slot: AttemptSlot;
  readonly #owner: AttemptOwner;
  readonly #left = new AbortController();
  readonly #timers: Timers;
  #isStopped = false;
  #isGone = false;

  constructor(
    place: AttemptPlace,
    task: OpenTask,
    { tasks, process }: { readonly tasks: RemoteTasks; readonly process: string },
    deps: AttemptDeps,
    slot: AttemptSlot,
    owner: AttemptOwner,
  ) {
    this.place = place;
    this.#task = task;
    this.#tasks = tasks;
    this.#process = process;
    this.#deps = deps;
    this.#slot = slot;
    this.#owner = owner;
    this.#timers = new Timers(deps.clock);
  }

  /** @param isAgain an earlier program of the run asked for it */
  start(isAgain: boolean): void {
    const { args, timeoutMs, pool, cost, priority } = this.#task;
    const process = this.#process;
    const work = { ...this.#remotePlace, process, args, timeoutMs, pool, cost, priority };
    void this.#live(work, isAgain);
  }

  async #live(work: RemoteWork, isAgain: boolean): Promise<void> {
    const report = await this.#end(work, isAgain);
    if (!this.#isGone) this.#owner.report(report);
    this.leave();
  }

  async #end(work: RemoteWork, isAgain: boolean): Promise<Report> {
    try {
      // Not before whoever starts it is done with its neighbours.
      await Promise.resolve();
      // Law 10: another attempt of the same commit may have held the event loop for longer than the lease.
      this.#deps.isOurs();
      this.#left.signal.throwIfAborted();
      return this.#reportOf(await this.#tasks.make(work, isAgain, this.#left.signal));
    } catch (error) {
      const record = toErrorRecord(error);
      return this.#failed(error, { error: record, cause: 'error', isFinal: false });
    }
  }

  get #remotePlace(): RemotePlace {
    const { runId, key, attempt, idempotencyKey } = this.place;
    return { task: this.#task.definition.name, runId, key, attempt, idempotencyKey };
  }

  #reportOf(end: RemoteEnd): Report {
    const { key, attempt } = this.place;
    switch (end.status) {
      case 'done':
        return { type: 'AttemptSucceeded', key, attempt, output: end.output };
      case 'failed':
        return this.#failed(reviveError(end.error), end);
      case 'stopped':
        // Somebody else may have, such as whoever cancels an invocation by hand.
        return { type: this.#isStopped ? 'AttemptStopped' : 'AttemptLost', key, attempt };
      case 'unknown':
        return { type: 'AttemptLost', key, attempt };
      default:
        return unreachable(end);
    }
  }

  #failed(
    thrown: unknown,
    { error, cause, isFinal }: Omit<Extract<RemoteEnd, { status: 'failed' }>, 'status'>,
  ): Report {
    const { key, attempt } = this.place;
    if (this.#isStopped) return { type: 'AttemptStopped', key, attempt };
    const retryable = !isFinal && isRetryable(thrown, this.#task, attempt, this.#deps.warn);
    const draw = this.#deps.entropy.random();
    return { type: 'AttemptErred', key, attempt, error, cause, retryable, draw };
  }

  /** Messages are for attempts here. */
  hand(): void {
    // It is refused there, before it could ask for one.
  }

  /** Its call was given up. */
  abort(reason: string): void {
    if (this.#isStopped || this.#isGone) return;
    this.#isStopped = true;
    this.#tasks.stop(this.#remotePlace, reason);
    this.#timers.set('grace', this.#deps.graceMs, () => this.leave());
  }

  /** Nobody here waits for it any more; it goes on. */
  leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#timers.clearAll();
    this.#left.abort();
    this.#owner.gone(this, this.#slot);
  }
}
