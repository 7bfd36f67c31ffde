import { EXIT_CODES, RuntimeError, type OpenWait, type RunId } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, text, usage, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { readJsonOption } from '../input-value.ts';
import { changeRun, checkedRunId, journalPlace } from '../journal-place.ts';
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
        const found = questionOf(runId, runtime.waits(runId), args[1]);
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

/** The question that is meant: by its call, by its title, or the only one. @throws RuntimeError NOT_FOUND, USAGE */
function questionOf(runId: RunId, waits: readonly OpenWait[], named: string | undefined): OpenWait {
  const questions = waits.filter(({ kind }) => kind === 'breakpoint');
  const meant =
    named === undefined
      ? questions
      : [
          ...questions.filter(({ key }) => key === named),
          ...questions.filter(({ key, name }) => key !== named && name === named),
        ];
  const [first, second] = meant;
  // A call is meant before a title that looks like one.
  if (first !== undefined && (second === undefined || first.key === named)) return first;
  if (first !== undefined)
    throw usage(
      `Run ${runId} asks several things: ${list(meant)}. Say which by its call: pawl approve ${runId} ${first.key}`,
    );
  const other = waits.find(({ kind }) => kind !== 'breakpoint');
  throw new RuntimeError(
    'NOT_FOUND',
    named === undefined || questions.length === 0
      ? `Run ${runId} asks people nothing now.`
      : `Run ${runId} asks nothing under '${named}'. It asks: ${list(questions)}.`,
    { hint: other === undefined ? 'See what is asked: pawl waiting' : hintFor(runId, other) },
  );
}

function list(open: readonly OpenWait[]): string {
  return open.map(({ key, name }) => `${key} (${name})`).join(', ');
}

function hintFor(runId: RunId, { kind, key, name }: OpenWait): string {
  return kind === 'outcome'
    ? `Call ${key} wants to know what became of an attempt: pawl resolve ${runId} ${key} --as done`
    : `It waits for message '${name}': pawl send ${runId} ${shellWords(name)} <json>`;
}
