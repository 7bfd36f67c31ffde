/** Pools as people and programs see them: what is declared, what is in use, and what became of the calls. */
import type { PoolLease, PoolRecord, PoolsView, StoredAmounts } from './ports/pool-store.ts';
import { poolName } from '@pawl/sdk';
import type { Engine } from './engine/engine.ts';
import { limitsIn } from './engine/pools/amounts.ts';
import { limitsGiven } from './engine/pools/plans.ts';
import type { Recorded } from './journal/event.ts';
import type { RunId } from './journal/ids.ts';
import { addPoolEvents, createPoolFold, NO_STATS, poolStatsOf, type PoolStats } from './views/pool-stats.ts';

export interface PoolStatus {
  /** '' for the slots of tasks that name no pool. */
  readonly name: string;
  readonly parent: string | null;
  readonly weight: number;
  /** By resource; Infinity is unlimited. */
  readonly limits: StoredAmounts;
  /** The limits were set by a person. */
  readonly isSet: boolean;
  /** By resource, with the pools within it: what runs here holds, and what other programs have leased. */
  readonly used: StoredAmounts;
  /** Less than 0 where `reconcile` or a lower limit made it so. */
  readonly available: StoredAmounts;
  /** Attempts of the pool itself that hold a slot. */
  readonly active: number;
  /** Calls that wait in its queue. */
  readonly queueLength: number;
  /** Programs that have a part of it. */
  readonly owners: number;
  /** The largest share of a limit that is in use, from 0; above 1 where more is used than there is. */
  readonly utilization: number;
  /** The same over the time of the statistics, by attempts: null where slots are not limited. */
  readonly averageUtilization: number | null;
  readonly stats: PoolStats;
}

/** A pool of a program that looks at itself: its leases tell less than it knows. */
export interface LocalPool {
  readonly name: string;
  readonly limits: ReadonlyMap<string, number>;
  readonly plan: { readonly parent: string | null; readonly weight: number };
  readonly held: ReadonlyMap<string, number>;
  readonly running: number;
  readonly queueLength: number;
}

/** @param owner whose leases stand for the local pools */
export function poolStatuses(
  view: PoolsView,
  stats: ReadonlyMap<string, PoolStats>,
  local: readonly LocalPool[] = [],
  owner?: string,
): PoolStatus[] {
  const here = new Map(local.map((pool) => [pool.name, pool]));
  const known = new Map(view.pools.map((pool) => [pool.name, pool]));
  const names = new Set([...here.keys(), ...known.keys(), ...stats.keys()]);
  return [...names]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((name) => {
      const leases = view.leases.filter((lease) => lease.pool === name && lease.owner !== owner);
      return statusOf(name, known.get(name), here.get(name), leases, stats.get(name) ?? NO_STATS);
    });
}

function statusOf(
  name: string,
  record: PoolRecord | undefined,
  local: LocalPool | undefined,
  others: readonly PoolLease[],
  stats: PoolStats,
): PoolStatus {
  const limits = limitsOf(record, local);
  const used: Record<string, number> = {};
  for (const resource of Object.keys(limits)) {
    const elsewhere = others.reduce((sum, { leased }) => sum + (leased[resource] ?? 0), 0);
    used[resource] = (local?.held.get(resource) ?? 0) + elsewhere;
  }
  const slots = limits['slots'];
  const sum = (of: 'running' | 'waiting'): number => others.reduce((total, lease) => total + lease[of], 0);
  return {
    name,
    parent: local?.plan.parent ?? record?.declared.parent ?? null,
    weight: local?.plan.weight ?? record?.declared.weight ?? 1,
    limits,
    isSet: record !== undefined && record.limits !== null,
    used,
    available: mapValues(limits, (limit, resource) => limit - (used[resource] ?? 0)),
    active: (local?.running ?? 0) + sum('running'),
    queueLength: (local?.queueLength ?? 0) + sum('waiting'),
    owners: others.length + (local !== undefined && local.held.size > 0 ? 1 : 0),
    utilization: Math.max(0, ...Object.entries(limits).map(([name_, limit]) => (used[name_] ?? 0) / limit)),
    averageUtilization: slots === undefined || slots === Infinity ? null : stats.averageActive / slots,
    stats,
  };
}

function limitsOf(record: PoolRecord | undefined, local: LocalPool | undefined): StoredAmounts {
  if (record?.limits !== null && record?.limits !== undefined)
    return limitsIn(record.declared.limits, record.limits);
  if (local !== undefined) return Object.fromEntries(local.limits);
  return record?.declared.limits ?? {};
}

function mapValues(amounts: StoredAmounts, of: (amount: number, resource: string) => number): StoredAmounts {
  return Object.fromEntries(
    Object.entries(amounts).map(([resource, amount]) => [resource, of(amount, resource)]),
  );
}

/**
 * The pools of a runtime.
 *
 * Owns the statistics of its runs since it was opened. Talks to the engine.
 */
export class PoolDesk {
  readonly #fold = createPoolFold();

  committed(runId: RunId, events: readonly Recorded[]): void {
    addPoolEvents(this.#fold, runId, events);
  }

  statuses({ dispatcher, shared, options }: Engine): PoolStatus[] {
    return poolStatuses(shared.view(), poolStatsOf([this.#fold]), dispatcher.statuses(), options.owner);
  }

  setLimits({ dispatcher }: Engine, pool: string, limits: number | StoredAmounts | null): void {
    dispatcher.setLimits(poolName(pool), limits === null ? null : limitsGiven(limits));
  }
}
