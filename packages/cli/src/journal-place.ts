import {
  DEFAULT_PATH,
  isRunId,
  openJournal,
  openRuntime,
  RuntimeError,
  type JournalReader,
  type RunId,
  type Runtime,
  type RuntimeOptions,
} from '@pawl/runtime';

import { usage } from './command.ts';
import { openEngine, type About } from './engine.ts';
import { shellWords } from './render/next-commands.ts';
import type { Io } from './terminal.ts';

const NEWEST: About = { run: undefined };

/** Which journal a command is about, and how a next command would name it. */
export interface JournalPlace {
  /** Of the file, or the address of the engine. */
  readonly path: string;
  /** `['--db', 'other.db']` where it was given so. */
  readonly flags: readonly string[];
  /** Where no file has it: it is opened for one command. */
  readonly engine?: { readonly io: Io; readonly isJson: boolean };
}

export function journalPlace(db: string | undefined, io: Io): JournalPlace {
  if (db !== undefined) return { path: db, flags: ['--db', db] };
  const fromEnv = io.env['PAWL_DB'];
  return { path: fromEnv === undefined || fromEnv === '' ? DEFAULT_PATH : fromEnv, flags: [] };
}

interface Given {
  readonly db: string | undefined;
  readonly engine: string | undefined;
  readonly json: boolean;
}

/** For a command that also works where an engine keeps the runs. */
export function anyPlace({ db, engine, json: isJson }: Given, io: Io): JournalPlace {
  if (engine !== undefined) return { path: engine, flags: ['--engine', engine], engine: { io, isJson } };
  const fromEnv = io.env['PAWL_ENGINE'] ?? '';
  if (db !== undefined || fromEnv === '') return journalPlace(db, io);
  return { path: fromEnv, flags: [], engine: { io, isJson } };
}

/** What begins a start that waits. */
export function beginCommand({ engine, flags }: JournalPlace): string {
  return engine === undefined
    ? shellWords('pawl', 'work', ...flags)
    : 'a worker of its process: pawl docs scale-out';
}

/**
 * For a command that reads, or that goes on with what is there: never makes a journal.
 * @param about what is read, where an engine has it
 * @throws RuntimeError NOT_FOUND, STORAGE, CORRUPT, NEWER
 */
export async function readJournal<T>(
  place: JournalPlace,
  read: (reader: JournalReader) => T | Promise<T>,
  about: About = NEWEST,
): Promise<T> {
  if (place.engine !== undefined) return await (await openEngine(place.path, place.engine)).read(about, read);
  // Not by `using`: the oldest Node that is supported cannot parse it, and sources run as they are.
  const reader = openReader(place);
  try {
    return await read(reader);
  } finally {
    reader.close();
  }
}

/**
 * For a command that writes to a run which is there, or to a start of it: a missing journal or run is found out before.
 * @throws RuntimeError NOT_FOUND, STORAGE, CORRUPT, NEWER
 */
export async function changeRun<T>(
  place: JournalPlace,
  runId: RunId,
  change: (runtime: Runtime) => T | Promise<T>,
  options: Pick<RuntimeOptions, 'secretKeyCommand'> = {},
): Promise<T> {
  if (place.engine === undefined)
    await readJournal(place, (reader) => reader.start(runId) ?? reader.get(runId));
  return await withRuntime(place, runId, change, options);
}

/** The same where what is missing is told by what is changed. */
export async function withRuntime<T>(
  place: JournalPlace,
  runId: RunId,
  change: (runtime: Runtime) => T | Promise<T>,
  options: Pick<RuntimeOptions, 'secretKeyCommand'> = {},
): Promise<T> {
  if (place.engine !== undefined)
    return await (await openEngine(place.path, place.engine)).change(runId, change);
  const runtime = await openRuntime({ ...options, path: place.path });
  try {
    return await change(runtime);
  } finally {
    await runtime.close();
  }
}

function openReader(place: JournalPlace): JournalReader {
  try {
    return openJournal({ path: place.path });
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.code !== 'NOT_FOUND') throw error;
    throw new RuntimeError('NOT_FOUND', `There is no journal at ${place.path}.`, {
      hint: `A run makes one: ${shellWords('pawl', 'run', '<module>', ...place.flags).replace("'<module>'", '<module>')}`,
      data: { path: place.path },
      cause: error,
    });
  }
}

/**
 * An id as it was typed: only its form is looked at.
 * @throws RuntimeError USAGE
 */
export function checkedRunId(text: string | undefined): RunId {
  if (text !== undefined && isRunId(text)) return text;
  throw usage(
    `'${(text ?? '').slice(0, 80)}' is no run id.`,
    'A run id has 1 to 128 letters, digits and . _ : @ + -, and starts with a letter or a digit. See the runs: pawl list',
  );
}

/** The run that was named, or the newest one. @throws RuntimeError NOT_FOUND */
export function namedOrNewest(reader: JournalReader, named: RunId | undefined, place: JournalPlace): RunId {
  if (named !== undefined) return reader.get(named).runId;
  const newest = reader.list({ limit: 1 })[0];
  if (newest !== undefined) return newest.runId;
  throw new RuntimeError('NOT_FOUND', `There is no run in the journal ${place.path} yet.`, {
    hint: `Start one: ${shellWords('pawl', 'run', ...place.flags)} <module>`,
    data: { path: place.path },
  });
}
