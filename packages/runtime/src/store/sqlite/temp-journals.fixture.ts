/** Journals in a temporary folder of the test file. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import Database from 'better-sqlite3';
import { afterAll, expect } from 'vitest';

import { RuntimeError } from '../../errors.ts';
import { killChildren } from './child.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'pawl-sqlite-'));
let count = 0;

afterAll(async () => {
  await killChildren();
  rmSync(folder, { recursive: true, force: true });
});

/** A path in a folder of its own, where nothing is yet. */
export function freshPath(name = 'journal.db'): string {
  count += 1;
  return join(mkdtempSync(join(folder, `${count}-`)), name);
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
