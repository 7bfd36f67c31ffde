import type { Runtime } from '@pawl/runtime';

import { choice, PLACE_OPTIONS, defineCommand, text, usage, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { readJsonOption } from '../input-value.ts';
import { changeRun, checkedRunId, anyPlace } from '../journal-place.ts';
import { clean } from '../render/clean.ts';
import { jsonLine } from '../render/json.ts';
import { resumeOf } from '../resume-of.ts';
import type { Io } from '../terminal.ts';

type Answer = Parameters<Runtime['resolve']>[2];

interface Said {
  readonly as: 'done' | 'failed' | 'retry' | undefined;
  readonly output: string | undefined;
  readonly message: string | undefined;
}

const SAID: Readonly<Record<Answer['status'], string>> = {
  done: 'counts as done',
  failed: 'counts as failed',
  retry: 'is tried again',
};

export const resolveCommand: Command = defineCommand({
  description:
    'A program that dies between an effect and its record leaves an attempt of which nobody knows the end. ' +
    'Where a task says so, the run waits until a person has looked.',
  arguments: [
    { name: '<run>', description: 'the id of the run' },
    { name: '<key>', description: 'the key of the call, as pawl show prints it' },
  ],
  options: {
    as: choice('--as <answer>', 'what became of it', ['done', 'failed', 'retry'], undefined),
    output: text('-o, --output <json>', 'with done: what the task gave: JSON, @file, or - for stdin'),
    message: text('-m, --message <text>', 'with failed: why'),
    ...PLACE_OPTIONS,
  },
  examples: [
    { command: `pawl resolve run_01kh… 2 --as done --output '{"id":7}'`, what: 'it was done, and gave this' },
    { command: `pawl resolve run_01kh… 2 --as failed --message 'card refused'`, what: 'it failed' },
    { command: 'pawl resolve run_01kh… 2 --as retry', what: 'nothing happened: try again' },
  ],
  run: async ({ args, options, io }) => {
    const place = anyPlace(options, io);
    const runId = checkedRunId(args[0]);
    const key = args[1] ?? '';
    const answer = await answerOf(options, io);
    const isDriven = await changeRun(place, runId, (runtime) => {
      runtime.resolve(runId, key, answer);
      return runtime.get(runId)?.ownerAlive === true;
    });
    if (options.json) {
      io.out.line(jsonLine({ runId, key, as: answer.status, isDriven }));
      return DONE;
    }
    io.out.line(`call ${clean(key)} of ${runId} ${SAID[answer.status]}`);
    if (!isDriven) io.err.line(`go on with: ${await resumeOf(place, runId)}`);
    return DONE;
  },
});

async function answerOf({ as, output, message }: Said, io: Io): Promise<Answer> {
  if (as === undefined) throw usage('Say what became of the attempt: --as done, --as failed or --as retry.');
  if (output !== undefined && as !== 'done')
    throw usage(`--output goes with --as done, not with --as ${as}.`);
  if (message !== undefined && as !== 'failed')
    throw usage(`--message goes with --as failed, not with --as ${as}.`);
  switch (as) {
    case 'done':
      return { status: 'done', output: await readJsonOption('--output', output, io) };
    case 'failed':
      return { status: 'failed', message: message ?? 'a person said that it failed' };
    case 'retry':
      return { status: 'retry' };
    default:
      return as satisfies never;
  }
}
