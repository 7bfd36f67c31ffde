import type { MergeMode } from '@pawl/sdk';
import { unreachable } from '../../journal/invariant.ts';

/** Where a source of a merge stands, as far as turns go. */
export type FeedStatus =
  /** Its next item is here. */
  | 'ready'
  /** Its next item is not here. */
  | 'waiting'
  | 'ended';

/**
 * Whose turn it is in a merge of several sources, apart from 'zip', where all come at once.
 *
 * Owns who had the last turn, and who had one in this round.
 */
export class Turns {
  readonly #mode: Exclude<MergeMode, 'zip'>;
  readonly #had = new Set<number>();
  #last = -1;

  constructor(mode: Exclude<MergeMode, 'zip'>) {
    this.#mode = mode;
  }

  /** Takes the next turn; undefined while whoever has it is not ready. */
  take(feeds: readonly { readonly status: FeedStatus }[]): number | undefined {
    const index = this.#pick(feeds);
    if (index === undefined) return undefined;
    this.#last = index;
    if (this.#mode === 'raceRobin') this.#had.add(index);
    return index;
  }

  #pick(feeds: readonly { readonly status: FeedStatus }[]): number | undefined {
    switch (this.#mode) {
      case 'race':
        return this.#after(feeds, ({ status }) => status === 'ready');
      case 'roundRobin':
        return ready(
          feeds,
          this.#after(feeds, ({ status }) => status !== 'ended'),
        );
      case 'raceRobin':
        if (feeds.every(({ status }, index) => status === 'ended' || this.#had.has(index))) this.#had.clear();
        return this.#after(feeds, ({ status }, index) => status === 'ready' && !this.#had.has(index));
      case 'concat': {
        const first = feeds.findIndex(({ status }) => status !== 'ended');
        return ready(feeds, first === -1 ? undefined : first);
      }
      default:
        return unreachable(this.#mode);
    }
  }

  /** The first after the last turn, all the way around. */
  #after(
    feeds: readonly { readonly status: FeedStatus }[],
    fits: (feed: { readonly status: FeedStatus }, index: number) => boolean,
  ): number | undefined {
    for (let step = 1; step <= feeds.length; step += 1) {
      const index = (this.#last + step) % feeds.length;
      const feed = feeds[index];
      if (feed !== undefined && fits(feed, index)) return index;
    }
    return undefined;
  }
}

function ready(
  feeds: readonly { readonly status: FeedStatus }[],
  index: number | undefined,
): number | undefined {
  return index !== undefined && feeds[index]?.status === 'ready' ? index : undefined;
}
