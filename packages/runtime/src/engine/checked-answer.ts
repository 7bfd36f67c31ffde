import { InvalidArgumentError, type CheckResult } from '@pawl/sdk';
import { toErrorRecord } from '../journal/error-record.ts';
import type { Report } from '../kernel/input.ts';
import { encodePayload } from '../process/payload.ts';

/** What a `check` found out, as the rules take it. @throws InvalidArgumentError, UnserializableError, LimitError */
export function checkedAnswer(
  result: CheckResult<unknown>,
  payloadBytes: number,
): Extract<Report, { type: 'OutcomeResolved' }>['answer'] {
  switch (result?.status) {
    case 'done':
      return {
        status: 'done',
        output: encodePayload('The output that the check found', result.output, payloadBytes),
      };
    case 'failed':
      return { status: 'failed', error: toErrorRecord(result.error) };
    case 'retry':
      return { status: 'retry' };
    default:
      throw new InvalidArgumentError(`check must give { status: 'done' | 'failed' | 'retry' }.`);
  }
}
