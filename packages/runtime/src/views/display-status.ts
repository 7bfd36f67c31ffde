import type { Millis } from '../journal/ids.ts';
import type { RunSummary } from '../journal/run-summary.ts';

/**
 * What a person wants to know of a run; 'interrupted': nobody drives it, and it can be resumed; 'sleeping': nobody
 * drives it, and nothing of it is to be done before a time; 'cancelling': nobody drives it, and it was asked to give
 * up: whoever resumes it cleans up, and ends it.
 */
export type DisplayStatus =
  | 'running'
  | 'interrupted'
  | 'sleeping'
  | 'waiting'
  | 'cancelling'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'continued';

export const DISPLAY_STATUSES: readonly DisplayStatus[] = [
  'running',
  'interrupted',
  'sleeping',
  'waiting',
  'cancelling',
  'succeeded',
  'failed',
  'cancelled',
  'continued',
];

/** 'waiting' wins over who drives it: a person is what it needs, where nobody has given it up. */
export function displayStatus(
  run: Pick<RunSummary, 'status' | 'asked'> & {
    readonly ownerAlive: boolean;
    /** A run that it started, or one further down, waits for a person. */
    readonly childWaits?: boolean;
    readonly wakeAt?: Millis | null;
    readonly isCancelAsked?: boolean;
  },
): DisplayStatus {
  if (run.status !== 'running') return run.status;
  if (run.isCancelAsked === true && !run.ownerAlive) return 'cancelling';
  if (run.asked.length > 0 || run.childWaits === true) return 'waiting';
  if (run.ownerAlive) return 'running';
  return (run.wakeAt ?? null) === null ? 'interrupted' : 'sleeping';
}
