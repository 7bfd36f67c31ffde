import type { Encoded, JournalEvent, Recorded } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import { RuntimeError } from '../errors.ts';
import { InvariantError } from '../journal/invariant.ts';
import { evolve } from '../kernel/evolve.ts';
import { initialState, type RunState } from '../kernel/state.ts';
import type { JournalStore } from '../ports/journal-store.ts';

const PAGE = 1000;
/** Of events that are kept in memory between the fold and the replay. */
const KEPT_EVENTS = 50_000;
const KEPT_CHARS = 16 * 1024 * 1024;
/** What an event counts for beside its value. */
const EVENT_CHARS = 100;

export interface FoldedRun {
  readonly state: RunState;
  /** The journal's first events, at least one: as many as may be kept for the replay, which need not read them again. */
  readonly recorded: readonly Recorded[];
}

/** Folds the whole journal of a run. @throws RuntimeError CORRUPT where its events contradict each other */
export function foldRun(store: JournalStore, runId: RunId): FoldedRun {
  let state = initialState();
  let recorded: Recorded[] = [];
  let chars = 0;
  let keeps = true;
  for (;;) {
    const page = store.read(runId, state.seq, PAGE);
    const [first] = page;
    // Its owner goes on with it, and has just removed rows that were folded here.
    if (first?.event.type === 'Compacted' && first.seq - first.event.count < state.seq) {
      state = initialState();
      recorded = [];
      chars = 0;
      keeps = true;
      continue;
    }
    for (const each of page) {
      foldOne(state, each, runId);
      if (!keeps) continue;
      recorded.push(each);
      chars += charsOf(each.event);
      keeps = recorded.length < KEPT_EVENTS && chars < KEPT_CHARS;
    }
    if (first === undefined) return { state, recorded };
  }
}

/** Checksums need no key: who forges a journal makes them right, and only what the events say shows it. */
function foldOne(state: RunState, recorded: Recorded, runId: RunId): void {
  try {
    evolve(state, recorded);
  } catch (error) {
    if (!(error instanceof InvariantError)) throw error;
    const { seq } = recorded;
    const problem = `it contradicts those before it (${error.invariant}: ${error.problem})`;
    throw new RuntimeError('CORRUPT', `Event ${seq} of run ${runId} is damaged: ${problem}.`, {
      hint: `See what is recorded: pawl events ${runId}`,
      data: { runId, seq, problem },
      cause: error,
    });
  }
}

/** About what an event takes in memory. */
function charsOf(event: JournalEvent): number {
  switch (event.type) {
    case 'RunStarted':
      return EVENT_CHARS + sizeOf(event.inputs);
    case 'TaskScheduled':
      return EVENT_CHARS + sizeOf(event.args);
    case 'TaskSucceeded':
      return EVENT_CHARS + sizeOf(event.output);
    case 'AttemptStarted':
      return EVENT_CHARS;
    default:
      return EVENT_CHARS + JSON.stringify(event).length;
  }
}

function sizeOf(value: Encoded): number {
  if (typeof value === 'string') return value.length;
  return typeof value === 'object' && value !== null ? JSON.stringify(value).length : 0;
}
