import type { Duration } from './duration.ts';
import type { KeyedOptions, Settled, TaskDefaults, Thunk } from './parallel.ts';

/** Where a stream takes its items from: a list, a generator, another stream, a channel. */
export type StreamSource<T> = Iterable<T> | AsyncIterable<T>;

/**
 * What a consumer reads, with `for await` or by `next`. Leaving the loop closes it: what runs is given
 * up and the source's `finally` runs. Several consumers share the items, first come first
 * served; one in a branch that has lost leaves the stream to the others.
 */
export interface ResultStream<T> extends AsyncIterableIterator<T, undefined, undefined> {
  next(): Promise<IteratorResult<T, undefined>>;
  return(): Promise<IteratorResult<T, undefined>>;
  throw(error?: unknown): Promise<IteratorResult<T, undefined>>;
  [Symbol.asyncIterator](): ResultStream<T>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Results of several sources in one. */
export interface MergedStream<T> extends ResultStream<T> {
  [Symbol.asyncIterator](): MergedStream<T>;
  /** Sources that have not ended. */
  readonly activeCount: number;
}

export interface FirstOptions<Item> extends KeyedOptions<Item>, TaskDefaults {
  /** Names the call inside its scope, so that its identity does not depend on its position. */
  readonly key?: string;
  /** How many branches are under way at once: an integer >= 1, or Infinity (default 16). */
  readonly concurrency?: number;
  /** Its abort is recorded, and then gives up what has not settled. */
  readonly signal?: AbortSignal;
  /** Longest time of the whole call. */
  readonly timeout?: Duration;
}

export interface StreamOptions<Item> extends FirstOptions<Item> {
  /**
   * How many settled results may wait for the consumer before nothing more is started: an integer
   * >= 0 (default: the concurrency). Items are taken from the source while fewer than concurrency +
   * buffer run or wait.
   */
  readonly buffer?: number;
  /** true: results in the order of the source (default false: in the order in which they settle). */
  readonly preserveOrder?: boolean;
}

export type MergeMode =
  /** Whatever is ready, each source that is ready in its turn. */
  | 'race'
  /** One of each source in strict turns; one that has ended drops out. */
  | 'roundRobin'
  /** As they are ready, but none gets its next turn before each has had its last one. */
  | 'raceRobin'
  /** One source after the other. */
  | 'concat'
  /** One of each at a time; ends with the shortest. */
  | 'zip';

export interface MergeOptions {
  /** Names the call inside its scope, so that its identity does not depend on its position. */
  readonly key?: string;
  readonly mode?: MergeMode;
  /** 'throw' (default): the first failure of a source ends it all. 'envelope': it is an item, and the others go on. */
  readonly onError?: 'throw' | 'envelope';
  /** Its abort is recorded, and then closes all sources. */
  readonly signal?: AbortSignal;
  /** Longest time of the whole call. */
  readonly timeout?: Duration;
}

/** An item of a merged stream: `key` is the source's name, or its index as text. */
export interface MergedItem<T> {
  readonly key: string;
  readonly index: number;
  readonly value: T;
}

export type MergedEnvelope<T> =
  | { readonly type: 'ITEM'; readonly key: string; readonly index: number; readonly value: T }
  | { readonly type: 'ERROR'; readonly key: string; readonly index: number; readonly error: unknown };

type Sources = readonly StreamSource<unknown>[] | Readonly<Record<string, StreamSource<unknown>>>;
type ItemOf<S> = S extends StreamSource<infer T> ? T : never;
type AnyItem<S extends Sources> = ItemOf<S[keyof S & (S extends readonly unknown[] ? number : string)]>;
type Zipped<S extends Sources> = { -readonly [K in keyof S]: ItemOf<S[K]> };

/**
 * Work on the items of a source as they come. A source is pulled in a scope of its own, so a generator
 * may call `ctx`. Memory follows concurrency and buffer, not the number of items; the names that `keyBy`
 * gives are kept, since they must differ.
 *
 * All throw InvalidOptionError or InvalidArgumentError at the call, before anything is recorded. What the
 * source throws is thrown to the consumer after what ran by then; an abort gives a CancelledError and a
 * timeout a TimeoutError, after the results that had settled before. Closing waits for the source's
 * `finally` as long as that waits for `ctx` alone.
 */
export interface StreamParallel {
  /** What became of each item, failures too. */
  stream<T extends Thunk>(
    source: StreamSource<T>,
    options?: StreamOptions<T>,
  ): ResultStream<Settled<Awaited<ReturnType<T>>>>;
  stream<Item, R>(
    source: StreamSource<Item>,
    fn: (item: Item, index: number) => R | PromiseLike<R>,
    options?: StreamOptions<Item>,
  ): ResultStream<Settled<Awaited<R>>>;
  /** The values. The first failure gives up the rest, and is thrown after the values that settled before it. */
  streamAll<T extends Thunk>(
    source: StreamSource<T>,
    options?: StreamOptions<T>,
  ): ResultStream<Awaited<ReturnType<T>>>;
  streamAll<Item, R>(
    source: StreamSource<Item>,
    fn: (item: Item, index: number) => R | PromiseLike<R>,
    options?: StreamOptions<Item>,
  ): ResultStream<Awaited<R>>;
  /** The values of those that succeed; failures are left out. */
  streamSome<T extends Thunk>(
    source: StreamSource<T>,
    options?: StreamOptions<T>,
  ): ResultStream<Awaited<ReturnType<T>>>;
  streamSome<Item, R>(
    source: StreamSource<Item>,
    fn: (item: Item, index: number) => R | PromiseLike<R>,
    options?: StreamOptions<Item>,
  ): ResultStream<Awaited<R>>;
  /**
   * The first value. AggregateError when all failed (of the first 1,000 failures) and when there was
   * none; the source's own error when that ended it.
   */
  streamAny<T extends Thunk>(
    source: StreamSource<T>,
    options?: FirstOptions<T>,
  ): Promise<Awaited<ReturnType<T>>>;
  streamAny<Item, R>(
    source: StreamSource<Item>,
    fn: (item: Item, index: number) => R | PromiseLike<R>,
    options?: FirstOptions<Item>,
  ): Promise<Awaited<R>>;
  /** The first to settle, value or failure. EmptyGroupError when the source has nothing. */
  raceFrom<T extends Thunk>(
    source: StreamSource<T>,
    options?: FirstOptions<T>,
  ): Promise<Awaited<ReturnType<T>>>;
  raceFrom<Item, R>(
    source: StreamSource<Item>,
    fn: (item: Item, index: number) => R | PromiseLike<R>,
    options?: FirstOptions<Item>,
  ): Promise<Awaited<R>>;
  /**
   * Several sources as one, each pulled in a branch of its own and at most one item ahead. With
   * onError 'throw' the items that were ready are handed over first, then the failure is thrown.
   */
  merge(): MergedStream<never>;
  merge<const S extends Sources>(
    sources: S,
    options: MergeOptions & { readonly mode: 'zip' },
  ): MergedStream<Zipped<S>>;
  merge<const S extends Sources>(
    sources: S,
    options: MergeOptions & { readonly onError: 'envelope' },
  ): MergedStream<MergedEnvelope<AnyItem<S>>>;
  merge<const S extends Sources>(sources: S, options?: MergeOptions): MergedStream<MergedItem<AnyItem<S>>>;
  /**
   * The items in lists of `size` (an integer >= 1), the last one shorter. Pulled when it is read, by
   * whoever reads it.
   */
  window<T>(source: StreamSource<T>, size: number): AsyncIterableIterator<T[], undefined, undefined>;
}
