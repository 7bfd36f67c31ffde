import { InvalidOptionError } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { Limits } from './limits.ts';

/** Who asked for a slot. */
export interface SlotTaker {
  /** Records the start of an attempt; false when the call is no longer wanted, and the slot is free. */
  grantSlot(key: CallKey): boolean;
  /** What waits can start now. */
  slotFreed(): void;
}

interface Waiting {
  readonly taker: SlotTaker;
  readonly key: CallKey;
  readonly priority: number;
}

/** Attempts waiting for a slot of one pool: highest priority first, then first come first served. */
class SlotQueue {
  readonly limit: number;
  used = 0;
  readonly #lanes = new Map<number, Waiting[]>();
  #priorities: number[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  add(entry: Waiting): void {
    let lane = this.#lanes.get(entry.priority);
    if (lane === undefined) {
      lane = [];
      this.#lanes.set(entry.priority, lane);
      this.#priorities = [...this.#lanes.keys()].toSorted((a, b) => b - a);
    }
    lane.push(entry);
  }

  /** Everyone who can start now, in order. */
  take(): Waiting[] {
    const taken: Waiting[] = [];
    const free = this.limit - this.used;
    for (const priority of this.#priorities) {
      if (taken.length >= free) break;
      const lane = this.#lanes.get(priority) ?? [];
      for (const entry of lane.splice(0, free - taken.length)) taken.push(entry);
      if (lane.length === 0) this.#lanes.delete(priority);
    }
    if (this.#lanes.size !== this.#priorities.length)
      this.#priorities = [...this.#lanes.keys()].toSorted((a, b) => b - a);
    return taken;
  }

  drop(taker: SlotTaker): void {
    for (const [priority, lane] of this.#lanes) {
      this.#lanes.set(
        priority,
        lane.filter((entry) => entry.taker !== taker),
      );
    }
  }

  get isEmpty(): boolean {
    return this.#lanes.size === 0;
  }

  /** Who is served first. */
  get next(): SlotTaker | undefined {
    for (const priority of this.#priorities) {
      const first = this.#lanes.get(priority)?.[0];
      if (first !== undefined) return first.taker;
    }
    return undefined;
  }
}

/** The pool of tasks that name none. */
export const DEFAULT_POOL = '';
/** That of `shellTask`. */
const SHELL_POOL = 'shell';
/** Those of `threadTask` and `processTask`. */
const THREAD_POOL = 'thread';
const PROCESS_POOL = 'process';
/** Slots of a pool that was named and not configured. */
const UNCONFIGURED_POOL_SLOTS = 64;

/**
 * Gives slots to attempts, over all runs of this runtime.
 *
 * Owns the pools. Talks to the takers when a burst is about to be committed, so that the start of an
 * attempt is recorded in the commit of what made it possible.
 * Invariants: only an attempt that runs holds a slot; `used` never exceeds `limit`.
 */
export class Dispatcher {
  readonly #pools = new Map<string, SlotQueue>();

  constructor(limits: Limits, pools: Readonly<Record<string, number>>) {
    this.#pools.set(DEFAULT_POOL, new SlotQueue(limits.inFlight));
    this.#pools.set(SHELL_POOL, new SlotQueue(limits.shells));
    this.#pools.set(THREAD_POOL, new SlotQueue(limits.threads));
    this.#pools.set(PROCESS_POOL, new SlotQueue(limits.processes));
    for (const [name, slots] of Object.entries(pools)) {
      if (slots !== Infinity && (!Number.isInteger(slots) || slots < 1))
        throw new InvalidOptionError(`pools.${name}`, slots, 'an integer >= 1, or Infinity');
      this.#pools.set(name, new SlotQueue(slots));
    }
  }

  enqueue(taker: SlotTaker, key: CallKey, pool: string, priority: number): void {
    this.#pool(pool).add({ taker, key, priority });
  }

  /** Whoever waits may be of another run than the one that had the slot, which may be left by now. */
  release(pool: string): void {
    const queue = this.#pool(pool);
    queue.used -= 1;
    queue.next?.slotFreed();
  }

  drop(taker: SlotTaker): void {
    for (const pool of this.#pools.values()) pool.drop(taker);
  }

  /** Whether anything waits that could start now. */
  get canGrant(): boolean {
    for (const pool of this.#pools.values()) if (!pool.isEmpty && pool.used < pool.limit) return true;
    return false;
  }

  grant(): void {
    for (const pool of this.#pools.values()) {
      // An entry that is no longer wanted leaves its slot to the next.
      while (!pool.isEmpty && pool.used < pool.limit) {
        for (const { taker, key } of pool.take()) {
          if (taker.grantSlot(key)) pool.used += 1;
        }
      }
    }
  }

  #pool(name: string): SlotQueue {
    let pool = this.#pools.get(name);
    if (pool === undefined) {
      pool = new SlotQueue(UNCONFIGURED_POOL_SLOTS);
      this.#pools.set(name, pool);
    }
    return pool;
  }
}
