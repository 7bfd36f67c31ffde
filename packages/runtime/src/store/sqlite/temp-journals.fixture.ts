/** Journals in a temporary folder of their test. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import Database from 'better-sqlite3';
import { expect, onTestFinished } from 'vitest';

import { RuntimeError } from '../../errors.ts';

/** A path in a folder of its own, where nothing is yet. @param atEnd when it is cleared away, such as `afterAll` */
export function freshPath(name = 'journal.db', atEnd: (clean: () => void) => void = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-sqlite-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, name);
}

/** Runs SQL on a journal that is closed, without any of our care. */
export function raw<T>(path: string, work: (db: Database.Database) => T): T {
  const db = new Database(path);
  try {
    db.unsafeMode(true);
    return work(db);
  } finally {
    db.close();
  }
}

/** Only of a journal that no connection of this process has open. */
export function copyJournal(path: string): string {
  const copy = freshPath();
  for (const end of ['', '-wal']) {
    if (existsSync(path + end)) copyFileSync(path + end, copy + end);
  }
  return copy;
}

export function errorOf(work: () => unknown): RuntimeError {
  try {
    work();
  } catch (error) {
    if (error instanceof RuntimeError) return error;
    throw error;
  }
  return expect.fail('it did not throw');
}
