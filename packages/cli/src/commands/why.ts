import { PLACE_OPTIONS, defineCommand, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { anyPlace, beginCommand, checkedRunId, namedOrNewest, readJournal } from '../journal-place.ts';
import { OWN_FOLDERS } from '../own-folders.ts';
import { readWhy } from '../read-why.ts';
import { jsonLine } from '../render/json.ts';
import { renderQueuedWhy, renderWhy } from '../render/why.ts';
import { queuedWhyDocument, whyDocument } from '../why-document.ts';
import { queuedWhyNext, whyNext } from '../why-next.ts';

export const whyCommand: Command = defineCommand({
  description:
    'One sentence: what the run waits for and since when, or why it failed; and the command to type next. Without an id: the newest run.',
  arguments: [{ name: '[run]', description: 'the id of the run (default: the newest)' }],
  options: { ...PLACE_OPTIONS },
  examples: [
    { command: 'pawl why', what: 'the newest run' },
    { command: 'pawl why order-7 --json | jq -r .why.state', what: 'for programs' },
  ],
  run: async ({ args, options, io }) => {
    const place = anyPlace(options, io);
    const named = args[0] === undefined ? undefined : checkedRunId(args[0]);
    const now = io.now();
    const { width, theme } = io.out;
    const look = { places: { cwd: io.cwd, ownFolders: OWN_FOLDERS }, width, theme };
    await readJournal(
      place,
      (reader) => {
        const start = named === undefined ? undefined : reader.start(named);
        if (start !== undefined) {
          const next = queuedWhyNext(start, place.flags, beginCommand(place));
          if (options.json) io.out.line(jsonLine({ why: queuedWhyDocument(start, next, now) }));
          else io.out.lines(renderQueuedWhy(start, next, now, look));
          return;
        }
        const view = readWhy(reader, namedOrNewest(reader, named, place), now);
        const next = whyNext(view, place.flags, place.engine !== undefined);
        if (options.json) io.out.line(jsonLine({ why: whyDocument(view, next) }));
        else io.out.lines(renderWhy(view, next, look));
      },
      { run: named },
    );
    return DONE;
  },
});
