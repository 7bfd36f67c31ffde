import { InvalidArgumentError, InvalidOptionError } from '../errors.ts';
import type { Context } from '../process.ts';
import { isFields } from './as-json.ts';

export interface ParallelOptions {
  /** How many thunks are under way at once (default: all). */
  readonly maxConcurrency?: number;
  readonly executionStrategy?: 'sequential' | 'concurrent' | 'adaptive';
}

export interface ParallelHelpers {
  /**
   * @throws InvalidArgumentError; rejects with the first failure, and what is under way is given up then
   */
  all<const T extends readonly unknown[]>(
    thunks: T,
    options?: ParallelOptions,
  ): Promise<{ -readonly [K in keyof T]: T[K] extends () => infer R ? Awaited<R> : Awaited<T[K]> }>;
  map<Item, Out>(
    items: readonly Item[],
    fn: (item: Item, index: number) => Out | Promise<Out>,
    options?: ParallelOptions,
  ): Promise<Out[]>;
}

const HINT =
  'parallel.all got promises instead of functions: that works, but their calls are not of its branches, so a failure does not give the others up, and maxConcurrency does not hold them. Write [() => ctx.task(…)].';

export function createParallel(ctx: Context): ParallelHelpers {
  let isHinted = false;
  const thunkOf = (given: unknown, index: number): (() => unknown) => {
    if (typeof given === 'function') return given as () => unknown;
    if (!isThenable(given))
      throw new InvalidArgumentError(
        `parallel.all takes a list of functions; at ${index} it has ${given === null ? 'null' : `a value of type ${typeof given}`}.`,
      );
    // Where the group is decided before, nobody else waits for it.
    given.then(undefined, () => undefined);
    if (!isHinted) ctx.log(HINT);
    isHinted = true;
    return () => given;
  };
  const helpers = {
    all: async (thunks: unknown, options?: ParallelOptions) =>
      ctx.parallel.all(listOf('all', thunks).map(thunkOf), groupOptions(options)),
    map: async (items: unknown, fn: (item: never, index: number) => unknown, options?: ParallelOptions) => {
      if (typeof fn !== 'function')
        throw new InvalidArgumentError('parallel.map takes a function behind its items.');
      return ctx.parallel.all(
        listOf('map', items).map((item, index) => () => fn(item as never, index)),
        groupOptions(options),
      );
    },
  };
  // The types of the results follow from the functions given, which the interface says.
  return helpers as unknown as ParallelHelpers;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function listOf(name: string, given: unknown): readonly unknown[] {
  if (Array.isArray(given)) return given;
  throw new InvalidArgumentError(`parallel.${name} takes a list first.`);
}

/** Options that Babysitter does not know do nothing there either. */
function groupOptions(options: ParallelOptions | undefined): { concurrency?: number } {
  if (options === undefined || options === null) return {};
  if (!isFields(options)) throw new InvalidOptionError('options', options, 'an object');
  const { maxConcurrency, executionStrategy } = options as ParallelOptions;
  if (executionStrategy === 'sequential') return { concurrency: 1 };
  if (typeof maxConcurrency !== 'number' || !(maxConcurrency >= 1)) return {};
  return { concurrency: Math.floor(maxConcurrency) };
}
