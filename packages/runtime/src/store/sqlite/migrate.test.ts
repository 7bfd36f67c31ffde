import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';

import { identify, migrate } from './migrate.ts';
import { MIGRATIONS, SCHEMA_DIGESTS, SCHEMA_VERSION } from './migrations/list.ts';
import { expectedDigest, RESERVED_PREFIX } from './schema.ts';
import { freshPath } from './temp-journals.fixture.ts';

test.each(['pragma application_id', 'pragma user_version', 'select'])(
  'a journal that another program makes just when this one says «%s» is no foreign database',
  (statement) => {
    const path = freshPath();
    const other = new Database(path);
    other.pragma('journal_mode = wal');
    let isMade = false;
    const db = new Database(path, {
      verbose: (sql) => {
        if (isMade || !String(sql).toLowerCase().startsWith(statement)) return;
        isMade = true;
        migrate(other, path);
      },
    });
    onTestFinished(() => {
      db.close();
      other.close();
    });
    expect([0, SCHEMA_VERSION]).toContain(identify(db, path));
    expect(isMade).toBe(true);
    expect(identify(db, path)).toBe(SCHEMA_VERSION);
  },
);

/** Users may keep tables of their own in a journal since then. */
const OPEN_SINCE = 8;

test('formats since users have tables of their own take none of their names', () => {
  const db = new Database(':memory:');
  onTestFinished(() => void db.close());
  const names = (): unknown[] => db.prepare('select name from sqlite_schema').pluck().all();
  for (const sql of MIGRATIONS.slice(0, OPEN_SINCE)) db.exec(sql);
  const before = new Set(names());
  for (const sql of MIGRATIONS.slice(OPEN_SINCE)) db.exec(sql);
  const added = names().filter((name) => !before.has(name) && !String(name).startsWith('sqlite_autoindex_'));
  expect(added.filter((name) => !String(name).startsWith(RESERVED_PREFIX))).toEqual([]);
});

test('the digest of each version is that of what its migrations make', () => {
  expect(SCHEMA_DIGESTS).toEqual(MIGRATIONS.map((_, i) => expectedDigest(i + 1)));
});
