import {
  displayStatus,
  type DisplayStatus,
  type JournalReader,
  type RunDamage,
  type RunId,
  type RunQuery,
  type RunRecord,
} from '@pawl/runtime';

const PAGE = 200;

export interface RunFilter {
  readonly status?: DisplayStatus | undefined;
  readonly process?: string | undefined;
  readonly where?: NonNullable<RunQuery['where']>;
  readonly before?: RunId | undefined;
  /** As many as are wanted at most. */
  readonly limit?: number;
  /** Told of each run whose own row is damaged, which is left out. */
  readonly leftOut?: (damage: RunDamage) => void;
}

/** Runs of a journal, the newest first: what is shown is no column of the store, whose pages are looked through. */
export function* findRuns(reader: JournalReader, filter: RunFilter): Generator<RunRecord, void, void> {
  const { status, where = {}, before, limit = Infinity } = filter;
  const isWhole = status === undefined && filter.process === undefined;
  const size = isWhole ? Math.min(limit, PAGE) : PAGE;
  let left = limit;
  for (let cursor = before; left > 0;) {
    const query = {
      limit: size,
      where,
      ...(cursor === undefined ? {} : { before: cursor }),
      ...(status === undefined ? {} : { statuses: [storedStatus(status)] }),
    };
    const page = reader.list(query, filter.leftOut);
    for (const run of page) {
      if (left === 0 || !isMeant(run, filter)) continue;
      left -= 1;
      yield run;
    }
    const last = page.at(-1)?.runId;
    // A forged journal may give the same page again.
    if (page.length < size || last === cursor) return;
    cursor = last;
  }
}

/** By what of a filter stands in the run itself. */
export function isMeant(run: RunRecord, { status, process }: RunFilter): boolean {
  if (process !== undefined && run.process !== process) return false;
  return status === undefined || displayStatus(run) === status;
}

/** What is recorded of one that is shown so. */
export function storedStatus(status: DisplayStatus): RunRecord['status'] {
  switch (status) {
    case 'interrupted':
    case 'waiting':
    case 'cancelling':
    case 'sleeping':
      return 'running';
    default:
      return status;
  }
}
