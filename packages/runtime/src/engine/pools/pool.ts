import { ONLY_RESOURCE, TASK_RATE, type PoolPlan } from '@pawl/sdk';
import type { CallKey } from '../../journal/call-key.ts';
import type { RateState } from '../../ports/pool-store.ts';
import { addTo, amountsOf, NOTHING, type Amounts } from './amounts.ts';
import type { RatePlan } from './rate.ts';
import { Door, WaitQueue, type Waiting } from './wait-queue.ts';

/** Who asked for a slot. */
export interface SlotTaker {
  /**
   * Records the start of an attempt; false when the call is no longer wanted, and the slot is free.
   * @throws RuntimeError BUSY; another try is made later
   */
  grantSlot(key: CallKey): boolean;
  /** The queue was full, or the pool can never give what it costs: that is the call's outcome. */
  refuseSlot(key: CallKey, error: 'QueueFullError' | 'InvalidCostError', why: string): void;
  /** What waits can start now. */
  slotFreed(): void;
}

/** One attempt's place in a pool: it waits, then holds what it costs, then is gone. */
export interface Ticket extends Waiting {
  readonly taker: SlotTaker;
  readonly key: CallKey;
  readonly pool: Pool;
  /** False for what was let in before: a retry fails for no queue. */
  readonly refusable: boolean;
  state: 'waiting' | 'granted' | 'gone';
  /** False before it was let in. */
  inQueue: boolean;
  /** Its cost, or what `reconcile` said since. */
  held: Amounts;
}

/** What only a rate is short of. */
const UNLIMITED_STARTS = Infinity;

/**
 * One pool of this program: who waits, and what is held, here and in the pools within it.
 *
 * Owns its queue, the calls before it, and its counts. Talks to its parent and its children.
 * Invariants: `held` is the sum of what the granted tickets of this pool and of those within it hold; a
 * ticket is granted only where its cost fits on every level up to the root.
 */
export class Pool {
  readonly name: string;
  /** Shared with other programs: only what is leased may be used. */
  readonly isShared: boolean;
  /** The calls of one task with a rate that go to its parent: they wait here, and count there. */
  readonly isOfTask: boolean;
  plan: PoolPlan;
  /** False for one that was only named: what others declared counts. */
  isDeclared = false;
  parent: Pool | undefined;
  readonly children: Set<Pool> = new Set();
  /** Itself, and those of tasks with rates whose calls ask for it. */
  readonly family: Pool[] = [this];
  readonly queue: WaitQueue<Ticket> = new WaitQueue();
  /** Came when the queue was full, or in this burst. */
  readonly door: Door<Ticket> = new Door();
  readonly held: Map<string, number> = new Map();
  running = 0;
  /** Calls that wait here or in a pool within. */
  waitingBelow = 0;
  /** Kept for a call that waits on this level for more than is free, until the next pass. */
  readonly reserved: Set<string> = new Set();
  /** What its rate still allows, as far as is known here. */
  starts: number = UNLIMITED_STARTS;
  rateState: RateState | null = null;
  /** Goes up with each grant of a parent: among equals, who had none for longest is next. */
  lastGrant = 0;
  /** Calls of other programs that wait in its queue. */
  waitingElsewhere = 0;
  #limits: Amounts;
  #leased: Amounts = NOTHING;
  #caps: Amounts = NOTHING;

  constructor(name: string, plan: PoolPlan, kind: 'shared' | 'local' | 'of a task') {
    this.name = name;
    this.plan = plan;
    this.isShared = kind === 'shared';
    this.isOfTask = kind === 'of a task';
    this.#limits = amountsOf(plan.limits);
    this.#recap();
  }

  /** Where its rate is kept, by name; it is lost with the program where there is none. */
  get rateName(): string | undefined {
    return this.isShared || this.isOfTask ? this.name : undefined;
  }

  /** The pool that its calls asked for. */
  get asked(): Pool {
    return this.isOfTask ? (this.parent ?? this) : this;
  }

  /** In its queue, and in those of its tasks with rates: they share its length. */
  get queueLength(): number {
    let length = 0;
    for (const { queue } of this.asked.family) length += queue.length;
    return length;
  }

  /** In its queue, and before it. */
  get waiting(): number {
    let count = 0;
    for (const { queue, door } of this.asked.family) count += queue.length + door.length;
    return count;
  }

  get limits(): Amounts {
    return this.#limits;
  }

  set limits(limits: Amounts) {
    this.#limits = limits;
    this.#recap();
  }

  get leased(): Amounts {
    return this.#leased;
  }

  set leased(leased: Amounts) {
    this.#leased = leased;
    this.#recap();
  }

  /** What this program may hold at most. */
  get caps(): Amounts {
    return this.#caps;
  }

  #recap(): void {
    this.#caps = this.isShared
      ? new Map(
          [...this.#limits].map(([name, limit]) => [name, Math.min(limit, this.#leased.get(name) ?? 0)]),
        )
      : this.#limits;
  }

  /** A parent within this pool would be a ring: then it has none. */
  setParent(parent: Pool | undefined): void {
    for (let at = parent; at !== undefined; at = at.parent) if (at === this) return this.setParent(undefined);
    if (parent === this.parent) return;
    this.#carry(-1);
    this.parent?.children.delete(this);
    this.parent = parent;
    parent?.children.add(this);
    this.#carry(1);
  }

  /** What lies here counts on all levels around it. */
  #carry(sign: 1 | -1): void {
    for (let at = this.parent; at !== undefined; at = at.parent) {
      addTo(at.held, this.held, sign);
      at.waitingBelow += sign * this.waitingBelow;
    }
  }

  /** Without what the pools within hold. */
  get heldHere(): Amounts {
    if (this.children.size === 0) return this.held;
    const own = new Map(this.held);
    for (const { held } of this.children) addTo(own, held, -1);
    return own;
  }

  countWaiting(by: 1 | -1): void {
    this.waitingBelow += by;
    for (let at = this.parent; at !== undefined; at = at.parent) at.waitingBelow += by;
  }

  /** Adds to what is held, on all levels. */
  hold(amounts: Amounts, times: 1 | -1): void {
    addTo(this.held, amounts, times);
    for (let at = this.parent; at !== undefined; at = at.parent) addTo(at.held, amounts, times);
  }
}

/** The pool for calls of a task with a rate: only that bounds it, and all else is as in the pool that they ask for. */
export function taskPool(task: string, asked: Pool): Pool {
  const pool = new Pool(`${TASK_RATE}${task}`, asked.plan, 'of a task');
  pool.setParent(asked);
  asked.family.push(pool);
  return pool;
}

export function taskPlan(asked: Pool, rate: RatePlan): PoolPlan {
  return { ...asked.plan, limits: { [ONLY_RESOURCE]: Infinity }, parent: asked.name, weight: 1, rate };
}
