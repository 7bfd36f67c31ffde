import { COMMON_OPTIONS, defineCommand, text, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { changeRun, checkedRunId, journalPlace } from '../journal-place.ts';
import { jsonLine } from '../render/json.ts';

const SAID = {
  asked: 'asked to stop: the program that drives it records the request and gives it up',
  cancelled: 'cancelled: nobody drove it',
  ended: 'it had ended already; nothing was changed',
} as const;

export const cancelCommand: Command = defineCommand({
  name: 'cancel',
  summary: 'give a run up, whoever drives it',
  arguments: [{ name: '<run>', description: 'the id of the run' }],
  options: {
    reason: text('-r, --reason <text>', 'why; it is recorded'),
    ...COMMON_OPTIONS,
  },
  examples: [{ command: `pawl cancel run_01kh… --reason 'wrong input'`, what: 'recorded with the run' }],
  run: async ({ args, options, io }) => {
    const place = journalPlace(options.db, io);
    const runId = checkedRunId(args[0]);
    const reason = options.reason ?? 'asked by pawl cancel';
    const result = await changeRun(place, runId, (runtime) => runtime.cancel(runId, reason));
    if (options.json) io.out.line(jsonLine({ runId, result }));
    else io.out.line(`${runId} ${SAID[result]}`);
    return DONE;
  },
});
