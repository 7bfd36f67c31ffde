/** Places in a pool's queue, as they are asked for. */
import type { Cost } from '@pawl/sdk';
import type { CallKey } from '../../journal/call-key.ts';
import type { Millis } from '../../journal/ids.ts';
import { costIn } from '../../process/declared-pools.ts';
import type { Amounts } from './amounts.ts';
import type { Pool, SlotTaker, Ticket } from './pool.ts';
import type { RatedTask } from './pool-tree.ts';

/** What a call asks for. */
export interface Asked {
  readonly pool: string;
  readonly priority: number;
  readonly cost: Cost | undefined;
  readonly refusable: boolean;
  /** Of a task with a rate of its own. */
  readonly rated?: RatedTask | undefined;
}

/** Orders of those that return lie below all others. */
const RETURNING = 2 ** 52;

/** @param order counts up with every call that comes */
export function newTicket(
  taker: SlotTaker,
  key: CallKey,
  pool: Pool,
  cost: Amounts,
  { priority, refusable }: Asked,
  order: number,
  since: Millis,
  inQueue: boolean,
): Ticket {
  return {
    taker,
    key,
    pool,
    cost,
    held: cost,
    priority,
    refusable,
    order,
    returns: false,
    since,
    waits: true,
    inQueue,
    state: 'waiting',
  };
}

/**
 * One that had a slot, gave it back and wants one again: before all others of its priority, whatever their age
 * makes of it, and past a full queue. Among themselves they are served as they return.
 */
export function returning(former: Ticket, taker: SlotTaker, order: number, now: Millis): Ticket {
  const { key, pool, cost, priority } = former;
  const { queue, door } = pool;
  return {
    taker,
    key,
    pool,
    cost,
    held: cost,
    priority,
    refusable: false,
    order: order - RETURNING,
    returns: true,
    since: Math.min(now, queue.oldest(priority), door.first?.since ?? Infinity),
    waits: true,
    inQueue: true,
    state: 'waiting',
  };
}

/** A pool that others declared otherwise than this run knew: as much of each resource as was said. */
export function costOf(pool: Pool, cost: Cost | undefined): Amounts {
  try {
    return costIn(pool.name, pool.plan, cost);
  } catch {
    const amount = typeof cost === 'number' ? cost : 1;
    return new Map([...pool.limits.keys()].map((resource) => [resource, amount]));
  }
}
