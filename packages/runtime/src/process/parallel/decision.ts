import type { GroupMode } from '../../journal/event.ts';
import { unreachable } from '../../journal/invariant.ts';
import { isInterruption, type Decided } from '../../kernel/state.ts';

/** Modes that decide over a list of thunks; the others work on sources. */
export type CombinatorMode = Extract<
  GroupMode,
  'all' | 'map' | 'allSettled' | 'mapSettled' | 'any' | 'race' | 'some' | 'forkJoin' | 'forkJoinSettled'
>;

/** What tells a group that it has enough; Infinity and 0 where nothing is said. */
export interface Completion {
  readonly minSuccessful: number;
  readonly toleratedFailures: number;
  /** Of `some`: fewer values are a failure. */
  readonly min: number;
}

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
  completion: Completion,
): Decided | undefined {
  const everySettled = tally.fulfilled + tally.rejected === tally.width;
  switch (mode) {
    case 'all':
    case 'map':
    case 'forkJoin':
      if (last !== undefined && !last.fulfilled) return { outcome: 'rejected', winner: last.index };
      return everySettled ? { outcome: 'fulfilled', winner: null } : undefined;
    case 'allSettled':
    case 'mapSettled':
    case 'forkJoinSettled':
      return everySettled || isEnough(tally, completion) ? { outcome: 'fulfilled', winner: null } : undefined;
    case 'some':
      if (!everySettled && !isEnough(tally, completion)) return undefined;
      return { outcome: tally.fulfilled < completion.min ? 'rejected' : 'fulfilled', winner: null };
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

/** Whether a group can be decided so only when all have settled. */
export function isByAll(
  { outcome, winner }: Decided,
  { minSuccessful, toleratedFailures }: Completion,
): boolean {
  if (winner !== null || isInterruption(outcome)) return false;
  return minSuccessful === Infinity && toleratedFailures === Infinity;
}

function isEnough(tally: Tally, { minSuccessful, toleratedFailures }: Completion): boolean {
  return tally.fulfilled >= minSuccessful || tally.rejected > toleratedFailures;
}
