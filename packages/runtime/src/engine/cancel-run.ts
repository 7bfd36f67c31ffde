import { INSPECT_ONLY } from '../journal/chain.ts';
import type { CallKey } from '../journal/call-key.ts';
import type { RunId } from '../journal/ids.ts';
import { decide } from '../kernel/decide.ts';
import { evolve } from '../kernel/evolve.ts';
import { owesExits } from '../kernel/owed-exits.ts';
import type { RunState } from '../kernel/state.ts';
import type { Command, Report } from '../kernel/input.ts';
import { fencedWithin } from '../kernel/resume.ts';
import type { InboxMessage, JournalStore, LeaseClaim, NewEvent, StoreNote } from '../ports/journal-store.ts';
import { parentOf, tooNew } from './child-run.ts';
import type { Engine } from './engine.ts';
import { lastOf } from './run-chain.ts';
import { foldRun } from './fold-run.ts';
import { offerNote } from './offer-note.ts';
import type { RunDriver } from './run-driver.ts';

type CancelMessage = Extract<InboxMessage, { kind: 'cancel' }>;

/** Asks a run that has not ended to give up, whoever drives it; one that nobody drives is cancelled without its code. */
export function cancelRun(
  engine: Engine,
  runId: RunId,
  message: CancelMessage,
): 'asked' | 'cancelled' | 'ended' {
  const { store, clock } = engine.options;
  const active = engine.runs.get(runId);
  if (active !== undefined) {
    postTo(engine, active, runId, message);
    return 'asked';
  }
  const answer = store.acquireLease(runId, engine.claim);
  if (answer.status === 'newer' && answer.minReader === INSPECT_ONLY) throw tooNew(runId, answer.minReader);
  if (answer.status !== 'acquired') {
    store.post(runId, message, clock.now());
    return 'asked';
  }
  try {
    const { state } = foldRun(store, runId);
    // Its exits are code: whoever drives it next finds the message, and does them.
    if (message.force !== true && state.phase.status !== 'ended' && owesExits(state)) {
      store.post(runId, message, clock.now());
      return 'asked';
    }
    cancelChildren(engine, runId, state, message);
    return cancelIdleRun(store, runId, state, answer.lease.epoch, engine.claim, message);
  } finally {
    store.releaseLease(runId, answer.lease.epoch);
  }
}

/** First what it started: a crash before its own end leaves a run that can be cancelled again. */
function cancelChildren(
  engine: Engine,
  runId: RunId,
  state: RunState,
  { reason, force }: CancelMessage,
): void {
  for (const [key, call] of state.calls) {
    if (call.kind !== 'child' || call.survives) continue;
    if (call.phase !== 'pending' && call.phase !== 'cancelled') continue;
    const given = { runId: call.runId, reason: `the run was cancelled: ${reason}`, isForced: force === true };
    cancelChild(engine, runId, key, given);
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
  { runId, reason, isForced }: { readonly runId: RunId; readonly reason: string; readonly isForced: boolean },
): void {
  const { store, clock } = engine.options;
  const record = store.getRun(runId, clock.now());
  const parent = record === undefined ? undefined : parentOf(store, runId);
  if (record === undefined || parent?.parentRunId !== parentId || parent.parentKey !== key) return;
  const last = lastOf(store, record, clock.now());
  if (last.status !== 'running') return;
  const id = `given up by ${parentId} ${key}`;
  const message: CancelMessage = isForced
    ? { kind: 'cancel', id: `${id} by force`, reason, force: true }
    : { kind: 'cancel', id, reason };
  cancelRun(engine, last.runId, message);
}

export function postTo(
  engine: Engine,
  active: RunDriver | undefined,
  runId: RunId,
  message: InboxMessage,
): ReturnType<JournalStore['post']> {
  const posted = engine.options.store.post(runId, message, engine.options.clock.now());
  // One that was started a moment ago is in no file yet: it can be cancelled all the same.
  if (posted === 'posted' || posted === 'unknown') active?.inbox.arrived(message);
  return posted;
}

/** Cancels a run that nobody drives, without its code. The caller holds the lease. */
function cancelIdleRun(
  store: JournalStore,
  runId: RunId,
  state: RunState,
  epoch: number,
  claim: LeaseClaim,
  { reason: asked, force }: CancelMessage,
): 'cancelled' | 'ended' | 'asked' {
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
  const isOwing = force === true && owesExits(state);
  apply({ type: isOwing ? 'ForceCancel' : 'CancelRun', reason: asked });
  const reason = state.phase.status === 'cancelling' ? state.phase.reason : asked;
  for (const key of fencedWithin(state, ''))
    apply({ type: 'CancelCall', key, reason: `the run was cancelled: ${reason}` });
  apply({ type: 'RunEnded', result: { status: 'cancelled', reason } });
  const wakes = state.parent === undefined ? {} : { wakes: state.parent.parentRunId };
  const [answer] = store.append([{ runId, epoch, afterSeq, events, consumed: [], notes, ...wakes }], claim);
  return answer === 'committed' ? 'cancelled' : 'asked';
}
