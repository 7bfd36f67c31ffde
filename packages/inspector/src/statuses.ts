/** The statuses of runs and calls, for the server and for the page: `server/run-page.ts` holds them to the runtime's. */

/** Of runs that have not ended, in the order in which people look for them. */
export const OPEN_STATUSES = ['waiting', 'running', 'interrupted', 'sleeping', 'cancelling'] as const;
export const CLOSED_STATUSES = ['failed', 'succeeded', 'cancelled', 'continued'] as const;

export type RunStatus = (typeof OPEN_STATUSES)[number] | (typeof CLOSED_STATUSES)[number];

export type CallStatus =
  | 'queued'
  | 'running'
  | 'backoff'
  | 'asked'
  | 'stopped'
  | 'succeeded'
  | 'failed'
  | 'cancelled';

const OPEN: ReadonlySet<string> = new Set(OPEN_STATUSES);

/** Of a run: it can go on. */
export function isOpenStatus(status: string): boolean {
  return OPEN.has(status);
}
