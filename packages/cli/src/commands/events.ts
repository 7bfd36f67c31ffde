import type { JournalReader, Recorded, RunId } from '@pawl/runtime';

import { PLACE_OPTIONS, defineCommand, flag, wholeNumber, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { followRun } from '../follow-run.ts';
import { checkedRunId, anyPlace, namedOrNewest, readJournal } from '../journal-place.ts';
import { clean } from '../render/clean.ts';
import { renderEvent } from '../render/event-line.ts';
import { jsonLine } from '../render/json.ts';
import { timestamp } from '../run-document.ts';
import { listenForStop } from '../stop-signals.ts';
import type { Io } from '../terminal.ts';

export const eventsCommand: Command = defineCommand({
  arguments: [{ name: '[run]', description: 'the id of the run (default: the newest)' }],
  options: {
    follow: flag('-f, --follow', 'go on until the run ends, and each that it continues as'),
    after: wholeNumber('--after <seq>', 'only events after this one', 0, 0),
    ...PLACE_OPTIONS,
  },
  examples: [
    { command: 'pawl events run_01kh…', what: 'all of them' },
    { command: 'pawl events --follow', what: 'watch the newest run' },
    { command: 'pawl events run_01kh… --json | jq -c .event', what: 'one JSON document a line' },
  ],
  run: async ({ args, options, io }) => {
    const place = anyPlace(options, io);
    const named = args[0] === undefined ? undefined : checkedRunId(args[0]);
    const { after } = options;
    const print = options.json ? printJson : printLine;
    return await readJournal(
      place,
      async (reader) => {
        if (!options.follow) {
          const runId = namedOrNewest(reader, named, place);
          for (const recorded of reader.events(runId, after)) {
            print(io, runId, recorded);
            await io.out.ready();
            if (io.out.isClosed) break;
          }
          return DONE;
        }
        const isQueued = named !== undefined && reader.start(named) !== undefined;
        const runId = isQueued ? named : namedOrNewest(reader, named, place);
        return await follow(reader, runId, after, io, print);
      },
      { run: named },
    );
  },
});

type Print = (io: Io, runId: RunId, recorded: Recorded) => void;

async function follow(
  reader: JournalReader,
  first: RunId,
  after: number,
  io: Io,
  print: Print,
): Promise<number> {
  const stop = listenForStop();
  try {
    let last = first;
    for await (const { runId, recorded } of followRun(reader, first, { after, signal: stop.aborted })) {
      if (io.out.isClosed) break;
      if (recorded === undefined) continue;
      if (runId !== last && print === printLine) io.out.line(io.out.theme.dim(`→ ${clean(runId)}`));
      last = runId;
      print(io, runId, recorded);
      await io.out.ready();
    }
    return stop.exitCode();
  } finally {
    stop.release();
  }
}

function printLine(io: Io, _runId: RunId, recorded: Recorded): void {
  io.out.line(renderEvent(recorded, io.out.width, io.out.theme));
}

function printJson(io: Io, runId: RunId, { seq, at, event }: Recorded): void {
  io.out.line(jsonLine({ runId, seq, at: timestamp(at), event }));
}
