import type { EngineOptions } from './engine.ts';
import type { RunExit, RunPlan } from './run-plan.ts';

/** Replays a run that has just ended. It tells what it finds elsewhere, and never rejects. */
export type Check = (plan: RunPlan) => Promise<void>;

/** The end of a run stands, whatever its replay finds; it is told once that is known. */
export function whenChecked({ check }: EngineOptions, plan: RunPlan, exit: RunExit, tell: () => void): void {
  const hasEnded = exit.status === 'ended' || exit.status === 'continued';
  if (check === undefined || plan.replayOnly || !hasEnded) tell();
  else void check(plan).then(tell);
}
