import { EXIT_CODES, type Ack, type RunId, type Runtime } from '@pawl/runtime';

import { PLACE_OPTIONS, defineCommand, flag, text, type Command } from '../command.ts';
import { SECRET_KEY_COMMAND } from '../drive-options.ts';
import { DONE } from '../exit-codes.ts';
import { readJsonOption } from '../input-value.ts';
import { changeRun, checkedRunId, anyPlace } from '../journal-place.ts';
import { clean } from '../render/clean.ts';
import { jsonLine } from '../render/json.ts';
import { shellWords } from '../render/next-commands.ts';
import { resumeOf } from '../resume-of.ts';

export const sendCommand: Command = defineCommand({
  description:
    'A message that comes early is kept until the run asks for it, also one to a start that waits for a worker. It is in the journal before the command ends.',
  arguments: [
    { name: '<run>', description: 'the id of the run' },
    { name: '<name>', description: 'the name that the run waits for, as pawl waiting prints it' },
    { name: '[payload]', description: 'JSON, @file, or - for stdin (default: null)' },
  ],
  options: {
    id: text('--id <id>', 'the same id twice is one message (default: a new one)'),
    secret: flag('--secret', 'keep it encrypted only, with the key in PAWL_SECRET_KEY'),
    secretKeyCommand: SECRET_KEY_COMMAND,
    ...PLACE_OPTIONS,
  },
  examples: [
    { command: 'pawl waiting', what: 'what is waited for, and under which name' },
    { command: `pawl send run_01kh… approval '{"approved":true}'`, what: 'answer it' },
    { command: 'pawl send run_01kh… token - --secret < token.json', what: 'send what nobody else may read' },
  ],
  run: async ({ args, options, io }) => {
    const place = anyPlace(options, io);
    const runId = checkedRunId(args[0]);
    const name = args[1] ?? '';
    const payload = args[2] === undefined ? null : await readJsonOption('the payload', args[2], io);
    const { id, secret, secretKeyCommand } = options;
    const send = async (runtime: Runtime): Promise<Sent> => ({
      isQueued: runtime.get(runId) === undefined,
      isDriven: runtime.get(runId)?.ownerAlive === true,
      awaited: runtime.get(runId) === undefined ? [] : awaitedBy(runtime, runId),
      ack: await runtime.send(runId, name, payload, { id, secret: secret || undefined }),
    });
    const { ack, isDriven, isQueued, awaited } = await changeRun(place, runId, send, { secretKeyCommand });
    if (options.json) io.out.line(jsonLine({ runId, name, ...ack, isDriven }));
    else io.out.line(`message '${clean(name)}' for ${runId} ${inWords(ack)}`);
    if (ack.status === 'closed' || ack.status === 'invalid') return EXIT_CODES.REFUSED;
    if (ack.status === 'accepted' && awaited.length > 0 && !awaited.includes(name)) {
      if (!options.json)
        io.err.line(`it is kept; what the run waits for now is ${awaited.map(quoted).join(', ')}`);
      return DONE;
    }
    if (!isDriven && !options.json)
      io.err.line(
        `go on with: ${isQueued ? clean(shellWords('pawl', 'work', ...place.flags)) : await resumeOf(place, runId)}`,
      );
    return DONE;
  },
});

/** Names of messages. */
function awaitedBy(runtime: Runtime, runId: RunId): string[] {
  return runtime.waits(runId).flatMap(({ kind, name }) => (kind === 'message' ? [name] : []));
}

function quoted(name: string): string {
  return `'${clean(name)}'`;
}

interface Sent {
  readonly ack: Ack;
  readonly isDriven: boolean;
  /** It goes to a start that waits. */
  readonly isQueued: boolean;
  readonly awaited: readonly string[];
}

function inWords(ack: Ack): string {
  switch (ack.status) {
    case 'accepted':
      return 'was taken';
    case 'duplicate':
      return 'was sent before, and counts once';
    case 'invalid':
      return `was not taken, it is not what the run takes: ${ack.issues.map(({ path, message }) => clean(`${path}: ${message}`)).join('; ')}`;
    case 'closed':
      return 'was not sent: the run has ended';
    case 'unknown':
      return 'was not sent: there is no such run';
    default:
      return ack satisfies never;
  }
}
