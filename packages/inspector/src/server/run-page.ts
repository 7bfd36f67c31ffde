/** Pages of runs, the newest first, and how many there are of each status. */
import {
  DISPLAY_STATUSES,
  displayStatus,
  isRunId,
  type DisplayStatus,
  type JournalReader,
  type ReadRun,
  type RunId,
  type RunQuery,
} from '@pawl/runtime';

export interface RunFilter {
  readonly status: DisplayStatus | undefined;
  readonly process: string | undefined;
  /** Part of an id, or of the name of a process. */
  readonly text: string | undefined;
  readonly before: RunId | undefined;
  readonly limit: number;
}

export interface RunPage {
  readonly runs: readonly ReadRun[];
  /** Where the next page goes on; null where there is nothing more. */
  readonly next: RunId | null;
  /** Runs that were looked at. */
  readonly scanned: number;
}

const SLICE = 500;
/** One request looks at so many runs at most: what is sought may be nowhere. */
const MOST_SCANNED = 20_000;
/** Open runs whose owners are looked at for the counts: the newest. */
const MOST_OPEN = 2000;

const OPEN: ReadonlySet<DisplayStatus> = new Set([
  'running',
  'interrupted',
  'sleeping',
  'waiting',
  'cancelling',
]);

export function pageOfRuns(reader: JournalReader, filter: RunFilter): RunPage {
  const { status, limit, before } = filter;
  const isWhole = status === undefined && filter.process === undefined && filter.text === undefined;
  const size = isWhole ? limit : SLICE;
  const runs: ReadRun[] = [];
  let scanned = 0;
  for (let cursor = before; ;) {
    const slice = reader.list({
      limit: size,
      ...(cursor === undefined ? {} : { before: cursor }),
      ...(status === undefined ? {} : { statuses: [storedStatus(status)] }),
    });
    for (const run of slice) {
      scanned += 1;
      cursor = run.runId;
      if (isMeant(run, filter)) runs.push(run);
      if (runs.length === limit) return { runs, next: cursor, scanned };
    }
    if (slice.length < size) return { runs, next: null, scanned };
    if (scanned >= MOST_SCANNED) return { runs, next: cursor ?? null, scanned };
  }
}

function isMeant(run: ReadRun, { status, process, text }: RunFilter): boolean {
  if (status !== undefined && displayStatus(run) !== status) return false;
  if (process !== undefined && run.process !== process) return false;
  if (text === undefined) return true;
  const sought = text.toLowerCase();
  return run.runId.toLowerCase().includes(sought) || run.process.toLowerCase().includes(sought);
}

function storedStatus(status: DisplayStatus): NonNullable<RunQuery['statuses']>[number] {
  if (status === 'succeeded' || status === 'failed' || status === 'cancelled' || status === 'continued')
    return status;
  return 'running';
}

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
    for (const run of reader.list({ limit: MOST_OPEN, statuses: ['running'] })) {
      const status = displayStatus(run);
      // One that ended meanwhile is counted as what it was.
      if (OPEN.has(status)) seen[status] = (seen[status] ?? 0) + 1;
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
