import { isDeepStrictEqual } from 'node:util';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import type { Database } from 'better-sqlite3';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

import { RuntimeError } from '../../errors.ts';
import { EVENT_VERSION, nextChain } from '../../journal/chain.ts';
import type { RunId } from '../../journal/ids.ts';
import { SAMPLE_EVENTS } from '../../journal/sample-events.fixture.ts';
import type { JournalStore, RunDamage } from '../../ports/journal-store.ts';
import {
  appendOf,
  claimOf,
  largeEvents,
  OWNER_A,
  OWNER_B,
  someEvents,
} from '../store-conformance.fixture.ts';
import { sha256 } from '../sha256.ts';
import { Child } from './child.fixture.ts';
import { EVENT_COLUMNS, eventRow } from './read.ts';
import type { RawEvent } from './read.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { copyJournal, errorOf, freshPath, raw } from './temp-journals.fixture.ts';

const EVENTS = someEvents(60);
const RUNS: readonly RunId[] = ['left', 'middle', 'right'];

const original = freshPath('journal.db', afterAll);

beforeAll(() => {
  const store = openSqliteStore({ path: original, durability: 'normal' });
  for (const id of RUNS) store.append([appendOf(id, 0, EVENTS)], claimOf(OWNER_A));
  store.close();
});

function open(path: string, readOnly = false): JournalStore {
  const store = openSqliteStore({ path, durability: 'normal', readOnly });
  onTestFinished(() => store.close());
  return store;
}

/** A journal in which SQL changed something, and which SQLite itself finds in order. */
function changedBy(sql: string): JournalStore {
  const path = copyJournal(original);
  raw(path, (db) => db.exec(`pragma foreign_keys = off; ${sql}`));
  return open(path);
}

const EVENT_10 = "run = (select id from runs where run_id = 'middle') and seq = 10";
const MIDDLE = "run_id = 'middle'";

test('events that are missing behind a page full of large ones are found by the page that should begin with them', () => {
  const path = freshPath();
  open(path).append([appendOf('large', 0, largeEvents(9))], claimOf(OWNER_A));
  raw(path, (db) => db.exec('delete from events where seq > 7'));
  const store = open(path);
  expect(store.read('large', 0, 1000)).toHaveLength(7);
  expect(errorOf(() => store.read('large', 7, 1000)).data).toMatchObject({ runId: 'large', seq: 8 });
});

test.each([
  ['a payload', `update events set payload = replace(payload, 'e', 'f') where ${EVENT_10}`, 10, 'checksum'],
  ['one space', `update events set payload = payload || ' ' where ${EVENT_10}`, 10, 'checksum'],
  ['a time', `update events set at = at + 1 where ${EVENT_10}`, 10, 'checksum'],
  ['a type', `update events set type = type + 1 where ${EVENT_10}`, 10, 'checksum'],
  ['a version', `update events set version = 0 where ${EVENT_10}`, 10, 'checksum'],
  ['a checksum', `update events set chain = zeroblob(32) where ${EVENT_10}`, 10, 'checksum'],
  ['no checksum', `update events set chain = x'' where ${EVENT_10}`, 10, 'checksum'],
  ['a row less', `delete from events where ${EVENT_10}`, 10, 'missing'],
  ['the first row less', 'delete from events where seq = 1 and run = 2', 1, 'missing'],
  ['the last row less', 'delete from events where seq = 60 and run = 2', 60, 'missing'],
  [
    'two rows swapped',
    `update events set seq = 1000 where ${EVENT_10};
     update events set seq = 10 where run = 2 and seq = 13; update events set seq = 13 where run = 2 and seq = 1000`,
    10,
    'checksum',
  ],
  [
    'a row of another run',
    `delete from events where ${EVENT_10};
     insert into events (run, seq, at, type, version, payload, chain)
     select 2, seq, at, type, version, payload, zeroblob(32) from events where run = 1 and seq = 10`,
    10,
    'checksum',
  ],
  ['another last checksum', `update runs set chain = zeroblob(32) where ${MIDDLE}`, 60, 'last checksum'],
  ['a longer journal than there is', `update runs set last_seq = 61 where ${MIDDLE}`, 61, 'missing'],
  ['a journal of nothing', `update runs set last_seq = 0 where ${MIDDLE}`, 0, 'bad last_seq'],
] as const)('%s is found by reading and by verifying', (_, sql, seq, problem) => {
  const store = changedBy(sql);
  const error = errorOf(() => store.read('middle', 0, 1000));
  expect([error.code, error.exitCode, error.hint]).toEqual(['CORRUPT', 8, 'pawl verify middle']);
  expect(error.data).toMatchObject({ runId: 'middle', seq });
  expect(error.message).toContain(problem);

  for (const report of [store.verify(), store.verify('middle')]) {
    expect(report.damage[0]).toMatchObject({
      runId: 'middle',
      seq,
      problem: expect.stringContaining(problem),
    });
    expect(new Set(report.damage.map(({ runId }) => runId))).toEqual(new Set(['middle']));
  }
  // Its neighbours are as readable as ever, and so is what lies before the damage.
  for (const id of ['left', 'right']) expect(store.read(id, 0, 1000)).toHaveLength(60);
  if (seq > 5) expect(store.read('middle', 0, 5)).toHaveLength(5);
});

test.each([
  ['fewer events than there are', `update runs set last_seq = 59 where ${MIDDLE}`, 'beyond the end'],
  ['another status', `update runs set status = 'failed' where ${MIDDLE}`, 'status'],
  ['a status that is none', `update runs set status = 'happy' where ${MIDDLE}`, 'status'],
  ['another process', `update runs set process = 'other' where ${MIDDLE}`, 'process'],
  ['another count', `update runs set tasks_settled = tasks_settled + 1 where ${MIDDLE}`, 'tasksSettled'],
  ['a call to ask for', `update runs set asked = '["1"]' where ${MIDDLE}`, 'asked'],
  ['calls that are no list', `update runs set asked = '{' where ${MIDDLE}`, 'asked'],
  ['an error', `update runs set error = 'E' where ${MIDDLE}`, 'error'],
])('a summary with %s is found by verifying (S3)', (_, sql, problem) => {
  const { damage } = changedBy(sql).verify();
  expect(damage[0]?.runId).toBe('middle');
  expect(damage.map((each) => each.problem).join('\n')).toContain(problem);
});

const MAX_INTEGER = 2n ** 63n - 1n;
const BAD_ROWS: readonly (readonly [what: string, sql: string, problem: string])[] = [
  ['status', `update runs set status = 'happy' where ${MIDDLE}`, 'its summary has a bad status'],
  ['list of calls', `update runs set asked = '{' where ${MIDDLE}`, 'its summary has a bad asked'],
  [
    'count',
    `update runs set tasks_settled = ${MAX_INTEGER} where ${MIDDLE}`,
    'its summary has a bad tasks_settled',
  ],
];

test.each(BAD_ROWS)('a row with a bad %s is left out by name where runs are listed', (_, sql, problem) => {
  const store = changedBy(sql);
  const told: RunDamage[] = [];
  const leftOut = (damage: RunDamage): void => void told.push(damage);
  const damage = { runId: 'middle', seq: 0, problem };
  // Two are wanted, and two are there: a page is no shorter for one that is left out.
  const pages = [
    store.queryRuns({ limit: 2 }, 0, leftOut),
    store.searchRuns({ limit: 3, lookAt: 9 }, 0, leftOut).runs,
  ];
  for (const page of pages) expect(page.map(({ runId }) => runId)).toEqual(['right', 'left']);
  expect(told).toEqual([damage, damage]);
  const first = store.searchRuns({ limit: 1, lookAt: 9 }, 0, leftOut);
  expect(first).toMatchObject({ runs: [{ runId: 'right' }], next: 'right' });
  const second = store.searchRuns({ limit: 1, lookAt: 9, before: 'right' }, 0, leftOut);
  expect(second).toMatchObject({ runs: [], next: 'middle' });
  expect(store.searchRuns({ limit: 1, lookAt: 9, before: 'middle' }, 0, leftOut).runs).toHaveLength(1);
  expect(store.queryRuns({ limit: 1, before: 'right' }, 0, leftOut).map(({ runId }) => runId)).toEqual([
    'left',
  ]);
  expect(told).toHaveLength(4);
});

test.each(BAD_ROWS)('a row with a bad %s is refused where nobody is told', (bad, sql, problem) => {
  const store = changedBy(sql);
  const lists = [() => store.queryRuns({ limit: 2 }, 0), () => store.searchRuns({ limit: 2, lookAt: 9 }, 0)];
  // By its status nobody finds it.
  for (const read of [() => store.getRun('middle', 0), ...(bad === 'status' ? [] : lists)])
    expect(errorOf(read)).toMatchObject({ code: 'CORRUPT', data: { runId: 'middle', problem } });
});

test.each([
  ['longer than any is', "printf('%.*c', 1001, 'x')", 'number 2', 'its id is none'],
  ['none, and its row damaged', `'a b', asked = '{'`, 'a b', 'its summary has a bad asked'],
])('a row whose id is %s is left out, and is no place to go on from', (_, id, runId, problem) => {
  const store = changedBy(`update runs set run_id = ${id} where ${MIDDLE}`);
  const told: RunDamage[] = [];
  const leftOut = (damage: RunDamage): void => void told.push(damage);
  expect(store.queryRuns({ limit: 9 }, 0, leftOut).map((run) => run.runId)).toEqual(['right', 'left']);
  expect(told).toEqual([{ runId, seq: 0, problem }]);
  const search = { limit: 1, lookAt: 9 };
  const second = store.searchRuns({ ...search, before: 'right' }, 0, leftOut);
  expect(second.runs.map((run) => run.runId)).toEqual(['left']);
  expect(told).toHaveLength(2);
  // As many as may be looked at, and nothing that is meant.
  const nothing = { limit: 1, text: 'nowhere', before: 'right' };
  expect(store.searchRuns({ ...nothing, lookAt: 1 }, 0, leftOut)).toMatchObject({ runs: [], next: null });
  expect(store.searchRuns({ ...nothing, lookAt: 2 }, 0, leftOut)).toMatchObject({ runs: [], next: 'left' });
});

test('a row whose number is beyond what JavaScript counts with does not come again and again', () => {
  const store = changedBy(`update runs set id = ${-(2n ** 53n) - 1n}, asked = '{' where run_id = 'left'`);
  const told: RunDamage[] = [];
  const runs = store.queryRuns({ limit: 3 }, 0, (damage) => told.push(damage));
  expect(runs.map((run) => run.runId)).toEqual(['right', 'middle']);
  expect(told).toHaveLength(1);
});

test('a search gives no more than are wanted, however many ids are none of runs', () => {
  const path = freshPath();
  const writer = open(path);
  for (let n = 0; n < 30; n += 1) writer.append([appendOf(`r${n}`, 0, someEvents(2))], claimOf(OWNER_A));
  writer.close();
  raw(path, (db) =>
    db.exec("update runs set run_id = 'a ' || run_id where run_id not in ('r0', 'r29', 'r28')"),
  );
  const store = open(path);
  const seen: RunId[] = [];
  for (let before: RunId | null | undefined; before !== null;) {
    const cursor = before === undefined ? {} : { before };
    const { runs, next } = store.searchRuns({ limit: 2, lookAt: 99, ...cursor }, 0, () => undefined);
    expect(runs.length).toBeLessThanOrEqual(2);
    seen.push(...runs.map((run) => run.runId));
    before = next;
  }
  expect(seen.filter((id) => id.startsWith('r'))).toEqual(['r29', 'r28', 'r0']);
});

test('who is left out of a page is told with that page, and not before', () => {
  const store = changedBy("update runs set asked = '{' where run_id in ('middle', 'left')");
  const told: RunId[] = [];
  expect(store.queryRuns({ limit: 1 }, 0, (damage) => told.push(damage.runId))).toHaveLength(1);
  expect(told).toEqual([]);
});

test('a page is filled behind many damaged rows', () => {
  const path = freshPath();
  const writer = open(path);
  for (let n = 0; n < 300; n += 1) writer.append([appendOf(`r${n}`, 0, someEvents(2))], claimOf(OWNER_A));
  writer.close();
  raw(path, (db) => db.exec("update runs set asked = '{' where run_id not in ('r0', 'r1')"));
  const store = open(path);
  const told = new Set<RunId>();
  const leftOut = ({ runId }: RunDamage): unknown => told.add(runId);
  for (const limit of [1, 2, 3, 300])
    expect(store.queryRuns({ limit }, 0, leftOut).map((run) => run.runId)).toEqual(
      ['r1', 'r0'].slice(0, limit),
    );
  expect(told.size).toBe(298);
});

test('events of no run are found by verifying', () => {
  const { damage } = changedBy(`delete from runs where ${MIDDLE}`).verify();
  expect(damage).toEqual([{ runId: '', seq: 1, problem: 'it belongs to no run (number 2)' }]);
});

test('every damaged row is one complaint, up to a limit', () => {
  const few = changedBy("update events set payload = payload || ' ' where run = 2 and seq in (3, 4, 40)");
  expect(few.verify().damage.map(({ seq }) => seq)).toEqual([3, 4, 40]);
  const path = freshPath();
  const store = open(path);
  store.append([appendOf('run', 0, someEvents(500))], claimOf(OWNER_A));
  store.close();
  raw(path, (db) => db.exec("update events set payload = payload || ' '"));
  const { damage } = open(path).verify();
  expect(damage.length).toBeGreaterThanOrEqual(100);
  expect(damage.length).toBeLessThan(400);
});

test('a damaged message in the inbox is refused, one of a newer program is left for it', () => {
  const path = copyJournal(original);
  const store = open(path);
  store.post('middle', { kind: 'cancel', id: 'm1', reason: 'enough' }, 1);
  store.close();
  raw(path, (db) => db.exec("update inbox set payload = replace(payload, 'enough', 'Enough')"));
  const damaged = open(path);
  const error = errorOf(() => damaged.takeInbox('middle'));
  expect(error).toMatchObject({ code: 'CORRUPT', message: expect.stringContaining('"m1"') });
  damaged.close();

  raw(path, (db) => db.exec("update inbox set payload = null where id = 'm1'"));
  const next = open(path);
  next.post('middle', { kind: 'wave', id: 'm2' } as never, 1);
  next.post('middle', { kind: 'cancel', id: 'm3', reason: 'enough' }, 1);
  expect(next.takeInbox('middle')).toEqual([{ kind: 'cancel', id: 'm3', reason: 'enough' }]);
});

test('a run that needs a newer program is refused, its neighbours are not', () => {
  const newer = EVENT_VERSION + 1;
  const store = changedBy(`update runs set min_reader = ${newer}, owner = null where ${MIDDLE};
    update runs set owner = null`);
  expect(store.acquireLease('middle', claimOf(OWNER_B))).toEqual({ status: 'newer', minReader: newer });
  expect(store.acquireLease('left', claimOf(OWNER_B)).status).toBe('acquired');
});

/** A run of two events, of which SQL changed the second: chained rightly, as by one who knows how. */
function forged(change: string): JournalStore {
  const path = freshPath();
  const store = open(path);
  const events = [SAMPLE_EVENTS.RunStarted, SAMPLE_EVENTS.AttemptStarted];
  store.append([appendOf('run', 0, events)], claimOf(OWNER_A));
  store.close();
  raw(path, (db) => {
    db.exec(`update events set ${change} where seq = 2`);
    rechain(db);
  });
  return open(path);
}

function rechain(db: Database): void {
  const select = `select ${EVENT_COLUMNS} from events order by seq`;
  const [first, second] = db
    .prepare<[], RawEvent>(select)
    .all()
    .map((row) => eventRow(1, row));
  if (first === undefined || second === undefined) return expect.fail('no events');
  const chain = nextChain(sha256, first.chain, second, second.payload);
  db.prepare('update events set chain = unhex(?) where seq = 2').run(chain);
  db.prepare('update runs set chain = unhex(?)').run(chain);
}

test.each(['type = 999', `version = ${EVENT_VERSION + 1}`])(
  'an event of a newer program (%s) is refused before anything is folded',
  (change) => {
    const store = forged(change);
    const error = errorOf(() => store.read('run', 0, 10));
    expect([error.code, error.exitCode]).toEqual(['NEWER', 9]);
    expect(store.read('run', 0, 1)).toHaveLength(1);
    expect(store.verify().damage).toMatchObject([
      { runId: 'run', seq: 2, problem: expect.stringContaining('newer') },
    ]);
  },
);

test.each([`payload = '{"key":"0","attempt":"1"}'`, `payload = '{"key":"0","attempt":-1}'`])(
  'an event that is chained rightly and malformed all the same is refused: %s',
  (change) => {
    const store = forged(change);
    const error = errorOf(() => store.read('run', 0, 10));
    expect([error.code, error.data['problem']]).toEqual(['CORRUPT', 'AttemptStarted has a bad attempt']);
    expect(store.verify().damage).toHaveLength(1);
  },
);

/** The same numbers on every machine. */
function* numbersFrom(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

interface Outcome {
  readonly refused: boolean;
  readonly changed: readonly string[];
}

/** What a reader makes of a damaged file: each run is as it was, shorter, or refused by a typed error. */
function readDamaged(path: string): Outcome {
  const changed: string[] = [];
  let refused = false;
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      refused = true;
    }
  };
  attempt(() => {
    const store = openSqliteStore({ path, durability: 'normal', readOnly: true });
    try {
      for (const id of RUNS) {
        attempt(() => {
          for (const { seq, at, event } of store.read(id, 0, 1000)) {
            const was = appendOf(id, 0, EVENTS).events[seq - 1];
            const isSame = isDeepStrictEqual([was?.at, was?.event], [at, event]);
            if (!isSame) changed.push(`${id} ${seq}`);
          }
        });
      }
      attempt(() => {
        if (store.verify().damage.length > 0) refused = true;
      });
    } finally {
      store.close();
    }
  });
  return { refused, changed };
}

type Damage = (bytes: Buffer, random: () => number) => Buffer;

const DAMAGES: Readonly<Record<string, Damage>> = {
  'a flipped bit': (bytes, random) => {
    const at = Math.floor(random() * bytes.length);
    bytes.writeUInt8((bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8)), at);
    return bytes;
  },
  'a zeroed page': (bytes, random) => {
    const at = Math.floor((random() * bytes.length) / 4096) * 4096;
    return bytes.fill(0, at, Math.min(at + 4096, bytes.length));
  },
  'a cut end': (bytes, random) => bytes.subarray(0, Math.floor(random() * bytes.length)),
};

/** Puts damage on one of the files at rest, `rounds` times, and collects what no reader may see. */
function damageAtRest(
  files: Readonly<Record<string, Buffer>>,
  end: string,
  how: string,
  rounds: number,
): readonly Outcome[] {
  const numbers = numbersFrom(7);
  const random = (): number => numbers.next().value;
  const path = freshPath();
  return Array.from({ length: rounds }, () => {
    for (const each of ['', '-wal', '-shm']) rmSync(path + each, { force: true });
    for (const [each, bytes] of Object.entries(files)) {
      const copy = Buffer.from(bytes);
      writeFileSync(path + each, each === end ? (DAMAGES[how]?.(copy, random) ?? copy) : copy);
    }
    return readDamaged(path);
  });
}

test.each([
  ['a flipped bit', 150],
  ['a zeroed page', 40],
  ['a cut end', 40],
] as const)('%s in the database is never a changed event', (how, rounds) => {
  const outcomes = damageAtRest({ '': readFileSync(original) }, '', how, rounds);
  expect(outcomes.flatMap(({ changed }) => changed)).toEqual([]);
  // Damage that shows nowhere lies in free space, of which a small file has much.
  expect(outcomes.filter(({ refused }) => refused).length).toBeGreaterThan(rounds / 8);
});

test('damage in the log of a killed process is never a changed event', async () => {
  const path = freshPath();
  const child = new Child();
  await child.open({ path, durability: 'normal' });
  for (const id of RUNS) await child.call('append', [appendOf(id, 0, EVENTS)], claimOf(OWNER_A));
  await child.kill();
  expect(existsSync(`${path}-wal`)).toBe(true);
  const files = { '': readFileSync(path), '-wal': readFileSync(`${path}-wal`) };
  for (const how of Object.keys(DAMAGES)) {
    const outcomes = damageAtRest(files, '-wal', how, 60);
    expect([how, outcomes.flatMap(({ changed }) => changed)]).toEqual([how, []]);
  }
});

function compacted(change: string): JournalStore {
  const path = freshPath();
  const store = openSqliteStore({ path, durability: 'normal' });
  const key = '1';
  const inside = Array.from({ length: 4 }, (_, i) => [
    { ...SAMPLE_EVENTS.TaskScheduled, key: `${key}/${i}/0` },
    { ...SAMPLE_EVENTS.TaskSucceeded, key: `${key}/${i}/0` },
  ]).flat();
  const opened = { ...SAMPLE_EVENTS.ScopeOpened, key, mode: 'reduce', width: null } as const;
  const mark = { ...SAMPLE_EVENTS.Folded, key };
  const events = [SAMPLE_EVENTS.RunStarted, opened, ...inside, mark, SAMPLE_EVENTS.CancelRequested];
  store.append([appendOf('r', 0, events)], claimOf(OWNER_A));
  store.compact(
    { runId: 'r', epoch: 1, key, source: null, fromSeq: 3, beforeSeq: 11, limit: 99 },
    claimOf(OWNER_A),
  );
  store.close();
  raw(path, (db) => db.exec(change));
  return open(path);
}

test.each([
  ['its chain', 'update events set chain = zeroblob(32) where seq = 10', 3, 'checksum'],
  ['its time', 'update events set at = at + 1 where seq = 10', 3, 'checksum'],
  [
    'its counts',
    `update events set payload = json_set(payload, '$.succeeded', 3) where seq = 10`,
    3,
    'checksum',
  ],
  [
    'its digest',
    `update events set payload = json_set(payload, '$.digest', 'x') where seq = 10`,
    3,
    'checksum',
  ],
  [
    'how many places',
    `update events set payload = json_set(payload, '$.count', 7) where seq = 10`,
    3,
    'missing',
  ],
  [
    'more places',
    `update events set payload = json_set(payload, '$.count', 9) where seq = 10`,
    3,
    'out of order',
  ],
  ['what it is', `update events set payload = '{}' where seq = 10`, 3, 'missing'],
  ['the row itself', 'delete from events where seq = 10', 3, 'missing'],
  ['the row behind it', `update events set payload = '{}' where seq = 11`, 11, 'checksum'],
])('a row that stands for removed ones: %s', (_, change, seq, problem) => {
  const store = compacted(change);
  const found = errorOf(() => store.read('r', 0, 100));
  expect(found).toMatchObject({ code: 'CORRUPT', data: { seq, problem: expect.stringContaining(problem) } });
  expect(store.verify().damage[0]).toMatchObject({ runId: 'r', seq });
});

test.each(['at', 'type', 'version'])(
  'a column %s of a megabyte in each event is damage, and is not read',
  (column) => {
    // Whoever forges a file takes the types off its columns, and puts them on again.
    const typed = (sql: string): string =>
      `pragma writable_schema = on; update sqlite_schema set sql = ${sql} where name = 'events'; pragma writable_schema = reset;`;
    const store = changedBy(`create temp table kept as select sql from sqlite_schema where name = 'events';
    ${typed("replace(sql, ') strict', ')')")}
    update events set ${column} = zeroblob(1000000) where run = 2;
    ${typed('(select sql from kept)')}`);
    const before = process.memoryUsage().external;
    expect(errorOf(() => store.read('middle', 0, 1000))).toMatchObject({ code: 'CORRUPT', data: { seq: 1 } });
    expect(process.memoryUsage().external - before).toBeLessThan(10_000_000);
    expect(store.verify('middle').damage[0]).toMatchObject({ runId: 'middle', seq: 1 });
    expect(store.read('left', 0, 1000)).toHaveLength(60);
  },
);

test.each([
  ['longer than any id', 'hex(zeroblob(600))'],
  ['of millions of bytes', 'hex(zeroblob(10000000))'],
])('an id that is %s is damage, told by its number', (_, id) => {
  const store = changedBy(`update runs set run_id = ${id} where run_id = 'middle'`);
  expect(errorOf(() => store.queryRuns({ limit: 5 }, 0))).toMatchObject({
    code: 'CORRUPT',
    message: expect.stringMatching(/^The journal of run number \d+ is damaged: its id is none\.$/) as unknown,
  });
  expect(store.verify().damage).toContainEqual(
    expect.objectContaining({ problem: expect.stringContaining('its id is none') as unknown }),
  );
});

test('beside programs that drive runs all events are read, and pages are looked at where that is short', () => {
  const path = copyJournal(original);
  let root = 0;
  raw(path, (db) => {
    root = Number(
      db.prepare("select rootpage from sqlite_schema where name = 'runs_by_status'").pluck().get(),
    );
    db.exec(`update events set version = 0 where ${EVENT_10}`);
  });
  const bytes = readFileSync(path);
  const page = bytes.readUInt16BE(16);
  // The index has no entries any more, the list of free pages is longer than it says, and a page is nobody's.
  bytes.writeUInt16BE(0, (root - 1) * page + 3);
  bytes.writeUInt32BE(bytes.readUInt32BE(36) + 7, 36);
  bytes.writeUInt32BE(bytes.length / page + 1, 28);
  writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(page)]));
  const problemsOf = ({ damage }: ReturnType<JournalStore['verify']>): string =>
    damage.map(({ runId, seq, problem }) => `${runId} ${seq} ${problem}`).join('\n');

  const store = open(path);
  store.append([appendOf('driven', 0, [SAMPLE_EVENTS.RunStarted])], claimOf(OWNER_A));
  for (const reader of [store, open(path, true)]) {
    const driven = reader.verify();
    expect(driven.isWhole).toBe(false);
    expect(problemsOf(driven)).toContain('runs_by_status');
    expect(problemsOf(driven)).toContain('middle 10 ');
    expect(problemsOf(driven)).toContain('Freelist');
    expect(problemsOf(driven)).not.toContain('never used');
    const whole = reader.verify(undefined, { whole: true });
    expect(whole.isWhole).toBe(true);
    expect(problemsOf(whole)).toContain('never used');
    expect(reader.verify('left')).toMatchObject({ damage: [], isWhole: false });
  }
  store.close();

  const idle = open(path, true).verify();
  expect(idle.isWhole).toBe(true);
  expect(problemsOf(idle)).toContain('runs_by_status');
  expect(problemsOf(idle)).toContain('never used');
});
