import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { RuntimeError } from '@pawl/runtime';

import type { Io } from './terminal.ts';

/**
 * The value of an option (or argument) that takes JSON: the JSON itself, `@file`, or `-` for stdin.
 * @param option as it is told of, such as `--value`, or `the payload`
 * @throws RuntimeError REFUSED, NOT_FOUND
 */
export async function readJsonOption(option: string, given: string | undefined, io: Io): Promise<unknown> {
  if (given === undefined) return undefined;
  if (given === '-') return parsed(await io.readStdin(), `${option} - (stdin)`, undefined);
  if (given.startsWith('@'))
    return parsed(readText(given.slice(1), option, io.cwd), `${option} ${given}`, undefined);
  const before = option.startsWith('--') ? `${option} ` : '';
  const hint = `Quote it for the shell: ${before}'{"name": "x"}', or use ${before}@file.json`;
  return parsed(given, option, hint);
}

function readText(name: string, option: string, cwd: string): string {
  try {
    return readFileSync(resolve(cwd, name), 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    throw new RuntimeError(
      isMissing ? 'NOT_FOUND' : 'REFUSED',
      isMissing
        ? `There is no file ${name}, which ${option} names.`
        : `${name}, which ${option} names, cannot be read (${code}).`,
      { hint: `${option} takes JSON, @file, or - for stdin` },
    );
  }
}

function parsed(text: string, what: string, advice: string | undefined): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const hint = text.trim() === '' ? 'It is empty.' : advice;
    throw new RuntimeError('REFUSED', `${what} is not JSON: ${reason}.`, hint === undefined ? {} : { hint });
  }
}
