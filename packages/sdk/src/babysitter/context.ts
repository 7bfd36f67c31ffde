import { InvalidArgumentError, RunHaltedError } from '../errors.ts';
import type { Context } from '../process.ts';
import { defineTask as defineOwnTask } from '../task.ts';
import { isFields, textsOf, type Fields } from './as-json.ts';
import { askPeople, type BreakpointResult, type BreakpointRouting } from './breakpoint.ts';
import type { CleanUp } from './clean-up.ts';
import { defineTask, type DefinedTask } from './defined-task.ts';
import type { BabysitterHost, HookResult } from './host.ts';
import { createParallel, type ParallelHelpers } from './parallel.ts';
import { folderOf, TaskCalls, type TaskInvokeOptions } from './task-call.ts';

export interface SubprocessInvocation {
  /** From the working folder. */
  readonly processPath: string;
  readonly exportName?: string;
  /** What its run is called. Default: the path. */
  readonly processId?: string;
  readonly inputs?: unknown;
  readonly [field: string]: unknown;
}

export interface SubprocessResult {
  readonly runId: string;
  /** Absolute; left out where runs have no folder. */
  readonly runDir?: string;
  readonly output: unknown;
}

/** The `ctx` of a process that was written for Babysitter. */
export interface ProcessContext {
  readonly runId: string;
  /** Absolute. @throws InvalidArgumentError where runs have no folder */
  readonly runDir: string;
  /** `artifacts` in it, and there. */
  readonly artifactsDir: string;
  readonly parallel: ParallelHelpers;
  /** The recorded time of the last thing that was delivered. */
  now(): Date;
  task<Args, Result>(
    task: DefinedTask<Args, Result>,
    args?: NoInfer<Args>,
    options?: TaskInvokeOptions,
  ): Promise<Result>;
  breakpoint(payload: unknown, options?: BreakpointRouting): Promise<BreakpointResult>;
  /** Returns at once where the time has passed. @param target text of a date, or milliseconds since 1970 */
  sleepUntil(target: string | number | Date, options?: { readonly label?: string }): Promise<void>;
  orchestratorTask<Result = unknown>(payload: unknown, options?: TaskInvokeOptions): Promise<Result>;
  subprocess(invocation: SubprocessInvocation, options?: TaskInvokeOptions): Promise<SubprocessResult>;
  hook(
    type: string,
    payload: Fields,
    options?: { readonly label?: string; readonly timeout?: number; readonly throwOnFailure?: boolean },
  ): Promise<HookResult>;
  /** Ends the run, which has failed then. */
  halt(reason: string, payload?: Fields): never;
  /** Called once at the end, the last one first, unless the run is cancelled. */
  onCleanup(callback: () => void | Promise<void>): void;
  log(...values: readonly unknown[]): void;
}

/** What the wrapper does with a process of another module. */
export type RunSubprocess = (
  invocation: SubprocessInvocation,
  key: string | undefined,
) => Promise<SubprocessResult>;

const orchestratorTask = defineTask<{ payload: unknown; label: string }>(
  'orchestrator-task',
  ({ payload, label }) => ({
    kind: 'orchestrator_task',
    title: label,
    metadata: { payload, orchestratorTask: true },
    orchestratorTask: { payload },
  }),
);

const HOOK_TIMEOUT_MS = 30_000;

export interface ContextParts {
  readonly ctx: Context;
  readonly host: BabysitterHost;
  readonly folder: string | undefined;
  readonly cleanUp: CleanUp;
  readonly runSubprocess: RunSubprocess;
}

export function createContext({ ctx, host, folder, cleanUp, runSubprocess }: ContextParts): ProcessContext {
  const tasks = new TaskCalls(ctx, folder);
  const context = {
    runId: ctx.runId,
    get runDir() {
      return folderOf(folder);
    },
    get artifactsDir() {
      return `${folderOf(folder)}/artifacts`;
    },
    parallel: createParallel(ctx),
    now: () => ctx.now(),
    task: (task: DefinedTask<never>, args: unknown, options?: TaskInvokeOptions) =>
      rejecting(() => tasks.call(task, args, options)),
    breakpoint: (payload: unknown, options?: BreakpointRouting) =>
      rejecting(() => askPeople(ctx, payload, options)),
    sleepUntil: (target: unknown) => rejecting(() => sleepUntil(ctx, target)),
    orchestratorTask: (payload: unknown, options: TaskInvokeOptions = {}) =>
      rejecting(() => {
        const label = options.label ?? 'orchestrator-task';
        return tasks.call(orchestratorTask, { payload, label }, { ...options, label });
      }),
    subprocess: (invocation: SubprocessInvocation, { key, stableKey }: TaskInvokeOptions = {}) =>
      rejecting(() => runSubprocess(invocation, key ?? stableKey)),
    hook: (type: string, payload: Fields, options: Parameters<ProcessContext['hook']>[2]) =>
      rejecting(() => callHook(ctx, host, type, payload, options)),
    halt: (reason: unknown, payload?: unknown) => {
      throw haltedBy(reason, payload);
    },
    onCleanup: (callback: unknown) => cleanUp.add(callback),
    log: (...values: readonly unknown[]) => cleanUp.log(values),
  };
  // What a task gives is what its definition says.
  return context as unknown as ProcessContext;
}

/** What is wrong with a call is a rejection, and one that nobody waits for ends no program. */
function rejecting<T>(call: () => Promise<T>): Promise<T> {
  const promise = (async () => call())();
  promise.catch(() => undefined);
  return promise;
}

async function sleepUntil(ctx: Context, target: unknown): Promise<void> {
  const time =
    target instanceof Date ? target.getTime() : typeof target === 'string' ? Date.parse(target) : target;
  if (typeof time !== 'number' || !Number.isFinite(time) || time < 0)
    throw new InvalidArgumentError('ctx.sleepUntil takes a date, its text, or milliseconds since 1970.');
  if (time > ctx.now().getTime()) await ctx.sleepUntil(time);
}

async function callHook(
  ctx: Context,
  host: BabysitterHost,
  type: string,
  payload: Fields,
  options: Parameters<ProcessContext['hook']>[2] = {},
): Promise<HookResult> {
  if (typeof type !== 'string' || !/^[\w.-]+$/.test(type) || type.startsWith('.'))
    throw new InvalidArgumentError('ctx.hook takes the type of a hook: letters, digits and . _ -');
  const { callHook: call } = host;
  if (call === undefined) return { hookType: type, success: true, executedHooks: [] };
  const { timeout: timeoutMs = HOOK_TIMEOUT_MS, throwOnFailure = false } = options;
  const hook = defineOwnTask({
    name: options.label ?? `hook:${type}`,
    run: (told: Fields, { signal }) => call(type, told, { timeoutMs, signal }),
  });
  const told = { runId: ctx.runId, ...payload, hookType: type, timestamp: ctx.now().toISOString() };
  const result = await ctx.task(hook, told);
  if (!result.success && throwOnFailure)
    throw new InvalidArgumentError(`Hook '${type}' failed: ${result.error ?? 'no reason was given'}`);
  return result;
}

/** @throws InvalidArgumentError */
export function haltedBy(reason: unknown, payload: unknown): RunHaltedError {
  if (payload !== undefined && !isFields(payload))
    throw new InvalidArgumentError('ctx.halt takes an object behind the reason, or nothing.');
  const [words = 'no reason was given'] = textsOf(reason);
  return new RunHaltedError(words, payload);
}
