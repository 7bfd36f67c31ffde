import type { ErrorRecord } from '@pawl/runtime';

import { clean, cleanLines } from './clean.ts';
import { fit } from './columns.ts';
import { sourcePlace } from './source-place.ts';

/** Where the reader is, and where Pawl is, so that a stack can be told apart. */
export interface Places {
  readonly cwd: string;
  readonly ownFolders: readonly string[];
}

export interface ErrorLines {
  /** `TypeError: no such file` and further lines of the message. */
  readonly message: readonly string[];
  /** `src/pay.ts:12:9` */
  readonly where: string | undefined;
  /** The end of what a command printed. */
  readonly output: readonly string[];
  /** Each cause in one line. */
  readonly causes: readonly string[];
}

const MAX_MESSAGE_LINES = 6;
const MAX_OUTPUT_LINES = 10;
const MAX_CAUSES = 3;

const LONGEST_COMMAND = 48;

/** An error's name says nothing when it is only `Error`. */
function titleOf({ name, message }: ErrorRecord): string {
  const [, command, how] =
    name === 'ShellError' ? (/^'(.*)' ((?:ended|was|could) .*)$/s.exec(message) ?? []) : [];
  if (command !== undefined) return `'${fit(clean(command), LONGEST_COMMAND)}' ${how ?? ''}`;
  return name === 'Error' || name === 'NonError' || name === 'TaskError' ? message : `${name}: ${message}`;
}

export function errorLines(error: ErrorRecord, places: Places): ErrorLines {
  const message = cleanLines(titleOf(error));
  const more = message.length - MAX_MESSAGE_LINES;
  const causes: string[] = [];
  // A TaskError repeats its cause's message.
  let cause = error.name === 'TaskError' ? error.cause?.cause : error.cause;
  for (; cause !== undefined && causes.length < MAX_CAUSES; cause = cause.cause) {
    causes.push(firstLine(titleOf(cause)));
  }
  return {
    message: more > 0 ? [...message.slice(0, MAX_MESSAGE_LINES), `… ${more} more lines`] : message,
    where: whereOf(error, places),
    output: outputOf(error),
    causes,
  };
}

/** The innermost cause is nearest to what happened. */
function whereOf(error: ErrorRecord, { cwd, ownFolders }: Places): string | undefined {
  const inner = error.cause === undefined ? undefined : whereOf(error.cause, { cwd, ownFolders });
  const where = inner ?? sourcePlace(error.stack, cwd, ownFolders);
  return where === undefined ? undefined : clean(where);
}

/** What a failed command printed last: stderr, or stdout where that is empty. */
function outputOf(error: ErrorRecord): readonly string[] {
  const { stderr, stdout } = (error.name === 'TaskError' ? error.cause : error)?.fields ?? {};
  const text = [stderr, stdout].find((stream) => typeof stream === 'string' && stream.trim() !== '');
  if (typeof text !== 'string') return [];
  const lines = cleanLines(text.slice(-8000)).filter((line) => line.trim() !== '');
  return lines.length > MAX_OUTPUT_LINES ? lines.slice(-MAX_OUTPUT_LINES) : lines;
}

export function firstLine(text: string): string {
  const [line = '', ...rest] = cleanLines(text);
  return rest.length > 0 ? `${line} …` : line;
}

/** The error in one line. */
export function errorTitle(error: ErrorRecord): string {
  return firstLine(titleOf(error));
}
