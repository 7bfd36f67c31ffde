import type { ProcessDefinition } from '@pawl/sdk';
import { decode } from '../journal/codec.ts';
import type { Epoch, RunId } from '../journal/ids.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import { codeOf } from '../process/definition.ts';
import { foldRun } from './fold-run.ts';
import type { RunPlan } from './run-plan.ts';

/** How a recorded run goes on. */
export function resumedPlan(
  store: JournalStore,
  runId: RunId,
  definition: ProcessDefinition,
  epoch: Epoch,
): RunPlan {
  const folded = foldRun(store, runId);
  const first = folded.recorded[0]?.event;
  const inputs = first?.type === 'RunStarted' ? decode(first.inputs) : undefined;
  return { ...codeOf(definition), ...folded, runId, epoch, inputs, start: undefined, replayOnly: false };
}
