import { NonDeterminismError, RunLockedError } from '@pawl/sdk';
import { RuntimeError } from '../errors.ts';
import type { Engine } from './engine.ts';
import type { AskedAtHead, ReplayedChild } from './head-look.ts';
import { RunDriver } from './run-driver.ts';
import type { RunExit, RunPlan } from './run-plan.ts';

/** What a replay without effects found: the process does again all that was recorded. */
export interface ReplayReport {
  /** 'end': the run had ended, and the process ends the same way; 'head': it stands where the journal ends. */
  readonly reached: 'end' | 'head';
  readonly events: number;
  /** What the process asks for first at the head that is not recorded; null: nothing. */
  readonly asks: AskedAtHead | null;
  /** Recorded runs that it asked for again, each with the code that it gave them. */
  readonly children: readonly ReplayedChild[];
}

/**
 * Drives a run that only compares: nothing is recorded, no task runs.
 * @throws RunLockedError, NonDeterminismError, RuntimeError STALLED
 */
export async function replayRun(engine: Engine, plan: RunPlan): Promise<ReplayReport> {
  if (engine.runs.has(plan.runId))
    throw new RunLockedError(`Run ${plan.runId} is under way; replay it when it rests.`);
  const found = await compare(engine, plan);
  if (!isSilent(found)) return reportOf(found);
  // Only now it is worth what it costs to know where the process went instead.
  const again = await compare(engine, { ...plan, notesCalls: true });
  return reportOf(isSilent(again) ? again : found);
}

interface Compared {
  readonly driver: RunDriver;
  readonly exit: RunExit;
}

async function compare(engine: Engine, plan: RunPlan): Promise<Compared> {
  const driver = new RunDriver(engine, { ...plan, replayOnly: true });
  engine.add(driver);
  return { driver, exit: await driver.exit };
}

/** It diverges, and nothing is asked for in place of what was recorded. */
function isSilent({ exit }: Compared): boolean {
  if (exit.status !== 'left' || !(exit.error instanceof NonDeterminismError)) return false;
  return exit.error.report?.asked === null;
}

function reportOf({ driver, exit }: Compared): ReplayReport {
  if (exit.status === 'replayed') {
    const { reached, asks } = exit;
    return { reached, events: driver.state.seq, asks, children: driver.look?.children ?? [] };
  }
  throw exit.status === 'left' ? exit.error : new RuntimeError('UNEXPECTED', 'a replay ended the run');
}
