/** Starts that wait at once, in one journal. */
export const MAX_QUEUED = 1_000_000;
/** Schedules of one journal. */
export const MAX_SCHEDULES = 10_000;
