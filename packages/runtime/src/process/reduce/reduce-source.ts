import { InvalidArgumentError } from '@pawl/sdk';
import type { FoldedSource } from '../../journal/fold-event.ts';

export type Pulled = { readonly done: true } | { readonly done: false; readonly item: unknown };

/** What a reduce takes its items from. */
export interface ReduceSource {
  /** The next item: now, or a promise of it. */
  next(): Pulled | Promise<Pulled>;
  /** Behind so many items, where marks say how far it came; null where it is pulled again. */
  stand(count: number): FoldedSource | null;
  /** Whether it is the source that a mark names. */
  isThat(stood: FoldedSource): boolean;
  /** Goes past items that are folded. Gives how many there were: fewer where the source ends before. */
  skip(count: number, stood: FoldedSource | null): number | Promise<number>;
  /** No more items are wanted: for a source that has not ended. */
  close(): void;
  /** The reduce is settled. */
  release(): void;
}

/** @throws InvalidArgumentError */
export function sourceOf(source: unknown): ReduceSource {
  if (typeof source === 'object' && source !== null) {
    const asynchronous = Reflect.get(source, Symbol.asyncIterator);
    if (typeof asynchronous === 'function')
      return new LaterItems(() => Reflect.apply(asynchronous, source, []) as AsyncIterator<unknown>);
    const synchronous = Reflect.get(source, Symbol.iterator);
    if (typeof synchronous === 'function')
      return new ItemsAtHand(() => Reflect.apply(synchronous, source, []) as Iterator<unknown>);
  }
  throw new InvalidArgumentError(
    `ctx.reduce takes an array, or another iterable or async iterable, as its first argument.${
      typeof source === 'function' ? ' Call the generator function: ctx.reduce(items(), …).' : ''
    }`,
  );
}

/** A source whose items are pulled again after a resume. */
abstract class PulledAgain {
  stand(): null {
    return null;
  }

  isThat(): boolean {
    return false;
  }

  release(): void {}
}

class ItemsAtHand extends PulledAgain implements ReduceSource {
  readonly #open: () => Iterator<unknown>;
  #iterator: Iterator<unknown> | undefined;

  constructor(open: () => Iterator<unknown>) {
    super();
    this.#open = open;
  }

  next(): Pulled {
    this.#iterator ??= this.#open();
    const { done, value } = this.#iterator.next();
    return done === true ? { done } : { done: false, item: value };
  }

  skip(count: number): number {
    for (let skipped = 0; skipped < count; skipped += 1) if (this.next().done) return skipped;
    return count;
  }

  close(): void {
    this.#iterator?.return?.();
  }
}

class LaterItems extends PulledAgain implements ReduceSource {
  readonly #open: () => AsyncIterator<unknown>;
  #iterator: AsyncIterator<unknown> | undefined;

  constructor(open: () => AsyncIterator<unknown>) {
    super();
    this.#open = open;
  }

  async next(): Promise<Pulled> {
    this.#iterator ??= this.#open();
    const { done, value } = await this.#iterator.next();
    return done === true ? { done } : { done: false, item: value };
  }

  async skip(count: number): Promise<number> {
    for (let skipped = 0; skipped < count; skipped += 1) if ((await this.next()).done) return skipped;
    return count;
  }

  close(): void {
    // How it takes its end is its own affair.
    this.#iterator?.return?.()?.then(undefined, () => undefined);
  }
}
