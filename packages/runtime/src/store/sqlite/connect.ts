/** One SQLite connection to a journal, in the state that all other files here rely on. */
import { statSync } from 'node:fs';

import Database from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import { assert } from '../../journal/invariant.ts';
import type { MasterKeySource } from '../../ports/sealing-store.ts';
import { beginSealing, masterToBegin } from './begin-sealing.ts';
import { isBusy, notAJournal, sqliteCode, storageError } from './failure.ts';
import { identify, migrate } from './migrate.ts';
import { SCHEMA_VERSION } from './migrations/list.ts';
import { ONE_TRY_MS, patiently } from './patience.ts';
import { IN_MEMORY, noJournal } from './place.ts';
import { checkSchema } from './schema.ts';
import { openElsewhere } from './sealing-errors.ts';

export type Durability = 'full' | 'normal';

export interface ConnectOptions {
  readonly path: string;
  readonly durability: Durability;
  readonly busyTimeoutMs: number;
  readonly readOnly: boolean;
  /** Undefined: without a key. */
  readonly master: MasterKeySource | undefined;
}

/** Older ones can lose a log that is reset while another connection reads it. */
const OLDEST_SQLITE = [3, 51, 3] as const;
const SYNCHRONOUS: Readonly<Record<Durability, number>> = { full: 2, normal: 1 };
/** What is left of the log file after it was emptied. */
const LOG_BYTES_KEPT = 4 * 1024 * 1024;

/**
 * The whole is tried again while others hold locks: SQLite's waiting covers neither the switch to
 * the log (18 of 96 cold opens failed) nor the end of another process that closes last.
 *
 * @throws RuntimeError, SqliteError; the connection is closed then, and a file that is not ours unchanged
 */
export function connect(options: ConnectOptions): Database.Database {
  const progress: Progress = { isSealing: false };
  try {
    return patiently(options.busyTimeoutMs, () => tryToConnect(options, progress));
  } catch (error) {
    if (progress.isSealing && isBusy(error)) throw openElsewhere(options.path);
    throw error;
  }
}

interface Progress {
  /** It waits for others to leave the file. */
  isSealing: boolean;
}

function tryToConnect(options: ConnectOptions, progress: Progress): Database.Database {
  progress.isSealing = false;
  const { path, readOnly } = options;
  if (path !== IN_MEMORY) probe(path);
  const db = new Database(path, {
    readonly: readOnly,
    fileMustExist: path !== IN_MEMORY,
    timeout: ONE_TRY_MS,
  });
  try {
    checkLibrary(db);
    prepare(db, options, progress);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** What the file is, found by a connection that cannot write: not even recovery touches a foreign file. */
function probe(path: string): void {
  const { size } = statSync(path);
  if (size === 0) return;
  // SQLite takes a file of one byte for an empty one.
  if (size === 1) throw notAJournal(path, 'it holds a single byte');
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: ONE_TRY_MS });
  try {
    db.pragma('trusted_schema = off');
    identify(db, path);
  } catch (error) {
    // Somebody died while making the file: only a connection that may write can put it right.
    if (!isHalfMade(error)) throw error;
  } finally {
    db.close();
  }
}

function isHalfMade(error: unknown): boolean {
  return sqliteCode(error)?.startsWith('SQLITE_READONLY') === true;
}

function checkLibrary(db: Database.Database): void {
  const version = String(db.prepare('select sqlite_version()').pluck().get());
  if (isOldSqlite(version)) {
    throw new RuntimeError(
      'STORAGE',
      `The installed better-sqlite3 brings SQLite ${version}; Pawl needs ${OLDEST_SQLITE.join('.')} or newer.`,
      { hint: 'npm install better-sqlite3@latest' },
    );
  }
}

export function isOldSqlite(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [i, needed] of OLDEST_SQLITE.entries()) {
    const has = parts[i] ?? 0;
    if (has !== needed) return has < needed;
  }
  return false;
}

function prepare(db: Database.Database, options: ConnectOptions, progress: Progress): void {
  const { path, readOnly } = options;
  db.pragma('trusted_schema = off');
  db.pragma('cell_size_check = on');
  db.pragma('mmap_size = 0');
  db.pragma('foreign_keys = on');
  db.pragma('secure_delete = on');
  const version = identify(db, path);
  if (readOnly) {
    if (version === 0) throw noJournal(path);
    db.pragma('query_only = on');
    return;
  }
  if (path !== IN_MEMORY) switchToLog(db, path);
  setDurability(db, options.durability);
  migrate(db, path);
  if (version !== SCHEMA_VERSION) checkSchema(db, SCHEMA_VERSION, path);
  beginSealingOnce(db, options, progress);
  checkDurability(db, options.durability);
}

function beginSealingOnce(
  db: Database.Database,
  { path, master, durability }: ConnectOptions,
  progress: Progress,
): void {
  const key = masterToBegin(db, master);
  if (key === undefined) return;
  progress.isSealing = true;
  beginSealing(db, path, key);
  progress.isSealing = false;
  if (path === IN_MEMORY) return;
  switchToLog(db, path);
  setDurability(db, durability);
}

function switchToLog(db: Database.Database, path: string): void {
  const mode: unknown = db.pragma('journal_mode = wal', { simple: true });
  if (mode !== 'wal') {
    throw storageError(
      path,
      `lies where SQLite cannot keep a write-ahead log (mode ${String(mode)})`,
      'Use a local disk: a network file system does not hold a journal safely.',
    );
  }
  db.pragma(`journal_size_limit = ${LOG_BYTES_KEPT}`);
  // See wal.ts.
  db.pragma('wal_autocheckpoint = 0');
}

/** Said after the switch: better-sqlite3 is built with DEFAULT_WAL_SYNCHRONOUS=1, which a power cut shows. */
export function setDurability(db: Database.Database, durability: Durability): void {
  db.pragma(`synchronous = ${durability}`);
}

/** Read again once the schema was read, which is when SQLite would apply its default. */
export function checkDurability(db: Database.Database, durability: Durability): void {
  db.prepare('select 1 from sqlite_schema').get();
  const synchronous: unknown = db.pragma('synchronous', { simple: true });
  assert(
    synchronous === SYNCHRONOUS[durability],
    'E1',
    `synchronous is ${String(synchronous)}, not ${durability}`,
  );
}
