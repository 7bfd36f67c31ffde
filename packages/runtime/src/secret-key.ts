/** The key of secrets: as it was given, or as a command prints it once the first secret needs it. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';

import { InvalidOptionError } from '@pawl/sdk';

import { RuntimeError } from './errors.ts';

/** The key, as base64; undefined where none is given. @throws RuntimeError REFUSED where its command fails */
type SecretKeySource = () => string | undefined;

interface SecretKeyOptions {
  readonly secretKey?: unknown;
  readonly secretKeyCommand?: unknown;
}

const HEX = /^[0-9a-f]{64}$/i;
/** A password manager may ask somebody; meanwhile this program does nothing else, and keeps its leases. */
const COMMAND_MS = 10_000;
const MOST_OUTPUT = 4096;
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
    printedBy(() => run(command, env, commandMs), monotonic);
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

function keyOf(given: unknown): string | undefined {
  const text = typeof given === 'string' ? given.trim() : '';
  const bytes = Buffer.from(text, HEX.test(text) ? 'hex' : 'base64');
  const isKey = bytes.length === 32 && (HEX.test(text) || bytes.toString('base64') === text);
  return isKey ? bytes.toString('base64') : undefined;
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

type Printed =
  | { readonly status: 'printed'; readonly key: string }
  | { readonly status: 'failed'; readonly why: string };

/** What it prints is told to nobody: it may be a part of a key, or say where one is. */
function run(command: string, env: NodeJS.ProcessEnv, timeout: number): Printed {
  const { error, pid, status, signal, stdout } = spawnSync(command, {
    shell: true,
    // A group of its own: what the shell started ends with it.
    detached: true,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    timeout,
    killSignal: 'SIGKILL',
    maxBuffer: MOST_OUTPUT,
  } as Parameters<typeof spawnSync>[2] & { readonly encoding: 'utf8' });
  const code = error === undefined ? undefined : Reflect.get(error, 'code');
  if (error !== undefined || signal !== null) killGroup(pid);
  if (code === 'ETIMEDOUT') return failure(`took more than ${timeout / 1000} s`);
  if (code === 'ENOBUFS') return failure('prints more than a key');
  if (error !== undefined) return failure(`cannot be run (${String(code ?? 'unknown')})`);
  if (signal !== null) return failure(`was ended by ${signal}`);
  if (status !== 0) return failure(`ended with exit code ${String(status)}`);
  const key = keyOf(stdout);
  return key === undefined
    ? failure('prints no key: 32 bytes in base64 or hex, and nothing else')
    : { status: 'printed', key };
}

function failure(why: string): Printed {
  return { status: 'failed', why };
}

function killGroup(pid: number): void {
  try {
    if (pid > 0) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function refused(why: string): RuntimeError {
  return new RuntimeError('REFUSED', `The command that gives the key of secrets ${why}.`, {
    hint: 'Try it in a shell: it stands in PAWL_SECRET_KEY_COMMAND, --secret-key-command or secretKeyCommand',
  });
}
