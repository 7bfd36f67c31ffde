import type { RunId } from '../journal/ids.ts';
import { decide } from '../kernel/decide.ts';
import { evolve } from '../kernel/evolve.ts';
import { initialState, type RunState } from '../kernel/state.ts';
import type { Command, Report } from '../kernel/input.ts';
import { fencedWithin } from '../kernel/resume.ts';
import type { JournalStore, LeaseClaim, NewEvent } from '../ports/journal-store.ts';

const PAGE = 1000;

/** The state of a run, folded from its whole journal. */
export function foldRun(store: JournalStore, runId: RunId): RunState {
  let state = initialState();
  for (;;) {
    const page = store.read(runId, state.seq, PAGE);
    const [first] = page;
    // Its owner goes on with it, and has just removed rows that were folded here.
    if (first?.event.type === 'Compacted' && first.seq - first.event.count < state.seq) {
      state = initialState();
      continue;
    }
    for (const recorded of page) evolve(state, recorded);
    if (page.length < PAGE) return state;
  }
}

/** Cancels a run that nobody drives, without its code. The caller holds the lease. */
export function cancelIdleRun(
  store: JournalStore,
  runId: RunId,
  epoch: number,
  claim: LeaseClaim,
  reason: string,
): 'cancelled' | 'ended' | 'asked' {
  const state = foldRun(store, runId);
  // Another program ended it between the look and the lease.
  if (state.phase.status === 'ended') return 'ended';
  const afterSeq = state.seq;
  const events: NewEvent[] = [];
  const apply = (input: Command | Report): void => {
    const at = Math.max(claim.now, state.lastAt);
    for (const event of decide(state, input, at).events) {
      evolve(state, { seq: state.seq + 1, at, event });
      events.push({ at, event });
    }
  };
  apply({ type: 'CancelRun', reason });
  for (const key of fencedWithin(state, ''))
    apply({ type: 'CancelCall', key, reason: `the run was cancelled: ${reason}` });
  apply({ type: 'RunEnded', result: { status: 'cancelled', reason } });
  const [answer] = store.append([{ runId, epoch, afterSeq, events, consumed: [] }], claim);
  return answer === 'committed' ? 'cancelled' : 'asked';
}
