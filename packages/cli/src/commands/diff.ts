import { createHash } from 'node:crypto';

import {
  addDiffEvent,
  createRunDiff,
  finishDiff,
  type JournalReader,
  type RunDiff,
  type RunId,
} from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, flag, type Command } from '../command.ts';
import { diffDocument } from '../diff-document.ts';
import { DONE } from '../exit-codes.ts';
import { checkedRunId, journalPlace, readJournal } from '../journal-place.ts';
import { renderDiff } from '../render/diff.ts';
import { jsonLine } from '../render/json.ts';

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
      const diff = diffOf(reader, idA, idB);
      const { width, theme } = io.out;
      if (options.json) io.out.line(jsonLine({ diff: diffDocument(a, b, diff) }));
      else {
        const limit = options.all ? Infinity : SHOWN;
        io.out.lines(renderDiff({ a, b, diff, limit, flags: place.flags, width, theme }));
      }
    });
    return DONE;
  },
});

/** An event of each in turn, so that neither run is held for the other. */
function diffOf(reader: JournalReader, idA: RunId, idB: RunId): RunDiff {
  const diff = createRunDiff((text) => createHash('sha256').update(text).digest('hex'));
  const [eventsA, eventsB] = [reader.events(idA), reader.events(idB)];
  for (;;) {
    const [a, b] = [eventsA.next(), eventsB.next()];
    if (a.done !== true) addDiffEvent(diff, 'a', a.value);
    if (b.done !== true) addDiffEvent(diff, 'b', b.value);
    if (a.done === true && b.done === true) break;
  }
  finishDiff(diff);
  return diff;
}
