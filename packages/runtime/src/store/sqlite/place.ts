/**
 * Where a journal lies: its folder and file are made for the owner's eyes only, and the file is
 * watched, because SQLite goes on writing to one that was deleted or replaced under it.
 */
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

import { RuntimeError } from '../../errors.ts';
import { notAJournal, storageError } from './failure.ts';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** SQLite keeps its log by the name: two names are two logs, and one of them is lost. */
const SECOND_NAME = 'has a second name (a hard link)';

export const IN_MEMORY = ':memory:';

/**
 * The absolute path without symbolic links; the file is there afterwards.
 *
 * @throws RuntimeError USAGE, NOT_FOUND, STORAGE, CORRUPT
 */
export function placeJournal(given: string, readOnly: boolean): string {
  const asked = resolve(given);
  // SQLite's binding trims names, and would then open another file.
  if (given === '' || given.includes('\0') || asked.trim() !== asked) {
    throw new RuntimeError('USAGE', `${JSON.stringify(given)} is no name for a journal file.`, {
      hint: 'Name a file such as .pawl/journal.db.',
    });
  }
  try {
    if (!readOnly) makeFolders(dirname(asked));
    if (statSync(asked, { throwIfNoEntry: false }) === undefined) {
      if (readOnly) throw noJournal(given);
      makeFile(join(realpathSync(dirname(asked)), basename(asked)));
    }
    const path = realpathSync(asked);
    checkFile(path, readOnly);
    return path;
  } catch (error) {
    throw error instanceof RuntimeError ? error : placeError(given, error, readOnly);
  }
}

export function noJournal(path: string): RuntimeError {
  return new RuntimeError('NOT_FOUND', `There is no journal at ${path}.`, {
    hint: 'pawl run <process> makes it; --db names another.',
    data: { path },
  });
}

function placeError(path: string, error: unknown, readOnly: boolean): RuntimeError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (readOnly && code === 'ENOENT') return noJournal(path);
  const reason = error instanceof Error ? error.message : String(error);
  const hint =
    code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
      ? `Make ${dirname(resolve(path))} writable, or name another place with --db.`
      : 'Name another place with --db.';
  return storageError(path, `cannot be opened (${reason})`, hint, error);
}

/** Parents are synced too: a file in a folder that a power cut takes away is lost with it. */
function makeFolders(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) return;
  makeFolders(dirname(folder));
  try {
    mkdirSync(folder, { mode: FOLDER_MODE });
  } catch (error) {
    // Another process was faster.
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
    throw error;
  }
  chmodSync(folder, FOLDER_MODE);
  syncFolder(dirname(folder));
}

export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Whatever the umask says; SQLite gives its files beside it the same mode. */
export function makeFile(path: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, FILE_MODE);
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) return;
    throw error;
  }
  try {
    fchmodSync(descriptor, FILE_MODE);
  } finally {
    // Safe here only: the file is a moment old, so no connection of this process can hold a lock on it.
    closeSync(descriptor);
  }
}

function checkFile(path: string, readOnly: boolean): void {
  const stats = statSync(path);
  if (!stats.isFile()) throw notAJournal(path, 'it is not a file');
  if (stats.nlink > 1) throw storageError(path, SECOND_NAME, 'Remove the other name.');
  accessSync(path, readOnly ? constants.R_OK : constants.R_OK | constants.W_OK);
  if (!readOnly) accessSync(dirname(path), constants.W_OK);
}

/** Device and inode: what a file is, whatever it is called. */
export function identityOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}

/** How long it is not asked again by its times which file the log is. */
const LOG_LOOK_MS = 1000;

const OPEN_FILES = '/proc/self/fd';

/** Tells when the file behind an open connection is no longer the one at its path. */
export class FileWatch {
  readonly #path: string;
  readonly #identity: string | undefined;
  #log: string | undefined;
  #open: OpenFile | undefined;
  #lookedAtMs = 0;

  constructor(path: string) {
    this.#path = path;
    this.#identity = identityOf(path);
  }

  /**
   * Asked before every commit. A link now at the path counts as another file, as those who open the
   * journal through it use a log of another name.
   *
   * @throws RuntimeError STORAGE
   */
  check(): void {
    let problem: string | undefined;
    try {
      problem = this.#problem();
    } catch (error) {
      problem = `cannot be found any more (${error instanceof Error ? error.message : String(error)})`;
    }
    if (problem !== undefined) {
      const hint = 'Put the file back as it was, or restore a backup; then resume the run.';
      throw storageError(this.#path, problem, hint);
    }
  }

  #problem(): string | undefined {
    const stats = lstatSync(this.#path, { throwIfNoEntry: false });
    if (stats === undefined) return 'was deleted while it was open';
    if (`${stats.dev}:${stats.ino}` !== this.#identity) return 'was replaced while it was open';
    if (stats.nlink > 1) return SECOND_NAME;
    return this.#hasLog() ? undefined : 'lost its log (-wal) while it was open';
  }

  /**
   * Whoever asks Linux (6.13 and later) for the times of a file makes the next write to it set them exactly, and the
   * fsync behind it write the inode, too: half as long again. So there the name of the open file is asked, which
   * changes when the file is moved, replaced or deleted.
   */
  #hasLog(): boolean {
    const now = performance.now();
    const isSeen = this.#open !== undefined && nameOf(this.#open.link) === this.#open.name;
    if (isSeen && now - this.#lookedAtMs < LOG_LOOK_MS) return true;
    const log = identityOf(`${this.#path}-wal`);
    this.#log ??= log;
    if (log !== this.#log) return false;
    this.#lookedAtMs = now;
    if (!isSeen && log !== undefined) this.#open = openFile(log);
    return true;
  }
}

/** A file that this process has open. */
interface OpenFile {
  readonly link: string;
  readonly name: string;
}

/** Undefined where the system does not tell: then each look is at the file itself. */
function openFile(identity: string): OpenFile | undefined {
  if (!existsSync(OPEN_FILES)) return undefined;
  for (const descriptor of readdirSync(OPEN_FILES)) {
    const link = join(OPEN_FILES, descriptor);
    const name = nameOf(link);
    if (name?.endsWith('-wal') === true && identityOf(link) === identity) return { link, name };
  }
  return undefined;
}

function nameOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
