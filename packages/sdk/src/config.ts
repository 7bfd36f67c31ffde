import { durationMs, type Duration } from './duration.ts';
import { InvalidOptionError } from './errors.ts';
import type { Json } from './json.ts';
import { retryPlan, type RetryPolicy } from './retry-policy.ts';
import { checkCommandOptions } from './shell-options.ts';

/** An external task, as whoever does it gets it. */
export interface ExecutorTask {
  readonly id: string;
  readonly runId: string;
  readonly key: string;
  /** Its name. */
  readonly task: string;
  readonly kind: string;
  /** As the process wrote it. */
  readonly description: Json;
  /** JSON Schema of the answer; null where nothing is known of it. */
  readonly outputSchema: Json;
}

export interface ExecutorContext {
  /** Aborted when the answer is no longer wanted. */
  readonly signal: AbortSignal;
  /** 1 for the first try. */
  readonly attempt: number;
}

interface ExecutorLimits {
  /** Tasks at once (default 1). */
  readonly concurrency?: number;
  /** Longest time of one try. */
  readonly timeout?: Duration;
  /** Tries, before the task is told that it failed. */
  readonly retry?: RetryPolicy;
}

/** Gets the description as JSON on stdin, and answers JSON on stdout. */
export interface CommandExecutor extends ExecutorLimits {
  /** A string runs in the system shell; a list is a program and its arguments, without a shell. */
  readonly command: string | readonly string[];
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface FunctionExecutor extends ExecutorLimits {
  /** What it gives is the answer; what it throws is tried again, or fails the task. */
  readonly respond: (task: ExecutorTask, context: ExecutorContext) => unknown;
}

export type Executor = CommandExecutor | FunctionExecutor;

/** What `pawl.config.ts` exports by default. */
export interface PawlConfig {
  /** Who does external tasks, by their kind: used by `pawl run` and `pawl resume`, and by `pawl respond`. */
  readonly executors?: Readonly<Record<string, Executor>>;
  /**
   * Packages that modules of this folder import, and what they come to instead: another package, or a file below the
   * folder that begins with `./`.
   */
  readonly alias?: Readonly<Record<string, string>>;
}

const OPTIONS: ReadonlySet<string> = new Set<keyof CommandExecutor | keyof FunctionExecutor>([
  'command',
  'cwd',
  'env',
  'respond',
  'concurrency',
  'timeout',
  'retry',
]);

/**
 * Checks the configuration of a project.
 * @throws InvalidOptionError
 */
export function defineConfig(config: PawlConfig): PawlConfig {
  if (typeof config !== 'object' || config === null)
    throw new InvalidOptionError('config', config, 'an object');
  for (const [name, value] of Object.entries(config))
    if (name !== 'executors' && name !== 'alias')
      throw new InvalidOptionError(name, value, 'left out: a configuration takes executors and alias');
  const { executors = {}, alias = {} } = config;
  if (typeof alias !== 'object' || alias === null || Array.isArray(alias))
    throw new InvalidOptionError('alias', alias, 'an object of names by name');
  for (const [name, target] of Object.entries(alias))
    if (typeof target !== 'string') throw new InvalidOptionError(`alias.${name}`, target, 'a text');
  if (typeof executors !== 'object' || executors === null)
    throw new InvalidOptionError('executors', executors, 'an object of executors by kind');
  for (const [kind, executor] of Object.entries(executors)) checkExecutor(`executors.${kind}`, executor);
  return config;
}

function checkExecutor(place: string, executor: Executor): void {
  if (typeof executor !== 'object' || executor === null)
    throw new InvalidOptionError(place, executor, 'an object with a command, or with a function respond');
  for (const [name, value] of Object.entries(executor))
    if (!OPTIONS.has(name))
      throw new InvalidOptionError(
        `${place}.${name}`,
        value,
        `left out: an executor takes ${[...OPTIONS].join(', ')}`,
      );
  const { concurrency, timeout, retry } = executor;
  if ('respond' in executor && 'command' in executor)
    throw new InvalidOptionError(`${place}.respond`, executor.respond, 'left out where there is a command');
  if ('respond' in executor) {
    if (typeof executor.respond !== 'function')
      throw new InvalidOptionError(`${place}.respond`, executor.respond, 'a function');
  } else {
    if (typeof executor.command === 'function')
      throw new InvalidOptionError(`${place}.command`, executor.command, 'a command line, or a list');
    checkCommandOptions(executor);
  }
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency >= 1))
    throw new InvalidOptionError(`${place}.concurrency`, concurrency, 'an integer >= 1');
  if (timeout !== undefined && durationMs(timeout, `${place}.timeout`) === 0)
    throw new InvalidOptionError(`${place}.timeout`, timeout, 'longer than 0');
  retryPlan(retry);
}
