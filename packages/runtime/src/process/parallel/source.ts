import { InvalidArgumentError, type StreamSource } from '@pawl/sdk';
import { isOwnStream } from '../own-stream.ts';
import type { Scope } from '../scope.ts';

/** What a pull gives. */
export type Pulled =
  | { readonly kind: 'item'; readonly item: unknown }
  | { readonly kind: 'end' }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface SourceHost {
  runIn(scope: Scope, fn: () => unknown): unknown;
  /** Calls back when no call within the scope is pending any more. @returns takes it back */
  whenSettled(scope: Scope, callback: () => void): () => void;
}

/**
 * Hops of the microtask queue that a source gets for its `finally`. More than code that waits for
 * nothing needs; and a count is the same on replay, as a time would not be.
 */
const CLOSING_HOPS = 500;

/** @throws InvalidArgumentError */
export function checkSource(source: unknown, what: string): StreamSource<unknown> {
  if (typeof source === 'object' && source !== null && (isAsync(source) || isSync(source))) return source;
  const hint = typeof source === 'function' ? ' It is a function: call it to get its generator.' : '';
  throw new InvalidArgumentError(
    `${what} must be an array, a generator, a stream, a channel or anything else that can be iterated.${hint}`,
  );
}

function isAsync(source: object): source is AsyncIterable<unknown> {
  return Symbol.asyncIterator in source && typeof source[Symbol.asyncIterator] === 'function';
}

function isSync(source: object): source is Iterable<unknown> {
  return Symbol.iterator in source && typeof source[Symbol.iterator] === 'function';
}

/**
 * What a stream takes its items from. Whoever causes a pull, the source runs in its own scope.
 *
 * Owns its iterator. Talks to user code.
 * Invariants: one pull at a time; nothing of a source that was closed is told any more.
 */
export class Source {
  readonly scope: Scope;
  readonly #host: SourceHost;
  readonly #inUserContext: <R>(fn: () => R) => R;
  readonly #source: StreamSource<unknown>;
  #iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined;
  #status: 'open' | 'pulling' | 'ended' | 'closed' = 'open';

  constructor(
    host: SourceHost,
    scope: Scope,
    source: StreamSource<unknown>,
    inUserContext: <R>(fn: () => R) => R,
  ) {
    this.scope = scope;
    scope.leaver = scope.parent?.parent ?? scope;
    this.#host = host;
    this.#source = source;
    this.#inUserContext = inUserContext;
  }

  get isOpen(): boolean {
    return this.#status === 'open';
  }

  /** Runs code as the source's. */
  run<R>(fn: () => R): R {
    // What `runIn` gives back is what the function gave.
    return this.#inUserContext(() => this.#host.runIn(this.scope, fn) as R);
  }

  /** Tells the next item: at once where the source is synchronous. */
  pull(tell: (pulled: Pulled) => void): void {
    this.#status = 'pulling';
    let step: unknown;
    try {
      this.#iterator ??= this.run(() => this.#open());
      const iterator = this.#iterator;
      step = this.run(() => iterator.next());
    } catch (error) {
      this.#told({ kind: 'failed', error }, tell);
      return;
    }
    if (!isAsync(this.#source)) {
      this.#told(pulledOf(step), tell);
      return;
    }
    new Promise((resolve) => {
      resolve(step);
    }).then(
      (result) => this.#told(pulledOf(result), tell),
      (error: unknown) => this.#told({ kind: 'failed', error }, tell),
    );
  }

  #open(): Iterator<unknown> | AsyncIterator<unknown> {
    const source = this.#source;
    return isAsync(source) ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  #told(pulled: Pulled, tell: (pulled: Pulled) => void): void {
    if (this.#status !== 'pulling') return;
    this.#status = pulled.kind === 'item' ? 'open' : 'ended';
    if (pulled.kind !== 'item') this.scope.finish();
    tell(pulled);
  }

  /**
   * Runs the source's `finally`, and calls back when it is through. One that waits for calls of its own
   * gets those settled first; one that waits for anything else is left behind, so that it blocks nobody.
   */
  close(callback: () => void): void {
    const wasOpen = this.#status === 'open' || this.#status === 'pulling';
    this.#status = 'closed';
    const iterator = this.#iterator;
    if (!wasOpen || iterator?.return === undefined) {
      this.scope.finish();
      callback();
      return;
    }
    let isThrough = false;
    let forget: (() => void) | undefined;
    const through = (): void => {
      if (isThrough) return;
      isThrough = true;
      forget?.();
      this.scope.finish();
      callback();
    };
    try {
      const leave = (): unknown => iterator.return?.();
      // A stream of ours is left by the call that read it; what is in the branch has lost, and decides nothing.
      const returned = isOwnStream(iterator) ? this.#host.runIn(this.scope.leaver, leave) : this.run(leave);
      if (isAsync(this.#source)) Promise.resolve(returned).then(through, through);
      else through();
    } catch {
      // It was closed because of something else, which is told.
      through();
    }
    const isOver = (): boolean => isThrough;
    hop(CLOSING_HOPS, isOver, () => {
      forget = this.#host.whenSettled(this.scope, () => hop(CLOSING_HOPS, isOver, through));
    });
  }
}

function pulledOf(result: unknown): Pulled {
  try {
    if (typeof result === 'object' && result !== null) {
      const { done, value } = result as IteratorResult<unknown>;
      return done === true ? { kind: 'end' } : { kind: 'item', item: value };
    }
  } catch (error) {
    return { kind: 'failed', error };
  }
  const error = new InvalidArgumentError('next() of the source gave no object.');
  return { kind: 'failed', error };
}

/** Goes on after so many rounds of the microtask queue, unless it is over before. */
function hop(count: number, isOver: () => boolean, callback: () => void): void {
  if (isOver()) return;
  if (count === 0) callback();
  else void Promise.resolve().then(() => hop(count - 1, isOver, callback));
}
