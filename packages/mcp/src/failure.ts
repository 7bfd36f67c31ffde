import type { PawlEnd } from './pawl.ts';
import { bounded, type Reply } from './reply.ts';

interface ToldError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | null;
  readonly data?: unknown;
}

/** What to call next, by the code of an error. */
const NEXT: Readonly<Record<string, string>> = {
  NOT_FOUND: 'list_runs shows which runs there are; start_run makes one.',
  BUSY: 'Another program drives this run: why_run says what it waits for. Try again later.',
  REFUSED: 'why_run says where the run stands, and waiting what it waits for.',
  USAGE: 'See the schema of this tool for what it takes.',
  VALIDATION: 'Give an input that the schema of the process takes.',
  NON_DETERMINISM:
    'The code has changed in a way that does not fit the journal: put it back, or start another run.',
  RUN_FAILED: 'show_run shows which call failed.',
  WAITING: 'waiting shows what it waits for.',
  CORRUPT: 'Tell the person you work for: the journal is damaged (pawl verify).',
  SEALED: 'Tell the person you work for: the journal is encrypted, and its key is not here (PAWL_KEY).',
  STORAGE: 'Tell the person you work for: the journal cannot be written.',
};

/** The error that the command told; undefined where it told none. */
export function errorOf({ stderr }: PawlEnd): ToldError | undefined {
  for (const line of stderr.trimEnd().split('\n').toReversed()) {
    if (!line.startsWith('{"version":')) continue;
    try {
      const { error } = JSON.parse(line) as { error?: ToldError };
      if (error !== undefined) return error;
    } catch {
      // A line of user code.
    }
  }
  return undefined;
}

/** How a command failed, as an answer that says what to do. */
export function failed(end: PawlEnd): Reply {
  const error = errorOf(end);
  if (error === undefined) {
    const said =
      end.isCut || end.exitCode === null
        ? 'It took too long, or said too much, and was stopped.'
        : `pawl ended with exit code ${end.exitCode}.`;
    return {
      said,
      data: bounded(end.stderr.slice(-4000)),
      isError: true,
      next: ['Ask for less, or narrow it down.'],
    };
  }
  const { code, message, hint, data } = error;
  const next = NEXT[code];
  const told = {
    message,
    ...(hint === undefined || hint === null ? {} : { hint }),
    ...(data === undefined ? {} : { data }),
  };
  return {
    said: `${code}`,
    data: bounded(JSON.stringify(told)),
    isError: true,
    ...(next === undefined ? {} : { next: [next] }),
  };
}
