import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';

import { RuntimeError } from '../../errors.ts';
import type { PoolLease } from '../../ports/pool-store.ts';
import { claimOf, OWNER_A, START } from '../store-conformance.fixture.ts';
import { APPLICATION_ID } from './migrate.ts';
import { CREATE_JOURNAL } from './migrations/0001.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { freshPath } from './temp-journals.fixture.ts';

const LEASE: Omit<PoolLease, 'owner' | 'until'> = {
  pool: 'p',
  leased: { slots: 1 },
  demand: { slots: 2 },
  unit: { slots: 1 },
  running: 1,
  waiting: 1,
  servedAt: START,
};

/** A journal as the first format had it. */
function firstFormat(): string {
  const path = freshPath();
  const db = new Database(path);
  db.pragma('journal_mode = wal');
  db.exec(CREATE_JOURNAL);
  db.pragma(`application_id = ${APPLICATION_ID}`);
  db.pragma('user_version = 1');
  db.close();
  return path;
}

test('a journal of the first format has no pools for a reader, and is brought on by a writer', () => {
  const path = firstFormat();
  const reader = openSqliteStore({ path, durability: 'normal', readOnly: true });
  expect(reader.readPools(START)).toEqual({ pools: [], leases: [] });
  const writer = openSqliteStore({ path, durability: 'normal' });
  writer.changePools(claimOf(OWNER_A), () => ({ pools: [], leases: [LEASE], released: [] }));
  expect(writer.readPools(START).leases).toHaveLength(1);
  // It sees the tables as soon as they are there.
  expect(reader.readPools(START).leases).toHaveLength(1);
  reader.close();
  writer.close();
});

test.each([
  ['no JSON', `update pool_leases set lease = 'x'`],
  ['another kind', `update pool_leases set lease = '[]'`],
  ['less than nothing', `update pool_leases set lease = json_set(lease, '$.leased.slots', -1)`],
  ['a text', `update pool_leases set lease = json_set(lease, '$.waiting', 'many')`],
  ['a field that is missing', `update pool_leases set lease = json_remove(lease, '$.demand')`],
  ['a declaration of another kind', `update pools set declared = '{"limits":{}}'`],
  ['limits of another kind', `update pools set limits = '5'`],
  ['a rate of another kind', `update pools set rate = '{"kind":"leaky"}'`],
])('%s in a row is told as damage, not used', (_, sql) => {
  const path = freshPath();
  const store = openSqliteStore({ path, durability: 'normal' });
  onTestFinished(() => store.close());
  const declared = {
    limits: { slots: 3 },
    parent: null,
    weight: 1,
    queueSize: Infinity,
    overflow: 'block',
    order: 'strict',
    aging: null,
    rate: null,
  } as const;
  store.changePools(claimOf(OWNER_A), () => ({
    pools: [{ name: 'p', declared, limits: null, rate: null }],
    leases: [LEASE],
    released: [],
  }));
  const db = new Database(path);
  db.exec(sql);
  db.close();
  let told: unknown;
  try {
    store.readPools(START);
  } catch (error) {
    told = error;
  }
  expect(told).toBeInstanceOf(RuntimeError);
  expect(told).toMatchObject({ code: 'CORRUPT', data: { pool: 'p' } });
  // It is not the journal that is damaged.
  expect(store.verify().damage).toEqual([]);
});
