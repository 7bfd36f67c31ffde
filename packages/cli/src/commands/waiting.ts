import { PLACE_OPTIONS, defineCommand, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { checkedRunId, anyPlace, readJournal, type JournalPlace } from '../journal-place.ts';
import { LeftOut } from '../left-out.ts';
import { jsonLine } from '../render/json.ts';
import { shellWords } from '../render/next-commands.ts';
import { renderWaits } from '../render/waits.ts';
import { readOpenTasks, readWaits } from '../read-waits.ts';
import { waitDocument } from '../wait-document.ts';

export const waitingCommand: Command = defineCommand({
  arguments: [{ name: '[run]', description: 'only this run' }],
  options: { ...PLACE_OPTIONS },
  examples: [
    { command: 'pawl waiting', what: 'what is waited for, since when, with the question' },
    { command: 'pawl approve run_01kh…', what: 'then answer a question' },
    { command: 'pawl send run_01kh… approval true', what: 'or send the message' },
  ],
  run: async ({ args, options, io }) => {
    const place = anyPlace(options, io);
    const only = args[0] === undefined ? undefined : checkedRunId(args[0]);
    const leftOut = new LeftOut();
    const { waits, work } = await readJournal(
      place,
      (reader) => ({
        waits: readWaits(reader, only, leftOut.add),
        work: (only === undefined ? readOpenTasks(reader, leftOut.add) : reader.openTasks({ runId: only }))
          .length,
      }),
      only === undefined ? { open: true } : { run: only },
    );
    if (options.json) io.out.line(jsonLine({ waits: waits.map(waitDocument) }));
    else {
      const { width, theme } = io.out;
      if (waits.length > 0 || work === 0)
        io.out.lines(renderWaits({ waits, now: io.now(), width, theme, flags: place.flags }));
      if (work > 0)
        io.out.line(`external tasks that are open: ${work}. See them: ${tasksCommandOf(only, place)}`);
    }
    leftOut.tell(place);
    return DONE;
  },
});

function tasksCommandOf(only: string | undefined, { flags }: JournalPlace): string {
  return shellWords('pawl', 'tasks', ...(only === undefined ? [] : [only, '--pending']), ...flags);
}
