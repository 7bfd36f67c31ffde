import type { Recorded, ReplayStop } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, flag, text, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { checkedRunId, journalPlace, namedOrNewest, readJournal } from '../journal-place.ts';
import { formatClock } from '../render/duration.ts';
import { jsonLine } from '../render/json.ts';
import { logLines, logText } from '../render/log.ts';
import { codeByItself } from '../replay-runs.ts';
import { timestamp } from '../run-document.ts';
import type { Io } from '../terminal.ts';

export const logsCommand: Command = defineCommand({
  description:
    'What the process of a run logged (ctx.log): its code says it again over what is recorded, at the times that are ' +
    'recorded. No task runs, and nothing is written. What tasks log is told while they run, and kept by a logger only.',
  arguments: [{ name: '[run]', description: 'the id of the run (default: the newest)' }],
  options: {
    module: text('-m, --module <file>', 'let this module say it instead of the recorded one'),
    force: flag('--force', 'load a recorded module outside this folder although it has changed'),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl logs', what: 'of the newest run' },
    { command: `pawl logs run_01kh… --json | jq -r '.log.message'`, what: 'for programs' },
  ],
  run: async ({ args, options, io }) => {
    const named = args[0] === undefined ? undefined : checkedRunId(args[0]);
    const { json: isJson, module, force } = options;
    const place = journalPlace(options.db, io);
    return await readJournal(place, async (reader) => {
      const run = reader.get(namedOrNewest(reader, named, place));
      const code = await codeByItself(run, { reader, cwd: io.cwd, module, force });
      const replayer = reader.replayer();
      const steps = replayer.steps(run.runId, code);
      try {
        // One event at a time: what is logged belongs to the one that woke the process.
        let told = 0;
        for (let seq = 1; seq <= steps.lastSeq + 1; seq += 1) {
          const { logs, recorded, reached } = await steps.advance(seq);
          told += tell(io, isJson, run.runId, logs, recorded);
          if (reached !== 'seq') break;
        }
        if (told === 0 && !isJson) io.err.line(`the process of run ${run.runId} logged nothing (ctx.log)`);
        return DONE;
      } finally {
        steps.close();
        await replayer.close();
      }
    });
  },
});

function tell(
  io: Io,
  isJson: boolean,
  runId: string,
  logs: ReplayStop['logs'],
  recorded: Recorded | undefined,
): number {
  const at = recorded?.at ?? null;
  for (const values of logs) {
    if (isJson)
      io.out.line(
        jsonLine({ log: { runId, seq: recorded?.seq ?? 0, at: timestamp(at), message: logText(values) } }),
      );
    else {
      const clock = at === null ? '' : `${io.out.theme.dim(formatClock(at))}  `;
      io.out.lines(logLines(values, undefined, io.out.theme).map((line) => `${clock}${line}`));
    }
  }
  return logs.length;
}
