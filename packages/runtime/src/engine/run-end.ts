import type { RunId } from '../journal/ids.ts';
import type { RunResult } from '../kernel/input.ts';
import type { Decided, RunState } from '../kernel/state.ts';
import type { ProcessHost } from '../process/host.ts';
import type { ProcessResult } from '../process/process-result.ts';
import { resultOf } from './run-result.ts';

type EndStage =
  /** The process is under way, or something waits for its settling: calls that were given up, exits of scopes. */
  | { readonly status: 'goesOn' }
  /** The process ended and left something open, which is given up. */
  | { readonly status: 'closes'; readonly decided: Decided }
  | { readonly status: 'over' };

/** Law 12: where a run stands at the end of a turn. What the process left open gets nothing more. */
export function endStage(host: ProcessHost, { phase, pending }: Readonly<RunState>): EndStage {
  const { result } = host;
  const isCancelled = phase.status === 'cancelling';
  if (!isCancelled && (result === undefined || host.hasDetached)) return { status: 'goesOn' };
  host.closeRoot();
  if (pending.size === 0 && !host.exits.isLeaving) return { status: 'over' };
  if (phase.status !== 'running' || result === undefined) return { status: 'goesOn' };
  return { status: 'closes', decided: { outcome: result.ok ? 'fulfilled' : 'rejected', winner: null } };
}

/** @param nextRunId of the run that follows, where one does */
export function endOf(
  { phase }: Readonly<RunState>,
  result: ProcessResult | undefined,
  payloadBytes: number,
  nextRunId: RunId,
): RunResult {
  return phase.status === 'cancelling'
    ? { status: 'cancelled', reason: phase.reason }
    : resultOf(result, payloadBytes, nextRunId);
}
