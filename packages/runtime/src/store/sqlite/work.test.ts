import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import Database from 'better-sqlite3';
import { afterAll, expect, test } from 'vitest';

import { SAMPLE_EVENTS } from '../../journal/sample-events.fixture.ts';
import { sha256 } from '../sha256.ts';
import { appendOf, claimOf, OWNER_A, OWNER_B, START } from '../store-conformance.fixture.ts';
import { describeWork, scheduleOf, startOf } from '../work-conformance.fixture.ts';
import { Child } from './child.fixture.ts';
import { MIGRATIONS } from './migrations/list.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { freshPath, raw } from './temp-journals.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'pawl-work-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
describeWork('SqliteStore', () => {
  files += 1;
  return openSqliteStore({ path: join(folder, `${files}.db`), durability: 'normal' });
});

/** Statements that workers ask with again and again, as SQLite prepares them here. */
const LOOKS = [
  'from waking join runs',
  'select owner from runs',
  'from runs where owner = ',
  'max(priority) from starts',
  'from starts where held = 0',
  'where limit_key = ',
  'from start_keys',
  'from schedules where paused',
  'from waking where',
];

test('no look of a worker reads through a table, or sorts', () => {
  const asked = new Set<string>();
  const path = freshPath();
  const prepare = Database.prototype.prepare;
  Database.prototype.prepare = function (this: Database.Database, sql: string) {
    asked.add(sql);
    return prepare.call(this, sql);
  } as typeof prepare;
  try {
    const store = openSqliteStore({ path, durability: 'normal' });
    const { work } = store;
    work.takeDue(claimOf(OWNER_A), 1, ['x']);
    work.enqueue(startOf('r', { limit: { key: 'k', count: 1 }, singleton: 's', debounce: null }), START);
    work.readyStarts(START, 1, undefined);
    work.dueSchedules(START);
    store.getRun('r', START);
    store.close();
  } finally {
    Database.prototype.prepare = prepare;
  }
  const looks = [...asked].filter((sql) => LOOKS.some((look) => sql.replace(/\s+/g, ' ').includes(look)));
  expect(looks.length).toBeGreaterThan(LOOKS.length);
  raw(path, (db) => {
    for (const sql of looks) {
      const parameters = Array.from(sql.matchAll(/\?/g), () => 0);
      const plan = db.prepare<unknown[], { detail: string }>(`explain query plan ${sql}`).all(...parameters);
      const bad = plan.filter(({ detail }) => /^SCAN|TEMP B-TREE/.test(detail));
      expect(bad.map(({ detail }) => `${sql}: ${detail}`)).toEqual([]);
    }
  });
});

test('what a killed program had is free at once, whatever its lease says', async () => {
  const path = freshPath();
  const child = new Child();
  await child.open({ path, durability: 'full' });
  for (let i = 0; i < 5; i += 1)
    await child.call('append', [appendOf(`r${i}`, 0, [SAMPLE_EVENTS.RunStarted])], claimOf(OWNER_A));
  const store = openSqliteStore({ path, durability: 'normal' });
  expect(store.work.reap(claimOf(OWNER_B))).toBe(0);
  await child.kill();
  expect(store.work.reap(claimOf(OWNER_B))).toBe(5);
  expect(store.work.takeDue(claimOf(OWNER_B), 99, undefined)).toHaveLength(5);
  store.close();
});

test('runs of an older journal that nobody drives can go on', () => {
  const path = freshPath();
  const before = MIGRATIONS.findIndex((sql) => sql.includes('create table waking'));
  openSqliteStore({ path, durability: 'normal' }).close();
  const store = openSqliteStore({ path, durability: 'normal' });
  for (const id of ['free', 'driven', 'ended'])
    store.append([appendOf(id, 0, [SAMPLE_EVENTS.RunStarted])], claimOf(OWNER_A));
  store.append([appendOf('ended', 1, [SAMPLE_EVENTS.RunSucceeded])], claimOf(OWNER_A));
  store.releaseLease('free', 1);
  store.releaseLease('ended', 1);
  store.close();
  raw(path, (db) => {
    for (const table of [
      'pawl_data_keys',
      'pawl_logs',
      'pawl_forks',
      'waking',
      'start_inbox',
      'starts',
      'start_keys',
      'schedules',
      'offers',
      'run_state',
    ])
      db.exec(`drop table ${table}`);
    db.exec('drop index runs_owned');
    db.pragma(`user_version = ${before}`);
  });
  const reader = openSqliteStore({ path, durability: 'normal', readOnly: true });
  expect(reader.getRun('free', START)).toMatchObject({ owner: null, wakeAt: null });
  expect([reader.work.queuedStarts(9), reader.work.schedules(), reader.work.setBackRuns(9)]).toEqual([
    [],
    [],
    [],
  ]);
  reader.close();
  const migrated = openSqliteStore({ path, durability: 'normal' });
  expect(migrated.work.takeDue(claimOf(OWNER_B), 99, undefined)).toEqual([{ runId: 'free', epoch: 2 }]);
  migrated.close();
});

test('what was changed from outside is told from what was queued', () => {
  const path = freshPath();
  const store = openSqliteStore({ path, durability: 'normal' });
  store.work.enqueue(startOf('r'), START);
  store.work.enqueue(startOf('s'), START);
  store.work.putSchedule(scheduleOf('n'), false);
  store.close();
  raw(path, (db) => {
    db.exec(`update starts set inputs = '{"amount":1e9}' where run_id = 'r'`);
    db.exec(`update schedules set module = '/tmp/evil.ts'`);
  });
  const again = openSqliteStore({ path, durability: 'normal' });
  expect(again.work.readyStarts(START, 9, undefined)).toMatchObject([
    { runId: 'r', isWhole: false, inputs: null },
    { runId: 's', isWhole: true },
  ]);
  expect(again.work.schedules()).toMatchObject([{ name: 'n', isWhole: false }]);
  again.close();
});

test('what is no JSON was changed from outside, whatever its checksum', () => {
  const path = freshPath();
  const store = openSqliteStore({ path, durability: 'normal' });
  store.work.enqueue(startOf('r'), START);
  store.work.putSchedule(scheduleOf('n'), false);
  store.close();
  raw(path, (db) => {
    const digest = (fields: readonly unknown[]): string => sha256(JSON.stringify(fields));
    const start = startOf('r');
    db.prepare(`update starts set inputs = '{', digest = unhex(?)`).run(
      digest([start.runId, start.process, start.module, start.codeHash, '{']),
    );
    const { name, cron, zone, process, module, codeHash, missed, overlap } = scheduleOf('n');
    db.prepare(`update schedules set inputs = '{', digest = unhex(?)`).run(
      digest([name, cron, zone, process, module, codeHash, '{', missed, overlap]),
    );
  });
  const again = openSqliteStore({ path, durability: 'normal' });
  expect(again.work.queuedStart('r')).toMatchObject({ isWhole: false, inputs: null });
  expect(again.work.schedules()).toMatchObject([{ name: 'n', isWhole: false, inputs: null }]);
  again.close();
});
