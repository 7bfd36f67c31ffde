import { EXIT_CODES } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, text, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { readJsonOption } from '../input-value.ts';
import { changeRun, checkedRunId, journalPlace } from '../journal-place.ts';
import { questionMeant } from '../question.ts';
import { ackText } from '../render/ack.ts';
import { clean } from '../render/clean.ts';
import { jsonLine } from '../render/json.ts';
import { shellWords } from '../render/next-commands.ts';
import { userName } from '../user-name.ts';

export const approveCommand: Command = answerCommand(true, [
  { command: 'pawl waiting', what: 'what people are asked, and in which runs' },
  { command: 'pawl approve run_01kh…', what: 'answer the one question of a run' },
  { command: `pawl approve run_01kh… 2 --option tonight --as ada`, what: 'choose, and say who you are' },
]);

export const rejectCommand: Command = answerCommand(false, [
  { command: `pawl reject run_01kh… --feedback 'shorter, please'`, what: 'say no, and why' },
]);

function answerCommand(approved: boolean, examples: Command['examples']): Command {
  return defineCommand({
    description:
      'The answer is in the journal before the command ends. A second one of the same person does not count.',
    arguments: [
      { name: '<run>', description: 'the id of the run' },
      {
        name: '[wait]',
        description: 'the call or the title, as pawl waiting prints them, where it asks several',
      },
    ],
    options: {
      option: text('-o, --option <option>', 'one of the options that the question offers'),
      feedback: text('-f, --feedback <text>', 'what the process shall know beside it'),
      response: text('--response <json>', 'a value for the process: JSON, @file, or - for stdin'),
      as: text('--as <who>', 'who answers (default: you, as $USER says)'),
      ...COMMON_OPTIONS,
    },
    examples,
    run: async ({ args, options, io }) => {
      const place = journalPlace(options.db, io);
      const runId = checkedRunId(args[0]);
      const { option, feedback, as = userName(io.env) } = options;
      const given = options.response;
      const response = given === undefined ? undefined : await readJsonOption('--response', given, io);
      const { wait, ack, isDriven } = await changeRun(place, runId, async (runtime) => {
        const found = questionMeant(runId, runtime.waits(runId), args[1]);
        return {
          wait: found,
          isDriven: runtime.get(runId)?.ownerAlive === true,
          ack: await runtime.respond(runId, found.key, { approved, option, feedback, response, by: as }),
        };
      });
      if (options.json) io.out.line(jsonLine({ runId, key: wait.key, approved, by: as, ...ack, isDriven }));
      const told =
        ack.status === 'accepted'
          ? clean(`${approved ? 'approved' : 'rejected'} by ${as}`)
          : ackText(ack, as);
      if (!options.json) io.out.line(`'${clean(wait.name)}' of ${runId}: ${told}`);
      if (ack.status !== 'accepted' && ack.status !== 'duplicate') return EXIT_CODES.REFUSED;
      if (!isDriven && !options.json)
        io.err.line(`go on with: ${clean(shellWords('pawl', 'resume', runId, ...place.flags))}`);
      return DONE;
    },
  });
}
