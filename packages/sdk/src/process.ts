import type { BreakpointOptions, BreakpointQuestion, BreakpointResult } from './breakpoint.ts';
import type { Duration } from './duration.ts';
import type { Channel, ChannelOptions } from './channel.ts';
import type { ExitScope, ScopeOptions } from './exit-scope.ts';
import type { Log } from './log.ts';
import type { Cost, Parallel, PoolReference, Priority } from './parallel.ts';
import type { Pool, PoolOptions } from './pool.ts';
import type { ReceiveOptions } from './receive.ts';
import type { Reduce } from './reduce.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { Secret, WithSecrets } from './secret.ts';
import type { CallSource, ItemStream, TaskEnvelope, TaskStreamOptions } from './source.ts';
import type { Schema, SchemaInput, SchemaOutput } from './standard-schema.ts';
import type { TaskDefinition } from './task.ts';
import { InvalidArgumentError, InvalidOptionError } from './errors.ts';
import { whyNoProcess } from './process-shape.ts';

export interface TaskCallOptions {
  /** Names the call inside its scope, so that its identity does not depend on its position. */
  readonly key?: string;
  /** Instead of the definition's. */
  readonly retry?: RetryPolicy;
  readonly timeout?: Duration;
  readonly deadline?: Duration;
  /** Higher starts first when slots are short (default 0, or the group's). */
  readonly priority?: Priority;
  /** Where its attempts wait for a slot (default: the definition's pool, or the group's). */
  readonly pool?: PoolReference;
  /** What an attempt takes of the pool (default: the group's). */
  readonly cost?: Cost;
  /** For a task that somebody else does: its builder gets them, and they are shown beside it. */
  readonly labels?: readonly string[];
}

export type CallArguments<Args, Options = TaskCallOptions> = undefined extends Args
  ? [args?: WithSecrets<Args>, options?: Options]
  : [args: WithSecrets<Args>, options?: Options];

export interface ChildRunOptions {
  /** Names the call inside its scope, so that its identity does not depend on its position. */
  readonly key?: string;
  /** Of the run. Default: made of this run's id and the key of the call. */
  readonly id?: string;
  /** It is started, and is on its own from then on: the call gives its id, and neither waits for it nor ends it. */
  readonly detached?: boolean;
  /**
   * What becomes of the run where this call is given up, as by a cancel of this run: it is cancelled, too (default), or
   * goes on by itself. A detached run always goes on.
   */
  readonly onParentCancel?: 'cancel' | 'abandon';
}

/** A run that was started and is not waited for. */
export interface DetachedRun {
  readonly runId: string;
}

export interface Context {
  /** Of this run. In a fork, while it does again what another run recorded, of that one: its calls were asked with it. */
  readonly runId: string;
  /** Aborted when the current branch is given up or the run is cancelled. */
  readonly signal: AbortSignal;
  /**
   * Runs a task and records its outcome; on replay the recorded outcome is handed over instead.
   * @throws InvalidOptionError, ValidationError, UnserializableError at the call, before anything is
   *   recorded; rejects with TaskError, TimeoutError or CancelledError.
   */
  task<Args, Output>(definition: TaskDefinition<Args, Output>, ...rest: CallArguments<Args>): Promise<Output>;
  /**
   * Runs a task and gives what it tells by `task.progress`, or yields, as it comes, and then its end. What
   * is read is recorded, so that it comes in the same order on replay. `break` gives the task up.
   *
   *     for await (const told of ctx.stream(convert, { file })) {
   *       if (told.type === 'INTERMEDIATE') ctx.log(`${told.value} %`);
   *       else if (told.type === 'FINAL') return told.value;
   *       else throw told.error;
   *     }
   *
   * @throws as `ctx.task` does at the call. A failure of the task comes as ERROR; `next` rejects with
   *   CancelledError where the call is given up.
   */
  stream<Args, Output, Progress>(
    definition: TaskDefinition<Args, Output, Progress>,
    ...rest: CallArguments<Args, TaskStreamOptions>
  ): ItemStream<TaskEnvelope<Output, Progress>>;
  /**
   * Reads items from outside, such as a file, a queue or a paged API, and records each with the cursor behind
   * it before it is handed over. After a crash recorded items come from the journal, and `open` is called
   * again with the last cursor.
   *
   *     const orders = ctx.source('orders', async function* (after: number | undefined, { signal }) {
   *       for await (const order of fetchOrders({ after, signal })) yield { item: order, cursor: order.id };
   *     });
   *     for await (const order of orders) await ctx.task(ship, order);
   *
   * @throws InvalidOptionError, InvalidArgumentError at the call, before anything is recorded; `next`
   *   rejects with SourceError when the source failed for good, CancelledError where it is given up.
   */
  readonly source: CallSource;
  readonly parallel: Parallel;
  /**
   * A new channel between strands of this process; nothing of it is recorded.
   * @throws InvalidOptionError
   */
  channel<T>(name: string, options?: ChannelOptions): Channel<T>;
  /**
   * The pool of that name, shared by all runs and programs of one journal. `options` declare it: that is
   * configuration and no part of the run, so they may change between a crash and a resume. Without
   * options it is the pool as it is declared elsewhere, or one of 64 slots.
   * @throws InvalidOptionError
   */
  pool(name: string, options?: PoolOptions): Pool;
  readonly reduce: Reduce;
  /**
   * Does something that is cleaned up, or taken back, when it ends: by its result, an error, its timeout, a lost race
   * or a cancelled run, and also after a crash. It settles when all of that is done.
   *
   *     await ctx.scope(async (scope) => {
   *       scope.compensate(cancelFlight, { id: trip.id });
   *       await ctx.task(bookFlight, trip);
   *       scope.compensate(cancelHotel, { id: trip.id });
   *       await ctx.task(bookHotel, trip);
   *     });
   *
   * Register before the task that is taken back, and make taking back what was not done harmless: a task that is
   * given up may have done its work. What the function left open is given up first.
   * @throws InvalidOptionError, InvalidArgumentError, LimitError at the call, before anything is recorded; rejects
   *   with what the function threw, with TimeoutError or CancelledError; with ExitError where a task that was
   *   registered failed
   */
  scope<T>(body: (scope: ExitScope) => Promise<T> | T, options?: ScopeOptions): Promise<T>;
  /** A durable timer: it goes on over crashes. */
  sleep(duration: Duration, options?: { readonly key?: string }): Promise<void>;
  sleepUntil(when: Date | number, options?: { readonly key?: string }): Promise<void>;
  /**
   * Waits for a message that somebody sends to this run under that name (`runtime.send`, `pawl send`): for as
   * long as it takes, over crashes, and without a slot. Messages that came early are kept; each is taken once,
   * first in, first out.
   *
   * With `secret: true` the process gets a handle that has nothing to read, and hands it to a task:
   *
   *     const token = await ctx.receive('token', { secret: true, schema: z.string() });
   *     const user = await ctx.task(logIn, { token }); // the task's function gets the text
   *
   * The message is encrypted before it is kept anywhere (`runtime.send`, `pawl send --secret`), and the key that
   * opens it is destroyed when the run ends. Of what the task tells (its output, errors, log and progress) the texts
   * of the secret are cut out before it is recorded, where they stand in it as they are.
   * @throws InvalidArgumentError, InvalidOptionError, UnserializableError at the call; rejects with
   *   TimeoutError or CancelledError
   */
  receive<S extends Schema>(
    name: string,
    options: ReceiveOptions & { readonly schema: S; readonly secret: true },
  ): Promise<Secret<SchemaOutput<S>>>;
  receive<T = unknown>(
    name: string,
    options: ReceiveOptions & { readonly schema?: undefined; readonly secret: true },
  ): Promise<Secret<T>>;
  receive<S extends Schema>(
    name: string,
    options: ReceiveOptions & { readonly schema: S; readonly secret?: false },
  ): Promise<SchemaOutput<S>>;
  receive<T = unknown>(
    name: string,
    options?: ReceiveOptions & { readonly schema?: undefined; readonly secret?: false },
  ): Promise<T>;
  /**
   * `ctx.receive` for an event that may not come: where `timeout` passes it gives null. There is no condition on what
   * comes; give what differs a name of its own (`paid:${orderId}`), or receive again. It is recorded as a receive.
   *
   *     const paid = await ctx.waitFor<{ amount: number }>(`paid:${order}`, { timeout: '7d' });
   *     if (paid === null) await ctx.task(remind, order);
   *
   * @throws as `ctx.receive`; rejects with CancelledError
   */
  waitFor<S extends Schema>(
    name: string,
    options: Omit<ReceiveOptions, 'secret'> & { readonly schema: S; readonly timeout: Duration },
  ): Promise<SchemaOutput<S> | null>;
  waitFor<T = unknown>(
    name: string,
    options: Omit<ReceiveOptions, 'secret'> & { readonly schema?: undefined; readonly timeout: Duration },
  ): Promise<T | null>;
  waitFor<S extends Schema>(
    name: string,
    options: Omit<ReceiveOptions, 'secret'> & { readonly schema: S; readonly timeout?: undefined },
  ): Promise<SchemaOutput<S>>;
  waitFor<T = unknown>(
    name: string,
    options?: Omit<ReceiveOptions, 'secret'> & { readonly schema?: undefined; readonly timeout?: undefined },
  ): Promise<T>;
  /**
   * Asks people whether to go on, and waits for their answers (`pawl inbox`, `pawl approve`, `runtime.respond`): for
   * as long as it takes, over crashes, and without a slot. Each answer is recorded; one person has one.
   *
   *     const { approved, feedback } = await ctx.breakpoint(
   *       { title: 'Deploy', question: `Deploy ${version} to production?`, options: ['now', 'tonight'] },
   *       { timeout: '2d', onTimeout: 'reject' },
   *     );
   *
   * @throws InvalidArgumentError, InvalidOptionError, UnserializableError, LimitError at the call, before anything is
   *   recorded; rejects with TimeoutError (`onTimeout: 'fail'`) or CancelledError
   */
  breakpoint(question: BreakpointQuestion, options?: BreakpointOptions): Promise<BreakpointResult>;
  /**
   * Starts a run of another process, or of the same, and waits for its end: a run with a journal of its own, that
   * `pawl list` and `pawl show` know. While it goes on this one holds no slot. Where this call is given up, or
   * this run is cancelled or stopped, so is the other. A run that has this `id` already, of the same process and
   * inputs, is waited for, and left alone otherwise.
   *
   *     const invoice = await ctx.run(billing, { customer: 7 });
   *
   * With `detached` it is started once, and goes on whatever becomes of this run: the call gives its id as soon as
   * both runs are in the file. Who drives this run drives that one; when this one has ended, whoever resumes it.
   *
   *     const { runId } = await ctx.run(report, { month: 11 }, { detached: true });
   *
   * @throws InvalidOptionError, ValidationError, UnserializableError, LimitError at the call, before anything is
   *   recorded; rejects with ChildError where the run failed, was cancelled, or its id is that of a run of another
   *   process or of other inputs; with CancelledError where the call is given up
   */
  run<Inputs>(
    process: Process<Inputs, unknown> | ProcessDefinition<Inputs, unknown>,
    inputs: Inputs,
    options: ChildRunOptions & { readonly detached: true },
  ): Promise<DetachedRun>;
  run<Inputs, Output>(
    process: Process<Inputs, Output> | ProcessDefinition<Inputs, Output>,
    inputs: Inputs,
    options?: ChildRunOptions & { readonly detached?: false },
  ): Promise<Output>;

  /**
   * Ends this run and starts another of the same process with new inputs, so that a process that goes on
   * for ever has a journal that does not: `job` is followed by `job~2`, then `job~3`. What is pending is
   * given up first, as when the process returns. `result()` of the first run is that of the last.
   * @throws ValidationError, UnserializableError, LimitError at the call, and the run goes on. It never
   *   settles otherwise.
   */
  continueAsNew(inputs: unknown): Promise<never>;
  /**
   * Which version of a change this run is to do here, so that code can change under runs that are open: the newest
   * one, recorded, where the run comes to this place for the first time; what was recorded, when it comes again; and
   * the oldest one where it was here before the code asked.
   *
   *     if (ctx.version('new-tax', 1, 2) === 1) await ctx.task(oldTax, order);
   *     else await ctx.task(newTax, order);
   *
   * A place is the scope, the id, and how often the scope asked for it, so each turn of a loop has its own. Where
   * several places belong together, ask once and keep the answer.
   * @param min the oldest version that the code can still do
   * @param max the newest
   * @throws InvalidArgumentError. A run that recorded a version outside of that range is left as it is:
   *   NonDeterminismError
   */
  version(id: string, min: number, max: number): number;
  /** `ctx.version(id, 0, 1) === 1`: whether this run does the change. */
  patched(id: string): boolean;
  /**
   * Sets something of this run that can be read from outside at any moment (`runtime.query`, `pawl show`), and by
   * which runs are found where it is a text, a number, true, false or null (`pawl list --where 'customer=42'`).
   * Recorded with what comes next; undefined takes it away.
   * @throws InvalidArgumentError, UnserializableError, LimitError
   */
  setState(name: string, value: unknown): void;
  /** The recorded time of the last thing that was delivered; the same on replay. */
  now(): Date;
  /** From 0 up to but not 1; the same on replay. */
  random(): number;
  /** A version 4 UUID; the same on replay. */
  uuid(): string;
  /** Told, and kept with the run (`pawl logs`), once it is committed, and not again on replay. */
  readonly log: Log;
}

/** A process: plain async code in which everything that has an effect goes through `ctx`. */
export type Process<Inputs = never, Output = unknown> = (
  inputs: Inputs,
  ctx: Context,
) => Promise<Output> | Output;

export interface ProcessDefinition<Inputs = never, Output = unknown> {
  readonly name: string;
  readonly input?: Schema | undefined;
  readonly output?: Schema | undefined;
  readonly run: Process<Inputs, Output>;
}

export function defineProcess<const I extends Schema, O>(definition: {
  readonly name: string;
  readonly input: I;
  readonly output?: Schema;
  readonly run: (inputs: SchemaOutput<I>, ctx: Context) => O;
}): ProcessDefinition<SchemaInput<I>, Awaited<O>>;
export function defineProcess<I, O>(definition: {
  readonly name: string;
  readonly input?: undefined;
  readonly output?: Schema;
  readonly run: (inputs: I, ctx: Context) => O;
}): ProcessDefinition<I, Awaited<O>>;
/**
 * A process with a name and, where given, schemas that check its inputs and its output.
 * @throws InvalidOptionError, InvalidArgumentError for a generator or a class
 */
export function defineProcess(definition: ProcessDefinition): ProcessDefinition {
  if (typeof definition.name !== 'string' || definition.name === '') {
    throw new InvalidOptionError('name', definition.name, 'a name that is not empty');
  }
  if (typeof definition.run !== 'function') throw new InvalidOptionError('run', definition.run, 'a function');
  const why = whyNoProcess(definition.run);
  if (why !== undefined)
    throw new InvalidArgumentError(
      `'run' of process '${definition.name}' is ${why}. Write it as an async function: run: async (inputs, ctx) => { … }`,
    );
  return definition;
}
