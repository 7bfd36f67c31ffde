import { resolve } from 'node:path';

import { COMMON_OPTIONS, defineCommand, flag, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { journalPlace, readJournal } from '../journal-place.ts';
import { renderBackup } from '../render/copies.ts';
import { jsonLine } from '../render/json.ts';

export const backupCommand: Command = defineCommand({
  description:
    'Writes the whole journal as it is now into a file of its own, while programs go on with it. A crash leaves no half of it.',
  arguments: [{ name: '<file>', description: 'where to write it' }],
  options: {
    force: flag('-f, --force', 'replace a file that is there'),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl backup /mnt/backup/journal.db', what: 'to another disk' },
    { command: 'pawl verify --db /mnt/backup/journal.db', what: 'check what was written' },
  ],
  run: async ({ args, options, io }) => {
    const place = journalPlace(options.db, io);
    const file = args[0] ?? '';
    const bytes = await readJournal(place, (reader) =>
      reader.backup(resolve(io.cwd, file), { replace: options.force }),
    );
    if (options.json) io.out.line(jsonLine({ backup: { file, bytes } }));
    else io.out.lines(renderBackup(file, bytes, io.out.width, io.out.theme));
    return DONE;
  },
});
