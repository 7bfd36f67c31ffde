import type { Duration } from './duration.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { StreamParallel } from './stream.ts';

export type Priority = number | 'user-blocking' | 'user-visible' | 'background';

/** A pool by its name, or anything that carries one. */
export type PoolReference = string | { readonly name: string };

/** What an attempt takes of its pool: a number of slots, or an amount of each resource; each above 0. */
export type Cost = number | Readonly<Record<string, number>>;

/** What tasks get that say nothing else themselves, neither at the call nor in their definition. */
export interface TaskDefaults {
  /** Order of attempts in this group against others (default 0). */
  readonly priority?: Priority;
  readonly retry?: RetryPolicy;
  /** Longest time of one attempt. */
  readonly taskTimeout?: Duration;
  readonly pool?: PoolReference;
  readonly cost?: Cost;
}

/** Counts instead of a group, where its thunks wait for each other and only some of them are at work. */
export interface Limiter {
  /** How many may be at work from now on: at the start, and when a resumed run changes it. */
  limit(concurrency: number): void;
}

export interface GroupOptions extends TaskDefaults {
  /** Names the group inside its scope, so that its identity does not depend on its position. */
  readonly key?: string;
  /** How many thunks are under way at once: an integer >= 1, or Infinity. */
  readonly concurrency?: number;
  /** Thunks run in chunks of this size, each chunk after the one before has settled. */
  readonly batchSize?: number;
  /** Its abort is recorded, and then gives up what has not settled. */
  readonly signal?: AbortSignal;
  /** Longest time of the whole group. */
  readonly timeout?: Duration;
  /**
   * Thunks are invoked at once, and wait by themselves until the limiter lets them: `concurrency` is
   * recorded and retuned as ever, and told to it.
   */
  readonly limiter?: Limiter;
  /**
   * What becomes of branches that run when a value or a failure decides the group. 'cancel' (default):
   * they are given up. 'drain': they go on, and the group settles when they have. 'detach': the group
   * settles at once, they go on in the background, and the run does not end before they have. No thunk
   * is started after the decision. An abort or a timeout gives up what runs, whatever this says.
   */
  readonly losers?: 'cancel' | 'drain' | 'detach';
}

/** Names each branch, so that its identity follows the item and not its position. */
export interface KeyedOptions<Item> {
  readonly keyBy?: (item: Item, index: number) => string;
}

/** When a group is decided before all its branches have settled. What runs then is given up, or see `losers`. */
export interface CompletionPolicy {
  /** As soon as so many have succeeded; an integer >= 1. */
  readonly minSuccessful?: number;
  /** As soon as more than so many have failed; an integer >= 0. */
  readonly toleratedFailures?: number;
}

export interface SettledGroupOptions extends GroupOptions {
  /** false: entries in the order in which they settled (default true: in input order). */
  readonly preserveOrder?: boolean;
  readonly completion?: CompletionPolicy;
}

export interface SomeOptions extends GroupOptions {
  /** true: values in input order (default false: in the order in which they settled). */
  readonly preserveOrder?: boolean;
  readonly completion?: CompletionPolicy;
  /** Fewer values are a failure: an AggregateError of what went wrong, of nothing where there are too few thunks (default 0). */
  readonly min?: number;
}

export interface ThunkOptions extends GroupOptions, KeyedOptions<Thunk> {}
export interface SettledThunkOptions extends SettledGroupOptions, KeyedOptions<Thunk> {}
export interface SomeThunkOptions extends SomeOptions, KeyedOptions<Thunk> {}
export interface MapOptions<Item> extends GroupOptions, KeyedOptions<Item> {}
export interface MapSettledOptions<Item> extends SettledGroupOptions, KeyedOptions<Item> {}

export type Settled<T> =
  | { readonly status: 'fulfilled'; readonly value: T; readonly index: number; readonly key: string }
  | {
      readonly status: 'rejected';
      readonly reason: unknown;
      readonly index: number;
      readonly key: string;
      /** False when the thunk was never invoked. */
      readonly started: boolean;
    };

export type Thunk<T = unknown> = () => T | PromiseLike<T>;
type Values<T extends readonly Thunk[]> = { -readonly [K in keyof T]: Awaited<ReturnType<T[K]>> };
type Value<T extends readonly Thunk[]> = Awaited<ReturnType<T[number]>>;
type Entries<T extends readonly Thunk[]> = { -readonly [K in keyof T]: Settled<Awaited<ReturnType<T[K]>>> };
type Fork = Readonly<Record<string, Thunk>>;

/**
 * Work side by side. Thunks are dispatched together, results come back in input order. All throw
 * InvalidOptionError or InvalidArgumentError at the call, before anything is recorded. All reject with
 * CancelledError when their signal is aborted and with TimeoutError when their time is over, apart from
 * the settled ones, which tell it in their entries.
 */
export interface Parallel extends StreamParallel {
  /** All values, in input order. Rejects at the first recorded failure and gives up the others. */
  all<const T extends readonly Thunk[]>(thunks: T, options?: ThunkOptions): Promise<Values<T>>;
  /** `all`, by the name that says what comes out: a tuple. */
  allTuple<const T extends readonly Thunk[]>(thunks: T, options?: ThunkOptions): Promise<Values<T>>;
  /** `fn` of every item, values in input order; at most 1,000 under way unless `concurrency` says otherwise. */
  map<Item, R>(
    items: Iterable<Item>,
    fn: (item: Item, index: number) => R | PromiseLike<R>,
    options?: MapOptions<Item>,
  ): Promise<Awaited<R>[]>;
  /** `all` with names: one value for each own enumerable key, in that order. The keys name the branches. */
  forkJoin<const T extends Fork>(
    thunks: T,
    options?: GroupOptions,
  ): Promise<{ -readonly [K in keyof T]: Awaited<ReturnType<T[K]>> }>;
  /**
   * What became of each thunk; never rejects. With `preserveOrder: false` an entry's place says nothing,
   * which its type cannot tell: go by its `index`.
   */
  allSettled<const T extends readonly Thunk[]>(thunks: T, options?: SettledThunkOptions): Promise<Entries<T>>;
  /** `allSettled`, by the name that says what comes out: a tuple. */
  allTupleSettled<const T extends readonly Thunk[]>(
    thunks: T,
    options?: SettledThunkOptions,
  ): Promise<Entries<T>>;
  /** What became of `fn` of every item; never rejects. */
  mapSettled<Item, R>(
    items: Iterable<Item>,
    fn: (item: Item, index: number) => R | PromiseLike<R>,
    options?: MapSettledOptions<Item>,
  ): Promise<Settled<Awaited<R>>[]>;
  /** What became of each thunk, by name; never rejects. */
  forkJoinSettled<const T extends Fork>(
    thunks: T,
    options?: SettledGroupOptions,
  ): Promise<{ -readonly [K in keyof T]: Settled<Awaited<ReturnType<T[K]>>> }>;
  /** The first value; AggregateError when all failed. The others are given up. */
  any<const T extends readonly Thunk[]>(thunks: T, options?: ThunkOptions): Promise<Value<T>>;
  /** The first to settle, value or failure. The others are given up. */
  race<const T extends readonly Thunk[]>(thunks: T, options?: ThunkOptions): Promise<Value<T>>;
  /**
   * The values of those that succeed, in the order in which they do. Failures are left out; with `min`,
   * too few values are an AggregateError of the failures.
   */
  some<const T extends readonly Thunk[]>(thunks: T, options?: SomeThunkOptions): Promise<Value<T>[]>;
  /**
   * The items whose predicate gives something truthy, in input order. Rejects with the error of the first
   * predicate that fails, which then carries `index`.
   */
  filter<Item>(
    items: Iterable<Item>,
    predicate: (item: Item, index: number) => unknown,
    options?: MapOptions<Item>,
  ): Promise<Item[]>;
  /** The items by their key, keys by their first item, items in input order. Errors as in `filter`. */
  groupBy<Item, Key>(
    items: Iterable<Item>,
    keyOf: (item: Item, index: number) => Key | PromiseLike<Key>,
    options?: MapOptions<Item>,
  ): Promise<Map<Awaited<Key>, Item[]>>;
  /**
   * `map` of every item side by side, then `reduce` over what that gave, one after the other in input
   * order. Errors as in `filter`; what `reduce` throws is thrown.
   */
  mapReduce<Item, R, Total>(
    items: Iterable<Item>,
    map: (item: Item, index: number) => R | PromiseLike<R>,
    reduce: (total: Total, value: Awaited<R>, index: number) => Total | PromiseLike<Total>,
    initial: Total,
    options?: MapOptions<Item>,
  ): Promise<Total>;
}
