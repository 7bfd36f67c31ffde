import type { CallKey } from '../journal/call-key.ts';
import type { RunId } from '../journal/ids.ts';
import { decide } from '../kernel/decide.ts';
import { evolve } from '../kernel/evolve.ts';
import type { Command, Report } from '../kernel/input.ts';
import { fencedWithin } from '../kernel/resume.ts';
import type { InboxMessage, JournalStore, LeaseClaim, NewEvent, StoreNote } from '../ports/journal-store.ts';
import { parentOf } from './child-run.ts';
import type { Engine } from './engine.ts';
import { lastOf } from './run-chain.ts';
import { foldRun } from './fold-run.ts';
import { offerNote } from './offer-note.ts';
import type { RunDriver } from './run-driver.ts';

/** Asks a run that has not ended to give up, whoever drives it; one that nobody drives is cancelled without its code. */
export function cancelRun(
  engine: Engine,
  runId: RunId,
  message: Extract<InboxMessage, { kind: 'cancel' }>,
): 'asked' | 'cancelled' | 'ended' {
  const { store, clock } = engine.options;
  const active = engine.runs.get(runId);
  if (active !== undefined) {
    postTo(engine, active, runId, message);
    return 'asked';
  }
  const answer = store.acquireLease(runId, engine.claim);
  if (answer.status !== 'acquired') {
    store.post(runId, message, clock.now());
    return 'asked';
  }
  try {
    cancelChildren(engine, runId, message.reason);
    return cancelIdleRun(store, runId, answer.lease.epoch, engine.claim, message.reason);
  } finally {
    store.releaseLease(runId, answer.lease.epoch);
  }
}

/** First what it started: a crash before its own end leaves a run that can be cancelled again. */
function cancelChildren(engine: Engine, runId: RunId, reason: string): void {
  for (const [key, call] of foldRun(engine.options.store, runId).state.calls) {
    if (call.kind === 'child' && (call.phase === 'pending' || call.phase === 'cancelled'))
      cancelChild(engine, runId, key, call.runId, `the run was cancelled: ${reason}`);
  }
}

/**
 * Cancels a run that a call started, or the last of those that follow it; not one that was only found under its
 * id. Told again after a crash it is the same message.
 */
export function cancelChild(
  engine: Engine,
  parentId: RunId,
  key: CallKey,
  childId: RunId,
  reason: string,
): void {
  const { store, clock } = engine.options;
  const record = store.getRun(childId, clock.now());
  const parent = record === undefined ? undefined : parentOf(store, childId);
  if (record === undefined || parent?.parentRunId !== parentId || parent.parentKey !== key) return;
  const last = lastOf(store, record, clock.now());
  if (last.status !== 'running') return;
  cancelRun(engine, last.runId, { kind: 'cancel', id: `given up by ${parentId} ${key}`, reason });
}

export function postTo(
  engine: Engine,
  active: RunDriver | undefined,
  runId: RunId,
  message: InboxMessage,
): ReturnType<JournalStore['post']> {
  const posted = engine.options.store.post(runId, message, engine.options.clock.now());
  // One that was started a moment ago is in no file yet: it can be cancelled all the same.
  if (posted === 'posted' || posted === 'unknown') active?.inbox.receive(message);
  return posted;
}

/** Cancels a run that nobody drives, without its code. The caller holds the lease. */
function cancelIdleRun(
  store: JournalStore,
  runId: RunId,
  epoch: number,
  claim: LeaseClaim,
  reason: string,
): 'cancelled' | 'ended' | 'asked' {
  const { state } = foldRun(store, runId);
  // Another program ended it between the look and the lease.
  if (state.phase.status === 'ended') return 'ended';
  const afterSeq = state.seq;
  const events: NewEvent[] = [];
  const notes: StoreNote[] = [];
  const apply = (input: Command | Report): void => {
    const at = Math.max(claim.now, state.lastAt);
    for (const event of decide(state, input, at).events) {
      const recorded = { seq: state.seq + 1, at, event };
      evolve(state, recorded);
      const note = offerNote(runId, state, recorded);
      if (note !== undefined) notes.push(note);
      events.push({ at, event });
    }
  };
  apply({ type: 'CancelRun', reason });
  for (const key of fencedWithin(state, ''))
    apply({ type: 'CancelCall', key, reason: `the run was cancelled: ${reason}` });
  apply({ type: 'RunEnded', result: { status: 'cancelled', reason } });
  const wakes = state.parent === undefined ? {} : { wakes: state.parent.parentRunId };
  const [answer] = store.append([{ runId, epoch, afterSeq, events, consumed: [], notes, ...wakes }], claim);
  return answer === 'committed' ? 'cancelled' : 'asked';
}
