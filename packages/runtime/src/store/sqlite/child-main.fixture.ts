/** A process that does to a journal what it is told, one JSON line each; see child.fixture.ts. */
import { createInterface } from 'node:readline';

import Database from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import type { JournalStore } from '../../ports/journal-store.ts';
import { lineOf } from './child.fixture.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { SqliteStoreOptions } from './sqlite-store.ts';

let store: JournalStore | undefined;
let raw: Database.Database | undefined;

const COMMANDS: Readonly<Record<string, (...args: never[]) => unknown>> = {
  open: (options: SqliteStoreOptions) => {
    store = openSqliteStore(options);
  },
  call: (method: keyof JournalStore, ...args: never[]) => {
    const work = store?.[method] as ((...args: never[]) => unknown) | undefined;
    return work?.apply(store, args);
  },
  lock: (path: string) => {
    raw = new Database(path);
    raw.exec('begin immediate');
  },
  unlockAfter: (ms: number) => {
    setTimeout(() => raw?.close(), ms);
  },
  sql: (path: string, sql: string) => {
    const db = new Database(path);
    db.unsafeMode(true);
    db.exec(sql);
    db.close();
  },
};

function answerTo(line: string): unknown {
  const [name = '', ...args] = JSON.parse(line) as [string, ...never[]];
  try {
    return { result: COMMANDS[name]?.(...args) };
  } catch (error) {
    if (error instanceof RuntimeError) return { code: error.code, message: error.message };
    return { code: 'other', message: String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(lineOf(answerTo(line)));
}
