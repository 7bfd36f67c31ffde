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
}
