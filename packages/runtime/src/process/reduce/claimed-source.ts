import { InvalidArgumentError } from '@pawl/sdk';
import type { FoldedSource } from '../../journal/fold-event.ts';
import { broken } from '../../journal/invariant.ts';
import { sourceItems, type SourceItems } from '../own-stream.ts';
import type { Scope } from '../scope.ts';
import type { Pulled, ReduceSource } from './reduce-source.ts';

interface ClaimHost {
  readonly openReduces: ReadonlyMap<string, unknown>;
}

/**
 * A `ctx.source` that the reduce is the only one to read: its marks say how far it came, and what is
 * recorded of it up to there is not needed any more. Undefined for what is pulled again: all else, what
 * somebody read before, and what an item of a reduce takes from outside of that.
 *
 * @throws InvalidArgumentError where another reduce reads it
 */
export function claimSource(source: unknown, host: ClaimHost, scope: Scope): ClaimedSource | undefined {
  const items = sourceItems(source);
  if (items === undefined) return undefined;
  if (items.isClaimed)
    throw new InvalidArgumentError(
      'The source is read by another ctx.reduce; give each its own, or share the items in `each`.',
    );
  return isWithin(scope, items.scope, host) && items.claim(scope) ? new ClaimedSource(items) : undefined;
}

/** Whether a scope lies in another, without a reduce between them. */
function isWithin(scope: Scope, outer: Scope, { openReduces }: ClaimHost): boolean {
  for (let around: Scope | undefined = scope; around !== undefined; around = around.parent) {
    if (around === outer) return true;
    if (openReduces.has(around.path)) return false;
  }
  return false;
}

/**
 * Owns the claim on the source. Talks to its items.
 * Invariant: as many items are taken as the reduce pulled, so that a mark holds what was taken.
 */
export class ClaimedSource implements ReduceSource {
  readonly #items: SourceItems;

  constructor(items: SourceItems) {
    this.#items = items;
  }

  async next(): Promise<Pulled> {
    const { done, value } = await this.#items.next();
    return done === true ? { done } : { done: false, item: value };
  }

  stand(count: number): FoldedSource {
    const { key, last, taken } = this.#items;
    if (!(key !== undefined && last !== undefined && taken === count))
      broken('J8', `${count} items of ${key} are folded, and ${taken} taken`);
    return { key, ...last };
  }

  skip(count: number, stood: FoldedSource | null): number | Promise<number> {
    if (stood === null) return this.#passOver(count);
    this.#items.skipTo(count, stood);
    return count;
  }

  /** A mark that does not say it. */
  async #passOver(count: number): Promise<number> {
    for (let skipped = 0; skipped < count; skipped += 1) if ((await this.next()).done) return skipped;
    return count;
  }

  isThat({ key }: FoldedSource): boolean {
    return key === this.#items.key;
  }

  close(): void {
    void this.#items.leave();
  }

  release(): void {
    this.#items.release();
  }
}
