import { addEvent, createRunTree, type JournalReader, type RunId } from '@pawl/runtime';

import { PLACE_OPTIONS, defineCommand, flag, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { anyPlace, beginCommand, checkedRunId, namedOrNewest, readJournal } from '../journal-place.ts';
import { watchRun } from '../live/watch-run.ts';
import { jsonLine } from '../render/json.ts';
import { renderStart } from '../render/start.ts';
import { runTreeDocument } from '../run-document.ts';
import { showRun, SHOWN_CALLS } from '../show-run.ts';
import { queuedRunDocument } from '../start-document.ts';

export const showCommand: Command = defineCommand({
  description: 'Status, durations, attempts, inputs, outputs and errors. Without an id: the newest run.',
  arguments: [{ name: '[run]', description: 'the id of the run (default: the newest)' }],
  options: {
    all: flag('-a, --all', 'every call of wide groups and long loops', { conflicts: ['json'] }),
    watch: flag('-w, --watch', 'go on showing it until it ends, and each run that it continues as', {
      conflicts: ['json'],
    }),
    ...PLACE_OPTIONS,
  },
  examples: [
    { command: 'pawl show', what: 'the newest run' },
    {
      command: 'pawl show order-7 --watch',
      what: 'live, whoever drives it; in a pipe a line for each change',
    },
    { command: `pawl show run_01kh… --json | jq '.run.calls[].name'`, what: 'for programs: values whole' },
  ],
  run: async ({ args, options, io }) => {
    const place = anyPlace(options, io);
    const named = args[0] === undefined ? undefined : checkedRunId(args[0]);
    const { width, theme } = io.out;
    const limit = options.all ? Infinity : SHOWN_CALLS;
    if (options.watch) {
      return await readJournal(
        place,
        (reader) => {
          const isQueued = named !== undefined && reader.start(named) !== undefined;
          return watchRun(
            { io, reader, place, limit },
            isQueued ? named : namedOrNewest(reader, named, place),
          );
        },
        { run: named },
      );
    }
    return await readJournal(
      place,
      (reader) => {
        const start = named === undefined ? undefined : reader.start(named);
        if (start !== undefined) {
          if (options.json) io.out.line(jsonLine({ run: queuedRunDocument(start) }));
          else io.out.lines(renderStart(start, { now: io.now(), width, theme, begin: beginCommand(place) }));
          return DONE;
        }
        const runId = namedOrNewest(reader, named, place);
        if (options.json) io.out.line(jsonLine({ run: wholeDocument(reader, runId) }));
        else showRun(runId, { reader, io, limit, flags: place.flags });
        return DONE;
      },
      { run: named },
    );
  },
});

/** Programs get every call, and values whole. */
function wholeDocument(reader: JournalReader, runId: RunId): ReturnType<typeof runTreeDocument> {
  const run = reader.get(runId);
  const tree = createRunTree();
  for (const recorded of reader.events(runId)) addEvent(tree, recorded);
  return runTreeDocument(run, tree, { state: reader.state(runId), forks: reader.forksOf(runId) });
}
