/** The master key of an encrypted journal: as it was given, or as a command prints it when it is needed. */
import { randomBytes } from 'node:crypto';

import { InvalidOptionError } from '@pawl/sdk';

import { RuntimeError } from './errors.ts';
import { keyOf, printKey } from './key-text.ts';
import type { MasterKeySource } from './ports/sealing-store.ts';

/** Where the key of a journal comes from. */
export interface EncryptionOptions {
  /** 32 bytes, base64 or hex. */
  readonly key?: string | undefined;
  /** A program and its arguments, without a shell: it prints the key, and nothing else, within 10 s. */
  readonly keyCommand?: readonly string[] | undefined;
}

/** Names of the environment. */
export interface KeyNames {
  readonly key: string;
  readonly command: string;
}

export const JOURNAL_KEY: KeyNames = { key: 'PAWL_KEY', command: 'PAWL_KEY_COMMAND' };
/** What a journal shall have from now on. */
export const NEW_KEY: KeyNames = { key: 'PAWL_NEW_KEY', command: 'PAWL_NEW_KEY_COMMAND' };

/** A password manager may ask somebody. */
const COMMAND_MS = 10_000;

/** A program opens a journal more than once, and people are asked once. */
const printed = new Map<string, string>();

/** 32 random bytes, base64. */
export function newKey(): string {
  return randomBytes(32).toString('base64');
}

/**
 * What was given to the program counts before the environment, and a key before a command.
 * @throws InvalidOptionError, which does not say what was given; the source throws RuntimeError REFUSED where its
 *   command fails
 */
export function masterKeySource(
  options: EncryptionOptions | undefined,
  env: NodeJS.ProcessEnv,
  names: KeyNames = JOURNAL_KEY,
  commandMs: number = COMMAND_MS,
): MasterKeySource {
  const { key, keyCommand } = options ?? {};
  if (key !== undefined) return constant(checkedKey('encryption.key', key));
  if (keyCommand !== undefined)
    return printedBy('encryption.keyCommand', checkedCommand(keyCommand), env, commandMs);
  const told = env[names.key] ?? '';
  if (told !== '') return constant(checkedKey(names.key, told));
  const command = (env[names.command] ?? '').trim();
  if (command === '') return () => undefined;
  return printedBy(names.command, wordsOf(names.command, command), env, commandMs);
}

function constant(key: string): MasterKeySource {
  const bytes = Buffer.from(key, 'base64');
  return () => bytes;
}

function checkedKey(option: string, given: unknown): string {
  const key = keyOf(given);
  if (key !== undefined) return key;
  throw new InvalidOptionError(option, '[secret]', '32 bytes in base64 or hex, as `pawl key new` makes');
}

function checkedCommand(given: unknown): readonly string[] {
  const isCommand =
    Array.isArray(given) &&
    given.length > 0 &&
    given.every((word) => typeof word === 'string') &&
    given[0] !== '';
  if (isCommand) return given as readonly string[];
  throw new InvalidOptionError(
    'encryption.keyCommand',
    '[secret]',
    `a list such as ['pass', 'show', 'pawl']`,
  );
}

/** Words between spaces, or a list in JSON: nothing in it means something to a shell, and nobody shall think so. */
function wordsOf(name: string, text: string): readonly string[] {
  const wanted = `a program and its arguments, as words or as a JSON list: ["op", "read", "op://vault/pawl key"]`;
  if (!text.startsWith('[')) {
    if (!/["'`$\\|&;<>(){}*?~#]/.test(text)) return text.split(/\s+/);
    throw new InvalidOptionError(
      name,
      '[secret]',
      `${wanted}; quotes and signs of a shell mean nothing here`,
    );
  }
  try {
    return checkedCommand(JSON.parse(text));
  } catch {
    throw new InvalidOptionError(name, '[secret]', wanted);
  }
}

function printedBy(
  name: string,
  [command = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  commandMs: number,
): MasterKeySource {
  return () => {
    const whole = JSON.stringify([command, ...args]);
    let key = printed.get(whole);
    if (key === undefined) {
      const told = printKey({ command, args, shell: false }, env, commandMs);
      if (told.status === 'failed') throw refused(name, told.why);
      ({ key } = told);
      printed.set(whole, key);
    }
    return Buffer.from(key, 'base64');
  };
}

function refused(name: string, why: string): RuntimeError {
  return new RuntimeError('REFUSED', `The command that gives the key of the journal ${why}.`, {
    hint: `Try it in a terminal: it stands in ${name}, and is run without a shell`,
  });
}
