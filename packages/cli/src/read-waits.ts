import { displayStatus, type JournalReader, type RunId, type RunQuery, type RunRecord } from '@pawl/runtime';

import { unlessDamaged, type LeftOut } from './left-out.ts';
import type { WaitOfRun } from './render/waits.ts';

export type { WaitOfRun };

/** Runs that are looked through for one list: the newest. */
const NEWEST = 1000;

interface Waits extends Pick<JournalReader, 'waits'> {
  get(id: RunId): RunRecord;
  list(query: RunQuery, leftOut?: LeftOut['add']): readonly RunRecord[];
}

/**
 * What is waited for, by one run or by all.
 *
 * @param leftOut told of each run of all that is damaged; without it the first one is thrown
 */
export function readWaits(reader: Waits, only: RunId | undefined, leftOut?: LeftOut['add']): WaitOfRun[] {
  if (only !== undefined) return waitsOf(reader, reader.get(only));
  return reader
    .list({ limit: NEWEST, statuses: ['running'] }, leftOut)
    .flatMap((run) => unlessDamaged(leftOut, () => waitsOf(reader, run)) ?? []);
}

function waitsOf(reader: Waits, run: RunRecord): WaitOfRun[] {
  const { runId, process } = run;
  if (displayStatus(run) !== 'waiting') return [];
  return reader.waits(runId).map((wait) => ({ runId, process, wait }));
}
