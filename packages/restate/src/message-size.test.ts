import { LimitError } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { RestateClient } from './client.ts';
import { mailText, messageText, MOST_MESSAGE_BYTES } from './message-size.ts';
import { RestateJournals } from './reader.ts';

/** Fewer characters than one value may have, and more bytes than Restate takes. */
const LARGE = '日'.repeat(11_300_000);

it('a message of the limit is taken, and one of a byte more is not', () => {
  const most = 'x'.repeat(MOST_MESSAGE_BYTES - '""'.length);
  expect(messageText('It', most).length).toBe(MOST_MESSAGE_BYTES);
  expect(() => messageText('It', `${most}x`)).toThrow(
    new LimitError(
      'messageBytes',
      'It takes 33488897 bytes of JSON, and Restate takes at most 33488896 in one message. Put it into a store, and hand over its address.',
    ),
  );
});

it('what is too large is refused before anything is sent', async () => {
  // Nobody listens there: it would be said.
  const client = new RestateClient({ ingress: 'http://127.0.0.1:1' });
  const input = /The input of the process takes 33900\d+ bytes of JSON/;
  await expect(client.start('any', LARGE)).rejects.toThrow(input);
  await expect(new RestateJournals('restate://127.0.0.1:1').start('any', LARGE, 'r')).rejects.toThrow(input);
  const run = client.run('any', 'r');
  await expect(run.send('word', LARGE)).rejects.toThrow(/The message 'word' takes 33900\d+ bytes/);
  await expect(run.complete('1', LARGE)).rejects.toThrow(LimitError);
  const message = { kind: 'signal', id: 'm', name: 'word', payload: LARGE } as const;
  expect(() => mailText({ to: 'r', message })).toThrow(LimitError);
});
