import { EXIT_CODES } from '@pawl/runtime';

import { PLACE_OPTIONS, defineCommand, text, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { readJsonOption } from '../input-value.ts';
import { changeRun, checkedRunId, anyPlace } from '../journal-place.ts';
import { noQuestion, questionMeant } from '../question.ts';
import { ackText } from '../render/ack.ts';
import { clean } from '../render/clean.ts';
import { jsonLine } from '../render/json.ts';
import { resumeOf } from '../resume-of.ts';
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
        description: 'the call or the title, as pawl waiting prints them, where it asks or has asked several',
      },
    ],
    options: {
      option: text('-o, --option <option>', 'one of the options that the question offers'),
      feedback: text('-f, --feedback <text>', 'what the process shall know beside it'),
      response: text('--response <json>', 'a value for the process: JSON, @file, or - for stdin'),
      as: text('--as <who>', 'who answers (default: you, as $USER says)'),
      ...PLACE_OPTIONS,
    },
    examples,
    run: async ({ args, options, io }) => {
      const place = anyPlace(options, io);
      const runId = checkedRunId(args[0]);
      const { option, feedback, as = userName(io.env) } = options;
      const json = options.response;
      const response = json === undefined ? undefined : await readJsonOption('--response', json, io);
      const { question, ack, isDriven } = await changeRun(place, runId, async (runtime) => {
        const found = questionMeant(runtime, runId, args[1]);
        const given = { approved, option, feedback, response, by: as };
        const sent = await runtime.respond(runId, found.key, given);
        if (sent.status === 'unknown') throw noQuestion(runtime, runId, args[1]);
        return { question: found, isDriven: runtime.get(runId)?.ownerAlive === true, ack: sent };
      });
      if (options.json)
        io.out.line(jsonLine({ runId, key: question.key, approved, by: as, ...ack, isDriven }));
      const told =
        ack.status === 'accepted'
          ? clean(`${approved ? 'approved' : 'rejected'} by ${as}`)
          : ackText(ack, as);
      const what = question.title === '' ? runId : `'${clean(question.title)}' of ${runId}`;
      if (!options.json) io.out.line(ack.status === 'accepted' ? `${what} was ${told}` : `${what}: ${told}`);
      if (ack.status !== 'accepted' && ack.status !== 'duplicate') return EXIT_CODES.REFUSED;
      if (!isDriven && !options.json) io.err.line(`go on with: ${await resumeOf(place, runId)}`);
      return DONE;
    },
  });
}
