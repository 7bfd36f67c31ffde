/** What SQLite says, as an operating error of ours. */
import Database from 'better-sqlite3';

import { isThrown } from '../../journal/builtin.ts';
import { RuntimeError } from '../../errors.ts';

interface Failure {
  readonly error: RuntimeError;
  /**
   * The connection is not to be used again. After a failed fsync the kernel has dropped the dirty
   * pages: trying again says yes to what is not on the disk.
   */
  readonly fatal: boolean;
}

export function sqliteCode(error: unknown): string | undefined {
  return isThrown(error, Database.SqliteError) ? error.code : undefined;
}

export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== undefined && /^SQLITE_(BUSY|LOCKED)/.test(code);
}

export function notAJournal(path: string, why: string, cause?: unknown): RuntimeError {
  return new RuntimeError('CORRUPT', `${path} is not a Pawl journal: ${why}.`, {
    hint: 'Name another file with --db, or move this one away.',
    data: { path },
    cause,
  });
}

export function storageError(path: string, what: string, hint: string, cause?: unknown): RuntimeError {
  return new RuntimeError('STORAGE', `The journal ${path} ${what}.`, { hint, data: { path }, cause });
}

const NEEDS_ROOM =
  'To be read it needs 32 kB beside it and the right to write in its folder: make room, or read a copy elsewhere.';
const RESUME = 'Nothing that was reported as done is lost: see to the disk, then resume the run.';

/** `undefined` where the error does not come from SQLite or the file system. */
export function failureOf(error: unknown, path: string, doing: 'read' | 'write'): Failure | undefined {
  const code = sqliteCode(error);
  if (code === undefined) return undefined;
  const message = error instanceof Error ? error.message : String(error);
  const data = { path, sqlite: code };
  const details = (hint: string): { hint: string; data: typeof data; cause: unknown } => ({
    hint,
    data,
    cause: error,
  });

  if (isBusy(error)) {
    const text = `The journal ${path} is locked by another program.`;
    return {
      error: new RuntimeError('BUSY', text, details(`Try again; fuser '${path}' says who.`)),
      fatal: false,
    };
  }
  // Mostly some other file was named, which nobody damaged.
  if (code === 'SQLITE_NOTADB')
    return {
      error: notAJournal(path, 'it is no SQLite database, or its first bytes are damaged', error),
      fatal: doing === 'write',
    };
  if (/^SQLITE_(CORRUPT|FORMAT|CONSTRAINT|MISMATCH)/.test(code)) {
    const text = `The journal ${path} is damaged (${code}: ${message}).`;
    return { error: new RuntimeError('CORRUPT', text, details('pawl verify')), fatal: doing === 'write' };
  }
  if (code === 'SQLITE_TOOBIG') {
    const text = `A value is larger than the journal ${path} can hold.`;
    const kind = doing === 'write' ? 'REFUSED' : 'CORRUPT';
    return {
      error: new RuntimeError(kind, text, details('Record a reference to it instead.')),
      fatal: false,
    };
  }
  const what =
    code === 'SQLITE_FULL'
      ? 'cannot grow: the disk is full'
      : `cannot be ${doing === 'read' ? 'read' : 'written'} (${code}: ${message})`;
  const isBeside = doing === 'read' && /^SQLITE_(IOERR_SHM|CANTOPEN|READONLY)/.test(code);
  return { error: storageError(path, what, isBeside ? NEEDS_ROOM : RESUME, error), fatal: true };
}
