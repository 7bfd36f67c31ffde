import type { LoggedLine, LogLine } from '../journal/log-line.ts';
import type { RunId } from '../journal/ids.ts';

/** Lines that are kept with an append: after them at most so many of the run, and of each call in them, the newest. */
export interface LogBatch {
  readonly lines: readonly LoggedLine[];
  readonly mostOfRun: number;
  readonly mostOfCall: number;
}

/** What runs logged, bounded: no part of any journal, and gone with the run. */
export interface LogStore {
  /** Up to `limit` lines behind place `after`, in the order in which they were logged. */
  logs(runId: RunId, after: number, limit: number): readonly LogLine[];
}
