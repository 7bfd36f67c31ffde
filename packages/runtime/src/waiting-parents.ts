import { RuntimeError } from './errors.ts';
import type { RunId } from './journal/ids.ts';
import type { JournalStore, RunRecord } from './ports/journal-store.ts';
import { parentOf } from './engine/child-run.ts';

/** A run as it is read, and whether it waits for a person although it asks nothing itself. */
export interface ReadRun extends RunRecord {
  readonly childWaits: boolean;
}

/** Open runs that are looked through for those that wait: the newest. */
const LOOKED_AT = 1000;

/**
 * Says of each run whether one within it waits for people. That is no fact of its own journal, so it is looked up
 * from the runs that wait; only where some run may be such a one.
 */
export function withWaitingChildren(
  store: JournalStore,
  runs: readonly RunRecord[],
  now: number,
): readonly ReadRun[] {
  const isOpen = runs.some(({ status, asked }) => status === 'running' && asked.length === 0);
  const parents = isOpen ? waitingParents(store, now) : new Set<RunId>();
  return runs.map((run) => ({ ...run, childWaits: run.status === 'running' && parents.has(run.runId) }));
}

function waitingParents(store: JournalStore, now: number): ReadonlySet<RunId> {
  const parents = new Set<RunId>();
  // Whoever lists runs, or looks at one, is not told here of the damage of others.
  const open = store.queryRuns({ limit: LOOKED_AT, statuses: ['running'] }, now, () => undefined);
  for (const { runId, asked } of open) {
    if (asked.length === 0) continue;
    for (
      let above = soundParentOf(store, runId);
      above !== undefined && above.detached !== true && !parents.has(above.parentRunId);
      above = soundParentOf(store, above.parentRunId)
    )
      parents.add(above.parentRunId);
  }
  return parents;
}

/** Undefined, too, where the run is damaged: it is said where it is read, and others are not hindered. */
function soundParentOf(store: JournalStore, runId: RunId): ReturnType<typeof parentOf> {
  try {
    return parentOf(store, runId);
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'CORRUPT') return undefined;
    throw error;
  }
}
