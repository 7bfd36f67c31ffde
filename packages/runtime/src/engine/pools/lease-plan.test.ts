import { poolPlan } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import type { PoolLease, PoolRecord, PoolsView } from '../../ports/pool-store.ts';
import { amountsOf } from './amounts.ts';
import { planLeases, type Need } from './lease-plan.ts';

const NOW = 10_000;
const TIME = { now: NOW, renewBefore: NOW + 20_000 };

const slots = (count: number): Record<string, number> => (count === 0 ? {} : { slots: count });

function recordOf(limit: number, more: Partial<PoolRecord> = {}): PoolRecord {
  return { name: 'p', declared: poolPlan({ maxConcurrent: limit }), limits: null, rate: null, ...more };
}

function leaseOf(owner: string, leased: number, demand: number, servedAt = 0): PoolLease {
  const counts = { running: leased, waiting: demand - leased };
  return {
    pool: 'p',
    owner,
    leased: slots(leased),
    demand: slots(demand),
    unit: slots(1),
    ...counts,
    servedAt,
    until: NOW + 30_000,
  };
}

function needOf(held: number, waiting: number, more: Partial<Need> = {}): Need {
  const demand = amountsOf(slots(held + waiting));
  return {
    pool: 'p',
    held: amountsOf(slots(held)),
    demand,
    recent: demand,
    unit: amountsOf(slots(waiting === 0 ? 0 : 1)),
    wasServed: held > 0,
    running: held,
    waiting,
    declare: undefined,
    byDefault: poolPlan({}),
    ...more,
  };
}

function plan(
  view: PoolsView,
  need: Need,
): { leased: number; isShort: boolean; isOver: boolean; writes: number } {
  const { change, answers } = planLeases(view, 'me', [need], TIME);
  const { leased, isShort, isOver } = answers.get('p') ?? expect.fail('no answer');
  const writes = change.pools.length + change.leases.length + change.released.length;
  return { leased: leased.get('slots') ?? 0, isShort, isOver, writes };
}

describe('what a program leases', () => {
  it.each([
    [
      'what it wants, where nobody else is',
      10,
      [],
      needOf(0, 4),
      { leased: 4, isShort: false, isOver: false },
    ],
    ['at most the limit', 10, [], needOf(0, 40), { leased: 10, isShort: false, isOver: false }],
    [
      'what others leave',
      10,
      [leaseOf('a', 7, 7)],
      needOf(0, 9),
      { leased: 3, isShort: true, isOver: false },
    ],
    [
      'nothing, where others have all',
      3,
      [leaseOf('a', 3, 3)],
      needOf(0, 1),
      { leased: 0, isShort: true, isOver: false },
    ],
    [
      'its share, where others want more',
      10,
      [leaseOf('a', 2, 20)],
      needOf(0, 20),
      { leased: 5, isShort: true, isOver: false },
    ],
    [
      'what runs, also above its share',
      10,
      [leaseOf('a', 2, 20)],
      needOf(8, 20),
      { leased: 8, isShort: true, isOver: true },
    ],
    [
      'what runs, also above a limit that was lowered',
      3,
      [],
      needOf(5, 2),
      { leased: 5, isShort: false, isOver: false },
    ],
    [
      'nothing in its turn of another',
      1,
      [leaseOf('a', 0, 1, 5)],
      needOf(0, 1),
      { leased: 0, isShort: true, isOver: false },
    ],
  ] as const)('%s', (_, limit, leases, need, expected) => {
    expect(plan({ pools: [recordOf(limit)], leases }, need)).toMatchObject(expected);
  });

  it('a limit that a person set goes before what is declared', () => {
    const view = { pools: [recordOf(10, { limits: { slots: 2 } })], leases: [] };
    expect(plan(view, needOf(0, 9)).leased).toBe(2);
  });

  it('writes nothing where nothing changed, apart from a lease that ends soon', () => {
    const mine = leaseOf('me', 2, 3);
    const view = { pools: [recordOf(2)], leases: [{ ...mine, demand: slots(2) }] };
    expect(plan(view, needOf(2, 1)).writes).toBe(0);
    const old = { ...view, leases: view.leases.map((lease) => ({ ...lease, until: NOW + 1000 })) };
    expect(plan(old, needOf(2, 1)).writes).toBe(1);
  });

  it('gives back what it does not want, and has then no lease', () => {
    const view = { pools: [recordOf(5)], leases: [leaseOf('me', 3, 3)] };
    expect(planLeases(view, 'me', [needOf(0, 0)], TIME).change).toMatchObject({
      leases: [],
      released: ['p'],
    });
  });

  it('declares a pool that is new, or that is declared otherwise now', () => {
    const declare = poolPlan({ maxConcurrent: 7 });
    const made = planLeases({ pools: [], leases: [] }, 'me', [needOf(0, 1, { declare })], TIME).change.pools;
    expect(made).toEqual([{ name: 'p', declared: declare, limits: null, rate: null }]);
    const limits = { slots: 1 };
    const view = { pools: [recordOf(5, { limits })], leases: [] };
    expect(planLeases(view, 'me', [needOf(0, 1, { declare })], TIME).change.pools).toEqual([
      { name: 'p', declared: declare, limits, rate: null },
    ]);
    const again = { pools: made, leases: [] };
    expect(planLeases(again, 'me', [needOf(0, 1, { declare })], TIME).change.pools).toEqual([]);
  });
});
