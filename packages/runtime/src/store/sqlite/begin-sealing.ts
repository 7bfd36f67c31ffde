/**
 * Makes the first data key of a journal. A program that opened it without a key must not go on writing in the clear, so
 * this is done while nobody else has the file: only then does SQLite take it out of its log. A crash in between leaves it
 * out of the log, and the next opening puts it back.
 */
import type { Database } from 'better-sqlite3';

import type { MasterKeySource } from '../../ports/sealing-store.ts';
import { DataKeys } from './data-keys.ts';
import { IN_MEMORY } from './place.ts';

/** Whether this journal is to be encrypted from now on: it is not, and there is a key. */
export function masterToBegin(db: Database, source: MasterKeySource | undefined): Uint8Array | undefined {
  return source === undefined || new DataKeys(db).all().length > 0 ? undefined : source();
}

/**
 * The journal is in no log afterwards, and locked, where it is a file: the caller puts it back.
 * @throws SqliteError BUSY where somebody else has it open
 */
export function beginSealing(db: Database, path: string, master: Uint8Array): void {
  if (path !== IN_MEMORY) {
    db.pragma('locking_mode = exclusive');
    db.pragma('journal_mode = delete');
  }
  db.exec('begin exclusive');
  try {
    const keys = new DataKeys(db);
    // Another program with a key was faster.
    if (keys.all().length === 0) {
      keys.add(1, master);
      // They are found by digests of what was asked, which anybody can compute.
      db.exec('delete from kept_results');
    }
    db.exec('commit');
  } finally {
    if (db.inTransaction) db.exec('rollback');
  }
  if (path === IN_MEMORY) return;
  db.pragma('locking_mode = normal');
  // The lock is let go with the next read.
  db.prepare('select 1 from sqlite_schema').get();
}
