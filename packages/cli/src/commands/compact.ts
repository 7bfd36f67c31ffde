import { openRuntime } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { journalPlace, readJournal } from '../journal-place.ts';
import { renderCompacted } from '../render/copies.ts';
import { jsonLine } from '../render/json.ts';

export const compactCommand: Command = defineCommand({
  description:
    'Gives room in the journal that is free back to the disk. It writes all of it anew, twice, and needs that room meanwhile; refused while other programs drive runs.',
  arguments: [],
  options: COMMON_OPTIONS,
  examples: [{ command: 'pawl compact', what: 'after pawl prune' }],
  run: async ({ options, io }) => {
    const place = journalPlace(options.db, io);
    await readJournal(place, () => undefined);
    const runtime = await openRuntime({ path: place.path });
    try {
      const { before, after } = runtime.copies.shrink();
      if (options.json) io.out.line(jsonLine({ compacted: { before, after } }));
      else io.out.lines(renderCompacted(before, after, io.out.theme));
      return DONE;
    } finally {
      await runtime.close();
    }
  },
});
