import type { Losers } from '../../journal/event.ts';
import type { CombinatorMode } from './decision.ts';
import type { ResolvedGroupOptions } from './options.ts';

/** A parallel call of a list, as the code has it. */
export interface GroupPlan {
  readonly mode: CombinatorMode;
  readonly width: number;
  /** Calls the thunk of a branch. */
  readonly call: (index: number) => unknown;
  /** Names given by the code, one per thunk; undefined = by position. */
  readonly names: readonly string[] | undefined;
  readonly options: ResolvedGroupOptions;
  /** Runs a thunk in the async context of the call, wherever the group is opened and pumped from. */
  readonly inUserContext: <R, Given extends unknown[]>(fn: (...given: Given) => R, ...given: Given) => R;
}

/** How a group is opened: as recorded, or as the code has it. */
export interface Opening {
  readonly concurrency: number;
  readonly batchSize: number;
  readonly losers: Losers;
  readonly aborted: boolean;
}
