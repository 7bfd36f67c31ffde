import { RuntimeError } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, flag, text, usage, type Command } from '../command.ts';
import { DRIVE_OPTIONS, runtimeOptions } from '../drive-options.ts';
import { DONE, SIGNAL_EXIT_CODES } from '../exit-codes.ts';
import { checkedRunId, journalPlace, readJournal } from '../journal-place.ts';
import { jsonLine } from '../render/json.ts';
import { outputLines } from '../render/output.ts';
import { codeOfRun, originOf } from '../run-code.ts';
import { Session } from '../session.ts';

export const execStepCommand: Command = defineCommand({
  description:
    'Does one recorded task call again, with its recorded input and the code as it is now. Nothing is recorded, and ' +
    'the run stays as it is; the effect of the task is real.',
  arguments: [
    { name: '<run>', description: 'the id of the run' },
    { name: '<call>', description: 'the call of a task, such as 3 or :fetch' },
  ],
  options: {
    module: text('-m, --module <file>', 'take the task from this module instead of the recorded one'),
    force: flag('--force', 'load a recorded module outside this folder although it has changed'),
    ...DRIVE_OPTIONS,
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl exec-step run_01kh… :summarise', what: 'while you write that task' },
    { command: 'pawl exec-step run_01kh… 3 --module edited.ts', what: 'as another file has it' },
  ],
  run: async ({ args, options, io }) => {
    const runId = checkedRunId(args[0]);
    const [, key] = args;
    if (key === undefined) throw usage('Say which call.', `See the calls: pawl show ${runId}`);
    const place = journalPlace(options.db, io);
    const { module, force, json: isJson } = options;
    const run = await readJournal(place, (reader) => reader.get(runId));
    const { definition } = await codeOfRun(run, {
      cwd: io.cwd,
      module,
      force,
      originOf: (child) => readJournal(place, (reader) => originOf(reader, child)),
    });
    const session = await Session.open({ io, place, isJson, runtime: runtimeOptions(options, io) });
    const stop = new AbortController();
    void session.stopped.then(() => stop.abort());
    try {
      const result = await session.runtime.execStep(runId, key, definition, { signal: stop.signal });
      if (session.stoppedBy !== undefined) return SIGNAL_EXIT_CODES[session.stoppedBy];
      if (result.status === 'failed') {
        const { name, message } = result.error;
        throw new RuntimeError('RUN_FAILED', `Call ${key} failed: ${message}`, {
          data: { runId, key, error: { name, message } },
        });
      }
      if (isJson) io.out.line(jsonLine({ step: { runId, key, output: result.encoded } }));
      else io.out.lines(outputLines(result.output, result.encoded));
      return DONE;
    } finally {
      await session.close();
    }
  },
});
