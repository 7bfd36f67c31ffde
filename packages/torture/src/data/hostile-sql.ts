/** Journals as somebody makes them who knows SQLite, and the format, and means harm. Each attack is one change. */
import { createHash } from 'node:crypto';

import type Database from 'better-sqlite3';

/** Where code of theirs would leave its mark. */
const CANARY = 'canary';

/** @returns what was done, in words */
export type Attack = (db: Database.Database, random: () => number) => string;

export function makeCanary(db: Database.Database): void {
  db.exec(`create table if not exists ${CANARY} (mark text)`);
}

/** Marks that were left by code of the journal. */
export function marksIn(db: Database.Database): number {
  const hasCanary = db.prepare('select 1 from sqlite_schema where name = ?').get(CANARY) !== undefined;
  return hasCanary ? Number(db.prepare(`select count(*) from ${CANARY}`).pluck().get()) : 0;
}

function oneOf<T>(list: readonly T[], random: () => number): T {
  const chosen = list[Math.floor(random() * list.length)];
  if (chosen === undefined) throw new TypeError('nothing to choose from');
  return chosen;
}

const MARK = `insert into ${CANARY} values ('run')`;

/** Things that would act, or that are not what they look like. */
const SCHEMAS: readonly string[] = [
  `create trigger t after insert on events begin ${MARK}; end`,
  `create trigger t before update on runs begin ${MARK}; end`,
  `create trigger t after delete on inbox begin ${MARK}; end`,
  `create trigger t after insert on starts begin ${MARK}; delete from runs; end`,
  `create trigger t after update of owner on runs begin update runs set owner = 'x' || randomblob(9); ${MARK}; end`,
  `create trigger t after insert on ${CANARY} begin ${MARK}; end; insert into ${CANARY} values ('x'); delete from ${CANARY}`,
  'drop view journal; create view journal as select load_extension(name) from runs',
  'drop view journal; create view journal as with recursive r(n) as (select 1 union all select n + 1 from r) select n from r',
  `drop table inbox; create view inbox as select 1 as n; create trigger t instead of insert on inbox begin ${MARK}; end`,
  "alter table events rename to e; create view events as with recursive r(n) as (select 1 union all select n + 1 from r) select 1 as run, n as seq, 0 as at, 1 as type, 1 as version, zeroblob(99999999) as payload, x'' as chain, null as key from r",
  'alter table runs add column extra text generated always as (randomblob(99999999)) virtual',
  'create index i on events (hex(zeroblob(length(payload) * 1000)))',
  'create virtual table v using fts5(a, b)',
  'create virtual table v using rtree(id, a, b)',
  'drop index runs_by_status',
  "create table sqlite_stat9 (a); pragma writable_schema = on; update sqlite_schema set name = 'sqlite_master2' where name = 'sqlite_stat9'",
  'create table pawl_something (a)',
  "pragma writable_schema = on; update sqlite_schema set sql = replace(sql, 'strict', '')",
  "pragma writable_schema = on; update sqlite_schema set rootpage = (select rootpage from sqlite_schema where name = 'runs') where name = 'events'",
  "pragma writable_schema = on; update sqlite_schema set rootpage = 99999999 where name = 'events'",
  "pragma writable_schema = on; update sqlite_schema set rootpage = 1 where name = 'runs'",
  "pragma writable_schema = on; delete from sqlite_schema where name = 'event_types'",
  "pragma writable_schema = on; update sqlite_schema set tbl_name = 'runs' where name = 'events'",
  "pragma writable_schema = on; update sqlite_schema set type = 'view' where name = 'events'",
  "pragma writable_schema = on; update sqlite_schema set sql = 'create table events (' || hex(zeroblob(200000)) || ')' where name = 'events'",
  "pragma writable_schema = on; insert into sqlite_schema select type, name, tbl_name, rootpage, sql from sqlite_schema where name = 'runs'",
  'pragma user_version = 0',
  'pragma user_version = -1',
  'pragma user_version = 2147483647',
  'pragma user_version = 3',
  'pragma application_id = 0',
  'drop table events',
  'delete from event_types',
  "update event_types set name = 'RunStarted'",
  "insert into event_types select code + 100000, name || '!' from event_types",
];

export const schema: Attack = (db, random) => {
  const sql = oneOf(SCHEMAS, random);
  db.exec(sql);
  return sql;
};

const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

/** Values that a column does not expect. SQL, so that they can be of any type and length. */
const VALUES: readonly string[] = [
  'null',
  "''",
  "'x'",
  "'../../../etc/passwd'",
  "char(27) || '[2J' || char(10) || 'forged'",
  "char(0) || 'a'",
  '0',
  '-1',
  '9223372036854775807',
  '-9223372036854775808',
  '1e308',
  '0.5',
  'zeroblob(0)',
  'zeroblob(20000000)',
  'randomblob(33)',
  'hex(zeroblob(5000000))',
  "'{'",
  "'[]'",
  "'null'",
  `'{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'`,
  "'1e999'",
  `'{"$":"Map","v":[[1]]}'`,
  `replace(hex(zeroblob(50000)), '00', '[')`,
  "'ffffffffffffffffffffffffffffffff'",
  "'data:text/javascript,process.exit(99)'",
];

/** One cell holds what it should not; of a type that it cannot have, where the schema says so for a moment. */
export const cell: Attack = (db, random) => {
  const tables = db
    .prepare<[], string>(
      "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> 'canary'",
    )
    .pluck()
    .all();
  const filled = tables.filter(
    (name) => Number(db.prepare(`select count(*) from "${name}"`).pluck().get()) > 0,
  );
  const table = random() < 0.6 ? oneOf(['runs', 'events'], random) : oneOf(filled, random);
  const columns = db
    .prepare<[], string>(`select name from pragma_table_xinfo('${table}') where hidden = 0`)
    .pluck()
    .all();
  const column = oneOf(columns, random);
  const value = oneOf(VALUES, random);
  const rows =
    random() < 0.3
      ? ''
      : ` where ${oneOf(columns, random)} = (select max(${oneOf(columns, random)}) from "${table}")`;
  const sql = `update or ignore "${table}" set "${column}" = ${value}${rows}`;
  db.pragma('foreign_keys = off');
  db.pragma('ignore_check_constraints = on');
  try {
    db.exec(sql);
  } catch {
    // The types of strict tables: they are given back below, so that the file looks as it should.
    withoutTypes(db, table, () => db.exec(sql));
  }
  return sql;
};

function withoutTypes(db: Database.Database, table: string, work: () => void): void {
  const sql = String(db.prepare('select sql from sqlite_schema where name = ?').pluck().get(table));
  const setSql = (text: string): void => {
    db.pragma('writable_schema = on');
    db.prepare('update sqlite_schema set sql = ? where name = ?').run(text, table);
    db.pragma('writable_schema = reset');
  };
  setSql(
    sql
      .replace(/\bstrict\b/, '')
      .replace(/\),?\s*,?\s*without rowid$/, ') without rowid')
      .replaceAll('not null', ''),
  );
  try {
    work();
  } finally {
    setSql(sql);
  }
}

/** JSON that a payload may hold in any place. */
const JSON_VALUES: readonly string[] = [
  'null',
  '-1',
  '1e999',
  '9007199254740993',
  '""',
  '"x"',
  '[]',
  '{}',
  '{"__proto__":{"polluted":1}}',
  '"\\u0000"',
  '"../../../x"',
  '"\\u001b]52;c;eA==\\u0007"',
  '{"$":"Date"}',
  '[[[[[[]]]]]]',
  '"999999999999999999999"',
];

/**
 * One event says something else, and all checksums are right: nobody who reads can tell that it was not recorded so. The
 * chain is worked out from docs/journal-format.md, not by Pawl.
 */
export const chained: Attack = (db, random) => {
  const run = oneOf([1, 2, 2, 3], random);
  const seqs = db.prepare<[number], number>('select seq from events where run = ?').pluck().all(run);
  const seq = oneOf(seqs, random);
  const payload = String(
    db.prepare('select payload from events where run = ? and seq = ?').pluck().get(run, seq),
  );
  const changed = changedPayload(payload, random);
  const kind = random();
  if (kind < 0.75)
    db.prepare('update events set payload = ? where run = ? and seq = ?').run(changed, run, seq);
  else if (kind < 0.85)
    db.prepare('update events set type = ? where run = ? and seq = ?').run(
      Math.ceil(random() * 60),
      run,
      seq,
    );
  else if (kind < 0.95) swap(db, run, seq, oneOf(seqs, random));
  else
    db.prepare('update events set at = ? where run = ? and seq = ?').run(
      oneOf([-1, 0, 8.64e15, 8.64e15 + 1, 2 ** 53], random),
      run,
      seq,
    );
  rechain(db, run);
  return `event ${seq} of run ${run} says ${changed.slice(0, 200)}`;
};

function changedPayload(payload: string, random: () => number): string {
  if (random() < 0.05) return DEEP;
  const value: unknown = JSON.parse(payload);
  if (typeof value !== 'object' || value === null) return oneOf(JSON_VALUES, random);
  const names = Object.keys(value);
  const name = names.length === 0 || random() < 0.1 ? 'extra' : oneOf(names, random);
  const parts = names
    .filter((each) => each !== name)
    .map((each) => `${JSON.stringify(each)}:${JSON.stringify(Reflect.get(value, each))}`);
  if (random() < 0.2) return `{${parts.join(',')}}`;
  return `{${[...parts, `${JSON.stringify(name)}:${oneOf(JSON_VALUES, random)}`].join(',')}}`;
}

function swap(db: Database.Database, run: number, one: number, other: number): void {
  const move = db.prepare('update events set seq = ? where run = ? and seq = ?');
  if (one === other) return;
  move.run(1_000_000, run, one);
  move.run(one, run, other);
  move.run(other, run, 1_000_000);
}

function rechain(db: Database.Database, run: number): void {
  const rows = db
    .prepare<[number], { seq: number; at: number; type: number; version: number; payload: string }>(
      'select seq, at, type, version, payload from events where run = ? order by seq',
    )
    .all(run);
  let chain = '';
  const update = db.prepare('update events set chain = unhex(?) where run = ? and seq = ?');
  for (const { seq, at, type, version, payload } of rows) {
    const text = `${chain}\n${seq}\n${at}\n${type}\n${version}\n${payload}`;
    chain = createHash('sha256').update(text).digest('hex').slice(0, 32);
    update.run(chain, run, seq);
  }
  db.prepare('update runs set chain = unhex(?) where id = ?').run(chain, run);
}
