import {
  addStatsEvent,
  closeRun,
  createStatsFold,
  nearest,
  processStatsOf,
  RuntimeError,
  type JournalReader,
  type ReadRun,
} from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, wholeNumber, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { journalPlace, readJournal } from '../journal-place.ts';
import { Reading } from '../read-events.ts';
import { jsonLine } from '../render/json.ts';
import { renderStats, renderStatsHead } from '../render/stats.ts';

const RUNS = 100;
const PAGE = 200;
/** The newest: a process of which none is among them is not found. */
const LOOKED_AT = 10_000;

export const statsCommand: Command = defineCommand({
  description:
    'Of the newest runs of a process: calls of each task, how long they took, how many failed, what retries cost, the slowest branches, and what resumes saved. Without a name: the process of the newest run.',
  arguments: [{ name: '[process]', description: 'its name' }],
  options: {
    runs: wholeNumber('-n, --runs <count>', `of so many runs (default: ${RUNS})`, RUNS, 1),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl stats order', what: 'which task is slow, and which fails' },
    { command: `pawl stats order --json | jq '.stats.tasks[] | [.name, .run.p95Ms]'`, what: 'for programs' },
  ],
  run: async ({ args, options, io }) => {
    const place = journalPlace(options.db, io);
    const { process, stats } = await readJournal(place, (reader) => {
      const { name, runs } = runsOf(reader, args[0], options.runs);
      if (!options.json) io.out.lines(renderStatsHead(name, runs, io.out.width, io.out.theme));
      const fold = createStatsFold();
      const reading = new Reading(io, runs);
      for (const { runId } of runs) {
        for (const recorded of reading.events(reader, runId)) addStatsEvent(fold, runId, recorded);
        closeRun(fold);
      }
      reading.end();
      return { process: name, stats: processStatsOf(fold) };
    });
    if (options.json) io.out.line(jsonLine({ stats: { process, ...stats } }));
    else io.out.lines(renderStats(stats, io.out.width, io.out.theme));
    return DONE;
  },
});

/** @throws RuntimeError NOT_FOUND with the nearest names */
function runsOf(
  reader: JournalReader,
  named: string | undefined,
  limit: number,
): { readonly name: string; readonly runs: readonly ReadRun[] } {
  const runs: ReadRun[] = [];
  const names = new Set<string>();
  let name = named;
  let before: string | undefined;
  for (let looked = 0; runs.length < limit && looked < LOOKED_AT; looked += PAGE) {
    const page = reader.list({ limit: PAGE, ...(before === undefined ? {} : { before }) });
    name ??= page[0]?.process;
    for (const run of page) {
      names.add(run.process);
      if (run.process === name && runs.length < limit) runs.push(run);
    }
    before = page.at(-1)?.runId;
    if (page.length < PAGE) break;
  }
  if (name !== undefined && runs.length > 0) return { name, runs };
  const near = nearest(name ?? '', [...names]);
  throw new RuntimeError(
    'NOT_FOUND',
    `There is no run of process '${(name ?? '').slice(0, 128)}' in this journal.`,
    {
      hint: near.length === 0 ? 'See the runs: pawl list' : `Did you mean ${near.join(' or ')}?`,
      data: { nearest: near },
    },
  );
}
