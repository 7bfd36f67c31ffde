import type { OpenTask, SettledTask } from '@pawl/runtime';

import { PLACE_OPTIONS, defineCommand, flag, text, usage, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { checkedRunId, anyPlace, readJournal } from '../journal-place.ts';
import { jsonLine } from '../render/json.ts';
import { renderTasks } from '../render/tasks.ts';
import { openTaskDocument, settledTaskDocument } from '../task-document.ts';

export const tasksCommand: Command = defineCommand({
  description:
    'Of a run: all of them, with what became of them; with --pending only those that are open. Without a run: what is ' +
    'open in all runs, the oldest first.',
  arguments: [{ name: '[run]', description: 'only this run' }],
  options: {
    pending: flag('-p, --pending', 'only those that are open'),
    kind: text('-k, --kind <kind>', 'only those of this kind, such as agent'),
    ...PLACE_OPTIONS,
  },
  examples: [
    { command: 'pawl tasks', what: 'what is open, in all runs' },
    { command: 'pawl tasks run_01kh… --pending --json', what: 'what this run waits for, with descriptions' },
    { command: 'pawl tasks --kind agent', what: 'what an agent could do' },
  ],
  run: async ({ args, options, io }) => {
    const place = anyPlace(options, io);
    const runId = args[0] === undefined ? undefined : checkedRunId(args[0]);
    if (options.kind === '') throw usage('--kind takes the kind of a task, such as agent.');
    const kinds = options.kind === undefined ? undefined : [options.kind];
    const { open, settled } = await readJournal(
      place,
      (reader) => {
        const only = runId === undefined ? undefined : reader.get(runId).runId;
        const isAll = only !== undefined && !options.pending;
        const over = isAll ? reader.settledTasks(only) : [];
        return {
          open: reader.openTasks({ runId: only, kinds }),
          settled: over.filter(({ kind }) => kinds?.includes(kind) ?? true),
        };
      },
      runId === undefined ? { open: true } : { run: runId },
    );
    if (options.json) {
      io.out.line(jsonLine({ tasks: documents(runId ?? '', open, settled) }));
      return DONE;
    }
    const { width, theme } = io.out;
    io.out.lines(renderTasks(open, settled, { now: io.now(), width, theme, flags: place.flags }));
    return DONE;
  },
});

function documents(
  runId: string,
  open: readonly OpenTask[],
  settled: readonly SettledTask[],
): readonly Readonly<Record<string, unknown>>[] {
  return [...settled.map((task) => settledTaskDocument(runId, task)), ...open.map(openTaskDocument)];
}
