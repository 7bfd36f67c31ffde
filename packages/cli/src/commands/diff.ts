import type { JournalReader, ReadRun, RunDiff } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, flag, type Command } from '../command.ts';
import { diffDocument } from '../diff-document.ts';
import { DONE } from '../exit-codes.ts';
import { checkedRunId, journalPlace, readJournal } from '../journal-place.ts';
import { renderDiff, renderDiffHead } from '../render/diff.ts';
import { jsonLine } from '../render/json.ts';
import { readDiff } from '../read-diff.ts';
import { Reading } from '../read-events.ts';
import type { Io } from '../terminal.ts';

const SHOWN = 20;

export const diffCommand: Command = defineCommand({
  description:
    'Calls that have the same key are compared, whenever each run came to them: other inputs, outputs, errors, attempts, and calls that only one run has.',
  arguments: [
    { name: '<a>', description: 'the id of a run' },
    { name: '<b>', description: 'the id of another run' },
  ],
  options: {
    all: flag('-a, --all', 'every call in which they differ', { conflicts: ['json'] }),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl diff order-7 order-8', what: 'where they part, and all that differs' },
    { command: `pawl diff order-7 order-8 --json | jq .diff.first`, what: 'for programs' },
  ],
  run: async ({ args, options, io }) => {
    const place = journalPlace(options.db, io);
    const [idA, idB] = [checkedRunId(args[0]), checkedRunId(args[1])];
    await readJournal(place, (reader) => {
      const [a, b] = [reader.get(idA), reader.get(idB)];
      reader.needKey();
      const { width, theme } = io.out;
      const look = { a, b, flags: place.flags, width, theme };
      // It stands there while the rest is read.
      if (!options.json) io.out.lines(renderDiffHead(look));
      const diff = diffOf(reader, a, b, io);
      if (options.json) io.out.line(jsonLine({ diff: diffDocument(a, b, diff) }));
      else io.out.lines(renderDiff({ ...look, diff, limit: options.all ? Infinity : SHOWN }));
    });
    return DONE;
  },
});

function diffOf(reader: JournalReader, a: ReadRun, b: ReadRun, io: Io): RunDiff {
  const reading = new Reading(io, [a, b]);
  const diff = readDiff(reading.events(reader, a.runId), reading.events(reader, b.runId));
  reading.end();
  return diff;
}
