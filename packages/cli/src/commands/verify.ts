import { EXIT_CODES, RuntimeError } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, flag, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { checkedRunId, journalPlace, readJournal } from '../journal-place.ts';
import { jsonLine } from '../render/json.ts';
import { renderVerification } from '../render/verification.ts';

export const verifyCommand: Command = defineCommand({
  description: 'Checks the chain of checksums of a run, or of all runs. Exits 8 where something is damaged.',
  arguments: [{ name: '[run]', description: 'the id of the run (default: all)' }],
  options: {
    whole: flag(
      '--whole',
      'every page of the file, also beside programs that drive runs: its log grows meanwhile',
    ),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl verify', what: 'all runs' },
    { command: 'pawl verify run_01kh…', what: 'one run' },
  ],
  run: async ({ args, options, io }) => {
    const place = journalPlace(options.db, io);
    const runId = args[0] === undefined ? undefined : checkedRunId(args[0]);
    const found = await readJournal(place, (reader) => reader.verify(runId, { whole: options.whole })).catch(
      unreadable,
    );
    if (options.json) io.out.line(jsonLine({ ...found }));
    else io.out.lines(renderVerification(found, runId, io.out.width, io.out.theme));
    return found.damage.length === 0 ? DONE : EXIT_CODES.CORRUPT;
  },
});

/** Elsewhere the next step is to verify; here it was just tried. */
function unreadable(error: unknown): never {
  if (!(error instanceof RuntimeError) || error.code !== 'CORRUPT') throw error;
  const { code, message, data, cause } = error;
  throw new RuntimeError(code, message, {
    hint: 'Restore a backup, or name another journal: pawl verify --db <file>',
    data,
    cause,
  });
}
