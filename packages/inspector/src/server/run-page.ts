/** Pages of runs, the newest first, and how many there are of each status. */
import {
  DISPLAY_STATUSES,
  displayStatus,
  isRunId,
  type DisplayStatus,
  type JournalReader,
  type ReadRun,
  type RunDamage,
  type RunId,
  type RunQuery,
  type RunSearch,
} from '@pawl/runtime';

import { unnamed, withLeftOut, type LeftOut } from './left-out.ts';
import { isOpenStatus, type RunStatus } from '../statuses.ts';

export interface RunFilter extends Omit<RunSearch, 'lookAt' | 'statuses'> {
  readonly status: DisplayStatus | undefined;
}

export interface RunPage {
  readonly runs: readonly ReadRun[];
  /** Where the next page goes on; null where there is nothing more. */
  readonly next: RunId | null;
  /** Runs that were looked at. */
  readonly scanned: number;
  /** Of those, runs whose own rows are damaged. */
  readonly leftOut: LeftOut;
}

const SLICE = 500;
/** One request looks at so many runs at most: what is sought may be nowhere. */
const MOST_LOOKED_AT = 50_000;
/** Of runs whose status depends on who lives, and is no column. */
const MOST_OPEN_LOOKED_AT = 20_000;
/** Open runs whose owners are looked at for the counts: the newest. */
const MOST_OPEN = 2000;

export function pageOfRuns(reader: JournalReader, filter: RunFilter): RunPage {
  return withLeftOut((leftOut) => foundPage(reader, filter, leftOut));
}

function foundPage(
  reader: JournalReader,
  { status, limit, ...filter }: RunFilter,
  leftOut: (damage: RunDamage) => void,
): Omit<RunPage, 'leftOut'> {
  if (status === undefined || !isOpenStatus(status)) {
    const statuses = status === undefined ? {} : { statuses: [storedStatus(status)] };
    const found = reader.search({ ...filter, ...statuses, limit, lookAt: MOST_LOOKED_AT }, leftOut);
    return { runs: found.runs, next: found.next, scanned: found.lookedAt };
  }
  const runs: ReadRun[] = [];
  let scanned = 0;
  for (let { before } = filter; ;) {
    const cursor = before === undefined ? {} : { before };
    const left = MOST_OPEN_LOOKED_AT - scanned;
    const sought = { ...filter, ...cursor, statuses: ['running'] as const, limit: SLICE, lookAt: left };
    const found = reader.search(sought, leftOut);
    for (const [index, run] of found.runs.entries()) {
      if (displayStatus(run) !== status) continue;
      runs.push(run);
      if (runs.length === limit) return { runs, next: run.runId, scanned: scanned + index + 1 };
    }
    scanned += found.lookedAt;
    // A forged journal may give the same page again.
    const isEnd = found.next === null || found.next === before;
    if (isEnd || scanned >= MOST_OPEN_LOOKED_AT) return { runs, next: isEnd ? null : found.next, scanned };
    before = found.next;
  }
}

function storedStatus(status: Named): NonNullable<RunQuery['statuses']>[number] {
  if (status === 'succeeded' || status === 'failed' || status === 'cancelled' || status === 'continued')
    return status;
  return 'running';
}

/** None of the runtime's is missing, and none is there that it has not. */
type Named = DisplayStatus extends RunStatus
  ? RunStatus extends DisplayStatus
    ? DisplayStatus
    : never
  : never;

export interface StatusCounts {
  readonly counts: Readonly<Partial<Record<DisplayStatus, number>>>;
  readonly total: number;
  /** There are more open runs than were looked at. */
  readonly isPart: boolean;
}

export function countsOf(reader: JournalReader): StatusCounts {
  const { running: open = 0, ...counts } = reader.counts();
  const seen: Partial<Record<DisplayStatus, number>> = { ...counts };
  if (open > 0)
    for (const run of reader.list({ limit: MOST_OPEN, statuses: ['running'] }, unnamed)) {
      const status = displayStatus(run);
      // One that ended meanwhile is counted as what it was.
      if (isOpenStatus(status)) seen[status] = (seen[status] ?? 0) + 1;
    }
  const total = Object.values(counts).reduce((sum, count) => sum + count, open);
  return { counts: seen, total, isPart: open > MOST_OPEN };
}

/** An unknown one is refused by what it is asked of. */
export function statusNamed(name: string | undefined): DisplayStatus | undefined {
  return DISPLAY_STATUSES.find((status) => status === name);
}

/** The run that is named by its whole id. */
export function runNamed(reader: JournalReader, text: string): ReadRun | undefined {
  if (!isRunId(text)) return undefined;
  try {
    return reader.get(text);
  } catch {
    return undefined;
  }
}
