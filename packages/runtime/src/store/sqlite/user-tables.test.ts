import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import type { RunTransaction } from '../../ports/journal-store.ts';
import { MIGRATIONS } from './migrations/list.ts';
import { UserTables } from './user-tables.ts';

/** In an open transaction on a journal; `fails` says at which statement the disk does. */
function tables(fails: (sql: string) => boolean = () => false): UserTables {
  const db = new Database(':memory:');
  for (const sql of MIGRATIONS) db.exec(sql);
  db.exec('begin immediate');
  const prepare = db.prepare.bind(db);
  db.prepare = ((sql: string) => {
    if (fails(sql)) throw new Database.SqliteError('disk I/O error', 'SQLITE_IOERR_READ');
    return prepare(sql);
  }) as typeof prepare;
  return new UserTables(db, ':memory:');
}

/** The body's error is recorded, as a run does it. */
function bodyOf(body: Parameters<Parameters<RunTransaction>[0]>[0]): RunTransaction {
  return (within) => {
    try {
      within(body);
    } catch {
      // It is an outcome, too.
    }
    return [];
  };
}

it.each<[string, RegExp]>([
  ['a statement is compiled', /^select 1/],
  ['a statement is judged', /^explain/],
  ['the schema is looked at afterwards', /from sqlite_schema limit/],
])('an error of the disk ends the transaction, also where %s', (_, sql) => {
  const run = bodyOf((db) => {
    try {
      db.prepare('select 1').get();
    } catch {
      // Nor does it help that the body passes over it.
    }
    db.prepare('create table mine (a)').run();
  });
  expect(() => tables((text) => sql.test(text)).run(run)).toThrow('disk I/O error');
  expect(() => tables().run(run)).not.toThrow();
});

it.each([
  'select * from pragma_optimize(65538)',
  'select * from "PRAGMA_Optimize"(65538) as x',
  "select $x(') from pragma_optimize(65538) --')",
])('nobody has our tables counted: %s', (sql) => {
  let told: unknown;
  const run = bodyOf((db) => {
    try {
      db.prepare(sql).all();
    } catch (error) {
      told = error;
    }
  });
  tables().run(run);
  expect(told).toMatchObject({ code: 'REFUSED' });
});
