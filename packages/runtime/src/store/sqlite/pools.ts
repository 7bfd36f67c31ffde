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

export class Pools {
  readonly #selectPools: Statement<[], PoolRow>;
  readonly #selectLeases: Statement<[Millis], LeaseRow>;
  readonly #selectOwners: Statement<[string, Millis], string>;
  readonly #putPool: Statement<[string, string, string | null, string | null]>;
  readonly #putLease: Statement<[string, string, string, Millis]>;
  readonly #deleteLease: Statement<[string, string]>;
  readonly #deleteExpired: Statement<[Millis]>;
  readonly #deleteOwner: Statement<[string]>;

  constructor(db: Database) {
    this.#selectPools = db.prepare('select name, declared, limits, rate from pools order by name');
    this.#selectLeases = db.prepare(
      'select pool, owner, lease, until from pool_leases where until > ? order by pool, owner',
    );
    this.#selectOwners = db
      .prepare<[string, Millis], string>(
        'select distinct owner from pool_leases where owner <> ? and until > ?',
      )
      .pluck();
    this.#putPool = db.prepare(
      'insert or replace into pools (name, declared, limits, rate) values (?, ?, ?, ?)',
    );
    this.#putLease = db.prepare(
      'insert or replace into pool_leases (pool, owner, lease, until) values (?, ?, ?, ?)',
    );
    this.#deleteLease = db.prepare('delete from pool_leases where pool = ? and owner = ?');
    this.#deleteExpired = db.prepare('delete from pool_leases where until <= ?');
    this.#deleteOwner = db.prepare('delete from pool_leases where owner = ?');
  }

  view(now: Millis, dead: ReadonlySet<string>): PoolsView {
    return {
      pools: this.#selectPools.all().map((row) => parsePool(String(row.name), row)),
      leases: this.#selectLeases
        .all(now)
        .filter(({ owner }) => !dead.has(owner))
        .map(({ pool, owner, lease, until }) => parseLease(String(pool), String(owner), lease, until)),
    };
  }

  ownersBeside(owner: string, now: Millis): readonly string[] {
    return this.#selectOwners.all(owner, now);
  }

  /** Inside a transaction; `dead` were found gone before it began. */
  change(
    { owner, now, ttlMs }: LeaseClaim,
    dead: ReadonlySet<string>,
    decide: (view: PoolsView) => PoolsChange,
  ): void {
    const { pools, leases, released } = decide(this.view(now, dead));
    for (const each of dead) this.#deleteOwner.run(each);
    this.#deleteExpired.run(now);
    for (const record of pools) {
      const { declared, limits, rate } = poolText(record);
      this.#putPool.run(record.name, declared, limits, rate);
    }
    for (const pool of released) this.#deleteLease.run(pool, owner);
    for (const { pool, ...fields } of leases) this.#putLease.run(pool, owner, textOf(fields), now + ttlMs);
  }
}
