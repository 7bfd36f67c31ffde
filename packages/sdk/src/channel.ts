export interface ChannelOptions {
  /** Items that may wait to be taken: an integer >= 1 (default 16). */
  readonly capacity?: number;
}

/**
 * Hands values from one strand of a process to another. It is process code alone: nothing of it is
 * recorded, and on replay the same values go the same way. Each call of `ctx.channel` makes a new one;
 * its name is for messages. Outsiders send messages to the run instead.
 *
 * Several consumers share the items, first come first served. A run in which nothing can go on but waits
 * for channels is left as STALLED, and the error lists the waits.
 */
export interface Channel<T> extends AsyncIterable<T, undefined, undefined> {
  readonly name: string;
  /** Items that wait to be taken. */
  readonly size: number;
  /**
   * Resolves when there is room for the value, or a consumer takes it.
   * Rejects with ChannelClosedError once the channel is closed.
   */
  push(value: T): Promise<void>;
  /** No more values. What was pushed before is still handed over, pushes that wait for room included. */
  close(): void;
  /** As `close`, and each consumer then gets the error; pushes that wait for room are refused. */
  fail(error: unknown): void;
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined, undefined>;
}
