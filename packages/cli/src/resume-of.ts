/** What to type for a run to go on. */
import type { RunId } from '@pawl/runtime';

import { readJournal, type JournalPlace } from './journal-place.ts';
import { clean } from './render/clean.ts';
import { shellWords } from './render/next-commands.ts';
import { drivenBy } from './run-code.ts';

/** One that another run started goes on with that one: what its process is may be known there alone. */
export async function resumeOf(place: JournalPlace, runId: RunId): Promise<string> {
  const driver =
    place.engine === undefined
      ? await readJournal(place, (reader) => drivenBy(reader, reader.get(runId)))
      : runId;
  return clean(shellWords('pawl', 'resume', driver, ...place.flags));
}
