import { checkAgainst, type ProcessDefinition } from '@pawl/sdk';
import type { Engine } from './engine/engine.ts';
import { identityText } from './journal/canonical.ts';
import type { Encoded } from './journal/event.ts';
import { encodePayload } from './process/payload.ts';
import { sha256 } from './system.ts';

/** Inputs of a run to be, as they are recorded. */
export interface CheckedInputs {
  readonly inputs: Encoded;
  readonly inputsHash: string;
}

/**
 * Gives inputs as they are recorded, before anything is. With a schema that answers at once it is at once, too.
 * @throws ValidationError, UnserializableError, LimitError
 */
export function checkInputs<T>(
  engine: Engine,
  { name, input }: ProcessDefinition,
  inputs: unknown,
  then: (checked: CheckedInputs) => T,
): Promise<T> {
  const finish = (value: unknown): T => {
    const { payloadBytes } = engine.options.limits;
    const encoded = encodePayload('The input of the process', value, payloadBytes);
    return then({ inputs: encoded, inputsHash: sha256(identityText(encoded)) });
  };
  const checked =
    input === undefined ? inputs : checkAgainst(input, inputs, `The input of process '${name}'`);
  return checked instanceof Promise ? checked.then(finish) : Promise.resolve(finish(checked));
}
