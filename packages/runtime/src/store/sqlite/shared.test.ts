import { expect, onTestFinished, test } from 'vitest';
import type { JournalStore, StoreNote } from '../../ports/journal-store.ts';
import { sha256 } from '../sha256.ts';
import { appendOf, claimOf, OWNER_A, someEvents, START } from '../store-conformance.fixture.ts';
import { APPLICATION_ID } from './migrate.ts';
import { MIGRATIONS, SCHEMA_VERSION } from './migrations/list.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { freshPath, raw } from './temp-journals.fixture.ts';

const PLACE = 'ab'.repeat(32);
const plan = { name: 'bank', threshold: 1, openForMs: 100, halfOpen: 1 };
const NOTES: readonly StoreNote[] = [
  { kind: 'kept', seq: 1, at: START, place: PLACE, task: 'quote', output: { price: 5 }, ttlMs: 1000 },
  { kind: 'circuit', seq: 1, at: START, plan, generation: 0, holder: 'h', outcome: 'failed' },
];

function open(path: string, readOnly = false): JournalStore {
  const store = openSqliteStore({ path, durability: 'normal', readOnly });
  onTestFinished(() => store.close());
  return store;
}

function journalWithNotes(): string {
  const path = freshPath();
  const store = openSqliteStore({ path, durability: 'normal' });
  store.append([{ ...appendOf('r', 0, someEvents(3)), notes: NOTES }], claimOf(OWNER_A));
  store.close();
  return path;
}

test('a journal of the first format is read as it is, and gets the new tables when it is written to', () => {
  const path = freshPath();
  raw(path, (db) => {
    db.pragma('journal_mode = wal');
    db.exec(MIGRATIONS[0] ?? '');
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma('user_version = 1');
  });
  const reader = openSqliteStore({ path, durability: 'normal', readOnly: true });
  expect(reader.queryRuns({ limit: 5 }, START)).toEqual([]);
  reader.close();
  raw(path, (db) => expect(db.pragma('user_version', { simple: true })).toBe(1));
  const store = open(path);
  store.append([{ ...appendOf('r', 0, someEvents(3)), notes: NOTES }], claimOf(OWNER_A));
  expect(store.keptResult(PLACE, START, 1000)).toEqual({ price: 5 });
  raw(path, (db) => expect(db.pragma('user_version', { simple: true })).toBe(SCHEMA_VERSION));
});

test('what runs share is there for the next program', () => {
  const store = open(journalWithNotes());
  expect(store.keptResult(PLACE, START + 999, 1000)).toEqual({ price: 5 });
  expect(store.circuit('bank')).toEqual({ generation: 1, failures: 0, openedAt: START, trials: [] });
});

test.each([
  ['a result that was changed', 'update kept_results set output = \'{"price":1}\''],
  ['a result that is no JSON', "update kept_results set output = '{'"],
  [
    'a result that is no JSON, with the right checksum,',
    `update kept_results set output = '{', digest = x'${sha256('{')}'`,
  ],
])('%s is not used', (_, sql) => {
  const path = journalWithNotes();
  raw(path, (db) => db.exec(sql));
  expect(open(path).keptResult(PLACE, START, 1000)).toBeUndefined();
});

test.each(["'{'", "'5'", '\'[{"holder":5}]\'', "'[null]'"])('trials that are %s are none', (trials) => {
  const path = journalWithNotes();
  raw(path, (db) => db.exec(`update circuits set trials = ${trials}`));
  expect(open(path).circuit('bank')?.trials).toEqual([]);
});

test.each(["''", "'{'"])('a state that is %s is damage', (value) => {
  const path = journalWithNotes();
  raw(path, (db) => db.exec(`insert into run_state (run, name, value) select id, 's', ${value} from runs`));
  const store = open(path);
  expect(() => store.stateOf('r')).toThrow(
    expect.objectContaining({
      code: 'CORRUPT',
      message: expect.stringContaining("its state 's' is no JSON"),
    }),
  );
});

test('both tables can be emptied at any time', () => {
  const path = journalWithNotes();
  raw(path, (db) => db.exec('delete from circuits; delete from kept_results'));
  const store = open(path);
  expect(store.circuit('bank')).toBeUndefined();
  expect(store.keptResult(PLACE, START, 1000)).toBeUndefined();
  expect(store.verify()).toMatchObject({ runs: 1, events: 3, damage: [] });
});

test('circuits of made-up names do not grow without bound, and an open one is kept longest', () => {
  const store = open(freshPath());
  const named = (i: number, outcome: 'failed' | 'succeeded'): StoreNote => ({
    kind: 'circuit',
    seq: 1,
    at: START + i,
    plan: { ...plan, name: `c${i}` },
    generation: 0,
    holder: 'h',
    outcome,
  });
  const many = Array.from({ length: 11_000 }, (_, i) => named(i, i === 0 ? 'failed' : 'succeeded'));
  store.append([{ ...appendOf('r', 0, someEvents(1)), notes: many }], claimOf(OWNER_A));
  const there = many.filter((_, i) => store.circuit(`c${i}`) !== undefined);
  expect(there.length).toBeGreaterThanOrEqual(10_000);
  expect(there.length).toBeLessThan(10_000 + 256);
  expect(store.circuit('c0')).toMatchObject({ openedAt: START });
});
