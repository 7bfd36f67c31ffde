import {
  displayStatus,
  isRunId,
  type JournalReader,
  type OpenTask,
  type RunId,
  type RunQuery,
  type RunRecord,
} from '@pawl/runtime';

import { unlessDamaged, type LeftOut } from './left-out.ts';
import type { WaitOfRun } from './render/waits.ts';

export type { WaitOfRun };

/** Runs that are looked through for one list: the newest. */
const OPEN = { limit: 1000, statuses: ['running'] } as const;

interface Waits extends Pick<JournalReader, 'waits'> {
  get(id: RunId): RunRecord;
  list(query: RunQuery, leftOut?: LeftOut['add']): readonly RunRecord[];
}

/** External tasks that are open, of all runs that are not damaged. */
export function readOpenTasks(reader: JournalReader, leftOut: LeftOut['add'], limit?: number): OpenTask[] {
  return (
    unlessDamaged(
      () => undefined,
      () => reader.openTasks({ limit }),
    ) ??
    reader
      .list(OPEN, leftOut)
      .flatMap(({ runId }) => unlessDamaged(leftOut, () => reader.openTasks({ runId, limit })) ?? [])
      .slice(0, limit)
  );
}

/**
 * What is waited for, by one run or by all.
 *
 * @param leftOut told of each run of all that is damaged; without it the first one is thrown
 */
export function readWaits(reader: Waits, only: RunId | undefined, leftOut?: LeftOut['add']): WaitOfRun[] {
  if (only !== undefined) return waitsOf(reader, reader.get(only));
  return reader
    .list(OPEN, leftOut)
    .filter((run) => leftOut === undefined || isNamed(run, leftOut))
    .flatMap((run) => unlessDamaged(leftOut, () => waitsOf(reader, run)) ?? []);
}

/** One that is none cannot be asked for. */
function isNamed({ runId }: RunRecord, leftOut: LeftOut['add']): boolean {
  const isId = isRunId(runId);
  if (!isId) leftOut({ runId, seq: 0, problem: 'its id is none' });
  return isId;
}

function waitsOf(reader: Waits, run: RunRecord): WaitOfRun[] {
  const { runId, process } = run;
  if (displayStatus(run) !== 'waiting') return [];
  return reader.waits(runId).map((wait) => ({ runId, process, wait }));
}
