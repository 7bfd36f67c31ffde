import { RunLockedError } from '@pawl/sdk';
import { RuntimeError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { RunDriver } from './run-driver.ts';
import type { RunPlan } from './run-plan.ts';

/**
 * Drives a run that only compares: nothing is recorded, no task runs.
 * @throws RunLockedError, NonDeterminismError, RuntimeError STALLED
 */
export async function replayRun(
  engine: Engine,
  plan: RunPlan,
): Promise<{ readonly reached: 'end' | 'head'; readonly events: number }> {
  if (engine.runs.has(plan.runId))
    throw new RunLockedError(`Run ${plan.runId} is under way; replay it when it rests.`);
  const driver = new RunDriver(engine, { ...plan, replayOnly: true });
  engine.add(driver);
  const exit = await driver.exit;
  if (exit.status === 'replayed') return { reached: exit.reached, events: driver.state.seq };
  throw exit.status === 'left' ? exit.error : new RuntimeError('UNEXPECTED', 'a replay ended the run');
}
