import type { ResultStream } from '@pawl/sdk';
import { ownStream } from '../own-stream.ts';
import type { Scope } from '../scope.ts';
import { unheard, WaitList, type WaitHost } from '../wait-list.ts';
import type { End } from './verdict.ts';

type Result<T> = IteratorResult<T, undefined>;

/** What a consumer takes from. */
export interface Supply<T> {
  /** Hands over what is next, undefined while there is nothing. */
  next(): { readonly value: T } | undefined;
  /** The consumer leaves. */
  close(): void;
}

const DONE = { done: true, value: undefined } as const;

/**
 * The consumers' side of a stream.
 *
 * Owns the consumers that wait, and how it ends for them. Talks to its supply.
 * Invariant: what is ready goes out before the end, and an error is told once.
 */
export class Outlet<T> {
  readonly #host: WaitHost;
  /** In which the stream was called. */
  readonly #scope: Scope;
  readonly #takers: WaitList<Result<T>>;
  readonly #closing = Promise.withResolvers<Result<T>>();
  #supply: Supply<T> | undefined;
  #end: End | undefined;
  #isLeft = false;
  #isServing = false;

  constructor(host: WaitHost, scope: Scope) {
    this.#host = host;
    this.#scope = scope;
    // A source that is closed while it waits leaves what it reads.
    this.#takers = new WaitList(host, undefined, ({ mayLeave }) => mayLeave && void this.#close());
  }

  /** It has its place in the journal; consumers may have come, or left, before. */
  attach(supply: Supply<T>): void {
    this.#supply = supply;
    this.serve();
    if (this.#isLeft) supply.close();
  }

  /** Something is ready: whoever waits gets it. */
  serve(): void {
    // What the supply sets off while it hands over comes behind what it hands over.
    if (this.#isServing) return;
    this.#isServing = true;
    while (this.#takers.size > 0) {
      const supplied = this.#supply?.next();
      if (supplied === undefined) break;
      this.#takers.resolve({ done: false, value: supplied.value });
    }
    this.#isServing = false;
    if (this.#end !== undefined) this.#tellEnd(this.#end);
  }

  /** Behind what is ready comes this, and nothing else. */
  end(end: End): void {
    this.#end = end;
    this.serve();
    this.#closing.resolve(DONE);
  }

  #tellEnd(end: End): void {
    if (this.#takers.size === 0) return;
    if (end.kind === 'failed') {
      this.#end = { kind: 'done' };
      this.#takers.reject(end.error);
    }
    while (this.#takers.size > 0) this.#takers.resolve(DONE);
  }

  #next(): Promise<Result<T>> {
    try {
      return this.#take();
    } catch (error) {
      return unheard(Promise.reject(error));
    }
  }

  #take(): Promise<Result<T>> {
    const refused = this.#host.refusal<Result<T>>(this.#host.currentScope());
    if (refused !== undefined) return refused;
    const supplied = this.#supply?.next();
    if (supplied !== undefined) return Promise.resolve({ done: false, value: supplied.value });
    const taken = this.#takers.wait(undefined);
    if (this.#end !== undefined) this.#tellEnd(this.#end);
    return taken;
  }

  #leave(): Promise<Result<T>> {
    // What has lost decides nothing for others that read on.
    const isOthers = this.#scope.fence === undefined && !this.#host.currentScope('reads').mayLeave;
    return isOthers ? Promise.resolve(DONE) : this.#close();
  }

  /** Settles when the stream is closed, its source included. */
  #close(): Promise<Result<T>> {
    this.#isLeft = true;
    this.#supply?.close();
    return this.#closing.promise;
  }

  /** What the process holds of it. */
  get stream(): ResultStream<T> {
    const stream: ResultStream<T> = {
      next: () => this.#next(),
      return: () => this.#leave(),
      throw: async (error) => {
        await this.#leave();
        throw error;
      },
      [Symbol.asyncIterator]: () => stream,
      [Symbol.asyncDispose]: async () => void (await this.#leave()),
    };
    return ownStream(stream);
  }
}
