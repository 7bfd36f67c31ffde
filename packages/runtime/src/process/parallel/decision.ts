import type { GroupMode } from '../../journal/event.ts';
import { unreachable } from '../../journal/invariant.ts';
import type { Decided } from '../../kernel/state.ts';

/** Modes that decide over a list of thunks; the others work on sources. */
export type CombinatorMode = Extract<GroupMode, 'all' | 'map' | 'allSettled' | 'any' | 'race'>;

export interface Tally {
  readonly width: number;
  readonly fulfilled: number;
  readonly rejected: number;
}

export interface LastSettled {
  readonly index: number;
  readonly fulfilled: boolean;
}

/**
 * Whether a group is decided now that `last` has settled (undefined: nothing has, the group was just
 * opened). The tally counts `last`.
 */
export function decideGroup(
  mode: CombinatorMode,
  tally: Tally,
  last: LastSettled | undefined,
): Decided | undefined {
  const everySettled = tally.fulfilled + tally.rejected === tally.width;
  switch (mode) {
    case 'all':
    case 'map':
      if (last !== undefined && !last.fulfilled) return { outcome: 'rejected', winner: last.index };
      return everySettled ? { outcome: 'fulfilled', winner: null } : undefined;
    case 'allSettled':
      return everySettled ? { outcome: 'fulfilled', winner: null } : undefined;
    case 'any':
      if (last?.fulfilled === true) return { outcome: 'fulfilled', winner: last.index };
      return everySettled ? { outcome: 'rejected', winner: null } : undefined;
    case 'race':
      if (last === undefined) return undefined;
      return { outcome: last.fulfilled ? 'fulfilled' : 'rejected', winner: last.index };
    default:
      return unreachable(mode);
  }
}
