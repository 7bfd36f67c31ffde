import type { Duration } from './duration.ts';
import type { BuildContext, ExternalSpec } from './external-task.ts';
import type { Cost } from './parallel.ts';
import {
  checkCache,
  checkPoll,
  circuitPlan,
  type BatchSettings,
  type CacheSettings,
  type CircuitSettings,
  type PollSettings,
} from './resilience.ts';
import { ratePlan, type PoolRate } from './pool.ts';
import type { TaskReceive } from './receive.ts';
import type { Log } from './log.ts';
import type { RetryPolicy } from './retry-policy.ts';
import { isSchema, type Schema, type SchemaInput, type SchemaOutput } from './standard-schema.ts';
import { checkCommandOptions } from './shell-options.ts';
import { durationMs } from './duration.ts';
import { InvalidOptionError } from './errors.ts';
import { retryPlan } from './retry-policy.ts';
import { checkCost, poolName } from './task-resources.ts';
import type { TransactionContext, TransactionDb } from './transaction-task.ts';

/** What a task function gets beside its arguments. */
export interface TaskContext {
  /** Aborted when the attempt is no longer wanted: cancelled, timed out, a lost race, a shutdown. */
  readonly signal: AbortSignal;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The same for every attempt of this call and for no other call: hand it to outside services. */
  readonly idempotencyKey: string;
  readonly runId: string;
  /** The call key, as `pawl show` prints it. */
  readonly key: string;
  /** Told at once, and kept with the run within a second: `pawl logs`. It is no part of the run's history. */
  readonly log: Log;
  /** Tells that the attempt is alive; restarts `heartbeatTimeout`. */
  readonly heartbeat: () => void;
  /**
   * Tells how far the attempt is: a value that can be recorded. It is shown live and given to
   * `runtime.events()`; where the process reads the task by `ctx.stream` it is recorded, too. Resolves at
   * once, or when the process has taken enough of what was told before; never rejects.
   * @throws only where the process reads it: UnserializableError for what cannot be recorded, LimitError
   *   where it is not awaited and too much waits to be taken. Elsewhere such a value is a warning.
   */
  readonly progress: (value: unknown) => Promise<void>;
  /**
   * Says what the attempt really takes of its pool, once it is known: it holds that from now on. More than
   * is free is held all the same, and nothing else starts before it is back.
   * @throws InvalidOptionError, InvalidCostError
   */
  readonly reconcile: (actualCost: Cost) => void;
  /**
   * Waits for a message that somebody sends to this run under that name (`runtime.send`, `pawl send`), one at a
   * time. Until it is there the attempt gives its slot back; with the message it is the first of its priority to
   * get one again, at the cost of its call, and only then the promise settles. So do no work before that. While it
   * has no slot, `timeout` and `heartbeatTimeout` of the task stand still; its `deadline` does not.
   *
   * A message is recorded before it is handed over. A later attempt of the call, after a failure or a crash, gets
   * what was recorded first, in the same order. Where others wait for the same name, in the process or in another
   * task, who waited first is served first.
   *
   *     const code = await task.receive('one-time code', { schema: z.string(), timeout: '5m' });
   *
   * @throws InvalidArgumentError, InvalidOptionError, LimitError at the call; rejects with TimeoutError, and
   *   at once with the reason of `signal` when the attempt is no longer wanted
   */
  readonly receive: TaskReceive;
}

/** What an attempt that started and has no recorded end means. */
export type UnknownPolicy = 'retry' | 'check' | 'ask';

/**
 * What a `check` found out about an attempt whose end is not recorded. 'failed' is the end of the call, whatever its
 * `retry` says: that is for failures that an attempt tells itself. A check that wants another attempt says 'retry'.
 */
export type CheckResult<Output> =
  | { readonly status: 'done'; readonly output: Output }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'retry' };

export interface TaskSettings {
  /** Failures are final unless this says otherwise. */
  readonly retry?: RetryPolicy;
  /** Longest time of one attempt. */
  readonly timeout?: Duration;
  /** Longest time of the call, from its recording, over all attempts and the waits between. */
  readonly deadline?: Duration;
  /** Longest time between two heartbeats of an attempt. */
  readonly heartbeatTimeout?: Duration;
  /** Default 'retry', at most `maxUnknown` times, then as 'ask'; so, too, where a `check` says 'retry'. */
  readonly onUnknown?: UnknownPolicy;
  /** How many unknown outcomes of one call are tried again by themselves (default 3). */
  readonly maxUnknown?: number;
  /** Name of a pool of the runtime; the attempt waits for one of its slots. */
  readonly pool?: string;
  /** What one attempt takes of the pool (default: one slot). */
  readonly cost?: Cost;
  /**
   * How often attempts of tasks of this name may start, in all runs and programs over the same journal and
   * whatever their pools. What waits for it holds no slot, and holds up no other task.
   */
  readonly rate?: PoolRate;
  /** Part of the call's identity: raise it when recorded results of older code must not be used. */
  readonly version?: string | number;
  /** Refuses calls for a while after failures in a row. */
  readonly circuit?: CircuitSettings;
  /** Keeps results over runs. */
  readonly cache?: CacheSettings;
  /** Runs an attempt again and again until its result is good. */
  readonly poll?: PollSettings;
  /**
   * Another worker may do it: on Restate whichever offers it (`serve({ tasks })` of '@pawl/restate'). Over a file, where
   * there are no others, it means nothing: the task runs in the program that drives its run.
   */
  readonly remote?: boolean;
}

export interface ShellSpec {
  readonly kind: 'shell';
  /** A string runs in the system shell; a list is a program and its arguments, without a shell. */
  readonly command: string | readonly string[];
  readonly cwd?: string;
  /** Added to the runner's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Exit codes that are no failure (default [0]). */
  readonly okExitCodes?: readonly number[];
  /** How much of stdout and of stderr is kept, each: the end of it (default 64 KiB). */
  readonly maxOutputBytes?: number;
}

export interface FunctionSpec<Output> {
  readonly kind: 'function';
  readonly run: () => Output | Promise<Output>;
}

/** An exported function of a module, called in another thread or in a process of its own. */
export interface ModuleSpec {
  readonly kind: 'thread' | 'process';
  /** A `file:` URL. */
  readonly module: string;
  readonly export: string;
  readonly args: unknown;
}

/** One item of work that is done together with others of the same `run`. */
export interface BatchSpec {
  readonly kind: 'batch';
  readonly args: unknown;
  readonly batch: BatchSettings;
  readonly run: (items: never, tasks: readonly TaskContext[]) => unknown;
}

/** What a builder task asks for; `kind` names the executor. */
export type TaskSpec<Output = unknown> = ShellSpec | FunctionSpec<Output> | ModuleSpec | BatchSpec;

export interface ShellResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** True when the start of stdout or stderr was dropped to keep within `maxOutputBytes`. */
  readonly truncated: boolean;
  readonly durationMs: number;
}

declare const types: unique symbol;

export interface TaskDefinition<Args = unknown, Output = unknown, Progress = unknown> {
  readonly name: string;
  readonly settings: TaskSettings;
  readonly input?: Schema | undefined;
  readonly output?: Schema | undefined;
  /** What one attempt does. */
  readonly build: (args: never, task: TaskContext) => TaskSpec<unknown>;
  readonly check?: ((args: never, task: TaskContext) => unknown) | undefined;
  /**
   * For work that somebody else does: what they read. Called once, at the call; what it gives may turn out to be
   * work of this program, which `build` describes then for each attempt.
   */
  readonly describe?: (args: never, task: BuildContext) => unknown;
  /** For work on the user's tables in the journal's file: what one attempt does, in the transaction that records it. */
  readonly transaction?: (db: TransactionDb, args: never, task: TransactionContext) => unknown;
  /** The pool in `settings` comes with the kind of task; a group's pool goes before it. */
  readonly isPoolImplied?: boolean;
  /** Never there: it carries the types. */
  readonly [types]?: (args: Args) => { readonly output: Output; readonly progress: Progress };
}

interface FunctionTask<Args, Returns, Output, Given = Args> extends Omit<TaskSettings, 'cache' | 'poll'> {
  readonly name: string;
  readonly run: (args: Args, task: TaskContext) => Returns;
  readonly cache?: CacheSettings<Given>;
  readonly poll?: PollSettings<NoInfer<OutputOf<Returns>>>;
  /** For `onUnknown: 'check'`: asks the outside world what became of the attempt. */
  readonly check?: (args: Args, task: TaskContext) => CheckResult<Output> | Promise<CheckResult<Output>>;
}

type MaybePromise<T> = T | Promise<T>;
/** A generator tells its progress by what it yields. */
type MaybeGenerator<T> = MaybePromise<T> | AsyncGenerator<unknown, T, undefined>;
/** What a function that returned this has for its output. */
type OutputOf<R> = R extends AsyncGenerator<unknown, infer T, never> ? Awaited<T> : Awaited<R>;
type ProgressOf<R> = R extends AsyncGenerator<infer P, unknown, never> ? P : unknown;

export function defineTask<
  const I extends Schema,
  const O extends Schema,
  R extends MaybeGenerator<SchemaInput<O>>,
>(
  task: FunctionTask<SchemaOutput<I>, R, SchemaInput<O>, SchemaInput<I>> & {
    readonly input: I;
    readonly output: O;
  },
): TaskDefinition<SchemaInput<I>, SchemaOutput<O>, ProgressOf<R>>;
export function defineTask<const I extends Schema, R>(
  task: FunctionTask<SchemaOutput<I>, R, OutputOf<R>, SchemaInput<I>> & {
    readonly input: I;
    readonly output?: undefined;
  },
): TaskDefinition<SchemaInput<I>, OutputOf<R>, ProgressOf<R>>;
export function defineTask<
  const O extends Schema,
  A = void,
  R extends MaybeGenerator<SchemaInput<O>> = MaybeGenerator<SchemaInput<O>>,
>(
  task: FunctionTask<A, R, SchemaInput<O>> & {
    readonly input?: undefined;
    readonly output: O;
  },
): TaskDefinition<A, SchemaOutput<O>, ProgressOf<R>>;
export function defineTask<A = void, R = unknown>(
  task: FunctionTask<A, R, OutputOf<R>> & { readonly input?: undefined; readonly output?: undefined },
): TaskDefinition<A, OutputOf<R>, ProgressOf<R>>;
export function defineTask<A = void>(
  name: string,
  build: (args: A, task: BuildContext) => ShellSpec,
  settings?: TaskSettings,
): TaskDefinition<A, ShellResult>;
export function defineTask<A = void, O = unknown>(
  name: string,
  build: (args: A, task: BuildContext) => TaskSpec<O>,
  settings?: TaskSettings,
): TaskDefinition<A, O>;
export function defineTask<A = void, O = unknown>(
  name: string,
  build: (args: A, task: BuildContext) => ExternalSpec,
  settings?: TaskSettings,
): TaskDefinition<A, O>;
/**
 * Declares a task: work that is recorded. Either an object with a `run` function, or a name and a
 * builder that returns a description of the work by its `kind`. A kind that this program does not do itself, such as
 * 'agent', is for somebody else (see `externalTask`): the description is built once, at the call, and recorded. Where `run` is an async generator, what it
 * yields is progress, and what it returns is the output.
 * @throws InvalidOptionError
 */
export function defineTask(
  task:
    | string
    | (FunctionTask<never, unknown, unknown> & { input?: Schema | undefined; output?: Schema | undefined }),
  build?: (args: never, task: never) => unknown,
  settings: TaskSettings = {},
): TaskDefinition<never, unknown> {
  if (typeof task === 'string') {
    if (typeof build !== 'function')
      throw new InvalidOptionError('build', build, 'a function that returns a description');
    // What it describes is known when it is built.
    const described = build as (args: never, task: TaskContext) => TaskSpec;
    return checked({ name: task, settings, build: described, describe: described });
  }
  if (typeof task !== 'object' || task === null)
    throw new InvalidOptionError('task', task, 'an object with a name and a run function, or a name');
  const { name, run, check, input, output, ...rest } = task;
  if (typeof run !== 'function') throw new InvalidOptionError('run', run, 'a function');
  return checked({
    name,
    settings: rest,
    input,
    output,
    check,
    build: (args, context) => ({ kind: 'function', run: () => run(args, context) }),
  });
}

type ShellOptions<Args> = Omit<TaskSettings, 'cache' | 'poll'> &
  Omit<ShellSpec, 'kind' | 'command'> & {
    readonly name: string;
    readonly cache?: CacheSettings<Args>;
    readonly poll?: PollSettings<ShellResult>;
    readonly command: ShellSpec['command'] | ((args: Args) => ShellSpec['command']);
  };

/** The pool of commands that name no other: as many at once as the runtime's `limits.shells`. */
const SHELL_POOL = 'shell';

/**
 * Declares a task that runs a command. It resolves to exit code, output and duration, and fails
 * with a ShellError when the exit code is not in `okExitCodes`. Its pool is 'shell' unless it names
 * another.
 * @throws InvalidOptionError
 */
export function shellTask<Args = void>(options: ShellOptions<Args>): TaskDefinition<Args, ShellResult> {
  const { name, command, cwd, env, input, okExitCodes, maxOutputBytes, ...settings } = options;
  checkCommandOptions(options);
  const fixed = {
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    ...(input === undefined ? {} : { input }),
    ...(okExitCodes === undefined ? {} : { okExitCodes }),
    ...(maxOutputBytes === undefined ? {} : { maxOutputBytes }),
  };
  return checked<Args, ShellResult>({
    name,
    settings: { pool: SHELL_POOL, ...settings },
    isPoolImplied: settings.pool === undefined,
    build: (args: Args) => ({
      kind: 'shell',
      command: typeof command === 'function' ? command(args) : command,
      ...fixed,
    }),
  });
}

const SETTINGS: ReadonlySet<string> = new Set<keyof TaskSettings>([
  'retry',
  'timeout',
  'deadline',
  'heartbeatTimeout',
  'onUnknown',
  'maxUnknown',
  'pool',
  'cost',
  'rate',
  'version',
  'circuit',
  'cache',
  'poll',
  'remote',
]);

/** @throws InvalidOptionError */
export function checkSettings(settings: TaskSettings): void {
  if (typeof settings !== 'object' || settings === null)
    throw new InvalidOptionError('settings', settings, 'an object');
  for (const [name, value] of Object.entries(settings)) {
    if (!SETTINGS.has(name))
      throw new InvalidOptionError(name, value, `left out: a task takes ${[...SETTINGS].join(', ')}`);
  }
  const { pool, cost, version } = settings;
  if (pool !== undefined && (typeof pool !== 'string' || pool === ''))
    throw new InvalidOptionError('pool', pool, 'a name that is not empty');
  if (pool !== undefined) poolName(pool);
  if (cost !== undefined) checkCost(cost);
  if (version !== undefined && typeof version !== 'string' && typeof version !== 'number')
    throw new InvalidOptionError('version', version, 'a string or a number');
  retryPlan(settings.retry);
  for (const name of ['timeout', 'deadline', 'heartbeatTimeout'] as const) {
    const value = settings[name];
    if (value !== undefined && durationMs(value, name) === 0)
      throw new InvalidOptionError(name, value, 'longer than 0');
  }
  if (settings.rate !== undefined) ratePlan(settings.rate);
  if (settings.circuit !== undefined) circuitPlan(settings.circuit, '-');
  if (settings.cache !== undefined) checkCache(settings.cache);
  if (settings.poll !== undefined) checkPoll(settings.poll);
  const { onUnknown = 'retry', maxUnknown = 3, remote = false } = settings;
  if (typeof remote !== 'boolean') throw new InvalidOptionError('remote', remote, 'true or false');
  if (!['retry', 'check', 'ask'].includes(onUnknown)) {
    throw new InvalidOptionError('onUnknown', onUnknown, `'retry', 'check' or 'ask'`);
  }
  if (!Number.isInteger(maxUnknown) || maxUnknown < 0) {
    throw new InvalidOptionError('maxUnknown', maxUnknown, 'an integer >= 0');
  }
}

/** @throws InvalidOptionError */
export function checked<A, O>(definition: TaskDefinition<A, O>): TaskDefinition<A, O> {
  if (typeof definition.name !== 'string' || definition.name === '') {
    throw new InvalidOptionError('name', definition.name, 'a name that is not empty');
  }
  checkSettings(definition.settings);
  const { check } = definition;
  if (
    definition.settings.onUnknown === 'check'
      ? typeof check !== 'function'
      : check !== undefined && typeof check !== 'function'
  ) {
    throw new InvalidOptionError('check', check, `a function, since onUnknown is 'check'`);
  }
  for (const name of ['input', 'output'] as const) {
    const schema: unknown = definition[name];
    if (schema !== undefined && !isSchema(schema))
      throw new InvalidOptionError(name, schema, 'a Standard Schema, as zod, valibot and arktype make them');
  }
  return definition;
}
