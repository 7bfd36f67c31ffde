import type { Duration } from './duration.ts';
import type { TaskDefaults } from './parallel.ts';

/** What a reduce takes its items from: pulled one by one, and never all at once in memory. */
export type ReduceItems<Item> = Iterable<Item> | AsyncIterable<Item>;

/** With what the tasks inside get that say nothing else themselves. */
export interface ReduceOptions<Item, Result> extends TaskDefaults {
  /** Names the reduce inside its scope, so that its identity does not depend on its position. */
  readonly key?: string;
  /**
   * Work on each item, side by side; the step gets its results, in the order of the items. Default:
   * the step gets the items themselves, one after another.
   */
  readonly each?: (item: Item, index: number) => Result | PromiseLike<Result>;
  /** How many items `each` works on at once: an integer >= 1 (default 16). */
  readonly concurrency?: number;
  /**
   * Items between two marks: an integer >= 1 (default 1,000). At a mark the state is recorded, and all
   * that came before it is forgotten: it need not be done, kept in memory or read again. It is a
   * barrier: the item behind it is pulled when those before it are folded.
   */
  readonly foldEvery?: number;
  /** Results that wait for the one before them while others go on (default: as many as `concurrency`). */
  readonly buffer?: number;
  /** Its abort is recorded, and then gives the reduce up. */
  readonly signal?: AbortSignal;
  /** Longest time of the whole. */
  readonly timeout?: Duration;
}

/**
 * Folds items into a state that is recorded as it goes, so that a run over millions of them stays small:
 *
 *     const total = await ctx.reduce(urls(), 0, (sum, size: number) => sum + size, {
 *       each: (url) => ctx.task(fetchSize, url),
 *     });
 *
 * The compiler reads the step before `each`: where there is an `each`, say the type of its result there.
 *
 * The state is any value that can be recorded. Each item is a branch: `each` and the step may use ctx.
 * A run that resumes begins at the latest mark: items that are folded are pulled again from the source
 * and passed over, and nothing is called for them. So the source has to give the same items each time,
 * without ctx; and what the code leaves in variables outside the state is not there after a resume.
 *
 * Items of a `ctx.source` are not pulled again: it goes on at its cursor, and the journal keeps none that
 * is folded. So it is with one that nobody has read yet; the reduce is the only one to read it until it is
 * settled.
 *
 * @throws InvalidOptionError, InvalidArgumentError, UnserializableError, LimitError at the call, before
 *   anything is recorded. Rejects with what the source, `each` or the step threw first, and with
 *   CancelledError or TimeoutError.
 */
export interface Reduce {
  <Item, State>(
    source: ReduceItems<Item>,
    initial: State,
    step: (state: State, item: Item, index: number) => State | PromiseLike<State>,
    options?: ReduceOptions<Item, Item> & { readonly each?: undefined },
  ): Promise<State>;
  <Item, State, Result>(
    source: ReduceItems<Item>,
    initial: State,
    step: (state: State, result: Awaited<Result>, index: number) => State | PromiseLike<State>,
    options: ReduceOptions<Item, Result> & {
      readonly each: (item: Item, index: number) => Result | PromiseLike<Result>;
    },
  ): Promise<State>;
}
