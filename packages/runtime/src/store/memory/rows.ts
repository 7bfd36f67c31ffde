/** A run's rows in memory. Invariants: see memory-store.ts. */
import { isUselessBehind, type MarkReach, type RowPlace } from '../../journal/compaction.ts';
import type { Epoch, Millis, RunId, Seq } from '../../journal/ids.ts';
import type { RunSummary } from '../../journal/run-summary.ts';
import type { StoredEvent } from '../../journal/stored-event.ts';
import { parseRow } from '../damage.ts';
import { stateText, type StateTexts } from '../run-states.ts';
import type { JournalEvent } from '../../journal/event.ts';

export interface Row extends StoredEvent {
  readonly seq: Seq;
  readonly at: Millis;
  /** The run's summary with this event: a prefix need not fold again. */
  readonly summary: RunSummary;
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

/** @param key the reduce that a useless row lies in; undefined: it is a neighbour only */
export function placeOf(runId: RunId, row: Row, reach: MarkReach | undefined): RowPlace {
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
