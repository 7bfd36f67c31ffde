/** What folds history: of a reduce, and of a whole run. */
import type { CallKey } from './call-key.ts';
import type { Encoded } from './event.ts';
import type { RunId } from './ids.ts';

/** A mark: all items of a reduce before `n` are folded into `state`, and nothing of them is open. */
export interface Folded {
  readonly type: 'Folded';
  readonly key: CallKey;
  readonly n: number;
  readonly state: Encoded;
}
/**
 * Rows that a mark made useless were removed. It stands where the last of them stood, for `count`
 * places in a row, its own included.
 */
export interface Compacted {
  readonly type: 'Compacted';
  readonly count: number;
  /** The checksum of the last removed row: what follows is chained to it. */
  readonly chain: string;
  /** Tasks among what was removed, of which `succeeded` and `failed` came to an end of their own. */
  readonly scheduled: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Checksum of this row itself, see chain.ts. */
  readonly digest: string;
}
/** The end of a run that another one follows: of the same process, created in the same commit. */
export interface RunContinued {
  readonly type: 'RunContinued';
  /** Of the next run. */
  readonly inputs: Encoded;
  readonly inputsHash: string;
  readonly nextRunId: RunId;
}
