import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';

import { EVENT_VERSION } from '../../journal/chain.ts';
import { appendOf, claimOf, OWNER_A, OWNER_B, someEvents, START } from '../store-conformance.fixture.ts';
import { Leases } from './lease.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { freshPath } from './temp-journals.fixture.ts';
import type { Waking } from './waking.ts';

/** What another program changed between the look for rivals and the transaction: only the transaction sees it. */
function changedBy(sql: string): Leases {
  const path = freshPath();
  const store = openSqliteStore({ path, durability: 'normal' });
  store.append([appendOf('run', 0, someEvents(1))], claimOf(OWNER_A));
  store.close();
  const db = new Database(path);
  onTestFinished(() => void db.close());
  db.exec(sql);
  return new Leases(db, { driven: () => undefined } as unknown as Waking);
}

const LEASED = `update runs set owner = '${OWNER_A}', lease_until = ${START + 5}`;

test('a lease that another one took meanwhile is busy, but for an owner that was found gone', () => {
  const claim = claimOf(OWNER_B);
  expect(changedBy(LEASED).acquire('run', claim, undefined)).toEqual({ status: 'busy', until: START + 5 });
  expect(changedBy(LEASED).acquire('run', claim, OWNER_A)).toMatchObject({ status: 'acquired' });
  expect(changedBy(LEASED).acquire('run', claimOf(OWNER_B, START + 5), undefined)).toMatchObject({
    status: 'acquired',
  });
  expect(changedBy(LEASED).rival('run', START)).toEqual({ owner: OWNER_A, until: START + 5 });
  expect(changedBy(LEASED).rival('run', START + 5)).toBeUndefined();
});

test('a run of a newer version is not driven, and one that is not there is not known', () => {
  const newer = `update runs set min_reader = ${EVENT_VERSION + 1}`;
  const status = { status: 'newer', minReader: EVENT_VERSION + 1 };
  expect(changedBy(newer).acquire('run', claimOf(OWNER_B), undefined)).toEqual(status);
  expect(changedBy('select 1').acquire('none', claimOf(OWNER_B), undefined)).toEqual({ status: 'unknown' });
});
