import type { Millis } from '../../journal/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { JournalStore, LeaseClaim } from '../../ports/journal-store.ts';
import type { PoolRecord, PoolsChange, PoolsView, StoredAmounts } from '../../ports/pool-store.ts';
import { addTo, amountsOf, largest, limitsIn, NOTHING, type Amounts } from './amounts.ts';
import { LeaseTime } from './lease-time.ts';
import { planLeases, type Answer, type LeasePlan, type Need } from './lease-plan.ts';
import { headOf } from './pick.ts';
import type { Pool } from './pool.ts';
import { freeStarts, isAhead, setBack, useStarts, waitMs } from './rate.ts';

/** How soon those are looked at again that wait for what others hold. */
export const SHORT_POLL_MS = 25;
/** What is only told to people is told so often at most. */
const SHOWN_EVERY_MS = 1000;

/** Of a pool that is leased from, what was told to the others and heard from them last. */
interface Known {
  answer: Answer;
  running: number;
  waiting: number;
  shownAt: Millis;
  /** The most that was wanted since the last look. */
  peak: Amounts;
  /** Of the pool, at the last look. */
  lastGrant: number;
}

export interface SharedPoolsDeps {
  readonly store: JournalStore;
  readonly clock: Clock;
  readonly claim: () => LeaseClaim;
}

/**
 * This program's part of the pools that all programs of a journal share.
 *
 * Owns what it knows of its leases. Talks to the store, in small transactions of its own: a block of
 * slots is leased at once, and granted and used again without the store.
 * Invariants: what is held is never more than what is leased, but where `reconcile` or a lower limit made
 * it so; what is leased is given back when it is no longer wanted.
 */
export class SharedPools {
  readonly #deps: SharedPoolsDeps;
  readonly #leaseTime: LeaseTime;
  readonly #known = new Map<string, Known>();
  /** Declared here and not told to the others yet. */
  readonly #undeclared = new Set<Pool>();
  #isStale = false;
  #changeMark = -1;
  #provenAt: Millis = -Infinity;

  constructor(deps: SharedPoolsDeps) {
    this.#deps = deps;
    this.#leaseTime = new LeaseTime(deps.clock);
  }

  get #countFrom(): Millis {
    return this.#leaseTime.countFrom(this.#deps.claim().ttlMs);
  }

  get #hasLapsed(): boolean {
    return this.#leaseTime.hasJumpedSince(this.#provenAt, this.#deps.claim().ttlMs);
  }

  #change(decide: (view: PoolsView) => PoolsChange): void {
    this.#deps.store.changePools(this.#deps.claim(), decide, this.#countFrom);
  }

  /** What others know of the pool is to be changed. */
  declared(pool: Pool): void {
    this.#undeclared.add(pool);
    this.#isStale = true;
  }

  /** A call came: whether more is to be leased shows on each level. */
  wanted(pool: Pool): void {
    for (let level: Pool | undefined = pool; level !== undefined && !this.#isStale; level = level.parent) {
      if (!level.isShared) continue;
      const known = this.#known.get(level.name);
      if (known === undefined) {
        this.#isStale = true;
        return;
      }
      // What others hold is looked for again by the clock, not by each call.
      if (known.answer.isShort) continue;
      for (const [resource, limit] of level.limits) {
        const has = level.leased.get(resource) ?? 0;
        this.#isStale ||= has < limit && demandOf(level, resource) > has;
      }
    }
  }

  /** An attempt ended: where others want more than they have, what is over is given back at once. */
  freed(pool: Pool): void {
    for (let level: Pool | undefined = pool; level !== undefined; level = level.parent) {
      if (this.#known.get(level.name)?.answer.isOver === true) this.#isStale = true;
    }
  }

  touch(): void {
    this.#isStale = true;
  }

  get isStale(): boolean {
    return this.#isStale || this.#isOld;
  }

  /** Near to its end a lease is proven again before anything starts on it. */
  get #isOld(): boolean {
    const { clock, claim } = this.#deps;
    return this.#known.size > 0 && clock.monotonic() - this.#provenAt > claim().ttlMs / 2;
  }

  /** Whether others hold what is wanted here. */
  get isShort(): boolean {
    for (const { answer } of this.#known.values()) if (answer.isShort) return true;
    return false;
  }

  /** Leases what is wanted and gives back what is not. Every pool that is shared and in use is given. */
  sync(pools: readonly Pool[], keep: 'ahead' | 'recent'): void {
    const { store, clock } = this.#deps;
    const now = clock.now();
    const claim = this.#deps.claim();
    const shown = clock.monotonic();
    const needs = pools
      .filter((pool) => this.#undeclared.has(pool) || this.#isUsed(pool))
      .map((pool) => this.#needOf(pool, keep, shown));
    const time = { now, renewBefore: now + (claim.ttlMs * 2) / 3 };
    let plan = planLeases(store.readPools(this.#countFrom), claim.owner, needs, time);
    if (isChange(plan)) {
      store.changePools(
        claim,
        (view) => {
          plan = planLeases(view, claim.owner, needs, time);
          return plan.change;
        },
        this.#countFrom,
      );
    }
    this.#provenAt = clock.monotonic();
    this.#isStale = false;
    this.#undeclared.clear();
    this.#take(pools, needs, plan, shown);
  }

  #take(pools: readonly Pool[], needs: readonly Need[], plan: LeasePlan, shown: Millis): void {
    for (const pool of pools) {
      const answer = plan.answers.get(pool.name);
      const need = needs.find((each) => each.pool === pool.name);
      if (answer === undefined || need === undefined) continue;
      pool.limits = answer.limits;
      pool.leased = answer.leased;
      pool.rateState = answer.record.rate;
      pool.waitingElsewhere = answer.waitingElsewhere;
      if (!pool.isDeclared) pool.plan = answer.record.declared;
      const { running, waiting } = need;
      const isGone = answer.leased.size === 0 && need.demand.size === 0;
      const { lastGrant } = pool;
      const before = this.#known.get(pool.name);
      const isSame = before !== undefined && before.running === running && before.waiting === waiting;
      if (isGone) this.#known.delete(pool.name);
      else
        this.#known.set(pool.name, {
          answer,
          running,
          waiting,
          shownAt: isSame ? before.shownAt : shown,
          peak: need.demand,
          lastGrant,
        });
    }
  }

  /** From time to time: whether others wrote, or what is told to them is old. True where it was looked at. */
  tick(pools: readonly Pool[]): boolean {
    if (this.#known.size === 0) return false;
    const mark = this.#deps.store.changeMark();
    const isForeign = mark !== this.#changeMark;
    this.#changeMark = mark;
    // Each of them is looked at: it notes what was wanted since the last look.
    const isOld = pools.filter((pool) => this.#isOutOfDate(pool)).length > 0;
    if (!isForeign && !isOld && !this.#isOld && !this.#hasLapsed) return false;
    this.sync(pools, 'recent');
    return true;
  }

  #isOutOfDate(pool: Pool): boolean {
    const known = this.#known.get(pool.name);
    if (known === undefined) return false;
    const { peak } = known;
    known.peak = demandsOf(pool);
    if (known.running !== pool.running || known.waiting !== pool.waiting) return true;
    for (const [resource, leased] of pool.leased) {
      if (leased > Math.max(peak.get(resource) ?? 0, demandOf(pool, resource))) return true;
    }
    return false;
  }

  #isUsed(pool: Pool): boolean {
    return this.#known.has(pool.name) || pool.waitingBelow > 0 || pool.held.size > 0;
  }

  #needOf(pool: Pool, keep: 'ahead' | 'recent', shown: Millis): Need {
    const known = this.#known.get(pool.name);
    const demand = demandsOf(pool);
    const isFresh = known !== undefined && shown - known.shownAt < SHOWN_EVERY_MS;
    return {
      pool: pool.name,
      held: new Map(pool.held),
      demand,
      // More is coming, as a rule: twice as much costs one transaction for many calls.
      recent: keep === 'ahead' ? twice(demand) : largest(demand, known?.peak ?? NOTHING),
      // Of whom it is the turn of: what fits another starves it, and what it needs on another level is of no use.
      unit: headOf(pool, shown)?.cost ?? NOTHING,
      wasServed: pool.held.size > 0 || (known !== undefined && known.lastGrant !== pool.lastGrant),
      running: isFresh && known.running > 0 === pool.running > 0 ? known.running : pool.running,
      waiting: isFresh && known.waiting > 0 === pool.waiting > 0 ? known.waiting : pool.waiting,
      declare: this.#undeclared.has(pool) ? pool.plan : undefined,
      byDefault: pool.plan,
    };
  }

  /**
   * Takes starts of every rate, in one transaction: what is recorded is used, whatever happens next.
   * @returns by pool, how many there were
   */
  takeStarts(wanted: ReadonlyMap<Pool, number>): ReadonlyMap<Pool, number> {
    const now = this.#deps.clock.now();
    const taken = new Map<Pool, number>();
    const use = (pool: Pool, stored: PoolRecord['rate']): PoolRecord['rate'] => {
      const { rate } = pool.plan;
      const starts = wanted.get(pool) ?? 0;
      if (rate === null) return stored;
      const state = setBack(stored, now);
      const granted = Math.min(starts, freeStarts(rate, state, now));
      taken.set(pool, granted);
      pool.rateState = granted === 0 ? state : useStarts(rate, state, now, granted);
      return pool.rateState;
    };
    const shared: Pool[] = [];
    for (const pool of wanted.keys()) {
      if (pool.rateName === undefined) use(pool, pool.rateState);
      else shared.push(pool);
    }
    if (shared.length === 0) return taken;
    this.#change((view) => {
      // Calls of one task may have asked for several pools.
      const records = new Map<string, PoolRecord>();
      for (const pool of shared) {
        const stored = records.get(pool.name) ?? recordIn(view, pool);
        const declared = pool.isOfTask ? pool.plan : stored.declared;
        records.set(pool.name, { ...stored, declared, rate: use(pool, stored.rate) });
      }
      return { pools: [...records.values()], leases: [], released: [] };
    });
    return taken;
  }

  /** How long until a rate lets another start; 0 where it does now. */
  waitMs(pool: Pool): Millis {
    const { rate } = pool.plan;
    return rate === null ? 0 : waitMs(rate, pool.rateState, this.#deps.clock.now());
  }

  free(pool: Pool): number {
    const { rate } = pool.plan;
    if (rate === null) return Infinity;
    const now = this.#deps.clock.now();
    // Who asks for one sets it right, also where there is none.
    return isAhead(pool.rateState, now) ? 1 : freeStarts(rate, pool.rateState, now);
  }

  /** Instead of those that were declared, resource by resource; null = those again. */
  setLimits(pool: Pool, limits: StoredAmounts | null): void {
    this.#change((view) => ({
      pools: [{ ...recordIn(view, pool), limits }],
      leases: [],
      released: [],
    }));
    pool.limits = amountsOf(limitsIn(pool.plan.limits, limits));
    this.#isStale = true;
  }

  /** As others declared it. */
  lookUp(name: string): PoolRecord | undefined {
    return this.view().pools.find((record) => record.name === name);
  }

  view(): PoolsView {
    return this.#deps.store.readPools(this.#countFrom);
  }

  /** Nothing runs here any more. */
  leave(): void {
    const released = [...this.#known.keys()];
    if (released.length === 0) return;
    this.#change(() => ({ pools: [], leases: [], released }));
    this.#known.clear();
  }
}

function recordIn(view: PoolsView, pool: Pool): PoolRecord {
  const stored = view.pools.find(({ name }) => name === pool.name);
  return stored ?? { name: pool.name, declared: pool.plan, limits: null, rate: null };
}

function isChange({ change: { pools, leases, released } }: LeasePlan): boolean {
  return pools.length + leases.length + released.length > 0;
}

/** What is held and what waits, children's as far as each of them may go. */
export function demandsOf(pool: Pool): Amounts {
  const total = new Map(pool.heldHere);
  addTo(total, pool.queue.total);
  addTo(total, pool.door.total);
  for (const child of pool.children) {
    for (const [resource, amount] of demandsOf(child)) {
      addTo(total, new Map([[resource, Math.min(amount, child.limits.get(resource) ?? amount)]]));
    }
  }
  return total;
}

function demandOf(pool: Pool, resource: string): number {
  return demandsOf(pool).get(resource) ?? 0;
}

function twice(amounts: Amounts): Amounts {
  return new Map([...amounts].map(([resource, amount]) => [resource, 2 * amount]));
}
