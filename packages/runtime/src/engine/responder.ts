import {
  durationMs,
  InvalidOptionError,
  retryPlan,
  type Duration,
  type RetryPlan,
  type RetryPolicy,
} from '@pawl/sdk';
import { toErrorRecord } from '../journal/error-record.ts';
import { backoffMs } from '../kernel/retry.ts';
import { CannotRespondError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Entropy } from '../ports/entropy.ts';
import type { OpenTask } from './open-task.ts';
import { isBusy } from './patience.ts';
import type { ClaimAnswer, TaskAck, TaskDesk } from './task-desk.ts';

/** What whoever responds gets beside the task. */
export interface RespondContext {
  /** Aborted when the answer is no longer wanted: the claim is lost, its time is up, or the responder stops. */
  readonly signal: AbortSignal;
  /** 1 for the first try of this responder. */
  readonly attempt: number;
  readonly worker: string;
}

/** How a responder is done with a task, for whoever watches it. */
export type Responded =
  | {
      readonly task: OpenTask;
      readonly status: 'completed' | 'failed';
      readonly ack: TaskAck;
      readonly error?: unknown;
    }
  /** Another try follows. */
  | { readonly task: OpenTask; readonly status: 'retrying'; readonly error: unknown }
  /** Given back, or taken by somebody else. */
  | { readonly task: OpenTask; readonly status: 'left' };

export interface RespondOptions {
  readonly kinds: readonly string[];
  /**
   * Does one task: what it gives is the answer, what it throws is tried again, or fails the task. A `CannotRespondError`
   * fails nothing: the task is given back, and the responder stops.
   */
  readonly respond: (task: OpenTask, context: RespondContext) => unknown;
  /** Tasks at once (default 1). */
  readonly concurrency?: number | undefined;
  /** Longest time of one try. */
  readonly timeout?: Duration | undefined;
  /** Tries of this responder, before the task is told that it failed. */
  readonly retry?: RetryPolicy | undefined;
  /** Without a sign of life the task goes to others after this (default 30 s). */
  readonly lease?: Duration | undefined;
  readonly worker?: string | undefined;
  /** Only the tasks of this run. */
  readonly runId?: string | undefined;
  /**
   * Of which runs: 'all' (default), 'driven': those that this runtime drives, 'worked': also those that nobody drives,
   * as a worker does who puts down what waits; of these processes, by name, if asked.
   */
  readonly runs?: 'all' | 'driven' | 'worked' | undefined;
  readonly processes?: readonly string[] | undefined;
  readonly onResponded?: ((responded: Responded) => void) | undefined;
}

interface Plan {
  readonly concurrency: number;
  readonly timeoutMs: number | null;
  readonly retry: RetryPlan;
  readonly leaseMs: number;
}

type Claimed = Extract<ClaimAnswer, { status: 'claimed' }>;

const LEASE_MS = 30_000;
/** Between two looks for work. */
const POLL_MS = 100;
/** Between two tries while another program has the journal locked. */
const BUSY_PAUSE_MS = 100;
const RUNS: readonly unknown[] = ['all', 'driven', 'worked'];
const STOPPED = 'the responder stops';

/**
 * Answers external tasks of some kinds, of all runs over a journal.
 *
 * Owns the tasks that it has claimed. Talks to the desk, which keeps claims and answers. Invariant: what it works on it
 * has claimed, and says so in time; a task whose claim it lost is aborted and not answered.
 */
export class Responder {
  /** Resolves when it has stopped, rejects when the journal can be read no more, or with a CannotRespondError. */
  readonly finished: Promise<void>;
  readonly worker: string;
  readonly #desk: TaskDesk;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #options: RespondOptions;
  readonly #plan: Plan;
  readonly #working = new Map<
    string,
    { readonly controller: AbortController; readonly done: Promise<void> }
  >();
  readonly #settle: { readonly resolve: () => void; readonly reject: (reason: unknown) => void };
  #cancelPoll: () => void = doNothing;
  #isStopping = false;
  #failure: { readonly error: unknown } | undefined;

  /** @throws InvalidOptionError */
  constructor(desk: TaskDesk, clock: Clock, entropy: Entropy, options: RespondOptions) {
    this.#desk = desk;
    this.#clock = clock;
    this.#entropy = entropy;
    this.#options = options;
    this.#plan = planOf(options);
    this.worker = options.worker ?? `r_${entropy.token().slice(0, 8)}`;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#settle = { resolve, reject };
    promise.catch(() => undefined);
    this.#poll(0);
  }

  /** Tasks that it works on. */
  get running(): number {
    return this.#working.size;
  }

  has(taskId: string): boolean {
    return this.#working.has(taskId);
  }

  /** Begins no more. What is under way is aborted and given back, or, with `drain`, waited for. */
  async stop({ drain = false }: { readonly drain?: boolean } = {}): Promise<void> {
    this.#isStopping = true;
    this.#cancelPoll();
    if (!drain) for (const { controller } of this.#working.values()) controller.abort(new Error(STOPPED));
    await Promise.all(Array.from(this.#working.values(), ({ done }) => done));
    if (this.#failure === undefined) this.#settle.resolve();
    else this.#settle.reject(this.#failure.error);
  }

  /** Whoever hears of it may close the journal: what else is under way is given back before. */
  #breakOff(error: unknown): void {
    this.#failure ??= { error };
    void this.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #poll(afterMs: number): void {
    this.#cancelPoll = this.#clock.after(afterMs, () => {
      if (this.#isStopping) return;
      try {
        this.#look();
      } catch (error) {
        if (!isBusy(error)) {
          this.#breakOff(error);
          return;
        }
      }
      this.#poll(POLL_MS);
    });
  }

  #look(): void {
    const room = this.#plan.concurrency - this.#working.size;
    if (room <= 0) return;
    for (const taskId of this.#desk.claimable({ ...this.#options, limit: room })) {
      const claimed = this.#desk.claim(taskId, { worker: this.worker, lease: this.#plan.leaseMs });
      if (claimed.status === 'claimed') this.#begin(claimed);
    }
  }

  #begin(claimed: Claimed): void {
    const controller = new AbortController();
    const done = this.#work(claimed, controller).finally(() => {
      this.#working.delete(claimed.task.id);
      if (!this.#isStopping) {
        this.#cancelPoll();
        this.#poll(0);
      }
    });
    // What it throws ends the responder, see `#work`.
    this.#working.set(claimed.task.id, { controller, done });
  }

  async #work(claimed: Claimed, controller: AbortController): Promise<void> {
    const { task, claim } = claimed;
    const stopBeat = this.#beat(claimed, controller);
    try {
      const ack = await this.#tries(task, claim, controller);
      if (ack === undefined) this.#leave(task, claim);
    } catch (error) {
      this.#breakOff(error);
    } finally {
      stopBeat();
    }
  }

  #leave(task: OpenTask, claim: string): void {
    try {
      this.#desk.release(task.id, { claim });
    } catch (error) {
      // Its lease ends by itself.
      if (!isBusy(error)) throw error;
    }
    this.#tell({ task, status: 'left' });
  }

  /** @returns undefined where the answer is not wanted any more */
  async #tries(task: OpenTask, claim: string, controller: AbortController): Promise<TaskAck | undefined> {
    const { retry } = this.#plan;
    for (let attempt = 1; ; attempt += 1) {
      let error: unknown;
      try {
        const value = await this.#try(task, attempt, controller.signal);
        if (controller.signal.aborted) return undefined;
        const ack = await this.#patiently(() =>
          this.#desk.complete(task.id, value, { claim, idempotencyKey: claim }),
        );
        if (ack.status !== 'invalid') {
          this.#tell({ task, status: 'completed', ack });
          return ack;
        }
        error = new Error(ack.issues.map(({ path, message }) => `${path}: ${message}`).join('; '));
      } catch (thrown) {
        if (thrown instanceof CannotRespondError) {
          this.#leave(task, claim);
          throw thrown;
        }
        error = thrown;
      }
      if (controller.signal.aborted) return undefined;
      if (attempt >= retry.attempts || retry.attempts === 1) return this.#fail(task, claim, error);
      this.#tell({ task, status: 'retrying', error });
      await this.#sleep(backoffMs(retry, attempt, this.#entropy.random()), controller.signal);
      if (controller.signal.aborted) return undefined;
    }
  }

  async #fail(task: OpenTask, claim: string, error: unknown): Promise<TaskAck> {
    const { message } = toErrorRecord(error);
    const details: unknown = error instanceof Error ? Reflect.get(error, 'details') : undefined;
    const ack = await this.#patiently(() =>
      this.#desk.fail(task.id, message, { claim, idempotencyKey: claim, details }),
    );
    this.#tell({ task, status: 'failed', ack, error });
    return ack;
  }

  /** One try, within its time. */
  async #try(task: OpenTask, attempt: number, wanted: AbortSignal): Promise<unknown> {
    const { timeoutMs } = this.#plan;
    const controller = new AbortController();
    const abort = (): void => controller.abort(wanted.reason);
    if (wanted.aborted) abort();
    wanted.addEventListener('abort', abort, { once: true });
    const cancelTimeout =
      timeoutMs === null
        ? () => undefined
        : this.#clock.after(timeoutMs, () =>
            controller.abort(new Error(`it took more than ${timeoutMs} ms`)),
          );
    const { signal } = controller;
    try {
      const given = (async () => this.#options.respond(task, { signal, attempt, worker: this.worker }))();
      return await Promise.race([given, rejectedBy(signal)]);
    } finally {
      cancelTimeout();
      wanted.removeEventListener('abort', abort);
    }
  }

  /** Says that it lives, until it is stopped; a claim that is lost aborts the work. */
  #beat({ task, claim, until }: Claimed, controller: AbortController): () => void {
    // The task may say that a claim of it lasts shorter.
    const leaseMs = until - this.#clock.now();
    let cancel = doNothing;
    const beat = (): void => {
      try {
        const { status } = this.#desk.heartbeat(task.id, { claim, lease: leaseMs });
        if (status !== 'held') {
          controller.abort(new Error(`the task is ${status}: somebody else has it, or it is over`));
          return;
        }
      } catch (error) {
        // Another sign follows before the lease ends.
        if (!isBusy(error)) {
          controller.abort(error);
          return;
        }
      }
      arm();
    };
    const arm = (): void => {
      cancel = this.#clock.after(leaseMs / 3, beat);
    };
    arm();
    return () => cancel();
  }

  async #patiently<T>(work: () => T): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || tries * BUSY_PAUSE_MS > LEASE_MS) throw error;
        await this.#sleep(BUSY_PAUSE_MS);
      }
    }
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#clock.after(ms, done);
      signal?.addEventListener('abort', done, { once: true });
      if (signal?.aborted === true) done();
    });
  }

  #tell(responded: Responded): void {
    this.#options.onResponded?.(responded);
  }
}

function doNothing(): void {
  // There is nothing to cancel yet.
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** @throws InvalidOptionError */
function planOf({ kinds, respond, concurrency = 1, timeout, retry, lease, runs }: RespondOptions): Plan {
  if (!Array.isArray(kinds) || kinds.length === 0 || !kinds.every((kind) => typeof kind === 'string'))
    throw new InvalidOptionError('kinds', kinds, 'a list of kinds of tasks');
  if (runs !== undefined && !RUNS.includes(runs)) throw new InvalidOptionError('runs', runs, RUNS.join(', '));
  if (typeof respond !== 'function') throw new InvalidOptionError('respond', respond, 'a function');
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new InvalidOptionError('concurrency', concurrency, 'an integer >= 1');
  return {
    concurrency,
    timeoutMs: timeout === undefined ? null : positiveMs('timeout', timeout),
    retry: retryPlan(retry),
    leaseMs: lease === undefined ? LEASE_MS : positiveMs('lease', lease),
  };
}

function positiveMs(name: string, duration: Duration): number {
  const ms = durationMs(duration, name);
  if (ms > 0) return ms;
  throw new InvalidOptionError(name, duration, 'longer than 0');
}
