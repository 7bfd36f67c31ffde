import type { RunId } from '../journal/ids.ts';
import type { HostPort, ImpureCall } from '../process/host-port.ts';
import type { ProcessHost } from '../process/host.ts';
import { outsideProcess } from '../process/process-code.ts';
import type { EngineOptions } from './engine.ts';
import type { RunPlan } from './run-plan.ts';

/** A run, as whoever guards it against what process code should not do sees it. */
export interface GuardedRun {
  readonly runId: RunId;
  warn(message: string): void;
  /** What was asked for before is recorded, nothing after it; the run stays resumable. */
  halt(error: Error): void;
}

/** Told of each such call before it happens; what it throws is thrown there. */
export type Guard = (call: ImpureCall, run: GuardedRun) => void;

/** What is only replayed was told of when it ran. */
export function guardPort(
  { guard, sink }: EngineOptions,
  { runId, replayOnly }: RunPlan,
  driver: { readonly host: ProcessHost; stop(reason: Error): void },
): Pick<HostPort, 'impure'> {
  if (guard === undefined || replayOnly) return { impure: undefined };
  const run: GuardedRun = {
    runId,
    // Listeners of the program are no process code.
    warn: (message) => outsideProcess(() => sink.warn(runId, message)),
    halt: (error) => {
      driver.host.isStopped = true;
      outsideProcess(() => driver.stop(error));
    },
  };
  return { impure: (call) => guard(call, run) };
}
