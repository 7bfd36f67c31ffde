import { LimitError, UnserializableError } from '@pawl/sdk';
import { encode, EncodeRefusal } from '../journal/codec.ts';
import type { Encoded } from '../journal/event.ts';

/**
 * Encodes what process code hands over.
 * @throws UnserializableError that says where it cannot be recorded, LimitError
 */
export function encodePayload(
  what: string,
  value: unknown,
  maxSize: number,
  limit: 'payloadBytes' | 'stateBytes' = 'payloadBytes',
): Encoded {
  try {
    return encode(value, { maxSize });
  } catch (refusal) {
    if (!(refusal instanceof EncodeRefusal)) throw refusal;
    if (refusal.kind === 'size') throw tooLarge(what, maxSize, limit);
    throw new UnserializableError(what, refusal.path, refusal.reason);
  }
}

export function tooLarge(
  what: string,
  maxSize: number,
  limit: 'payloadBytes' | 'stateBytes' = 'payloadBytes',
): LimitError {
  return new LimitError(
    limit,
    `${what} takes more than the limit ${limit} = ${maxSize}. Hand over a path or an id instead, or raise the limit: openRuntime({ limits: { ${limit}: … } }).`,
  );
}
