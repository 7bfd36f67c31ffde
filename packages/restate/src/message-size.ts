import type { InboxMessage } from '@pawl/runtime';
import { LimitError } from '@pawl/sdk';
import type { Mail } from './run-session.ts';

/**
 * Of one request, in bytes of JSON. Restate's ingress takes 32 MiB, and Restate passes on as much with what it says of it:
 * what is larger by those few bytes is accepted, and never comes to a worker, or out of one.
 */
export const MOST_MESSAGE_BYTES: number = 32 * 1024 * 1024 - 64 * 1024;

/** What a run is started with, in words. */
export const INPUT = 'The input of the process';

const LIMIT = 'messageBytes';

/** The JSON that is to be sent. @throws LimitError where Restate takes no message of its size */
export function messageText(what: string, body: unknown): string {
  const text = JSON.stringify(body);
  const bytes = Buffer.byteLength(text);
  if (bytes <= MOST_MESSAGE_BYTES) return text;
  throw new LimitError(
    LIMIT,
    `${what} takes ${bytes} bytes of JSON, and Restate takes at most ${MOST_MESSAGE_BYTES} in one message. Put it into a store, and hand over its address.`,
  );
}

export function mailText(mail: Mail): string {
  return messageText(nameOf(mail.message), mail);
}

function nameOf(message: InboxMessage): string {
  return message.kind === 'signal' ? `The message '${message.name}'` : 'The answer';
}
