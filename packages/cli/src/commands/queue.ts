import { NEVER, RuntimeError, type SetBackRun } from '@pawl/runtime';

import { PLACE_OPTIONS, defineCommand, usage, wholeNumber, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { checkedRunId, anyPlace, readJournal, withRuntime } from '../journal-place.ts';
import { jsonLine } from '../render/json.ts';
import { renderQueue } from '../render/queue.ts';
import { timestamp } from '../run-document.ts';
import { startDocument } from '../start-document.ts';

export const queueCommand: Command = defineCommand({
  arguments: [
    { name: '[remove]', description: "'remove' to take a start out" },
    { name: '[run]', description: 'its id' },
  ],
  options: {
    limit: wholeNumber('-n, --limit <count>', 'at most so many (default: 100)', 100, 1),
    ...PLACE_OPTIONS,
  },
  examples: [
    { command: 'pawl queue', what: 'what waits, and for what' },
    { command: 'pawl queue remove order-7', what: 'it never begins' },
  ],
  run: async ({ args, options, io }) => {
    const place = anyPlace(options, io);
    const [action, given] = args;
    if (action !== undefined && action !== 'remove')
      throw usage(`'${action.slice(0, 80)}' is no action of queue, which knows 'remove'.`);
    if (action === 'remove') {
      const id = checkedRunId(given);
      if (place.engine === undefined) await readJournal(place, () => undefined);
      await withRuntime(place, id, (runtime) => {
        if (!runtime.queue.remove(id)) throw notQueued(id);
      });
      if (options.json) io.out.line(jsonLine({ removed: id }));
      else io.out.line(`${id} is taken out`);
      return DONE;
    }
    const { starts, runs } = await readJournal(
      place,
      (reader) => ({
        starts: reader.queued(options.limit),
        runs: reader.setBack(options.limit),
      }),
      { open: true },
    );
    const { theme, width } = io.out;
    if (options.json)
      io.out.line(jsonLine({ starts: starts.map(startDocument), setBack: runs.map(runDocument) }));
    else io.out.lines(renderQueue({ starts, runs, now: io.now(), width, theme }));
    return DONE;
  },
});

function notQueued(id: string): RuntimeError {
  return new RuntimeError('NOT_FOUND', `No start of run '${id}' waits.`, {
    hint: 'See what waits: pawl queue',
  });
}

type Document = Readonly<Record<string, unknown>>;

function runDocument({ runId, at, ...run }: SetBackRun): Document {
  return { id: runId, ...run, at: at === NEVER ? null : timestamp(at) };
}
