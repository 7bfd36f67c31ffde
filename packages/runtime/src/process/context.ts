import {
  durationMs,
  type ChildRunOptions,
  type Context,
  type ReceiveOptions,
  type TaskCallOptions,
  type TaskDefinition,
  type TaskStreamOptions,
  type WithSecrets,
} from '@pawl/sdk';
import { levelled } from '../journal/log-line.ts';
import { openBreakpoint } from './breakpoint-call.ts';
import { continueAsNew } from './continue-as-new.ts';
import type { AnyProcess } from './definition.ts';
import type { ProcessHost } from './host.ts';
import { openScope } from './exits/scope-call.ts';
import { outsideProcess } from './process-code.ts';
import { openReduce, type ReduceArguments } from './reduce/reduce-call.ts';
import { createChannel } from './channel.ts';
import { createParallel } from './parallel/create-parallel.ts';
import { usePool } from './pool-call.ts';
import { receive } from './receive-call.ts';
import { runChild } from './run-call.ts';
import { openSource } from './source-call.ts';
import { scheduleTask } from './task-call.ts';
import { streamTask } from './task-stream.ts';
import { pointOfTime, startTimer } from './timer-call.ts';
import { setState } from './state-call.ts';
import { versionOf } from './version-call.ts';
import { randomFrom, uuidFrom } from './values.ts';

/** The `ctx` of one run. Everything it is asked for goes through the host. */
export function createContext(host: ProcessHost): Context {
  const value = (): string => {
    const scope = host.currentScope();
    scope.nextValue += 1;
    return `${scope.path}#${scope.nextValue}`;
  };
  const ctx: Context = {
    get runId() {
      return host.runIdNow;
    },
    get signal() {
      return host.currentScope().signal;
    },
    task: <Args, Output>(
      definition: TaskDefinition<Args, Output>,
      args?: WithSecrets<Args>,
      options?: TaskCallOptions,
    ) => scheduleTask<Output>(host, definition, args, options),
    stream: <Args, Output, Progress>(
      definition: TaskDefinition<Args, Output, Progress>,
      args?: WithSecrets<Args>,
      options?: TaskStreamOptions,
    ) => streamTask<Output, Progress>(host, definition, args, options),
    source: (name, open, options) => openSource(host, name, open, options),
    parallel: createParallel(host),
    // The types of state and items follow from the source's, which the signatures of Reduce say.
    reduce: ((...given: ReduceArguments) => openReduce(host, ...given)) as Context['reduce'],
    breakpoint: (question, options) => openBreakpoint(host, question, options),
    // What it gives follows from `detached`, which the signatures say.
    run: ((process: AnyProcess<never, unknown>, inputs: unknown, options?: ChildRunOptions) =>
      runChild(host, process, inputs, options)) as Context['run'],
    scope: (body, options) => openScope(host, body, options),
    continueAsNew: (inputs) => continueAsNew(host, inputs),
    channel: (name, options) => createChannel(host, name, options),
    pool: (name, options) => usePool(host, ctx, name, options),
    sleep: (duration, options) =>
      startTimer(host, { kind: 'sleep', durationMs: durationMs(duration, 'duration') }, options),
    sleepUntil: (when, options) =>
      startTimer(host, { kind: 'sleepUntil', dueAt: pointOfTime(when) }, options),
    // What comes is what the options say.
    receive: ((name: string, options?: ReceiveOptions) => receive(host, name, options)) as Context['receive'],
    waitFor: ((name: string, options?: ReceiveOptions) =>
      receive(host, name, options, 'waitFor')) as Context['waitFor'],
    version: (id, min, max) => versionOf(host, id, min, max),
    patched: (id) => versionOf(host, id, 0, 1, 'ctx.patched') === 1,
    setState: (name, state) => setState(host, name, state),
    now: () => new Date(host.now),
    random: () => randomFrom(host.port.digest, host.seed, value()),
    uuid: () => uuidFrom(host.port.digest, host.seed, value()),
    log: levelled((level, values) => {
      if (!host.quiet) outsideProcess(() => host.port.log(level, values));
    }),
  };
  return ctx;
}
