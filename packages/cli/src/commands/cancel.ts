import { PLACE_OPTIONS, defineCommand, flag, text, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { changeRun, checkedRunId, anyPlace } from '../journal-place.ts';
import { clean } from '../render/clean.ts';
import { jsonLine } from '../render/json.ts';
import { shellWords } from '../render/next-commands.ts';

const SAID = {
  asked: 'was asked to stop: the program that drives it records the request and gives it up',
  owes: 'was asked to stop: its scopes have to be cleaned up, which takes its code',
  cancelled: 'is cancelled: nobody drove it',
  removed: 'was taken out of the queue: it had not begun',
  ended: 'had ended already; nothing was changed',
} as const;

export const cancelCommand: Command = defineCommand({
  description:
    'Its tasks are aborted, and runs of its own are cancelled with it. What its scopes (ctx.scope) registered for their end ' +
    'is done before it ends; --force gives that up, too.',
  arguments: [{ name: '<run>', description: 'the id of the run' }],
  options: {
    reason: text('-r, --reason <text>', 'why; it is recorded'),
    force: flag('-f, --force', 'without cleaning up, also where that is under way'),
    ...PLACE_OPTIONS,
  },
  examples: [
    { command: `pawl cancel run_01kh… --reason 'wrong input'`, what: 'recorded with the run' },
    { command: 'pawl cancel run_01kh… --force', what: 'do not wait until its scopes are cleaned up' },
  ],
  run: async ({ args, options, io }) => {
    const place = anyPlace(options, io);
    const runId = checkedRunId(args[0]);
    const reason = options.reason ?? 'asked by pawl cancel';
    const { force } = options;
    const { result, isDriven } = await changeRun(place, runId, (runtime) => ({
      result: runtime.cancel(runId, reason, { force }),
      isDriven: runtime.get(runId)?.ownerAlive === true,
    }));
    const isOwing = result === 'asked' && !isDriven;
    if (options.json) io.out.line(jsonLine({ runId, result, ...(result === 'asked' ? { isDriven } : {}) }));
    else io.out.line(`${runId} ${SAID[isOwing ? 'owes' : result]}`);
    if (isOwing && !options.json)
      io.err.line(`do it with: ${clean(shellWords('pawl', 'resume', runId, ...place.flags))}`);
    return DONE;
  },
});
