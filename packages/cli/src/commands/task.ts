import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { EXIT_CODES, RuntimeError, type RunId, type Runtime } from '@pawl/runtime';

import { PLACE_OPTIONS, defineCommand, duration, text, usage, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { readJsonOption } from '../input-value.ts';
import { checkedRunId, anyPlace, readJournal, withRuntime, type JournalPlace } from '../journal-place.ts';
import { clean } from '../render/clean.ts';
import { jsonLine } from '../render/json.ts';
import { shellWords } from '../render/next-commands.ts';
import { resumeOf } from '../resume-of.ts';
import { taskAnswerDocument, type TaskAnswer } from '../task-document.ts';
import { timestamp } from '../run-document.ts';
import type { Io } from '../terminal.ts';

const ACTIONS = ['claim', 'heartbeat', 'release', 'complete', 'fail', 'cancel'] as const;
type Action = (typeof ACTIONS)[number];

interface Said {
  readonly value: string | undefined;
  readonly stdout: string | undefined;
  readonly message: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly as: string | undefined;
  readonly claim: string | undefined;
  readonly lease: number | undefined;
}

export const taskCommand: Command = defineCommand({
  description:
    'claim takes a task for a while, heartbeat makes it longer, release gives it back; complete, fail and cancel ' +
    'answer it. An answer is in the journal before the command ends, and the run takes it when it goes on: pawl resume. ' +
    'An answer that violates the schema of the task is refused, and the task stays as it is.',
  arguments: [
    { name: '<action>', description: ACTIONS.join(', ') },
    {
      name: '<task>',
      description: 'the id of the task, as pawl tasks prints it; with --run also the key of the call',
    },
  ],
  options: {
    run: text('--run <run>', 'the run of the task, where its call is named'),
    value: text(
      '-v, --value <json>',
      'with complete: the answer: JSON, @file, or - for stdin (default: null)',
    ),
    stdout: text('--stdout <@file>', 'with complete and fail: what the work printed, added as stdout'),
    message: text('-m, --message <text>', 'with fail and cancel: why'),
    idempotencyKey: text('--idempotency-key <key>', 'the same key twice is one answer (default: a new one)'),
    as: text('--as <worker>', 'who you are: who claims again under a name gets the task again'),
    claim: text('--claim <token>', 'what claim printed: finds out whether somebody else has the task now'),
    lease: duration('--lease <duration>', 'with claim and heartbeat: how long without a heartbeat'),
    ...PLACE_OPTIONS,
  },
  examples: [
    { command: 'pawl task claim run_01kh….3fa94c17d20b8e65 --as ada --json', what: 'take it, and read it' },
    {
      command: `pawl task complete run_01kh….3fa94c17d20b8e65 --as ada --value '{"ok":true}'`,
      what: 'answer it',
    },
    { command: `pawl task fail 2 --run run_01kh… -m 'no such branch'`, what: 'it failed' },
  ],
  run: async ({ args, options, io }) => {
    const action = ACTIONS.find((each) => each === args[0]);
    if (action === undefined)
      throw usage(
        `'${clean(args[0] ?? '')}' is nothing to do with a task: ${ACTIONS.join(', ')}.`,
        'pawl task --help',
      );
    checkOptions(action, options);
    const place = anyPlace(options, io);
    const taskId = await taskIdOf(args[1] ?? '', options.run, place);
    const act = await actionOf(action, options, io);
    const { answer, isDriven } = await withRuntime(place, runOf(taskId), (runtime) => ({
      answer: act(runtime, taskId),
      isDriven: runtime.get(runOf(taskId))?.ownerAlive === true,
    }));
    return await tell(action, taskId, answer, { isDriven, place, isJson: options.json, io });
  },
});

const TAKEN_BY: Readonly<Record<keyof Said, readonly Action[]>> = {
  value: ['complete'],
  stdout: ['complete', 'fail'],
  message: ['fail', 'cancel'],
  idempotencyKey: ['complete', 'fail', 'cancel'],
  as: ACTIONS,
  claim: ['heartbeat', 'release', 'complete', 'fail', 'cancel'],
  lease: ['claim', 'heartbeat'],
};
const FLAGS: Readonly<Record<keyof Said, string>> = {
  value: '--value',
  stdout: '--stdout',
  message: '--message',
  idempotencyKey: '--idempotency-key',
  as: '--as',
  claim: '--claim',
  lease: '--lease',
};

function checkOptions(action: Action, said: Said): void {
  for (const name of Object.keys(TAKEN_BY) as readonly (keyof Said)[])
    if (said[name] !== undefined && !TAKEN_BY[name].includes(action))
      throw usage(`${FLAGS[name]} goes with ${TAKEN_BY[name].join(', ')}, not with ${action}.`);
  if ((action === 'heartbeat' || action === 'release') && said.as === undefined && said.claim === undefined)
    throw usage(`Say who holds the task: --claim <token>, or --as <worker>.`);
}

/** @throws RuntimeError NOT_FOUND, USAGE */
async function taskIdOf(given: string, run: string | undefined, place: JournalPlace): Promise<string> {
  const runId = run === undefined ? undefined : checkedRunId(run);
  return await readJournal(
    place,
    (reader) => {
      if (runId === undefined) return given;
      const tasks = [...reader.openTasks({ runId: reader.get(runId).runId }), ...reader.settledTasks(runId)];
      const found = tasks.find(({ id, key }) => id === given || key === given);
      if (found !== undefined) return found.id;
      throw new RuntimeError('NOT_FOUND', `Run ${runId} has no external task ${clean(given)}.`, {
        hint: `See them: ${shellWords('pawl', 'tasks', runId, ...place.flags)}`,
      });
    },
    runId === undefined ? undefined : { run: runId },
  );
}

async function actionOf(
  action: Action,
  said: Said,
  io: Io,
): Promise<(runtime: Runtime, id: string) => TaskAnswer> {
  const { as: worker, claim, lease, idempotencyKey, message } = said;
  const by = { worker, claim, idempotencyKey };
  const stdout = said.stdout === undefined ? undefined : readOutput(said.stdout, io);
  switch (action) {
    case 'claim':
      return ({ tasks }, id) => tasks.claim(id, { worker, lease });
    case 'heartbeat':
      return ({ tasks }, id) => tasks.heartbeat(id, { worker, claim, lease });
    case 'release':
      return ({ tasks }, id) => ({ status: tasks.release(id, { worker, claim }) ? 'released' : 'notHeld' });
    case 'complete': {
      const value = said.value === undefined ? undefined : await readJsonOption('--value', said.value, io);
      const answer = stdout === undefined ? (value ?? null) : withOutput(value, stdout);
      return ({ tasks }, id) => tasks.complete(id, answer, by);
    }
    case 'fail':
      return ({ tasks }, id) =>
        tasks.fail(id, message ?? 'whoever did it said that it failed', {
          ...by,
          ...(stdout === undefined ? {} : { details: { stdout } }),
        });
    case 'cancel':
      return ({ tasks }, id) => tasks.cancel(id, message ?? 'given up by who does it', by);
    default:
      return action satisfies never;
  }
}

function withOutput(value: unknown, stdout: string): unknown {
  if (value === undefined) return { stdout };
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value, stdout };
  throw usage('--stdout is added to an object: --value takes one then, or is left out.');
}

function readOutput(given: string, { cwd }: Io): string {
  const name = given.startsWith('@') ? given.slice(1) : given;
  try {
    return readFileSync(resolve(cwd, name), 'utf8');
  } catch {
    throw new RuntimeError('NOT_FOUND', `The file ${clean(name)}, which --stdout names, cannot be read.`);
  }
}

interface Telling {
  readonly isDriven: boolean;
  readonly place: JournalPlace;
  readonly isJson: boolean;
  readonly io: Io;
}

async function tell(
  action: Action,
  taskId: string,
  answer: TaskAnswer,
  { isDriven, place, isJson, io }: Telling,
): Promise<number> {
  const exitCode = exitCodeOf(answer);
  if (isJson) {
    io.out.line(jsonLine({ taskId, action, ...taskAnswerDocument(answer) }));
    return exitCode;
  }
  const line = `task ${clean(taskId)}: ${inWords(answer)}`;
  if (exitCode === DONE) io.out.line(line);
  else io.err.line(line);
  if (answer.status === 'accepted' && !isDriven)
    io.err.line(`go on with: ${await resumeOf(place, runOf(taskId))}`);
  return exitCode;
}

/** The id of a task begins with that of its run. */
function runOf(taskId: string): RunId {
  return /^(.+)\.[^.]+$/.exec(taskId)?.[1] ?? '';
}

function exitCodeOf({ status }: TaskAnswer): number {
  switch (status) {
    case 'busy':
    case 'early':
      return EXIT_CODES.BUSY;
    case 'lost':
    case 'notHeld':
      return EXIT_CODES.FENCED;
    case 'closed':
    case 'invalid':
      return EXIT_CODES.REFUSED;
    case 'unknown':
      return EXIT_CODES.NOT_FOUND;
    default:
      return DONE;
  }
}

function inWords(answer: TaskAnswer): string {
  switch (answer.status) {
    case 'claimed':
      return `it is claimed by ${clean(answer.worker)} until ${timestamp(answer.until)}; --claim ${answer.claim}`;
    case 'held':
      return `it is held until ${timestamp(answer.until)}`;
    case 'released':
      return 'it was given back';
    case 'notHeld':
      return 'it is not held by you';
    case 'accepted':
      return 'the answer was taken';
    case 'duplicate':
      return 'it was answered so before, and that counts once';
    case 'invalid':
      return `the answer was not taken, it is not what the task gives: ${answer.issues.map(({ path, message }) => clean(`${path}: ${message}`)).join('; ')}`;
    case 'busy':
      return `${clean(answer.worker)} works on it, until ${timestamp(answer.until)} without a sign`;
    case 'early':
      return `it failed, and is open again at ${timestamp(answer.opensAt)}`;
    case 'lost':
      return 'somebody else has it, or it was given back';
    case 'closed':
      return 'it is settled, or answered already';
    case 'unknown':
      return 'there is no such task';
    default:
      return answer satisfies never;
  }
}
