import { toErrorRecord } from '../journal/error-record.ts';
import type { RunResult } from '../kernel/input.ts';
import { encodePayload } from '../process/payload.ts';
import type { ProcessResult } from '../process/host.ts';

/** What a process came to, as it is recorded: an output that cannot be kept is a failure. */
export function resultOf(result: ProcessResult | undefined, payloadBytes: number): RunResult {
  if (result === undefined) return { status: 'cancelled', reason: '' };
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
