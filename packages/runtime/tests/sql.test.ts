import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineTask, type Process } from '@pawl/sdk';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addEvent,
  createRunTree,
  displayStatus,
  openJournal,
  openRuntime,
  SQL_CONTRACT_VERSION,
  SQL_VIEWS,
  type CallNode,
  type RuntimeError,
} from '../src/index.ts';
import { MIGRATIONS } from '../src/store/sqlite/migrations/list.ts';
import { connectForSql } from '../src/store/sqlite/sql/sql-connection.ts';
import { answer } from '../src/store/sqlite/sql/sql-statement.ts';

type Row = Readonly<Record<string, string | number | null>>;

const folder = mkdtempSync(join(tmpdir(), 'pawl-sql-'));
const path = join(folder, 'journal.db');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function ask(sql: string, journal = path): Row[] {
  const db = connectForSql(journal);
  try {
    const given = answer(db, sql, 100_000);
    if (given.kind !== 'rows') throw new TypeError(JSON.stringify(given));
    const { columns, rows } = given.rows;
    return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i] ?? null])));
  } finally {
    db.close();
  }
}

function refusal(sql: string): { message: string; offset: number | null; nearest: readonly string[] } {
  const db = connectForSql(path);
  try {
    const given = answer(db, sql, 10);
    if (given.kind !== 'refused') throw new TypeError(`${sql} was taken`);
    return given.refusal;
  } finally {
    db.close();
  }
}

const reserve = defineTask({ name: 'reserve', run: (item: string) => `${item}-1` });
const charge = defineTask({
  name: 'charge',
  retry: { attempts: 2, delay: 1 },
  run: (amount: number, { attempt, log }) => {
    log.warn('charges', amount);
    if (attempt === 1 || amount > 100) throw new RangeError(`a card takes no ${amount}`);
    return { receipt: amount * 10 };
  },
});
const pack: Process<string, string> = async (item, ctx) => `${await ctx.task(reserve, item)} packed`;
interface Order {
  readonly items: readonly string[];
  readonly amount: number;
  readonly asks?: boolean;
}
const order: Process<Order> = async ({ items, amount, asks }, ctx) => {
  ctx.setState('amount', amount);
  await ctx.parallel.map(items, (item) => ctx.task(reserve, item), { keyBy: (item) => item });
  if (asks === true) await ctx.receive('approval', { prompt: 'Charge?', timeout: '2d' });
  await ctx.sleep(1);
  await ctx.run(pack, 'box', { id: `${items[0] ?? ''}-child` });
  return ctx.task(charge, amount);
};

beforeAll(async () => {
  await using runtime = await openRuntime({ path });
  await runtime.start(order, { items: ['a', 'b'], amount: 5 }, { id: 'good' }).result();
  await runtime
    .start(order, { items: ['c'], amount: 500 }, { id: 'bad' })
    .result()
    .catch(() => undefined);
  const waits = runtime.start(order, { items: ['d'], amount: 7, asks: true }, { id: 'waits' });
  for await (const { event } of waits.events()) if (event.type === 'SignalAwaited') break;
  await (await runtime.fork('good', { at: '3', id: 'again' })).result();
});

test('the contract: views, columns and types are added to, and never changed', async () => {
  const told = SQL_VIEWS.map(
    ({ name, columns }) => `${name}: ${columns.map((c) => `${c.name} ${c.type}`).join(', ')}`,
  );
  await expect([`version ${SQL_CONTRACT_VERSION}`, ...told].join('\n')).toMatchFileSnapshot(
    'sql-contract.golden.txt',
  );
});

test('each column has its type, in a journal that has rows for it', () => {
  const types = { TEXT: ['text'], JSON: ['text'], INTEGER: ['integer'], REAL: ['real', 'integer'] };
  const sample = sampleJournal();
  for (const { name, columns } of SQL_VIEWS) {
    const rowOf = (journal: string): Row | undefined => ask(`select * from ${name} limit 1`, journal)[0];
    // What a version had no table for, the journal of today has.
    expect(Object.keys(rowOf(sample) ?? rowOf(path) ?? {}), name).toEqual(
      columns.map((column) => column.name),
    );
    for (const journal of [path, sample])
      for (const { name: column, type } of columns) {
        const found = ask(
          `select distinct typeof(${column}) as t from ${name} where ${column} is not null`,
          journal,
        );
        for (const { t } of found) expect(types[type], `${name}.${column}`).toContain(t);
        if (type === 'JSON')
          expect(ask(`select count(*) as n from ${name} where not json_valid(${column})`, journal)).toEqual([
            { n: 0 },
          ]);
        if (/(_at|^at|since)$/.test(column) && type === 'TEXT')
          for (const { at } of ask(
            `select ${column} as at from ${name} where ${column} is not null`,
            journal,
          ))
            expect(at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      }
  }
});

function sampleJournal(): string {
  const copy = join(folder, 'sample.db');
  copyFileSync(join(import.meta.dirname, '../../../journal-fixtures/0.1.0/journal.db'), copy);
  return copy;
}

test('what was logged can be asked for beside what happened', () => {
  expect(
    ask(`select l.n, l.level, l.line, s.status from logs l join steps s using (run_id, key)
      where l.task = 'charge' and l.attempt = 2 order by l.run_id`)[0],
  ).toEqual({
    n: 2,
    level: 'warn',
    line: expect.stringMatching(/^charges \d+$/) as string,
    status: 'succeeded',
  });
});

describe('what the views say is what the other readers say', () => {
  test.each([
    ['a journal of today', () => path],
    ['one of a released version', sampleJournal],
  ])('%s', (_, journalOf) => {
    const journal = journalOf();
    using reader = openJournal({ path: journal });
    const runs = reader.list({ limit: 100 });
    const iso = (at: number): string => new Date(at).toISOString();
    expect(
      ask(
        'select run_id, status, process, started_at, updated_at, last_seq from runs order by run_id',
        journal,
      ),
    ).toEqual(
      runs
        .toSorted((a, b) => (a.runId < b.runId ? -1 : 1))
        .map((run) => ({
          run_id: run.runId,
          status: displayStatus(run),
          process: run.process,
          started_at: iso(run.startedAt),
          updated_at: iso(run.updatedAt),
          last_seq: run.lastSeq,
        })),
    );
    for (const { runId } of runs) {
      const tree = createRunTree();
      const events = [...reader.events(runId)];
      for (const recorded of events) addEvent(tree, recorded);
      const rows = ask(
        `select seq, at, type, payload from events where run_id = '${runId}' order by seq`,
        journal,
      );
      expect(rows.map((row) => ({ ...row, payload: JSON.parse(String(row['payload'])) as unknown }))).toEqual(
        events.map(({ seq, at, event: { type, ...payload } }) => ({ seq, at: iso(at), type, payload })),
      );
      const steps = ask(
        `select key, kind, status, opened_at, settled_at, attempts from steps where run_id = '${runId}' order by key`,
        journal,
      );
      const open = new Set(['queued', 'running', 'backoff', 'asked', 'stopped']);
      const node = (call: CallNode): Row => ({
        key: call.key,
        kind: call.kind,
        status: open.has(call.status) ? 'pending' : call.status,
        opened_at: iso(call.openedAt),
        settled_at: call.endedAt === null ? null : iso(call.endedAt),
        attempts: call.kind === 'task' && call.offer === null ? call.attempts : 0,
      });
      const byKey = [...tree.byKey.values()].map(node);
      expect(steps, runId).toEqual(byKey.toSorted((a, b) => (String(a['key']) < String(b['key']) ? -1 : 1)));
    }
  });
});

test('runs: their ends, values, and how they hang together', () => {
  const [good] = ask(`select * from runs where run_id = 'good'`);
  expect(good).toMatchObject({
    status: 'succeeded',
    error: null,
    input: '{"items":["a","b"],"amount":5}',
    output: '{"receipt":50}',
    state: '{"amount":5}',
    parent_run_id: null,
    forked_from: null,
  });
  expect(Date.parse(String(good?.['ended_at'])) - Date.parse(String(good?.['started_at']))).toBe(
    good?.['duration_ms'],
  );
  expect(ask(`select error, output, duration_ms >= 0 as d from runs where run_id = 'bad'`)).toEqual([
    { error: 'TaskError: a card takes no 500', output: null, d: 1 },
  ]);
  expect(
    ask(`select run_id, parent_run_id, parent_key from runs where parent_run_id is not null order by 1`),
  ).toEqual([
    { run_id: 'a-child', parent_run_id: 'good', parent_key: '2' },
    { run_id: 'c-child', parent_run_id: 'bad', parent_key: '2' },
  ]);
});

test('a fork has the rows that it shares, and its work is counted once', () => {
  expect(
    ask(`select forked_from, forked_at_seq > 10 as deep, input from runs where run_id = 'again'`),
  ).toEqual([{ forked_from: 'good', deep: 1, input: '{"items":["a","b"],"amount":5}' }]);
  const keys = `select key, name, status from steps where run_id = '%' order by key`;
  expect(ask(keys.replace('%', 'again'))).toEqual(ask(keys.replace('%', 'good')));
  expect(
    ask(`select min(seq) as first, count(*) = max(seq) as dense from events where run_id = 'again'`),
  ).toEqual([{ first: 1, dense: 1 }]);
  expect(
    ask(`select task, calls, succeeded, failed, attempts, retries from task_stats where process = 'order'`),
  ).toEqual([
    { task: 'charge', calls: 3, succeeded: 2, failed: 1, attempts: 6, retries: 3 },
    { task: 'reserve', calls: 4, succeeded: 4, failed: 0, attempts: 4, retries: 0 },
  ]);
});

test('attempts: each with its own end', () => {
  expect(
    ask(
      `select task, attempt, status, error, retry_at is null as last from attempts where run_id = 'bad' order by seq`,
    ),
  ).toEqual([
    { task: 'reserve', attempt: 1, status: 'succeeded', error: null, last: 1 },
    { task: 'charge', attempt: 1, status: 'failed', error: 'RangeError: a card takes no 500', last: 0 },
    { task: 'charge', attempt: 2, status: 'failed', error: 'RangeError: a card takes no 500', last: 1 },
  ]);
});

test('waits', () => {
  expect(ask('select run_id, key, kind, name, prompt, due_at > since as due from waits')).toEqual([
    { run_id: 'waits', key: '1', kind: 'message', name: 'approval', prompt: 'Charge?', due: 1 },
  ]);
});

describe('the plans of queries by run or process', () => {
  const plan = (sql: string, journal = path): string =>
    ask(`explain query plan ${sql}`, journal)
      .map(({ detail }) => String(detail))
      .join('\n');

  const views = ['steps', 'attempts', 'events'];
  test.each(views.flatMap((view) => [true, false].map((hasForks) => ({ view, hasForks }))))(
    '$view of one run are found by the index; with forks: $hasForks',
    ({ view, hasForks }) => {
      const text = plan(`select * from ${view} where run_id = 'good'`, hasForks ? path : sampleJournal());
      expect(text).toMatch(/SEARCH r USING (COVERING )?INDEX sqlite_autoindex_runs_1 \(run_id=\?\)/);
      expect(text).toMatch(/SEARCH e USING (COVERING )?INDEX sqlite_autoindex_events_1 \(run=\?/);
      expect(text).not.toMatch(/SCAN e\b/);
    },
  );

  test('what waits is looked for among runs that have not ended', () => {
    expect(plan('select * from waits')).toMatch(/SEARCH r USING INDEX runs_by_status \(status=\?\)/);
  });
});

describe('a query only reads', () => {
  test.each([
    `insert into runs values (1)`,
    `delete from main.events`,
    `with x as (select 1) delete from main.events`,
    `update main.runs set status = 'failed'`,
    `create table t (a)`,
    `create temp table t (a)`,
    `drop view steps`,
    `attach 'other.db' as other`,
    `vacuum into 'copy.db'`,
    `pragma query_only = off`,
    `explain pragma query_only = off`,
    `explain query plan delete from main.events`,
    `begin`,
    `reindex`,
    `select load_extension('x')`,
    `select * from pragma_wal_checkpoint`,
    `select 1; delete from main.events`,
    `/* select */ delete from main.events`,
    ``,
    `-- nothing`,
  ])('%s', (sql) => {
    const before = readFileSync(path);
    expect(refusal(sql).message).not.toBe('');
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});

test.each([
  ['select ru_id from runs', 7, ['run_id']],
  ['select r.statu from runs r', 7, ['status', 'state']],
  ['select * from stepps', 14, ['steps']],
  ['select run_id from runs where where status = 1', 30, []],
  [`select 'from', a from from runs`, 22, []],
  ['select count(* from runs', 15, []],
  ['selct 1', 0, []],
])('the place of what is wrong: %s', (sql, offset, nearest) => {
  expect(refusal(sql)).toMatchObject({ offset, nearest });
});

test('whole numbers stay whole, and bytes are text', () => {
  expect(
    ask(`select 9007199254740993 as big, 7 as small, x'00ff' as bytes, null as none, 0.5 as part`),
  ).toEqual([{ big: '9007199254740993', small: 7, bytes: '00ff', none: null, part: 0.5 }]);
});

test('a journal of the first format has all views, and nothing in those that came later', () => {
  const old = join(folder, 'old.db');
  const db = new Database(old);
  db.pragma('journal_mode = wal');
  db.exec(MIGRATIONS[0] ?? '');
  db.pragma(`application_id = ${applicationId()}`);
  db.pragma('user_version = 1');
  db.close();
  for (const { name } of SQL_VIEWS) expect(ask(`select * from ${name}`, old)).toEqual([]);
});

function applicationId(): number {
  const db = new Database(path, { readonly: true });
  const id = Number(db.pragma('application_id', { simple: true }));
  db.close();
  return id;
}

test('by the reader: rows, an end of the runaway, and a reader that goes on after it', async () => {
  using reader = openJournal({ path });
  const endless = `with recursive c(n) as (select 1 union all select n + 1 from c) select count(*) from c`;
  const late = (await reader
    .sql(endless, { timeoutMs: 300 })
    .catch((error: unknown) => error)) as RuntimeError;
  expect(late).toMatchObject({
    code: 'REFUSED',
    message: 'The query took longer than 0.3 s, and was ended.',
  });
  expect(await reader.sql('select run_id from events order by seq', { rows: 2 })).toMatchObject({
    columns: ['run_id'],
    hasMore: true,
  });
  const wrong = (await reader
    .sql('select\n  ru_id from runs')
    .catch((error: unknown) => error)) as RuntimeError;
  expect(wrong.code).toBe('USAGE');
  expect(wrong.message.split('\n').slice(1)).toEqual(['    ru_id from runs', '    ^^^^^']);
  expect(wrong.hint).toBe('Did you mean run_id?');
});
