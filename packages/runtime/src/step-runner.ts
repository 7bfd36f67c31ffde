import type { ProcessDefinition, TaskDefinition } from '@pawl/sdk';
import type { Engine } from './engine/engine.ts';
import { execStep, type StepResult } from './engine/exec-step.ts';
import { replayRun } from './engine/replay-run.ts';
import { resumedPlan } from './engine/resumed-plan.ts';
import { RuntimeError } from './errors.ts';
import type { CallKey } from './journal/call-key.ts';
import type { TaskScheduled } from './journal/event.ts';
import type { RunId } from './journal/ids.ts';
import { eventsOf } from './run-events.ts';
import { nearest } from './views/nearest.ts';

export interface StepOptions {
  /** Aborts the attempt. */
  readonly signal?: AbortSignal;
}

/**
 * Does one recorded task call again, with its recorded input and the code as it is now. Nothing is recorded.
 * @throws RuntimeError NOT_FOUND, REFUSED
 */
export async function runStep(
  engine: Engine,
  runId: RunId,
  key: CallKey,
  process: ProcessDefinition,
  { signal }: StepOptions = {},
): Promise<StepResult> {
  const scheduled = findCall(engine, runId, key);
  const definition = await findTask(engine, runId, scheduled, process);
  if (definition.transaction !== undefined)
    throw new RuntimeError(
      'REFUSED',
      `Task '${definition.name}' works on tables inside the commit that records it, and nothing is recorded here.`,
      { hint: `Do it in a fork: pawl fork ${runId} --at ${key}` },
    );
  return execStep(engine, { runId, process: process.name, scheduled, definition, signal });
}

function findCall(engine: Engine, runId: RunId, key: CallKey): TaskScheduled {
  const keys: CallKey[] = [];
  for (const { event } of eventsOf(engine.options.store, runId)) {
    if (event.type !== 'TaskScheduled') continue;
    if (event.key === key) return event;
    keys.push(event.key);
  }
  const near = nearest(key, keys);
  throw new RuntimeError('NOT_FOUND', `Run ${runId} has no task call '${key}'.`, {
    hint: near.length === 0 ? `See its calls: pawl show ${runId}` : `Did you mean ${near.join(' or ')}?`,
    data: { runId, key },
  });
}

/** The task as the process names it: its code is done again up to there, without effects. */
async function findTask(
  engine: Engine,
  runId: RunId,
  { task, key }: TaskScheduled,
  process: ProcessDefinition,
): Promise<TaskDefinition<never, unknown>> {
  let found: TaskDefinition<never, unknown> | undefined;
  const standIn = engine.options.standIn;
  const plan = resumedPlan(engine.options.store, runId, process, 0);
  try {
    await replayRun(engine, {
      ...plan,
      standIn: (asked, how) => {
        if (asked.name === task) found = standIn(asked, how);
        return standIn(asked, how);
      },
    });
  } catch (error) {
    // Where the code asks for something else by now, it may still have the task.
    if (found === undefined) throw error;
  }
  if (found !== undefined) return found;
  throw new RuntimeError(
    'REFUSED',
    `The code of run ${runId} asks for no task '${task}' (call ${key}) any more.`,
    {
      hint: `See what changed: pawl replay ${runId}`,
      data: { runId, key },
    },
  );
}
