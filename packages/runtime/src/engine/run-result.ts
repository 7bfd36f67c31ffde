import { isTerminal, type TerminalEvent } from '../journal/event.ts';
import type { JournalStore, RunRecord } from '../ports/journal-store.ts';
import { RuntimeError } from '../errors.ts';
import { decode } from '../journal/codec.ts';
import { reviveError, toErrorRecord } from '../journal/error-record.ts';
import { unreachable } from '../journal/invariant.ts';
import type { RunId } from '../journal/ids.ts';
import type { RunResult } from '../kernel/input.ts';
import { encodePayload } from '../process/payload.ts';
import type { ProcessResult } from '../process/process-result.ts';
import type { FinalEvent } from './run-plan.ts';

/**
 * What a process came to, as it is recorded: an output that cannot be kept is a failure.
 * @param nextRunId of the run that follows it, where one does
 */
export function resultOf(
  result: ProcessResult | undefined,
  payloadBytes: number,
  nextRunId: RunId,
): RunResult {
  if (result === undefined) return { status: 'cancelled', reason: '' };
  if (result.ok && result.next !== undefined) return { status: 'continued', ...result.next, nextRunId };
  if (!result.ok) return { status: 'failed', error: toErrorRecord(result.error) };
  try {
    return {
      status: 'succeeded',
      output: encodePayload('The output of the process', result.value, payloadBytes),
    };
  } catch (error) {
    return { status: 'failed', error: toErrorRecord(error) };
  }
}

/** How a run ended that is marked as ended. @throws RuntimeError CORRUPT */
export function terminalEventOf(store: JournalStore, { runId, lastSeq, status }: RunRecord): TerminalEvent {
  // Late results may follow the end.
  for (let seq = lastSeq; seq > 0; seq -= 1) {
    const event = store.read(runId, seq - 1, 1)[0]?.event;
    if (event !== undefined && isTerminal(event)) return event;
  }
  throw new RuntimeError('CORRUPT', `Run ${runId} is marked ${status} and has no end.`, {
    hint: `pawl verify ${runId}`,
  });
}

/** What a run came to, for whoever waits for it. @param hint where to see what it did @throws RuntimeError RUN_FAILED (its `cause` is what the process threw), CANCELLED */
export function outputOf(runId: RunId, event: FinalEvent, hint: string): unknown {
  switch (event.type) {
    case 'RunSucceeded':
      return decode(event.output);
    case 'RunFailed':
      throw new RuntimeError('RUN_FAILED', `Run ${runId} failed: ${event.error.message}`, {
        hint,
        data: { runId },
        cause: reviveError(event.error),
      });
    case 'RunCancelled':
      throw new RuntimeError('CANCELLED', `Run ${runId} was cancelled: ${event.reason}`, {
        data: { runId },
      });
    default:
      return unreachable(event);
  }
}
