import type { ProcessDefinition } from '@pawl/sdk';
import { decode } from '../journal/codec.ts';
import type { Epoch, RunId } from '../journal/ids.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import { codeOf, type ProcessCode } from '../process/definition.ts';
import { foldRun, type FoldedRun } from './fold-run.ts';
import type { RunPlan } from './run-plan.ts';

/** What its process is started with. */
function inputsOf(store: JournalStore, runId: RunId, { state, recorded }: FoldedRun): unknown {
  const { inputsSeq } = state;
  const event = (inputsSeq === 1 ? recorded : store.read(runId, inputsSeq - 1, 1))[0]?.event;
  if (event?.type === 'RunForked' && event.inputs !== undefined) return decode(event.inputs.value);
  return event?.type === 'RunStarted' ? decode(event.inputs) : undefined;
}

/** How a recorded run goes on. */
export function resumedPlan(
  store: JournalStore,
  runId: RunId,
  definition: ProcessDefinition,
  epoch: Epoch,
): RunPlan {
  return recordedPlan(store, runId, codeOf(definition), epoch);
}

export function recordedPlan(store: JournalStore, runId: RunId, code: ProcessCode, epoch: Epoch): RunPlan {
  const folded = foldRun(store, runId);
  const inputs = inputsOf(store, runId, folded);
  return { ...code, ...folded, runId, epoch, inputs, start: undefined, replayOnly: false };
}
