import { keyStatus, newKey, rotateKey, type Rotated, type SealingStatus } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, usage, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { journalPlace, readJournal } from '../journal-place.ts';
import { jsonLine } from '../render/json.ts';
import { renderKey, renderRotated } from '../render/key.ts';

export const keyCommand: Command = defineCommand({
  description:
    'How much of the journal is encrypted, and with which keys; it needs none. With new: prints another key, which is kept nowhere. With rotate: the journal has another key from now on, from $PAWL_NEW_KEY or $PAWL_NEW_KEY_COMMAND.',
  arguments: [{ name: '[action]', description: 'new, rotate (default: status)' }],
  options: COMMON_OPTIONS,
  examples: [
    { command: 'pawl key', what: 'what is encrypted, since when' },
    { command: 'pawl key new', what: '32 random bytes, base64: keep them where nobody finds the journal' },
    { command: 'pawl key rotate', what: 'from now on the key that $PAWL_NEW_KEY has' },
  ],
  run: async ({ args: [action = 'status'], options, io }) => {
    if (action === 'new') {
      const key = newKey();
      io.out.line(options.json ? jsonLine({ newKey: key }) : key);
      return DONE;
    }
    if (action !== 'status' && action !== 'rotate')
      throw usage(`'${action.slice(0, 80)}' is no action of key, which knows status, new and rotate.`);
    const place = journalPlace(options.db, io);
    await readJournal(place, () => undefined);
    const { path } = place;
    if (action === 'rotate') {
      const rotated = rotateKey({ path });
      if (options.json) io.out.line(jsonLine({ rotated: rotatedDocument(rotated) }));
      else io.out.lines(renderRotated(rotated, place.flags, io.out.width, io.out.theme));
      return DONE;
    }
    const status = keyStatus({ path });
    if (options.json) io.out.line(jsonLine({ key: statusDocument(status) }));
    else io.out.lines(renderKey(path, status, place.flags, io.out.width, io.out.theme));
    return DONE;
  },
});

function rotatedDocument({
  isLogEmptied: logEmptied,
  ...rotated
}: Rotated): Readonly<Record<string, unknown>> {
  return { ...rotated, logEmptied };
}

function statusDocument({ dataKeys, ...status }: SealingStatus): Readonly<Record<string, unknown>> {
  return {
    ...status,
    dataKeys: dataKeys.map(({ madeAt, wrappedAt, ...key }) => ({
      ...key,
      madeAt: new Date(madeAt).toISOString(),
      wrappedAt: new Date(wrappedAt).toISOString(),
    })),
  };
}
