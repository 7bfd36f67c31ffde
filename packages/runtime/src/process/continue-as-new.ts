import { InvalidArgumentError } from '@pawl/sdk';
import { canonical } from '../journal/canonical.ts';
import { isRunId, successorOf } from '../journal/ids.ts';
import type { ProcessHost } from './host.ts';
import { encodePayload } from './payload.ts';

const WHAT = 'The input of the run that follows';

/** `ctx.continueAsNew` of one run: all that can be refused is refused here, and the run goes on. */
export function continueAsNew(host: ProcessHost, inputs: unknown): Promise<never> {
  host.currentScope();
  if (!isRunId(successorOf(host.runId)))
    throw new InvalidArgumentError(`The id of run ${host.runId} is too long for one to follow it.`);
  const encoded = encodePayload(WHAT, host.port.checkInputs(inputs), host.limits.payloadBytes);
  const next = { inputs: encoded, inputsHash: host.port.digest(canonical(encoded)) };
  host.ended({ ok: true, value: undefined, next });
  return new Promise(() => undefined);
}
