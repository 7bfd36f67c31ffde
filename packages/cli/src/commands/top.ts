import { COMMON_OPTIONS, defineCommand, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { journalPlace, readJournal } from '../journal-place.ts';
import { jsonLine } from '../render/json.ts';
import { renderTop } from '../render/top.ts';
import { runDocument } from '../run-document.ts';
import { TopReader, type TopView } from '../top-reader.ts';

/** Runs that a snapshot names. */
const NAMED = 50;

export const topCommand: Command = defineCommand({
  description:
    'Runs by status, what is under way in those that are open, pools, and what was done in the last minute: drawn each second. In a pipe it is printed once.',
  arguments: [],
  options: { ...COMMON_OPTIONS },
  examples: [
    { command: 'pawl top', what: 'arrows select, enter says why, / filters, q leaves' },
    { command: 'pawl top --json | jq .top.runs', what: 'once, for programs' },
  ],
  run: async ({ options, io }) => {
    const place = journalPlace(options.db, io);
    return await readJournal(place, async (reader) => {
      if (!options.json && io.out.isTerminal && process.stdin.isTTY) {
        const { showTop } = await import('../live/top-screen.ts');
        return await showTop(reader, place, io);
      }
      const view = new TopReader(reader).read({ now: io.now(), limit: NAMED, filter: '' });
      const { width, theme } = io.out;
      if (options.json) io.out.line(jsonLine({ top: topDocument(view) }));
      else
        io.out.lines(
          renderTop({ view, selected: undefined, filter: '', isTyping: false, width, rows: Infinity, theme }),
        );
      return DONE;
    });
  },
});

function topDocument(view: TopView): Readonly<Record<string, unknown>> {
  return {
    counts: Object.fromEntries(view.counts),
    hasMore: view.hasMore,
    endedLastMinute: view.endedLastMinute,
    runs: view.rows.map(({ run, open }) => ({
      ...runDocument(run),
      open: open.map(({ key, kind, status }) => ({ key, kind, status })),
    })),
    hidden: view.hidden,
    pools: view.pools.map(({ name, active, queueLength, utilization }) => ({
      name,
      active,
      queueLength,
      utilization: Number.isFinite(utilization) ? utilization : null,
    })),
  };
}
