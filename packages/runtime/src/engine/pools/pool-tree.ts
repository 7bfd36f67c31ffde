import { PLAIN_POOL, type PoolPlan } from '@pawl/sdk';
import { amountsOf } from './amounts.ts';
import { LOCAL_POOLS } from './plans.ts';
import { Pool, taskPlan, taskPool } from './pool.ts';
import type { RatePlan } from './rate.ts';
import type { SharedPools } from './shared-pools.ts';

/** A task with a rate. */
export interface RatedTask {
  readonly task: string;
  readonly rate: RatePlan;
}

/**
 * The pools of this program, each in its parent.
 *
 * Owns which there are. Talks to what is shared, about those that were declared elsewhere.
 */
export class PoolTree {
  readonly #configured: ReadonlyMap<string, PoolPlan>;
  readonly #shared: SharedPools;
  readonly #pools = new Map<string, Pool>();
  /** By the pool that is asked for, and task. */
  readonly #ofTasks = new Map<Pool, Map<string, Pool>>();
  /** Asked in every burst, and the same in nearly all: undefined where it has changed. */
  #all: readonly Pool[] | undefined;
  #roots: readonly Pool[] | undefined;

  constructor(configured: ReadonlyMap<string, PoolPlan>, shared: SharedPools) {
    this.#configured = configured;
    this.#shared = shared;
  }

  get(name: string): Pool {
    let pool = this.#pools.get(name);
    if (pool === undefined) {
      const isShared = !LOCAL_POOLS.has(name);
      const plan = this.#configured.get(name) ?? (isShared ? this.#shared.lookUp(name)?.declared : undefined);
      pool = new Pool(name, plan ?? PLAIN_POOL, isShared ? 'shared' : 'local');
      this.#pools.set(name, pool);
      this.#changed();
      this.link(pool);
    }
    return pool;
  }

  /** Where calls of a task with a rate wait that go to this pool. */
  ofTask(asked: Pool, { task, rate }: RatedTask): Pool {
    let ofTasks = this.#ofTasks.get(asked);
    if (ofTasks === undefined) {
      ofTasks = new Map();
      this.#ofTasks.set(asked, ofTasks);
    }
    let pool = ofTasks.get(task);
    if (pool === undefined) {
      pool = taskPool(task, asked);
      ofTasks.set(task, pool);
      this.#changed();
    }
    pool.plan = taskPlan(asked, rate);
    pool.limits = amountsOf(pool.plan.limits);
    return pool;
  }

  /** Those that were asked for, without those before them. */
  get named(): Iterable<Pool> {
    return this.#pools.values();
  }

  get all(): readonly Pool[] {
    return (this.#all ??= Array.from(this.#pools.values(), ({ family }) => family).flat());
  }

  get roots(): readonly Pool[] {
    return (this.#roots ??= [...this.#pools.values()].filter((pool) => pool.parent === undefined));
  }

  #changed(): void {
    this.#all = undefined;
    this.#roots = undefined;
  }

  get shared(): Pool[] {
    return [...this.#pools.values()].filter((pool) => pool.isShared);
  }

  /** Puts pools into their parents; whether one was in another before. */
  link(only?: Pool): boolean {
    let moved = false;
    for (const pool of only === undefined ? [...this.#pools.values()] : [only]) {
      const { parent } = pool.plan;
      if ((pool.parent?.name ?? null) === parent) continue;
      const before = pool.parent;
      pool.setParent(parent === null ? undefined : this.get(parent));
      this.#changed();
      moved ||= pool.parent !== before;
    }
    return moved;
  }
}
