import type { Log } from './log.ts';
import type { TaskCallOptions } from './process.ts';
import type { RetryPolicy } from './retry-policy.ts';

/** What a source gives: an item, and where to go on behind it. */
export interface SourceItem<Item = unknown, Cursor = unknown> {
  readonly item: Item;
  /**
   * Whatever lets `open` go on behind this item: an offset, an id, a page token. It is recorded with the
   * item. Not undefined, which means the start.
   */
  readonly cursor: Cursor;
}

/** What `open` gets beside the cursor. */
export interface SourceContext {
  /** Aborted when the items are no longer wanted: the process stopped reading, was cancelled, shuts down. */
  readonly signal: AbortSignal;
  /** 1 for the first opening; a resume and a retry count up. */
  readonly attempt: number;
  readonly runId: string;
  /** The call key, as `pawl show` prints it. */
  readonly key: string;
  /** The same for every attempt of this call and for no other call. */
  readonly idempotencyKey: string;
  readonly log: Log;
}

/**
 * Begins to read behind `cursor`, or at the start where it is undefined. It is called outside the process,
 * like a task: it does I/O and has no `ctx`.
 */
export type OpenSource<Item, Cursor> = (
  cursor: Cursor | undefined,
  source: SourceContext,
) =>
  | AsyncIterable<SourceItem<Item, Cursor>>
  | Iterable<SourceItem<Item, Cursor>>
  | Promise<AsyncIterable<SourceItem<Item, Cursor>> | Iterable<SourceItem<Item, Cursor>>>;

export interface SourceOptions {
  /** Names the call inside its scope, so that its identity does not depend on its position. */
  readonly key?: string;
  /**
   * Items that the source may be ahead of what is recorded for good and was taken by the process: an
   * integer >= 1 (default 16). So many items share a commit at most: a large one is faster where items come
   * quickly. With 1 the code behind a `yield` runs only once its item is committed and
   * taken, so that it may acknowledge the item.
   */
  readonly buffer?: number;
  /**
   * A failed source is opened again at its last cursor. Failures count from the last item on: an item that
   * got through starts the count anew. Without it a failure is final.
   */
  readonly retry?: RetryPolicy;
}

/**
 * Items as they are recorded. It is read once; `break` tells the source to stop. Several readers share the
 * items, first come first served; one in a branch that has lost leaves the stream to the others. A
 * `ctx.reduce` shares with nobody: until it is settled others are refused with InvalidArgumentError.
 */
export interface ItemStream<Item> extends AsyncIterableIterator<Item, undefined, undefined> {
  next(): Promise<IteratorResult<Item, undefined>>;
  /** Stops reading: what is left of the buffer is dropped, and the source is told. */
  return(): Promise<IteratorReturnResult<undefined>>;
  [Symbol.asyncIterator](): ItemStream<Item>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TaskStreamOptions extends TaskCallOptions {
  /**
   * Progress that may wait to be taken before `await task.progress(…)`, or a `yield`, waits too: an integer
   * >= 1 (default 16).
   */
  readonly buffer?: number;
}

/** What a task call gives while it runs, and its end. Nothing follows FINAL or ERROR. */
export type TaskEnvelope<Output = unknown, Progress = unknown> =
  | {
      readonly type: 'INTERMEDIATE';
      readonly key: string;
      /** 0, 1, 2 … over all attempts. */
      readonly index: number;
      /** Of an attempt that failed later too: what it told stays. */
      readonly attempt: number;
      readonly value: Progress;
    }
  | { readonly type: 'FINAL'; readonly key: string; readonly attempt: number; readonly value: Output }
  | {
      readonly type: 'ERROR';
      readonly key: string;
      readonly attempt: number;
      /** What `ctx.task` would have rejected with: TaskError, TimeoutError and others. */
      readonly error: Error;
    };

/** `ctx.source`. */
export type CallSource = <Item, Cursor>(
  name: string,
  open: OpenSource<Item, Cursor>,
  options?: SourceOptions,
) => ItemStream<Item>;
