import { unknownRun } from './engine/refusals.ts';
import { isRunId, type Millis, type RunId } from './journal/ids.ts';
import type { JournalStore, RunRecord } from './ports/journal-store.ts';
import { nearest } from './views/nearest.ts';

/** Ids that a mistyped one is compared with: the newest. */
const NEAREST_OF = 1000;

/** @throws RuntimeError NOT_FOUND with the nearest ids */
export function runOf(store: Pick<JournalStore, 'getRun' | 'queryRuns'>, id: RunId, now: Millis): RunRecord {
  const record = isRunId(id) ? store.getRun(id, now) : undefined;
  if (record !== undefined) return record;
  const ids = store.queryRuns({ limit: NEAREST_OF }, now, () => undefined).map((run) => run.runId);
  throw unknownRun(id, nearest(id, ids));
}
