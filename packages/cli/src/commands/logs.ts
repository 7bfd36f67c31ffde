import { LOG_LEVELS, type JournalReader, type LogQuery, type RunId } from '@pawl/runtime';

import { choice, COMMON_OPTIONS, defineCommand, flag, text, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { followRun } from '../follow-run.ts';
import { checkedRunId, journalPlace, namedOrNewest, readJournal } from '../journal-place.ts';
import { LogPrinter } from '../log-printer.ts';
import { clean } from '../render/clean.ts';
import { shellWords } from '../render/next-commands.ts';
import { saidAgain } from '../replay-logs.ts';
import { codeByItself } from '../replay-runs.ts';
import { listenForStop } from '../stop-signals.ts';
import type { Io } from '../terminal.ts';

export const logsCommand: Command = defineCommand({
  description:
    'What the tasks (task.log) and the process (ctx.log) of a run logged: the newest 10,000 lines, and 1,000 of a ' +
    'task call. With --replay the code of the process says its own lines again over what is recorded, at the times that ' +
    'are recorded; no task runs, and nothing is written.',
  arguments: [{ name: '[run]', description: 'the id of the run (default: the newest)' }],
  options: {
    follow: flag('-f, --follow', 'go on until the run ends, and each that it continues as', {
      conflicts: ['replay', 'module'],
    }),
    level: choice('-l, --level <level>', 'only lines of this level and above', LOG_LEVELS, undefined),
    task: text('-t, --task <name>', 'only what this task logged'),
    replay: flag('--replay', 'let the process say its lines again'),
    module: text('-m, --module <file>', 'the same, by this module instead of the recorded one'),
    force: flag('--force', 'load a recorded module outside this folder although it has changed'),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl logs', what: 'of the newest run' },
    { command: 'pawl logs run_01kh… --follow --level warn', what: 'warnings and errors, as they come' },
    { command: `pawl logs run_01kh… --json | jq -r '.log.message'`, what: 'for programs' },
  ],
  run: async ({ args, options, io }) => {
    const named = args[0] === undefined ? undefined : checkedRunId(args[0]);
    const { module, force, level, task } = options;
    const query = { level, task };
    const place = journalPlace(options.db, io);
    return await readJournal(place, async (reader) => {
      const printer = new LogPrinter(io, options.json);
      if (options.follow) {
        const isQueued = named !== undefined && reader.start(named) !== undefined;
        const first = isQueued ? named : namedOrNewest(reader, named, place);
        return await follow(reader, first, query, printer, io);
      }
      const run = reader.get(namedOrNewest(reader, named, place));
      if (options.replay || module !== undefined) {
        const code = await codeByItself(run, { reader, cwd: io.cwd, module, force });
        const replayer = reader.replayer();
        const steps = replayer.steps(run.runId, code);
        try {
          for await (const line of saidAgain(reader, run, steps, query))
            if (!(await printer.print(run.runId, line))) break;
        } finally {
          steps.close();
          await replayer.close();
        }
      } else {
        for (const line of reader.logs(run.runId, query)) if (!(await printer.print(run.runId, line))) break;
      }
      if (printer.printed === 0 && !options.json) io.err.line(nothing(run.runId, query, place.flags));
      return DONE;
    });
  },
});

function nothing(runId: RunId, { level, task }: LogQuery, flags: readonly string[]): string {
  if (level !== undefined || task !== undefined) return `run ${runId} keeps no such lines`;
  const again = clean(shellWords('pawl', 'logs', runId, '--replay', ...flags));
  return `run ${runId} keeps no lines: nothing was logged, or an older version drove it (then its process says its own again: ${again})`;
}

/** Lines of a run are committed before what comes after them, and so before its end. */
async function follow(
  reader: JournalReader,
  first: RunId,
  query: LogQuery,
  printer: LogPrinter,
  io: Io,
): Promise<number> {
  const stop = listenForStop();
  try {
    let after = 0;
    let last = first;
    const tell = async (): Promise<void> => {
      for (const line of reader.logs(last, { ...query, after })) {
        if (!(await printer.print(last, line))) return;
        after = line.n;
      }
    };
    for await (const { runId, recorded } of followRun(reader, first, {
      after: seqToFollow(reader, first),
      signal: stop.aborted,
    })) {
      if (runId !== last) {
        await tell();
        [last, after] = [runId, 0];
      }
      if (recorded === undefined && reader.start(last) === undefined) await tell();
      if (io.out.isClosed) break;
    }
    return stop.exitCode();
  } finally {
    stop.release();
  }
}

/** What a run that goes on has recorded so far does not end it. */
function seqToFollow(reader: JournalReader, runId: RunId): number {
  if (reader.start(runId) !== undefined) return 0;
  const { status, lastSeq } = reader.get(runId);
  return status === 'running' ? lastSeq : 0;
}
