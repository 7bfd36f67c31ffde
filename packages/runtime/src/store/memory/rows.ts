/** A run's rows in memory. Invariants: see memory-store.ts. */
import {
  cutsOf,
  isUselessBehind,
  type Cut,
  type MarkReach,
  type RowPlace,
} from '../../journal/compaction.ts';
import type { Epoch, Millis, RunId, Seq } from '../../journal/ids.ts';
import type { RunSummary } from '../../journal/run-summary.ts';
import { storeEvent, type StoredEvent } from '../../journal/stored-event.ts';
import { addToSummary, summarize } from '../../views/run-summary.ts';
import { broken } from '../../journal/invariant.ts';
import type { CompactRun, JournalStore, RunCounts, RunDamage } from '../../ports/journal-store.ts';
import { parseRow, summaryProblem } from '../damage.ts';
import { sha256 } from '../sha256.ts';
import { StateFold, stateText, type StateTexts } from '../run-states.ts';
import type { JournalEvent, Recorded } from '../../journal/event.ts';

export interface Row extends StoredEvent {
  readonly seq: Seq;
  readonly at: Millis;
  /** What the run says of itself, with this event. */
  readonly states: StateTexts;
  /** How many steps led to what runs shared right after it. */
  readonly shared: number;
}

export interface Run {
  readonly rows: Row[];
  readonly count: number;
  readonly summary: RunSummary;
  readonly states: StateTexts;
  /** The run that it shares its first events with. */
  readonly forkOf?: RunId;
  readonly epoch: Epoch;
  readonly owner: string | null;
  readonly until: Millis;
  /** JSON texts by message id; null once consumed, so that a second post is still a duplicate. */
  readonly inbox: ReadonlyMap<string, string | null>;
}

/** Index of the first row behind a seq. */
export function indexAfter({ rows, count }: Run, seq: Seq): number {
  let low = 0;
  // A row never lies further right than its seq says.
  let high = Math.min(count, seq);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle]?.seq ?? Infinity) <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The summary of a run's first rows. Folded when a test asks: kept with each row it would be most of what a run takes. */
export function summaryAt(runId: RunId, rows: readonly Row[], count: number): RunSummary {
  let summary: RunSummary | undefined;
  for (const row of rows.slice(0, count)) {
    const recorded = recordedIn(runId, row);
    if (summary === undefined) summary = summarize(runId, undefined, recorded);
    else addToSummary(summary, recorded);
  }
  return summary ?? broken('J1', `run ${runId} has no events`);
}

/** @param key the reduce that a useless row lies in; undefined: it is a neighbour only */
function placeOf(runId: RunId, row: Row, reach: MarkReach | undefined): RowPlace {
  const event = parseRow(runId, row.seq, row);
  const { seq, at, type } = row;
  const cut = event.type === 'Compacted' ? event : undefined;
  return {
    seq,
    at,
    type,
    chain: '',
    cut,
    isUseless: reach !== undefined && isUselessBehind(reach, seq, event),
  };
}

export function without(inbox: Run['inbox'], consumed: readonly string[]): Run['inbox'] {
  if (consumed.length === 0) return inbox;
  const left = new Map(inbox);
  for (const id of consumed) {
    if (left.has(id)) left.set(id, null);
  }
  return left;
}

export function statesAfter(states: StateTexts, event: JournalEvent): StateTexts {
  return event.type === 'StateSet' ? new Map(states).set(event.name, stateText(event)) : states;
}

export function recordedIn(runId: RunId, row: Row): Recorded {
  return { seq: row.seq, at: row.at, event: parseRow(runId, row.seq, row) };
}

/** What of a run is not the fold of its events (S3), undefined where all is. */
function foldProblem(run: Run): string | undefined {
  let folded: RunSummary | undefined;
  const states = new StateFold();
  for (const row of run.rows.slice(0, run.count)) {
    const recorded = recordedIn(run.summary.runId, row);
    folded = summarize(run.summary.runId, folded, recorded);
    states.add(recorded);
  }
  if (folded === undefined) return 'it has no events';
  return summaryProblem(run.summary, folded) ?? states.problem(run.states);
}

/** What is left of the rows, how many are gone, and where the next slice ends. */
export function compacted(
  run: Run,
  { runId, key, source, fromSeq, beforeSeq, limit }: CompactRun,
): { readonly rows: Row[]; readonly removed: number; readonly beforeSeq: Seq } {
  const end = indexAfter(run, beforeSeq - 1);
  const start = Math.max(indexAfter(run, fromSeq - 1), end - limit);
  const all = run.rows.slice(0, run.count);
  if (start === end) return { rows: all, removed: 0, beforeSeq: fromSeq };
  // Two rows before, and one behind: what stood for removed rows is taken in.
  const near = all.slice(Math.max(0, start - 2), end + 1);
  const lowest = all[start]?.seq ?? fromSeq;
  const reach = { key, source };
  const cuts = cutsOf(
    near.map((row) => placeOf(runId, row, row.seq >= lowest && row.seq < beforeSeq ? reach : undefined)),
    reach,
    sha256,
  );
  const rows = rowsWith(run, cuts);
  const before = end - start < limit ? fromSeq : lowest;
  return { rows, removed: run.count - rows.length, beforeSeq: before };
}

/** What a stretch of removed rows comes to stands in the place of its last row. */
function rowsWith({ rows, count }: Run, cuts: readonly Cut[]): Row[] {
  return rows.slice(0, count).flatMap((row) => {
    const cut = cuts.find(({ from, seq }) => row.seq >= from && row.seq <= seq);
    if (cut === undefined) return [row];
    return cut.seq === row.seq ? [{ ...row, ...storeEvent(cut.event) }] : [];
  });
}

/** What a fork has before its first own event: rows are kept for each run here. Undefined where the parent lacks it. */
export function forkStart(parent: Run | undefined, runId: RunId, seq: Seq): Run | undefined {
  const count = parent === undefined ? 0 : indexAfter(parent, seq);
  const rows = (parent?.rows ?? []).slice(0, count);
  const last = rows.at(-1);
  if (parent === undefined || last?.seq !== seq) return undefined;
  const { states } = last;
  const summary = summaryAt(runId, rows, count);
  const forkOf = parent.summary.runId;
  return { rows, count, summary, states, forkOf, epoch: 1, owner: null, until: 0, inbox: new Map() };
}

/** Messages that nobody has taken are for the run that follows. */
export function handedOn(before: Run, next: Run): readonly [before: Run, next: Run] {
  const messages = [...before.inbox];
  const taken = new Map(messages.filter(([, text]) => text === null));
  const waiting = new Map(messages.filter(([, text]) => text !== null));
  return [
    { ...before, inbox: taken },
    { ...next, inbox: waiting },
  ];
}

export function countByStatus(runs: Iterable<Run>): RunCounts {
  const counts: { -readonly [Status in keyof RunCounts]: RunCounts[Status] } = {};
  for (const { summary } of runs) counts[summary.status] = (counts[summary.status] ?? 0) + 1;
  return counts;
}

export function verify(
  runs: ReadonlyMap<RunId, Run>,
  only: RunId | undefined,
): ReturnType<JournalStore['verify']> {
  const damage: RunDamage[] = [];
  let seen = 0;
  let events = 0;
  for (const [id, run] of runs) {
    if (only !== undefined && id !== only) continue;
    seen += 1;
    events += run.count;
    const problem = foldProblem(run);
    if (problem !== undefined) damage.push({ runId: id, seq: 0, problem });
  }
  return { runs: seen, events, damage, isWhole: only === undefined };
}
