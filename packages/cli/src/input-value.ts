import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { RuntimeError } from '@pawl/runtime';

import type { Io } from './terminal.ts';

/** How V8 ends a message that shows what it could not read. */
const QUOTED = /, (\.\.\.)?".*$/s;

/**
 * The value of an option (or argument) that takes JSON: the JSON itself, `@file`, or `-` for stdin.
 * @param option as it is told of, such as `--value`, or `the payload`
 * @throws RuntimeError REFUSED, NOT_FOUND
 */
export async function readJsonOption(option: string, given: string | undefined, io: Io): Promise<unknown> {
  if (given === undefined) return undefined;
  if (given === '-') return parsed(await io.readStdin(), `${option} - (stdin)`);
  if (given.startsWith('@')) return parsed(readText(given.slice(1), option, io.cwd), `${option} ${given}`);
  const before = option.startsWith('--') ? `${option} ` : '';
  return parsed(given, option, {
    hint: `Quote it for the shell: ${before}'{"name": "x"}', or use ${before}@file.json`,
  });
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

/** @param typed where the text was given in the command itself: only then an error may quote it */
function parsed(text: string, what: string, typed?: { readonly hint: string }): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error);
    // A file, or what a program writes, may be secret.
    const reason = typed === undefined ? told.replace(QUOTED, '') : told;
    const hint = text.trim() === '' ? 'It is empty.' : typed?.hint;
    throw new RuntimeError('REFUSED', `${what} is not JSON: ${reason}.`, hint === undefined ? {} : { hint });
  }
}
