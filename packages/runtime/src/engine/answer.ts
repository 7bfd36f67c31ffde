import { InvalidOptionError } from '@pawl/sdk';
import { toErrorRecord } from '../journal/error-record.ts';
import type { InboxMessage } from '../ports/journal-store.ts';
import { encodePayload } from '../process/payload.ts';

/** What a person says of an attempt whose end is not recorded. */
export type Answer =
  | { readonly status: 'done'; readonly output: unknown }
  | { readonly status: 'failed'; readonly message: string }
  | { readonly status: 'retry' };

/**
 * An answer as a message can carry it.
 * @throws InvalidOptionError, UnserializableError
 */
export function encodeAnswer(
  as: Answer,
  payloadBytes: number,
): Extract<InboxMessage, { kind: 'resolve' }>['as'] {
  switch (as?.status) {
    case 'done':
      return { status: 'done', output: encodePayload('The output', as.output, payloadBytes) };
    case 'failed':
      return { status: 'failed', message: inWords(as.message) };
    case 'retry':
      return { status: 'retry' };
    default:
      throw new InvalidOptionError(
        'status',
        Reflect.get(Object(as), 'status'),
        `'done', 'failed' or 'retry'`,
      );
  }
}

/** Whatever a JavaScript caller gives, it is recorded in words. */
export function inWords(text: unknown): string {
  if (typeof text === 'string') return text;
  return toErrorRecord(text).message;
}
