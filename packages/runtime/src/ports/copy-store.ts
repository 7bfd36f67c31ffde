import type { Millis, RunId, Seq } from '../journal/ids.ts';
import type { Recorded } from '../journal/event.ts';
import type { JournalRow } from '../journal/journal-text.ts';
import type { RunSummary, RunStatus } from '../journal/run-summary.ts';

/** How a run's journal stands at one moment. */
export interface JournalHead {
  /** Rows up to `lastSeq`. */
  readonly events: number;
  readonly lastSeq: Seq;
  /** Checksum of the last row, hexadecimal. */
  readonly chain: string;
  readonly status: RunStatus;
  /** It came from an export whose values were taken out: nobody may go on with it. */
  readonly isInspectOnly: boolean;
}

/** An event as it is to be stored, and what it says. */
export interface ImportedRow {
  readonly recorded: Recorded;
  readonly version: number;
  readonly payload: string;
  /** Hexadecimal. */
  readonly chain: string;
}

/** A run from elsewhere, which was looked at as a whole before. */
export interface ImportedRun {
  readonly runId: RunId;
  readonly summary: RunSummary;
  /** Of its last row. */
  readonly chain: string;
  readonly isInspectOnly: boolean;
  readonly rows: Iterable<ImportedRow>;
}

/** Journals on their way to other files and back. Of a store that has a file. */
export interface CopyStore {
  head(runId: RunId): JournalHead | undefined;
  /** As `read`, as it is stored. */
  rows(runId: RunId, afterSeq: Seq, limit: number): readonly JournalRow[];
  /**
   * ONE transaction: all of them, or none. A run that has not ended belongs to nobody and goes on only when somebody
   * says so. @throws RuntimeError REFUSED where an id is taken, or an external task of that id is open
   */
  import(runs: Iterable<ImportedRun>, now: Millis): void;
  /**
   * The whole journal as it is at one moment, in a file of its own, which is on the disk when it is there; others go on
   * meanwhile. @returns its bytes @throws RuntimeError REFUSED where it may not be written
   */
  backup(path: string, replaces: boolean): number;
  /** Families that may go: all of their runs have ended, and no fork that stays needs one. The oldest first. */
  prunable(query: PruneQuery): readonly PrunableFamily[];
  /** ONE transaction. @returns those that are gone now: one that was changed since it was looked at stays */
  prune(families: readonly PrunableFamily[]): readonly PrunableFamily[];
  /** Bytes in the file that hold nothing. */
  freeBytes(): number;
  /** Gives those back to the disk. @throws RuntimeError BUSY while other programs drive runs, STORAGE without room */
  shrink(): { readonly before: number; readonly after: number };
}

/** Which runs are no longer wanted. */
export interface PruneQuery {
  /** Only what ended before, with all that belongs to it. */
  readonly endedBefore: Millis;
  /** How a run ended, or the last of those that follow it. Undefined: any. */
  readonly statuses: readonly RunStatus[] | undefined;
}

export interface PrunableRun {
  /** The number that a store keeps it under. */
  readonly run: number;
  readonly runId: RunId;
  readonly process: string;
  readonly lastSeq: Seq;
}

/** Runs that go together: what follows a run and what it started belongs to it. */
export interface PrunableFamily {
  /** The first of them was started by none of the others. */
  readonly runs: readonly PrunableRun[];
  readonly status: RunStatus;
  readonly endedAt: Millis;
}
