import fs, {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname, join } from 'node:path';

import { expect, onTestFinished, test, vi } from 'vitest';

import { SAMPLE_EVENTS } from '../../journal/sample-events.fixture.ts';
import type { JournalStore } from '../../ports/journal-store.ts';
import { appendOf, claimOf, OWNER_A, OWNER_B, someEvents, START } from '../store-conformance.fixture.ts';
import { isOldSqlite } from './connect.ts';
import { APPLICATION_ID } from './migrate.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { SqliteStoreOptions } from './sqlite-store.ts';
import { errorOf, freshPath, raw } from './temp-journals.fixture.ts';

const { AttemptStarted, RunStarted } = SAMPLE_EVENTS;

function open(path: string, more: Partial<SqliteStoreOptions> = {}): JournalStore {
  const store = openSqliteStore({ path, durability: 'full', ...more });
  onTestFinished(() => store.close());
  return store;
}

function create(path: string, runId = 'run'): void {
  const store = open(path);
  store.append([appendOf(runId, 0, someEvents(5))], claimOf(OWNER_A));
  store.close();
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

function codeOf(path: string, more: Partial<SqliteStoreOptions> = {}): string {
  return errorOf(() => open(path, more)).code;
}

test.each([0o000, 0o022, 0o777])('folder and files are for the owner only, at umask %o', (mask) => {
  const path = join(dirname(freshPath()), 'a', 'b', 'journal.db');
  const before = process.umask(mask);
  try {
    const store = open(path);
    store.append([appendOf('run', 0, [RunStarted])], claimOf(OWNER_A));
  } finally {
    process.umask(before);
  }
  expect([dirname(path), dirname(dirname(path))].map(modeOf)).toEqual([0o700, 0o700]);
  const names = readdirSync(dirname(path)).toSorted();
  expect(names).toEqual(['', '-owner-' + OWNER_A, '-shm', '-wal'].map((end) => basename(path) + end));
  for (const name of names) expect([name, modeOf(join(dirname(path), name))]).toEqual([name, 0o600]);
});

test('a folder that was there keeps its mode', () => {
  const path = freshPath();
  chmodSync(dirname(path), 0o755);
  create(path);
  expect(modeOf(dirname(path))).toBe(0o755);
});

test('what is left after closing is the database alone', () => {
  const path = freshPath();
  create(path);
  expect(readdirSync(dirname(path))).toEqual([basename(path)]);
  expect(readFileSync(path).subarray(68, 72).toString()).toBe('Pawl');
});

test('an acknowledged event is synced: FULL, in a log, also on the second opening', () => {
  const path = freshPath();
  for (let i = 0; i < 2; i += 1) {
    const store = open(path);
    store.append([appendOf(`run-${i}`, 0, [RunStarted])], claimOf(OWNER_A));
    expect(store.describe()).toMatchObject({ durability: 'full', synchronous: '2', journalMode: 'wal' });
    store.close();
  }
  const fast = open(path, { durability: 'normal' });
  expect(fast.describe()).toMatchObject({ durability: 'normal', synchronous: '1' });
  // Whoever wants more gets it, and the other one with it.
  const safe = open(path);
  expect(fast.describe()).toMatchObject({ durability: 'full', synchronous: '2' });
  expect(safe.describe()).toMatchObject({ synchronous: '2' });
});

test('one that is not a database, not ours or not a file is refused and left as it is', () => {
  const foreign = freshPath();
  raw(foreign, (db) => db.exec('pragma journal_mode = wal; create table t (a); insert into t values (1)'));
  const numbered = freshPath();
  raw(numbered, (db) => db.exec('pragma application_id = 7'));
  const text = freshPath();
  writeFileSync(text, 'once upon a time there was no database at all\n'.repeat(100));
  const short = freshPath();
  writeFileSync(short, 'x');
  for (const path of [foreign, numbered, text, short]) {
    const before = readFileSync(path);
    for (const readOnly of [false, true]) {
      const error = errorOf(() => open(path, { readOnly }));
      expect(error.code).toBe('CORRUPT');
      expect(error.exitCode).toBe(8);
      expect(error.message).toContain(path);
    }
    expect(readFileSync(path).equals(before)).toBe(true);
  }
  expect(codeOf(dirname(foreign))).toBe('CORRUPT');
});

test('a journal of a newer program is refused and every byte of it stays', () => {
  const path = freshPath();
  create(path);
  raw(path, (db) => db.exec('create table of_tomorrow (a); pragma user_version = 99'));
  // With a log that nobody put back: refusing must not put it back either.
  const db = raw(path, (first) => {
    first.pragma('wal_autocheckpoint = 0');
    first.exec("insert into of_tomorrow values ('x')");
    const files = ['', '-wal'].map((end) => readFileSync(path + end));
    return files;
  });
  for (const [i, end] of ['', '-wal'].entries()) writeFileSync(path + end, db[i] ?? '');
  for (const readOnly of [false, true]) {
    const error = errorOf(() => open(path, { readOnly }));
    expect([error.code, error.exitCode]).toEqual(['NEWER', 9]);
    expect(error.message).toContain('format 99');
  }
  for (const [i, end] of ['', '-wal'].entries())
    expect(readFileSync(path + end).equals(db[i] as Buffer)).toBe(true);
});

test('an empty file, and one that a crash left before the first commit, become journals', () => {
  const empty = freshPath();
  writeFileSync(empty, '');
  const header = freshPath();
  raw(header, (db) => db.exec('pragma journal_mode = wal; create table t (a); drop table t'));
  for (const path of [empty, header]) {
    create(path);
    expect(open(path).getRun('run', START)?.lastSeq).toBe(5);
  }
});

test.each([
  ['a trigger on our tables', 'create trigger t after insert on events begin delete from runs; end'],
  ['a view', 'create view v as select 1'],
  ['an index on our tables', 'create index i on events (at)'],
  ['a virtual table', 'create virtual table v using fts5(a)'],
  ['a missing index', 'drop index runs_by_status'],
  ['a column more', 'alter table runs add column x text'],
  [
    'another table of the same name',
    'drop table inbox; create table inbox (n, run, id, posted_at, payload, digest)',
  ],
  [
    'a recursive view',
    'create view w as with recursive r(n) as (select 1 union all select n + 1 from r) select * from r',
  ],
])('a journal with %s is refused', (_, sql) => {
  const path = freshPath();
  create(path);
  raw(path, (db) => db.exec(sql));
  for (const readOnly of [false, true]) expect(codeOf(path, { readOnly })).toBe('CORRUPT');
});

test('a journal whose schema was written by hand is refused', () => {
  const path = freshPath();
  create(path);
  raw(path, (db) => {
    db.pragma('writable_schema = on');
    db.exec(
      "update sqlite_schema set sql = replace(sql, 'seq integer not null', 'seq integer') where name = 'events'",
    );
  });
  expect(codeOf(path)).toBe('CORRUPT');
});

test('tables that others keep beside ours, and statistics, are let be', () => {
  const path = freshPath();
  create(path);
  raw(path, (db) => db.exec('create table _litestream_seq (id integer primary key, seq integer); analyze'));
  expect(open(path).getRun('run', START)?.lastSeq).toBe(5);
});

test('a journal that is only read is never written', () => {
  const path = freshPath();
  expect(codeOf(path, { readOnly: true })).toBe('NOT_FOUND');
  expect(codeOf(join(path, 'deeper', 'journal.db'), { readOnly: true })).toBe('NOT_FOUND');
  expect(readdirSync(dirname(path))).toEqual([]);
  writeFileSync(path, '');
  expect(codeOf(path, { readOnly: true })).toBe('NOT_FOUND');
  create(path);
  const before = readFileSync(path);
  const reader = open(path, { readOnly: true });
  expect(reader.getRun('run', START)?.lastSeq).toBe(5);
  expect(reader.verify().damage).toEqual([]);
  for (const write of [
    () => reader.append([appendOf('run', 5, [AttemptStarted])], claimOf(OWNER_A)),
    () => reader.acquireLease('run', claimOf(OWNER_B, START * 2)),
    () => reader.post('run', { kind: 'cancel', id: 'm', reason: '' }, START),
  ]) {
    expect(write).toThrow('C1');
  }
  reader.close();
  expect(readFileSync(path).equals(before)).toBe(true);
});

test('one process has one connection to a file, however often it opens it', () => {
  const path = freshPath();
  const link = join(dirname(path), 'link.db');
  const first = open(path);
  symlinkSync(path, link);
  const second = open(link);
  first.append([appendOf('run', 0, [RunStarted])], claimOf(OWNER_A));
  expect(second.getRun('run', START)).toMatchObject({ ownerAlive: true });
  first.close();
  first.close();
  expect(second.acquireLease('run', claimOf(OWNER_B)).status).toBe('acquired');
  expect(errorOf(() => first.getRun('run', START)).code).toBe('STORAGE');
  expect(readdirSync(dirname(path))).toContain(`${basename(path)}-wal`);
  second.close();
  expect(readdirSync(dirname(path)).toSorted()).toEqual([basename(path), 'link.db']);
});

test('the mark of one user moves with what the other writes, not with its own appends', () => {
  const path = freshPath();
  const [writer, other] = [open(path), open(path)];
  const [mine, others] = [writer.changeMark(), other.changeMark()];
  writer.append([appendOf('run', 0, [RunStarted])], claimOf(OWNER_A));
  expect(writer.changeMark()).toBe(mine);
  expect(other.changeMark()).not.toBe(others);
});

test('journals in memory are never shared', () => {
  const [one, two] = [open(':memory:'), open(':memory:')];
  one.append([appendOf('run', 0, [RunStarted])], claimOf(OWNER_A));
  expect(two.getRun('run', START)).toBeUndefined();
});

test('another copy of Pawl in the process is refused while the file is open', () => {
  const path = freshPath();
  create(path);
  const registry = (globalThis as unknown as Record<symbol, Map<string, unknown>>)[
    Symbol.for('pawl.open-journals')
  ];
  const { dev, ino } = statSync(path);
  registry?.set(`${dev}:${ino}`, { module: 'file:///elsewhere/store.js', count: 1 });
  const error = errorOf(() => open(path));
  expect([error.code, error.hint]).toEqual(['STORAGE', expect.stringContaining('/elsewhere/')]);
  registry?.delete(`${dev}:${ino}`);
  expect(open(path).getRun('run', START)?.lastSeq).toBe(5);
});

test.each(['', 'a\0b', 'journal.db '])('%j is no name for a journal', (name) => {
  expect(codeOf(name)).toBe('USAGE');
});

test('a path that looks like a URI or an option is a file', () => {
  for (const name of ['file:x?mode=memory', '-rf', 'ü 🙂.db']) {
    const path = freshPath(name);
    create(path);
    expect(readdirSync(dirname(path))).toEqual([name]);
  }
});

test('a second name of the file is refused', () => {
  const path = freshPath();
  create(path);
  linkSync(path, `${path}.twin`);
  expect(codeOf(path)).toBe('STORAGE');
  rmSync(`${path}.twin`);
  const store = open(path);
  linkSync(path, `${path}.twin`);
  const error = errorOf(() => store.append([appendOf('new', 0, [RunStarted])], claimOf(OWNER_A)));
  expect(error.message).toContain('second name');
});

test('a link to nothing is refused', () => {
  const path = freshPath();
  symlinkSync(join(dirname(path), 'nowhere'), path);
  expect(codeOf(path)).toBe('STORAGE');
  expect(readdirSync(dirname(path))).toEqual([basename(path)]);
});

test.runIf(process.getuid?.() !== 0)('a folder that cannot be written to is refused with a hint', () => {
  const path = freshPath();
  mkdirSync(join(dirname(path), 'closed'), { mode: 0o500 });
  const error = errorOf(() => open(join(dirname(path), 'closed', 'journal.db')));
  expect([error.code, error.hint]).toEqual(['STORAGE', expect.stringContaining('writable')]);
});

const MOVES: Readonly<Record<string, (path: string) => void>> = {
  deleted: (path) => unlinkSync(path),
  'moved away': (path) => renameSync(path, `${path}.gone`),
  'replaced by another file': (path) => {
    create(`${path}.other`);
    renameSync(`${path}.other`, path);
  },
  'replaced by a link to itself': (path) => {
    renameSync(path, `${path}.real`);
    symlinkSync(`${path}.real`, path);
  },
  'without its log': (path) => unlinkSync(`${path}-wal`),
};

test.each(Object.keys(MOVES))(
  'a journal that is %s while it is open is noticed before the next commit',
  (how) => {
    const path = freshPath();
    const store = open(path);
    store.append([appendOf('run', 0, someEvents(3))], claimOf(OWNER_A));
    MOVES[how]?.(path);
    const error = errorOf(() => store.append([appendOf('run', 3, [AttemptStarted])], claimOf(OWNER_A)));
    expect([error.code, error.exitCode]).toEqual(['STORAGE', 10]);
    expect(error.message).toContain(path);
    // And it stays ended: nothing is tried again.
    expect(errorOf(() => store.read('run', 0, 10))).toBe(error);
    expect(errorOf(() => store.renewLease('run', 1, claimOf(OWNER_A)))).toBe(error);
    store.close();
  },
);

test.each([
  ['that was moved away', (log: string) => renameSync(log, `${log}-gone`)],
  ['that was deleted', unlinkSync],
])('another log in the place of one %s is noticed before the next commit', (_, take) => {
  const path = freshPath();
  const store = open(path);
  const append = (seq: number): unknown =>
    store.append([appendOf('run', seq, seq === 0 ? someEvents(3) : [AttemptStarted])], claimOf(OWNER_A));
  append(0);
  append(3);
  const log = `${path}-wal`;
  const copy = readFileSync(log);
  take(log);
  writeFileSync(log, copy);
  expect(errorOf(() => append(4)).message).toContain('lost its log');
  store.close();
});

test.runIf(process.platform === 'linux')(
  'commits do not ask for the times of the log, which would make each fsync write its inode, too',
  () => {
    const path = freshPath();
    const store = open(path);
    const original = fs.statSync;
    const asked: unknown[] = [];
    const clock = vi.spyOn(performance, 'now').mockReturnValue(10_000);
    onTestFinished(() => {
      clock.mockRestore();
      Object.assign(fs, { statSync: original });
      syncBuiltinESMExports();
    });
    Object.assign(fs, {
      statSync: (...args: Parameters<typeof original>) => {
        asked.push(args[0]);
        return original(...args);
      },
    });
    syncBuiltinESMExports();
    store.append([appendOf('run', 0, someEvents(1))], claimOf(OWNER_A));
    asked.length = 0;
    const commit = (seq: number): unknown =>
      store.append([appendOf('run', seq, [AttemptStarted])], claimOf(OWNER_A));
    for (let seq = 1; seq <= 100; seq += 1) commit(seq);
    expect(asked).toEqual([]);
    clock.mockReturnValue(11_000);
    commit(101);
    expect(asked).toEqual([`${path}-wal`]);
  },
);

test('a file put in the place of the journal is not written to', () => {
  const path = freshPath();
  const store = open(path);
  store.append([appendOf('run', 0, someEvents(3))], claimOf(OWNER_A));
  create(`${path}.other`, 'other-run');
  renameSync(`${path}.other`, path);
  const before = readFileSync(path);
  errorOf(() => store.append([appendOf('run', 3, [AttemptStarted])], claimOf(OWNER_A)));
  store.close();
  expect(readFileSync(path).equals(before)).toBe(true);
});

test('old libraries are told by their numbers', () => {
  expect(['3.51.2', '3.50.9', '3.7.17', '2.99.99', ''].map(isOldSqlite)).toEqual([
    true,
    true,
    true,
    true,
    true,
  ]);
  expect(['3.51.3', '3.51.10', '3.54.1', '4.0.0'].map(isOldSqlite)).toEqual([false, false, false, false]);
  expect(APPLICATION_ID).toBe(Buffer.from('Pawl').readInt32BE());
});
