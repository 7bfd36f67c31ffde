/** What `pawl top` shows: read from the file again and again. Of an open run only what came since is read. */
import {
  addOpenCall,
  createOpenCalls,
  displayStatus,
  type DisplayStatus,
  type JournalReader,
  type LeafNode,
  type OpenCalls,
  type PoolStatus,
  type ReadRun,
  type RunId,
} from '@pawl/runtime';

/** Runs that are counted: the newest. */
const MOST_RUNS = 1000;
const MINUTE_MS = 60_000;

export interface TopRow {
  readonly run: ReadRun;
  readonly status: DisplayStatus;
  /** What is open in it, the oldest first. */
  readonly open: readonly LeafNode[];
}

export interface TopView {
  readonly now: number;
  /** Of the newest runs. */
  readonly counts: ReadonlyMap<DisplayStatus, number>;
  /** There are more than are counted. */
  readonly hasMore: boolean;
  /** Open runs that fit the filter: those under way first, then those that wait, the newest first in each. */
  readonly rows: readonly TopRow[];
  /** Open runs that have no row. */
  readonly hidden: number;
  readonly pools: readonly PoolStatus[];
  /** Runs that ended in the last minute. */
  readonly endedLastMinute: number;
  /** Tasks that settled in a second, over the last minute or since it looks; undefined at the first look. */
  readonly tasksPerSecond: number | undefined;
}

export interface TopQuery {
  readonly now: number;
  /** Rows that have room. */
  readonly limit: number;
  /** In the process or the id of a run. */
  readonly filter: string;
}

interface Followed {
  readonly open: OpenCalls;
  seq: number;
}

interface Sample {
  readonly at: number;
  readonly settled: number;
}

const OPEN: readonly DisplayStatus[] = ['running', 'waiting', 'cancelling', 'interrupted', 'sleeping'];

export class TopReader {
  readonly #reader: JournalReader;
  readonly #followed = new Map<RunId, Followed>();
  /** Tasks of each run that had settled at the last look. */
  readonly #settled = new Map<RunId, number>();
  #total = 0;
  #samples: Sample[] = [];

  constructor(reader: JournalReader) {
    this.#reader = reader;
  }

  read({ now, limit, filter }: TopQuery): TopView {
    const runs = this.#reader.list({ limit: MOST_RUNS });
    const counts = new Map<DisplayStatus, number>();
    for (const run of runs) {
      const status = displayStatus(run);
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    const open = runs
      .filter((run) => run.status === 'running' && isMeant(run, filter))
      .map((run) => ({ run, status: displayStatus(run) }))
      .toSorted((a, b) => OPEN.indexOf(a.status) - OPEN.indexOf(b.status));
    const rows = open.slice(0, limit).map((row): TopRow => ({ ...row, open: this.#openOf(row.run) }));
    this.#forget(new Set(rows.map(({ run }) => run.runId)));
    return {
      now,
      counts,
      hasMore: runs.length === MOST_RUNS,
      rows,
      hidden: open.length - rows.length,
      pools: this.#reader.pools(0),
      endedLastMinute: runs.filter((run) => run.status !== 'running' && now - run.updatedAt <= MINUTE_MS)
        .length,
      tasksPerSecond: this.#rate(runs, now),
    };
  }

  #openOf({ runId, lastSeq }: ReadRun): readonly LeafNode[] {
    const followed = this.#followed.get(runId) ?? { open: createOpenCalls(), seq: 0 };
    this.#followed.set(runId, followed);
    if (followed.seq < lastSeq)
      for (const recorded of this.#reader.events(runId, followed.seq)) {
        addOpenCall(followed.open, recorded);
        followed.seq = recorded.seq;
      }
    return [...followed.open.byKey.values()].map(({ node }) => node);
  }

  #forget(shown: ReadonlySet<RunId>): void {
    for (const runId of this.#followed.keys()) if (!shown.has(runId)) this.#followed.delete(runId);
  }

  /** From what the summaries count: no event is read for it. */
  #rate(runs: readonly ReadRun[], now: number): number | undefined {
    const isFirst = this.#samples.length === 0;
    for (const { runId, tasksSettled } of runs) {
      // What a run had done before anybody looked was not done now.
      const before = this.#settled.get(runId) ?? (isFirst ? tasksSettled : 0);
      this.#total += Math.max(0, tasksSettled - before);
      this.#settled.set(runId, tasksSettled);
    }
    const known = new Set(runs.map(({ runId }) => runId));
    for (const runId of this.#settled.keys()) if (!known.has(runId)) this.#settled.delete(runId);
    this.#samples = [
      ...this.#samples.filter(({ at }) => now - at <= MINUTE_MS),
      { at: now, settled: this.#total },
    ];
    const [oldest] = this.#samples;
    if (oldest === undefined || oldest.at === now) return undefined;
    return ((this.#total - oldest.settled) * 1000) / (now - oldest.at);
  }
}

function isMeant({ process, runId }: ReadRun, filter: string): boolean {
  const sought = filter.toLowerCase();
  return process.toLowerCase().includes(sought) || runId.toLowerCase().includes(sought);
}
