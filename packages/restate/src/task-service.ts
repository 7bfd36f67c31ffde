/**
 * A task as a workflow of Restate: one invocation for each attempt of each of its calls, whichever run it is of.
 *
 * Talks to the pool, for a slot, and to the code of the task. Invariants: the function is called by the attempt of
 * Restate's that recorded `begun`, and by no other; whatever becomes of it is a result, and no failure of the
 * invocation.
 */
import type { RemoteEnd, TaskRunner } from '@pawl/runtime/elsewhere';
import type { TaskDefinition } from '@pawl/sdk';
import {
  CancelledError,
  RestatePromise,
  RetryableError,
  TerminalError,
  workflow,
  type WorkflowContext,
  type WorkflowDefinition,
  type WorkflowSharedContext,
} from '@restatedev/restate-sdk';
import { besidePool } from './offered-tasks.ts';
import { poolOf } from './pool-object.ts';
import { bounded, taskService, type RemoteRequest, type SlotRequest } from './remote-messages.ts';
import { Room } from './room.ts';

/** A driver that comes later finds no end, and takes it for unknown. */
const KEPT_MS = 24 * 3600 * 1000;
/** Of the time after which Restate takes an invocation out of the worker of which it hears nothing. */
const PULSE_SHARE = 1 / 2;

const UNKNOWN: RemoteEnd = { status: 'unknown' };
const STOPPED: RemoteEnd = { status: 'stopped' };

/** A task that a worker does. */
export interface OfferedTask {
  readonly definition: TaskDefinition<never, unknown>;
  /** Infinity where it says nothing. */
  readonly concurrency: number;
}

// No interface: Restate's clients take records.
// oxlint-disable-next-line typescript/consistent-type-definitions
export type TaskHandlers = {
  run(ctx: WorkflowContext, request: RemoteRequest): Promise<RemoteEnd>;
  /** Nobody wants it any more. */
  stop(ctx: WorkflowSharedContext, reason: string): Promise<void>;
};

export type TaskWorkflow = WorkflowDefinition<string, TaskHandlers>;

type Make = Extract<RemoteRequest, { type: 'make' }>;

interface Worked {
  readonly definition: TaskDefinition<never, unknown>;
  readonly room: Room;
  readonly runner: TaskRunner;
}

export function taskWorkflow(
  { definition, concurrency }: OfferedTask,
  runner: TaskRunner,
  suspendAfterMs: number,
): TaskWorkflow {
  const worked = { definition, runner, room: new Room(concurrency) };
  return workflow({
    name: taskService(definition.name),
    options: { inactivityTimeout: suspendAfterMs, workflowRetention: KEPT_MS },
    handlers: {
      run: async (ctx: WorkflowContext, request: RemoteRequest) => {
        if (request.type === 'attend') return UNKNOWN;
        const wanted = new Wanted(ctx, suspendAfterMs * PULSE_SHARE);
        if (request.slot !== null && concurrency !== Infinity) return beside(request.slot, definition.name);
        if (request.slot === null) return make(ctx, wanted, request, worked);
        const refused = await slotOf(ctx, wanted, request.slot);
        const end = refused ?? (await make(ctx, wanted, request, worked));
        poolOf(ctx, request.slot.pool).give(ctx.request().id);
        return end;
      },
      stop: async (ctx: WorkflowSharedContext, reason: string) => {
        const stop = ctx.promise<string>('stop');
        if ((await stop.peek()) === undefined) await stop.resolve(reason).catch(ignoreTaken);
      },
    },
  });
}

/** Such a call names a pool that its task does not. */
function beside({ pool }: SlotRequest, task: string): RemoteEnd {
  const message = `The concurrency of task '${task}' in its worker must be ${besidePool(pool)}.`;
  return {
    status: 'failed',
    error: { name: 'InvalidOptionError', message },
    cause: 'error',
    isFinal: true,
  };
}

/** Two that come at once say the same. */
function ignoreTaken(error: unknown): void {
  if (!(error instanceof TerminalError) || error instanceof CancelledError) throw error;
}

/** Undefined once it has one. */
async function slotOf(
  ctx: WorkflowContext,
  wanted: Wanted,
  { pool, limits, cost, priority }: SlotRequest,
): Promise<RemoteEnd | undefined> {
  const { id: awakeable, promise } = ctx.awakeable<boolean>();
  poolOf(ctx, pool).ask({ holder: ctx.request().id, awakeable, limits, cost, priority });
  try {
    return (await wanted.or(promise.map(() => ({ isGranted: true })))) === undefined ? STOPPED : undefined;
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    const refusal = { name: 'QueueFullError', message: error.message };
    return { status: 'failed', error: refusal, cause: 'error', isFinal: false };
  }
}

async function make(
  ctx: WorkflowContext,
  wanted: Wanted,
  { work }: Make,
  { definition, room, runner }: Worked,
): Promise<RemoteEnd> {
  const stop = new AbortController();
  ctx
    .request()
    .attemptCompletedSignal.addEventListener('abort', () => stop.abort('Restate ended this attempt'));
  // Of this attempt of Restate's alone: what was recorded by another one is not here.
  let leave: (() => void) | undefined;
  const begun = ctx.run('begun', async () => {
    const entered = await room.enter(stop.signal);
    if (entered === 'full') throw new RetryableError(`too much of task '${work.task}' waits in this worker`);
    leave = entered;
    return { hasBegun: entered !== undefined };
  });
  const { hasBegun } = await wanted.until(begun, (reason) => stop.abort(reason));
  if (!hasBegun) return STOPPED;
  const outcome = ctx.run('outcome', async () => {
    if (leave === undefined) return UNKNOWN;
    try {
      return bounded(work.task, await runner.make(definition, work, stop.signal));
    } finally {
      leave();
    }
  });
  return wanted.until(outcome, (reason) => stop.abort(reason));
}

interface Stopped {
  readonly reason: string;
}

/**
 * Whether anybody still wants an attempt.
 *
 * Owns the wait for its promise `stop`, and the pulse of long waits, since Restate suspends what it hears nothing of. A
 * cancel by Restate's own means counts as a stop.
 */
class Wanted {
  readonly #ctx: WorkflowContext;
  readonly #pulseMs: number;
  readonly #stop: RestatePromise<Stopped>;
  #stopped: Stopped | undefined;
  #pulse: RestatePromise<{ readonly isPulse: true }> | undefined;

  constructor(ctx: WorkflowContext, pulseMs: number) {
    this.#ctx = ctx;
    this.#pulseMs = pulseMs;
    this.#stop = ctx
      .promise<string>('stop')
      .get()
      .map((reason) => ({ reason: String(reason) }));
  }

  /** Nothing is here meanwhile: Restate may suspend it. Undefined where it was stopped first. */
  async or<T extends object>(awaited: RestatePromise<T>): Promise<T | undefined> {
    if (this.#stopped !== undefined) return undefined;
    const first = await this.#first<T | Stopped>([awaited, this.#stop]);
    if (!('reason' in first)) return first;
    this.#stopped = first;
    return undefined;
  }

  /** What goes on here comes to its end, also when it was told to stop. */
  async until<T extends object>(work: RestatePromise<T>, onStop: (reason: string) => void): Promise<T> {
    if (this.#stopped !== undefined) onStop(this.#stopped.reason);
    for (;;) {
      this.#pulse ??= this.#ctx.sleep(this.#pulseMs).map(() => ({ isPulse: true }) as const);
      const others = this.#stopped === undefined ? [this.#stop, this.#pulse] : [this.#pulse];
      const first = await this.#first<T | Stopped | { readonly isPulse: true }>([work, ...others]);
      if ('isPulse' in first) this.#pulse = undefined;
      else if ('reason' in first && this.#stopped === undefined) {
        this.#stopped = first;
        onStop(first.reason);
      } else return first as T;
    }
  }

  async #first<T>(promises: readonly RestatePromise<T>[]): Promise<T | Stopped> {
    try {
      return await RestatePromise.race(promises);
    } catch (error) {
      if (error instanceof CancelledError) return { reason: 'its invocation was cancelled' };
      throw error;
    }
  }
}
