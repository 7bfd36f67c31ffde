import { setTimeout as sleep } from 'node:timers/promises';

import { isTerminal, type JournalReader, type Recorded, type RunId } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, flag, wholeNumber, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { checkedRunId, journalPlace, namedOrNewest, readJournal } from '../journal-place.ts';
import { renderEvent } from '../render/event-line.ts';
import { jsonLine } from '../render/json.ts';
import { timestamp } from '../run-document.ts';
import type { Io } from '../terminal.ts';

const POLL_MS = 150;

export const eventsCommand: Command = defineCommand({
  arguments: [{ name: '[run]', description: 'the id of the run (default: the newest)' }],
  options: {
    follow: flag('-f, --follow', 'go on until the run ends'),
    after: wholeNumber('--after <seq>', 'only events after this one', 0, 0),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl events run_01kh…', what: 'all of them' },
    { command: 'pawl events --follow', what: 'watch the newest run' },
    { command: 'pawl events run_01kh… --json | jq -c .event', what: 'one JSON document a line' },
  ],
  run: async ({ args, options, io }) => {
    const place = journalPlace(options.db, io);
    const named = args[0] === undefined ? undefined : checkedRunId(args[0]);
    const print = options.json ? printJson : printLine;
    await readJournal(place, async (reader) => {
      const runId = namedOrNewest(reader, named, place);
      for await (const recorded of eventsOf(reader, runId, options.after, options.follow)) {
        print(io, runId, recorded);
        await io.out.ready();
        if (io.out.isClosed) return;
      }
    });
    return DONE;
  },
});

async function* eventsOf(
  reader: JournalReader,
  runId: RunId,
  after: number,
  isFollowing: boolean,
): AsyncGenerator<Recorded, void, void> {
  for (let seq = after; ;) {
    const mark = reader.changeMark();
    let hasEnded = reader.get(runId).status !== 'running';
    for (const recorded of reader.events(runId, seq)) {
      yield recorded;
      seq = recorded.seq;
      hasEnded ||= isTerminal(recorded.event);
    }
    if (!isFollowing || hasEnded) return;
    do await sleep(POLL_MS);
    while (reader.changeMark() === mark);
  }
}

function printLine(io: Io, _runId: RunId, recorded: Recorded): void {
  io.out.line(renderEvent(recorded, io.out.width, io.out.theme));
}

function printJson(io: Io, runId: RunId, { seq, at, event }: Recorded): void {
  io.out.line(jsonLine({ runId, seq, at: timestamp(at), event }));
}
