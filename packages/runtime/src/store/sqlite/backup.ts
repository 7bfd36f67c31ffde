/** A copy of a journal that is open, made by SQLite itself: bytes of an open journal are never read here. */
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

import type { Database } from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import { isBusy } from './failure.ts';
import { identityOf, makeFile, syncFolder } from './place.ts';

/** What SQLite keeps beside a database that is open, or was when its program died. */
const BESIDE = ['-wal', '-shm', '-journal'] as const;

/** No room, or a disk that takes nothing, as SQLite or the file system says it. */
const OF_THE_DISK = /^(SQLITE_(FULL|IOERR)|(ENOSPC|EROFS|EDQUOT|EFBIG|EIO)$)/;

/**
 * Made beside its place, and put there when all of it is on the disk: a crash leaves the old file, or the new one.
 * @returns bytes of the copy @throws RuntimeError REFUSED, STORAGE, SqliteError BUSY
 */
export function backup(db: Database, journal: string, given: string, replaces: boolean): number {
  const path = resolve(given);
  const beside = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    refuse(journal, path, given, replaces);
    // Made before, so that it never has another mode.
    makeFile(beside);
    writeInto(db, beside);
    const descriptor = openSync(beside, 'r+');
    fsyncSync(descriptor);
    closeSync(descriptor);
    const { size } = statSync(beside);
    // Somebody may have made it meanwhile.
    refuse(journal, path, given, replaces);
    renameSync(beside, path);
    syncFolder(dirname(path));
    return size;
  } catch (error) {
    rmSync(beside, { force: true });
    if (error instanceof RuntimeError || isBusy(error)) throw error;
    const isDisk = error instanceof Error && 'code' in error && OF_THE_DISK.test(String(error.code));
    throw new RuntimeError(isDisk ? 'STORAGE' : 'REFUSED', `${given} cannot be written: ${String(error)}`, {
      hint: isDisk
        ? 'Make room, or name a file on another disk.'
        : 'Name a file in a folder that is there and that you may write to.',
      data: { path: given },
      cause: error,
    });
  }
}

/** `query_only` would keep it from writing the other file, too; what reads only cannot write this one anyway. */
function writeInto(db: Database, path: string): void {
  const isQueryOnly = db.pragma('query_only', { simple: true }) === 1;
  if (isQueryOnly) db.pragma('query_only = off');
  try {
    db.prepare('vacuum into ?').run(path);
  } finally {
    if (isQueryOnly) db.pragma('query_only = on');
  }
}

/** A log or a lock, of the journal or of another database: replaced under programs that have it open, or swept away. */
function isBeside(journal: string, path: string): boolean {
  const identity = identityOf(path);
  const isOf = (end: string): boolean =>
    path.endsWith(end) && identityOf(path.slice(0, -end.length)) !== undefined;
  const isLog = (end: string): boolean => identity !== undefined && identity === identityOf(journal + end);
  if (BESIDE.some((end) => isOf(end) || isLog(end))) return true;
  const isNear = identityOf(dirname(path)) === identityOf(dirname(journal));
  return isNear && basename(path).startsWith(`${basename(journal)}-owner-`);
}

function refuse(journal: string, path: string, given: string, replaces: boolean): void {
  if (isBeside(journal, path)) {
    throw new RuntimeError('REFUSED', `${given} is a name that is used beside a journal while it is open.`, {
      hint: 'Name another file',
      data: { path: given },
    });
  }
  const identity = identityOf(path);
  if (identity === undefined && !BESIDE.some((end) => identityOf(path + end) !== undefined)) return;
  const refused = (what: string, hint: string): RuntimeError =>
    new RuntimeError('REFUSED', `${given} ${what}.`, { hint, data: { path: given } });
  if (identity !== undefined && identity === identityOf(journal))
    throw refused('is the journal itself', 'Name another file');
  // A log beside it would be taken for that of the copy, and put into it.
  const log = BESIDE.find((end) => identityOf(path + end) !== undefined);
  if (log !== undefined)
    throw refused(
      `has a log beside it (${log}): a program has it open, or died with it open`,
      'Name another file; where no program has that one open, pawl compact --db <file> puts the log away',
    );
  if (!replaces) throw refused('is there already', 'Name another file, or replace it with --force');
}
