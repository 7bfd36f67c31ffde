import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';

import { identify, migrate } from './migrate.ts';
import { SCHEMA_VERSION } from './migrations/list.ts';
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
