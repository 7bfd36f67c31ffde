import type { Millis } from '../journal/ids.ts';

/** By resource. Infinity is unlimited. */
export type StoredAmounts = Readonly<Record<string, number>>;

/** A pool as it was declared last. */
export interface PoolDeclaration {
  readonly limits: StoredAmounts;
  readonly parent: string | null;
  readonly weight: number;
  readonly queueSize: number;
  readonly overflow: 'reject' | 'block';
  readonly order: 'strict' | 'backfill';
  readonly aging: { readonly ratePerMs: number; readonly boost: number } | null;
  readonly rate: { readonly limit: number; readonly perMs: number; readonly burst: number | null } | null;
}

/** Starts that were used, by wall-clock time. */
export type RateState =
  | { readonly kind: 'bucket'; readonly at: Millis; readonly tokens: number }
  | { readonly kind: 'window'; readonly cells: readonly { readonly at: Millis; readonly starts: number }[] };

export interface PoolRecord {
  readonly name: string;
  readonly declared: PoolDeclaration;
  /** Set by a person, instead of those that were declared. */
  readonly limits: StoredAmounts | null;
  readonly rate: RateState | null;
}

/** What one owner has of one pool, with all that lies within the pool. */
export interface PoolLease {
  readonly pool: string;
  /** As in LeaseClaim. */
  readonly owner: string;
  /** Nobody else may use it. Where its owner is alive it counts as used. */
  readonly leased: StoredAmounts;
  /** What it would use if it could, `leased` or less included. */
  readonly demand: StoredAmounts;
  /** What the next attempt takes: less than that is of no use. */
  readonly unit: StoredAmounts;
  /** Attempts of the pool itself, for people. */
  readonly running: number;
  readonly waiting: number;
  /** When it came, or when it last had its turn while others waited: who was served longest ago is next. */
  readonly servedAt: Millis;
  readonly until: Millis;
}

export interface PoolsView {
  readonly pools: readonly PoolRecord[];
  /** Of owners whose time is not up and who are not provably gone. */
  readonly leases: readonly PoolLease[];
}

export interface PoolsChange {
  /** Made, or put in the place of those of the same name. */
  readonly pools: readonly PoolRecord[];
  /** Of the owner alone; its other leases stay as they are. */
  readonly leases: readonly Omit<PoolLease, 'owner' | 'until'>[];
  /** Pools whose lease the owner gives back. */
  readonly released: readonly string[];
}
