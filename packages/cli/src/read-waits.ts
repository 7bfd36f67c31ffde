import { displayStatus, type JournalReader, type RunId, type RunQuery, type RunRecord } from '@pawl/runtime';

import type { WaitOfRun } from './render/waits.ts';

export type { WaitOfRun };

/** Runs that are looked through for one list: the newest. */
const NEWEST = 1000;

interface Waits extends Pick<JournalReader, 'waits'> {
  get(id: RunId): RunRecord;
  list(query: RunQuery): readonly RunRecord[];
}

/** What is waited for, by one run or by all. */
export function readWaits(reader: Waits, only: RunId | undefined): WaitOfRun[] {
  const runs =
    only === undefined ? reader.list({ limit: NEWEST, statuses: ['running'] }) : [reader.get(only)];
  return runs
    .filter((run) => displayStatus(run) === 'waiting')
    .flatMap(({ runId, process }) => reader.waits(runId).map((wait) => ({ runId, process, wait })));
}
