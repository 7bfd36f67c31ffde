import type { Ack } from '@pawl/runtime';

import { clean } from './clean.ts';

/** What became of an answer or a message, in words. */
export function ackText(ack: Ack, by: string): string {
  switch (ack.status) {
    case 'accepted':
      return 'the answer was taken';
    case 'duplicate':
      return clean(`${by} has answered before, and that counts`);
    case 'invalid':
      return `the answer was not taken: ${ack.issues.map(({ message }) => clean(message)).join('; ')}`;
    case 'closed':
      return 'it was decided before, or the run has ended; nothing was sent';
    case 'unknown':
      return 'there is no such question';
    default:
      return ack satisfies never;
  }
}
