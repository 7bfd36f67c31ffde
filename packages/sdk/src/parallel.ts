import type { Duration } from './duration.ts';

export type Priority = number | 'user-blocking' | 'user-visible' | 'background';

export interface GroupOptions {
  /** Names the group inside its scope, so that its identity does not depend on its position. */
  readonly key?: string;
  /** How many thunks are under way at once: an integer >= 1, or Infinity. */
  readonly concurrency?: number;
  /** Thunks run in chunks of this size, each chunk after the one before has settled. */
  readonly batchSize?: number;
  /** Order of attempts in this group against others (default 0). */
  readonly priority?: Priority;
  /** Its abort is recorded, and then gives up what has not settled. */
  readonly signal?: AbortSignal;
  /** Longest time of the whole group. */
  readonly timeout?: Duration;
}

export interface SettledGroupOptions extends GroupOptions {
  /** false: entries in the order in which they settled (default true: in input order). */
  readonly preserveOrder?: boolean;
}

export interface MapOptions<Item> extends GroupOptions {
  /** Names each branch, so that its identity follows the item and not its position. */
  readonly keyBy?: (item: Item, index: number) => string;
}

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

/**
 * Work side by side. Thunks are dispatched together, results come back in input order. All throw
 * InvalidOptionError or InvalidArgumentError at the call, before anything is recorded.
 */
export interface Parallel {
  /** All values, in input order. Rejects at the first recorded failure and gives up the others. */
  all<const T extends readonly Thunk[]>(thunks: T, options?: GroupOptions): Promise<Values<T>>;
  /** `fn` of every item, values in input order; at most 1,000 under way unless `concurrency` says otherwise. */
  map<Item, R>(
    items: Iterable<Item>,
    fn: (item: Item, index: number) => R | PromiseLike<R>,
    options?: MapOptions<Item>,
  ): Promise<Awaited<R>[]>;
  /** What became of each thunk; never rejects. */
  allSettled<const T extends readonly Thunk[]>(
    thunks: T,
    options?: SettledGroupOptions,
  ): Promise<{ -readonly [K in keyof T]: Settled<Awaited<ReturnType<T[K]>>> }>;
  /** The first value; AggregateError when all failed. The others are given up. */
  any<const T extends readonly Thunk[]>(thunks: T, options?: GroupOptions): Promise<Value<T>>;
  /** The first to settle, value or failure. The others are given up. */
  race<const T extends readonly Thunk[]>(thunks: T, options?: GroupOptions): Promise<Value<T>>;
}
