/** The key of secrets: as it was given, or as a command prints it once the first secret needs it. */
import { InvalidOptionError } from '@pawl/sdk';

import { RuntimeError } from './errors.ts';
import { keyOf, printKey, type Printed } from './key-text.ts';

/** The key, as base64; undefined where none is given. @throws RuntimeError REFUSED where its command fails */
type SecretKeySource = () => string | undefined;

interface SecretKeyOptions {
  readonly secretKey?: unknown;
  readonly secretKeyCommand?: unknown;
}

/** A password manager may ask somebody; meanwhile this program does nothing else, and keeps its leases. */
const COMMAND_MS = 10_000;
/** A command that failed is not tried again at once: runs that wait for their secrets would each block all others. */
const FAILED_FOR_MS = 30_000;

/**
 * What was given to the program counts before the environment, and a key before a command.
 * @param monotonic in ms
 * @throws InvalidOptionError, which does not say what was given
 */
export function secretKeySource(
  { secretKey, secretKeyCommand }: SecretKeyOptions,
  env: NodeJS.ProcessEnv,
  monotonic: () => number,
  commandMs: number = COMMAND_MS,
): SecretKeySource {
  const printed = (command: string): SecretKeySource =>
    printedBy(() => printKey({ command, args: [], shell: true }, env, commandMs), monotonic);
  if (secretKey !== undefined) return constant(checkedKey('secretKey', secretKey));
  if (secretKeyCommand !== undefined) return printed(checkedCommand('secretKeyCommand', secretKeyCommand));
  const key = env['PAWL_SECRET_KEY'] ?? '';
  if (key !== '') return constant(checkedKey('PAWL_SECRET_KEY', key));
  const command = env['PAWL_SECRET_KEY_COMMAND'] ?? '';
  return command.trim() === '' ? () => undefined : printed(command);
}

function constant(key: string): SecretKeySource {
  return () => key;
}

function checkedKey(option: string, given: unknown): string {
  const key = keyOf(given);
  if (key !== undefined) return key;
  throw new InvalidOptionError(
    option,
    '[secret]',
    '32 bytes in base64 or hex, as `openssl rand -base64 32` makes',
  );
}

function checkedCommand(option: string, given: unknown): string {
  if (typeof given === 'string' && given.trim() !== '') return given;
  throw new InvalidOptionError(option, '[secret]', 'a command that prints the key');
}

/** It is run when the first secret needs it, and its key kept in memory. */
function printedBy(print: () => Printed, monotonic: () => number): SecretKeySource {
  let key: string | undefined;
  let failed: { readonly error: RuntimeError; readonly until: number } | undefined;
  return () => {
    if (key !== undefined) return key;
    if (failed !== undefined && monotonic() < failed.until) throw failed.error;
    const printed = print();
    if (printed.status === 'printed') {
      key = printed.key;
      return key;
    }
    const error = refused(printed.why);
    failed = { error, until: monotonic() + FAILED_FOR_MS };
    throw error;
  };
}

function refused(why: string): RuntimeError {
  return new RuntimeError('REFUSED', `The command that gives the key of secrets ${why}.`, {
    hint: 'Try it in a shell: it stands in PAWL_SECRET_KEY_COMMAND, --secret-key-command or secretKeyCommand',
  });
}
