/** What folds history: of a reduce, and of a whole run. */
import type { CallKey } from './call-key.ts';
import type { Encoded } from './event.ts';
import type { RunId, Seq } from './ids.ts';

/** A mark: all items of a reduce before `n` are folded into `state`, and nothing of them is open. */
export interface Folded {
  readonly type: 'Folded';
  readonly key: CallKey;
  readonly n: number;
  readonly state: Encoded;
  /** Of a reduce that reads a `ctx.source`: its last item before `n`. Null where items are pulled again. */
  readonly source: FoldedSource | null;
}
/** The last folded item of a source: what is recorded of the source up to it is not needed any more. */
export interface FoldedSource {
  readonly key: CallKey;
  readonly seq: Seq;
  readonly attempt: number;
  readonly cursor: Encoded;
}
/** A source behind an item whose row was removed: `items` came, the last of them in this attempt. */
export interface SourceStand {
  readonly key: CallKey;
  readonly items: number;
  readonly attempt: number;
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
  /** Sources among what was removed. */
  readonly sources: readonly SourceStand[];
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
