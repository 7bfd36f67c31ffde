/** Who drives runs, and what became of the firings of schedules. */
import { firingId, type JournalReader, type RunId, type Schedule } from '@pawl/runtime';

import type { Describe, Document } from './describe.ts';
import { unnamed } from './left-out.ts';

/** Open runs that are looked through for those of each: the newest. */
const MOST_OPEN = 2000;
const MOST_OF_ONE = 20;

export function workerDocuments(reader: JournalReader, describe: Describe): Document[] {
  const open = reader.list({ limit: MOST_OPEN, statuses: ['running'] }, unnamed);
  const byOwner = Map.groupBy(open, ({ owner }) => owner);
  return reader.drivers().map((driver) => ({
    ...driver,
    drives: (byOwner.get(driver.owner) ?? []).slice(0, MOST_OF_ONE).map((run) => describe.run(run)),
  }));
}

/** A schedule with the run of its last firing: null where there is none, or none any more. */
export function scheduleDetail(reader: JournalReader, describe: Describe, schedule: Schedule): Document {
  const { name, lastAt } = schedule;
  const last = lastAt === null ? null : lastOf(reader, describe, firingId(name, lastAt));
  return { ...describe.schedule(schedule), last };
}

function lastOf(reader: JournalReader, describe: Describe, id: RunId): Document | null {
  const start = reader.start(id);
  if (start !== undefined) return { ...describe.start(start), status: 'queued' };
  try {
    return describe.run(reader.get(id));
  } catch {
    // Left out, since an earlier one was there still, or removed.
    return null;
  }
}
