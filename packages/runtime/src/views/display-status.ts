import type { Millis } from '../journal/ids.ts';
import type { RunSummary } from '../journal/run-summary.ts';

/**
 * What a person wants to know of a run; 'interrupted': nobody drives it, and it can be resumed; 'sleeping': nobody
 * drives it, and nothing of it is to be done before a time.
 */
export type DisplayStatus =
  | 'running'
  | 'interrupted'
  | 'sleeping'
  | 'waiting'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'continued';

export const DISPLAY_STATUSES: readonly DisplayStatus[] = [
  'running',
  'interrupted',
  'sleeping',
  'waiting',
  'succeeded',
  'failed',
  'cancelled',
  'continued',
];

/** 'waiting' wins over who drives it: a person is what it needs. */
export function displayStatus(
  run: Pick<RunSummary, 'status' | 'asked'> & {
    readonly ownerAlive: boolean;
    /** A run that it started, or one further down, waits for a person. */
    readonly childWaits?: boolean;
    readonly wakeAt?: Millis | null;
  },
): DisplayStatus {
  if (run.status !== 'running') return run.status;
  if (run.asked.length > 0 || run.childWaits === true) return 'waiting';
  if (run.ownerAlive) return 'running';
  return (run.wakeAt ?? null) === null ? 'interrupted' : 'sleeping';
}
