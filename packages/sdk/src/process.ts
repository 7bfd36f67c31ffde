import type { Duration } from './duration.ts';
import type { Cost, Parallel, PoolReference, Priority } from './parallel.ts';
import type { ReceiveOptions } from './receive.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { Schema, SchemaInput, SchemaOutput } from './standard-schema.ts';
import type { TaskDefinition } from './task.ts';
import { InvalidOptionError } from './errors.ts';

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
}

type CallArguments<Args> = undefined extends Args
  ? [args?: Args, options?: TaskCallOptions]
  : [args: Args, options?: TaskCallOptions];

export interface Context {
  readonly runId: string;
  /** Aborted when the current branch is given up or the run is cancelled. */
  readonly signal: AbortSignal;
  /**
   * Runs a task and records its outcome; on replay the recorded outcome is handed over instead.
   * @throws InvalidOptionError, ValidationError, UnserializableError at the call, before anything is
   *   recorded; rejects with TaskError, TimeoutError or CancelledError.
   */
  task<Args, Output>(definition: TaskDefinition<Args, Output>, ...rest: CallArguments<Args>): Promise<Output>;
  readonly parallel: Parallel;
  /** A durable timer: it goes on over crashes. */
  sleep(duration: Duration, options?: { readonly key?: string }): Promise<void>;
  sleepUntil(when: Date | number, options?: { readonly key?: string }): Promise<void>;
  /**
   * Waits for a message that somebody sends to this run under that name (`runtime.send`, `pawl send`): for as
   * long as it takes, over crashes, and without a slot. Messages that came early are kept; each is taken once,
   * first in, first out.
   * @throws InvalidArgumentError, InvalidOptionError, UnserializableError at the call; rejects with
   *   TimeoutError or CancelledError
   */
  receive<S extends Schema>(
    name: string,
    options: ReceiveOptions & { readonly schema: S },
  ): Promise<SchemaOutput<S>>;
  receive<T = unknown>(name: string, options?: ReceiveOptions & { readonly schema?: undefined }): Promise<T>;
  /** The recorded time of the last thing that was delivered; the same on replay. */
  now(): Date;
  /** From 0 up to but not 1; the same on replay. */
  random(): number;
  /** A version 4 UUID; the same on replay. */
  uuid(): string;
  /** Told once it is committed, and not again on replay. */
  log(...values: readonly unknown[]): void;
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
 * @throws InvalidOptionError
 */
export function defineProcess(definition: ProcessDefinition): ProcessDefinition {
  if (typeof definition.name !== 'string' || definition.name === '') {
    throw new InvalidOptionError('name', definition.name, 'a name that is not empty');
  }
  if (typeof definition.run !== 'function') throw new InvalidOptionError('run', definition.run, 'a function');
  return definition;
}
