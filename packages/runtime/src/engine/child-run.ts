import { INSPECT_ONLY } from '../journal/chain.ts';
import type { CallKey } from '../journal/call-key.ts';
import { decode } from '../journal/codec.ts';
import type { ChildOutcome, ParentRecorded } from '../journal/child-event.ts';
import type { Millis, RunId } from '../journal/ids.ts';
import { unreachable } from '../journal/invariant.ts';
import { evolve } from '../kernel/evolve.ts';
import { initialState, type RunState } from '../kernel/state.ts';
import type { JournalStore, NewRun, RunRecord } from '../ports/journal-store.ts';
import { RuntimeError } from '../errors.ts';
import type { OpenChild } from '../process/open-call.ts';
import { foldRun, type FoldedRun } from './fold-run.ts';
import { refuseOther } from './refusals.ts';
import type { FinalEvent, RunPlan } from './run-plan.ts';

/** What the end of a child means to its parent. */
export function childOutcome(event: FinalEvent): ChildOutcome {
  switch (event.type) {
    case 'RunSucceeded':
      return { status: 'succeeded', output: event.output };
    case 'RunFailed':
      return { status: 'failed', error: event.error };
    case 'RunCancelled':
      return { status: 'cancelled', reason: event.reason };
    default:
      return unreachable(event);
  }
}

/** A run that is created in the commit of its call. */
export function bornOf(
  parent: { readonly runId: RunId; readonly state: Readonly<RunState> },
  parentKey: CallKey,
  { process, inputs, inputHash: inputsHash, isDetached, isAbandoned }: OpenChild,
  own: { readonly runId: RunId; readonly seed: string; readonly engine: string },
): NewRun {
  const { runId, seed, engine } = own;
  const { runId: parentRunId, state } = parent;
  const depth = (state.parent?.depth ?? 0) + 1;
  const facts = { process, module: null, codeHash: null, inputs, inputsHash, seed, engine };
  const link: ParentRecorded = { type: 'ParentRecorded', parentRunId, parentKey, depth };
  return {
    runId,
    at: state.lastAt,
    event: { type: 'RunStarted', ...facts },
    parent: {
      ...link,
      ...(isDetached ? { detached: true } : {}),
      ...(isAbandoned && !isDetached ? { onParentCancel: 'abandon' } : {}),
    },
  };
}

/** What started a run; undefined where nothing did. */
export function parentOf(store: JournalStore, runId: RunId): ParentRecorded | undefined {
  const event = store.read(runId, 1, 1)[0]?.event;
  return event?.type === 'ParentRecorded' ? event : undefined;
}

/**
 * The run above this one, above that one and so on, which has not ended and waits for it; itself where none does. A
 * detached run is on its own, and so is an abandoned one whose call was given up: who started it may never look at it
 * again, as behind a mark of a reduce.
 * @throws InvariantError where the journal of a run above it was changed from outside
 */
export function topmostOpen(store: JournalStore, runId: RunId, now: Millis): RunId {
  let top = runId;
  for (
    let above = parentOf(store, runId);
    above !== undefined && above.detached !== true;
    above = parentOf(store, top)
  ) {
    if (store.getRun(above.parentRunId, now)?.status !== 'running') return top;
    if (above.onParentCancel === 'abandon' && !isCallPending(store, above)) return top;
    top = above.parentRunId;
  }
  return top;
}

function isCallPending(store: JournalStore, { parentRunId, parentKey }: ParentRecorded): boolean {
  return foldRun(store, parentRunId).state.pending.has(parentKey);
}

/** Why a run that has the id already cannot be the child; undefined where it is the same run. */
export function refusedChild(
  store: JournalStore,
  parent: { readonly runId: RunId; readonly state: Readonly<RunState> },
  known: RunRecord,
  { process, inputHash }: OpenChild,
): unknown {
  const { runId } = known;
  try {
    refuseOther(runId, known, process, inputHash);
  } catch (error) {
    return error;
  }
  for (let above = parent.state.parent; above !== undefined; above = parentOf(store, above.parentRunId)) {
    if (above.parentRunId !== runId) continue;
    return new RuntimeError('REFUSED', `Run ${parent.runId} is within run ${runId}, which waits for it.`, {
      hint: 'Give the child another id, or none',
    });
  }
  return undefined;
}

/** Why no child can have an id under which a start waits; undefined where it is the same run, or none waits. */
export function refusedByStart(
  store: JournalStore,
  runId: RunId,
  { process, inputHash }: OpenChild,
): unknown {
  const start = store.work.queuedStart(runId);
  if (start === undefined) return undefined;
  try {
    refuseOther(runId, start, process, inputHash);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Why nobody here may go on with a run. */
export function tooNew(runId: RunId, minReader: number): RuntimeError {
  if (minReader === INSPECT_ONLY) {
    const message = `Run ${runId} came from a redacted export: values that it needs are not there, and nobody can go on with it.`;
    return new RuntimeError('REFUSED', message, {
      hint: `Look at it: pawl show ${runId}`,
      data: { runId },
    });
  }
  return new RuntimeError(
    'NEWER',
    `Run ${runId} was recorded by a newer version of Pawl; this one must not touch it.`,
    { hint: 'Update Pawl, then try again' },
  );
}

/** The state of a run that was created in the commit of another. */
export function stateOf({ at, event, parent }: NewRun): RunState {
  const state = initialState();
  evolve(state, { seq: 1, at, event });
  if (parent !== undefined) evolve(state, { seq: 2, at, event: parent });
  return state;
}

/** How a child is driven, with the code that its call gave. */
export function planOf(
  runId: RunId,
  { run, checkInputs }: OpenChild,
  epoch: number,
  folded: Pick<FoldedRun, 'state'> & Partial<FoldedRun>,
  inputs: OpenChild['inputs'],
): RunPlan {
  return {
    ...folded,
    runId,
    run,
    checkInputs,
    epoch,
    inputs: decode(inputs),
    start: undefined,
    replayOnly: false,
  };
}
