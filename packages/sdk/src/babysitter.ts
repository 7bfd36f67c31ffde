/** `@pawl/sdk/babysitter`: what processes that were written for Babysitter import and get. */
import { InvalidArgumentError } from './errors.ts';
import type { Context, Process } from './process.ts';
import { asJson, asOutput, isFields } from './babysitter/as-json.ts';
import { CleanUp } from './babysitter/clean-up.ts';
import {
  createContext,
  haltedBy,
  type SubprocessInvocation,
  type SubprocessResult,
} from './babysitter/context.ts';
import type { BabysitterHost, BabysitterProcess } from './babysitter/host.ts';
import { defineTask as defineOwnTask } from './task.ts';

export type { BreakpointResult, BreakpointRouting } from './babysitter/breakpoint.ts';
export type { ProcessContext, SubprocessInvocation, SubprocessResult } from './babysitter/context.ts';
export { defineTask } from './babysitter/defined-task.ts';
export type {
  DefinedTask,
  DefineTaskOptions,
  TaskBuildContext,
  TaskDef,
  TaskObject,
} from './babysitter/defined-task.ts';
export type { BabysitterHost, BabysitterProcess, HookResult, HookRun } from './babysitter/host.ts';
export type { ParallelHelpers, ParallelOptions } from './babysitter/parallel.ts';
export type { TaskInvokeOptions } from './babysitter/task-call.ts';
export { globalTaskRegistry, type RegisteredTask, type TaskRegistry } from './babysitter/task-registry.ts';

/**
 * A process as Babysitter calls it, made one that Pawl runs.
 *
 *     runtime.start(babysitter(process), inputs);
 *
 * @param host what it needs of the machine
 */
export function babysitter(process: BabysitterProcess, host: BabysitterHost = {}): Process<never> {
  return async (inputs: unknown, ctx) => (await runProcess(process, host, inputs, ctx)).output;
}

async function runProcess(
  process: BabysitterProcess,
  host: BabysitterHost,
  inputs: unknown,
  ctx: Context,
): Promise<{ readonly output: unknown; readonly folder: string | undefined }> {
  const folder = await openFolder(host, ctx);
  const cleanUp = new CleanUp(ctx);
  const runSubprocess = (
    invocation: SubprocessInvocation,
    key: string | undefined,
  ): Promise<SubprocessResult> => startOther(host, ctx, invocation, key);
  const context = createContext({ ctx, host, folder, cleanUp, runSubprocess });
  let output: unknown;
  try {
    output = await process((inputs ?? {}) as never, context as never);
    // An older way to halt.
    if (isFields(output) && output['halt'] === true)
      throw haltedBy(output['reason'] ?? output['phase'] ?? 'halt: true', output);
  } finally {
    await cleanUp.run();
  }
  return { output: asOutput(output), folder };
}

/** Recorded, since the path goes into descriptions: a project that is moved has the runs that it had. */
async function openFolder(host: BabysitterHost, ctx: Context): Promise<string | undefined> {
  const { openFolder: open } = host;
  if (open === undefined) return undefined;
  const folder = defineOwnTask({ name: 'folder', run: (runId: string) => open(runId) });
  return await ctx.task(folder, ctx.runId, { key: 'folder' });
}

/** A run of its own, whose code is loaded where it runs. */
async function startOther(
  host: BabysitterHost,
  ctx: Context,
  { processPath, exportName, processId, inputs }: SubprocessInvocation,
  key: string | undefined,
): Promise<SubprocessResult> {
  const { loadProcess } = host;
  if (loadProcess === undefined)
    throw new InvalidArgumentError(
      'ctx.subprocess has nothing to load processes with: babysitter(process, { loadProcess }).',
    );
  if (typeof processPath !== 'string' || processPath === '')
    throw new InvalidArgumentError('ctx.subprocess takes { processPath }: the path of a module.');
  const child = {
    name: processId ?? processPath,
    run: async (given: unknown, childCtx: Context): Promise<SubprocessResult> => {
      const process = await loadProcess(processPath, exportName);
      const { output, folder } = await runProcess(process, host, given, childCtx);
      return { runId: childCtx.runId, ...(folder === undefined ? {} : { runDir: folder }), output };
    },
  };
  const given = asJson(`The inputs of ${processPath}`, inputs ?? {});
  return await ctx.run(child, given, key === undefined ? {} : { key });
}
