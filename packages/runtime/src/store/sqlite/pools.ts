/** Pools and what each owner has of them. A lease counts as long as its owner lives and its time is not up. */
import type { Database, Statement } from 'better-sqlite3';

import type { Millis } from '../../journal/ids.ts';
import type { LeaseClaim } from '../../ports/journal-store.ts';
import type { PoolsChange, PoolsView } from '../../ports/pool-store.ts';
import { parseLease, parsePool, poolText, textOf } from '../pool-text.ts';

interface PoolRow {
  readonly name: string;
  readonly declared: unknown;
  readonly limits: unknown;
  readonly rate: unknown;
}

interface LeaseRow {
  readonly pool: string;
  readonly owner: string;
  readonly lease: unknown;
  readonly until: number;
}

interface Statements {
  readonly selectPools: Statement<[], PoolRow>;
  readonly selectLeases: Statement<[Millis], LeaseRow>;
  readonly selectOwners: Statement<[string, Millis], string>;
  readonly putPool: Statement<[string, string, string | null, string | null]>;
  readonly putLease: Statement<[string, string, string, Millis]>;
  readonly deleteLease: Statement<[string, string]>;
  readonly deleteExpired: Statement<[Millis]>;
  readonly deleteOwner: Statement<[string]>;
}

const LIVE = 'select pool, owner, lease, until from pool_leases where until > ? order by pool, owner';
const OWNERS = 'select distinct owner from pool_leases where owner <> ? and until > ?';

function prepare(db: Database): Statements {
  return {
    selectPools: db.prepare('select name, declared, limits, rate from pools order by name'),
    selectLeases: db.prepare(LIVE),
    selectOwners: db.prepare<[string, Millis], string>(OWNERS).pluck(),
    putPool: db.prepare('insert or replace into pools (name, declared, limits, rate) values (?, ?, ?, ?)'),
    putLease: db.prepare(
      'insert or replace into pool_leases (pool, owner, lease, until) values (?, ?, ?, ?)',
    ),
    deleteLease: db.prepare('delete from pool_leases where pool = ? and owner = ?'),
    deleteExpired: db.prepare('delete from pool_leases where until <= ?'),
    deleteOwner: db.prepare('delete from pool_leases where owner = ?'),
  };
}

export class Pools {
  readonly #db: Database;
  #prepared: Statements | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Made when they are needed: a journal of the first format, opened to be read, has no such tables. */
  get #statements(): Statements {
    return (this.#prepared ??= prepare(this.#db));
  }

  get #isThere(): boolean {
    if (this.#prepared !== undefined) return true;
    return this.#db.prepare(`select 1 from sqlite_schema where name = 'pool_leases'`).get() !== undefined;
  }

  view(now: Millis, dead: ReadonlySet<string>): PoolsView {
    if (!this.#isThere) return { pools: [], leases: [] };
    const { selectPools, selectLeases } = this.#statements;
    return {
      pools: selectPools.all().map((row) => parsePool(String(row.name), row)),
      leases: selectLeases
        .all(now)
        .filter(({ owner }) => !dead.has(owner))
        .map(({ pool, owner, lease, until }) => parseLease(String(pool), String(owner), lease, until)),
    };
  }

  ownersBeside(owner: string, now: Millis): readonly string[] {
    return this.#statements.selectOwners.all(owner, now);
  }

  /** Inside a transaction; `dead` were found gone before it began. */
  change(
    { owner, now, ttlMs }: LeaseClaim,
    dead: ReadonlySet<string>,
    decide: (view: PoolsView) => PoolsChange,
    countFrom: Millis,
  ): void {
    const { putPool, putLease, deleteLease, deleteExpired, deleteOwner } = this.#statements;
    const { pools, leases, released } = decide(this.view(countFrom, dead));
    for (const each of dead) deleteOwner.run(each);
    deleteExpired.run(countFrom);
    for (const record of pools) {
      const { declared, limits, rate } = poolText(record);
      putPool.run(record.name, declared, limits, rate);
    }
    for (const pool of released) deleteLease.run(pool, owner);
    for (const { pool, ...fields } of leases) putLease.run(pool, owner, textOf(fields), now + ttlMs);
  }
}
