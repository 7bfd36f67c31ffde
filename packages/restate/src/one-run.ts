/** One id is one run: whoever starts it again with other inputs is refused, as over a file. */
import type { Encoded, RunId } from '@pawl/runtime';
import { identityText, sha256 } from '@pawl/runtime/elsewhere';
import { RuntimeError } from '@pawl/runtime/errors';

/** What inputs are told apart by: the order of their fields is none of it. */
export function inputsHash(inputs: Encoded): string {
  return sha256(identityText(inputs));
}

export function otherInputs(runId: RunId): RuntimeError {
  return new RuntimeError('REFUSED', `Run ${runId} exists already, with other inputs; one id is one run.`, {
    hint: 'Start under another id',
    data: { runId },
  });
}

export function unknownInputs(runId: RunId, process: string): RuntimeError {
  return new RuntimeError('BUSY', `Run ${runId} exists already, and what its inputs are is not known yet.`, {
    hint: `It has not begun, or no worker is there: see workflow ${process}, key ${runId}, and start again`,
    data: { runId },
  });
}
