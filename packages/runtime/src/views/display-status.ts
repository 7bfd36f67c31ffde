import type { RunSummary } from '../journal/run-summary.ts';

/** What a person wants to know of a run; 'interrupted': nobody drives it, and it can be resumed. */
export type DisplayStatus =
  | 'running'
  | 'interrupted'
  | 'waiting'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'continued';

export const DISPLAY_STATUSES: readonly DisplayStatus[] = [
  'running',
  'interrupted',
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
  },
): DisplayStatus {
  if (run.status !== 'running') return run.status;
  if (run.asked.length > 0 || run.childWaits === true) return 'waiting';
  return run.ownerAlive ? 'running' : 'interrupted';
}
