import { InvalidOptionError, ONLY_RESOURCE, type Cost, type PoolPlan } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { Millis } from '../journal/ids.ts';
import type { Clock } from '../ports/clock.ts';
import type { StoredAmounts } from '../ports/pool-store.ts';
import { costIn } from '../process/declared-pools.ts';
import { amountsOf, limitsIn } from './pools/amounts.ts';
import { whyNever } from './pools/never-fits.ts';
import { pickNext } from './pools/pick.ts';
import { DEFAULT_POOL } from './pools/plans.ts';
import { PoolTree } from './pools/pool-tree.ts';
import type { Pool, SlotTaker, Ticket } from './pools/pool.ts';
import { SHORT_POLL_MS, type SharedPools } from './pools/shared-pools.ts';
import { takeStarts } from './pools/take-starts.ts';
import { costOf, newTicket, returning, type Asked } from './pools/ticket.ts';

export interface DispatcherDeps {
  readonly clock: Clock;
  /** Plans by name; those of the default pool and of 'shell' are among them. */
  readonly pools: ReadonlyMap<string, PoolPlan>;
  /** Of a pool that sets no queueSize. */
  readonly queueLength: number;
  readonly shared: SharedPools;
  warn(message: string): void;
}

/**
 * Gives slots to attempts, over all runs of this runtime.
 *
 * Owns the pools of this program. Talks to the takers when a burst is about to be committed, so that the
 * start of an attempt is recorded in the commit of what made it possible; and to what is shared with
 * other programs.
 * Invariants: only an attempt that runs holds a slot; what is held never exceeds a limit, but where
 * `reconcile` or a lower limit made it so.
 */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #tree: PoolTree;
  #orders = 0;
  #grants = 0;
  /** Came, and cost more than their pools can give by what was known here then. */
  #doubtful: Ticket[] = [];
  /** Something came, ended or changed since the last look. */
  #isDirty = false;
  /** No run is under way: what is leased is given back as soon as it is free. */
  #isResting = false;
  #cancelWake: (() => void) | undefined;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
    this.#tree = new PoolTree(deps.pools, deps.shared);
    for (const [name, plan] of deps.pools) this.declare(name, plan);
  }

  declare(name: string, plan: PoolPlan): void {
    const pool = this.#tree.get(name);
    pool.isDeclared = true;
    pool.plan = plan;
    pool.limits = amountsOf(plan.limits);
    this.#tree.link(pool);
    if (pool.isShared) this.#deps.shared.declared(pool);
    this.#changed();
  }

  enqueue(taker: SlotTaker, key: CallKey, asked: Asked): Ticket {
    const named = this.#tree.get(asked.pool);
    const cost = costOf(named, asked.cost);
    const pool = asked.rated === undefined ? named : this.#tree.ofTask(named, asked.rated);
    this.#orders += 1;
    const inQueue = pool.door.length === 0 && this.#roomIn(pool) > 0;
    const since = this.#deps.clock.monotonic();
    const ticket = newTicket(taker, key, pool, cost, asked, this.#orders, since, inQueue);
    if (asked.refusable && whyNever(ticket) !== undefined) {
      this.#doubtful.push(ticket);
      // Others may have declared more meanwhile.
      this.#deps.shared.touch();
    }
    return this.#line(ticket);
  }

  /** One that gave its slot back and wants one again: it goes before all others of its priority. */
  comeBack(former: Ticket, taker: SlotTaker): Ticket {
    this.#orders += 1;
    return this.#line(returning(former, taker, this.#orders, this.#deps.clock.monotonic()));
  }

  #line(ticket: Ticket): Ticket {
    const { pool } = ticket;
    pool.countWaiting(1);
    if (ticket.inQueue) pool.queue.add(ticket);
    else pool.door.push(ticket);
    if (pool.isShared || pool.parent !== undefined) this.#deps.shared.wanted(pool);
    this.#isResting = false;
    this.#isDirty = true;
    return ticket;
  }

  /** Its call is over, or its run was left, before it got a slot. */
  forget(ticket: Ticket): void {
    if (ticket.state !== 'waiting') return;
    this.#takeOut(ticket);
    ticket.state = 'gone';
    // Who stood behind it may fit.
    this.#changed();
  }

  /** Whoever waits may be of another run than the one that had the slot, which may be left by now. */
  release(ticket: Ticket): void {
    if (ticket.state !== 'granted') {
      this.#deps.warn(`The slot of call ${ticket.key} in pool '${ticket.pool.name}' was given back twice.`);
      return;
    }
    const { pool } = ticket;
    ticket.state = 'gone';
    pool.hold(ticket.held, -1);
    pool.asked.running -= 1;
    this.#deps.shared.freed(pool);
    this.#changed();
    if (this.#isResting) this.rest();
  }

  /** What the attempt really takes. False where it holds nothing any more. */
  reconcile(ticket: Ticket, cost: Cost): boolean {
    if (ticket.state !== 'granted') return false;
    const { name, plan } = ticket.pool.asked;
    const held = costIn(name, plan, cost);
    ticket.pool.hold(ticket.held, -1);
    ticket.pool.hold(held, 1);
    ticket.held = held;
    this.#deps.shared.touch();
    this.#changed();
    return true;
  }

  /**
   * Instead of the declared limits, resource by resource; null = those again. More than them can be under way:
   * nothing starts then.
   * @throws InvalidOptionError for a resource that the pool does not have
   */
  setLimits(name: string, limits: StoredAmounts | null): void {
    const pool = this.#tree.get(name);
    const isKnown = !pool.isShared || pool.isDeclared || this.#deps.shared.lookUp(name) !== undefined;
    for (const [resource, limit] of Object.entries(limits ?? {})) {
      if (!isKnown || resource === ONLY_RESOURCE || Object.hasOwn(pool.plan.limits, resource)) continue;
      const has = Object.keys(pool.plan.limits).join(', ');
      throw new InvalidOptionError(`limits.${resource}`, limit, `left out: pool '${name}' has ${has}`);
    }
    if (pool.isShared) this.#deps.shared.setLimits(pool, limits);
    else pool.limits = amountsOf(limitsIn(pool.plan.limits, limits));
    this.#changed();
  }

  /** What is in use here. */
  statuses(): Pick<Pool, 'name' | 'limits' | 'plan' | 'held' | 'running' | 'queueLength'>[] {
    return Array.from(this.#tree.named, ({ name, limits, plan, held, running, queueLength }) => ({
      name,
      limits,
      plan,
      held,
      running,
      queueLength,
    }));
  }

  /** Whether anything waits that could start, or has to be refused, now. */
  get canGrant(): boolean {
    return this.#isDirty && this.#tree.roots.some((pool) => pool.waitingBelow > 0);
  }

  grant(): void {
    if (this.#deps.shared.isStale) this.#sync('ahead');
    this.#refuseUnfit();
    // A call that is no longer wanted leaves its slot to the next.
    for (let again = true; again;) again = this.#giveAll(this.#takeStarts(this.#pick()));
    this.#isDirty = false;
    this.#refuse();
    this.#wakeLater();
  }

  /** Other programs may want what is leased here, or have given back what is wanted. */
  tick(): void {
    if (!this.#deps.shared.tick(this.#tree.shared)) return;
    if (this.#tree.link()) this.#deps.shared.touch();
    this.#changed();
  }

  /** No run is under way. What cannot be given back now is at the latest when the program ends. */
  rest(): void {
    this.#isResting = true;
    this.#stopWaking();
    try {
      if (this.#tree.shared.every((pool) => pool.held.size === 0)) this.#deps.shared.leave();
      else this.#sync('recent');
    } catch {
      // The journal is locked or closed: whoever wants the slots sees that their owner is gone.
    }
  }

  /** The program is done: nothing of it counts as used any more. */
  close(): void {
    this.#stopWaking();
    try {
      this.#deps.shared.leave();
    } catch {
      // As in `rest`.
    }
  }

  #sync(keep: 'ahead' | 'recent'): void {
    this.#deps.shared.sync(this.#tree.shared, keep);
    // What others declared may put a pool into another, which is leased from too.
    if (this.#tree.link()) this.#deps.shared.sync(this.#tree.shared, keep);
  }

  #pick(): Ticket[] {
    const now = this.#deps.clock.monotonic();
    const picked: Ticket[] = [];
    for (const pool of this.#tree.all) {
      // To empty an empty set makes a new table.
      if (pool.reserved.size > 0) pool.reserved.clear();
      pool.starts = this.#deps.shared.free(pool);
    }
    for (const root of this.#tree.roots) {
      for (let next = pickNext(root, now); next !== undefined; next = pickNext(root, now)) {
        this.#hold(next);
        picked.push(next);
      }
    }
    return picked;
  }

  #hold(ticket: Ticket): void {
    const { pool } = ticket;
    this.#takeOut(ticket);
    ticket.state = 'granted';
    pool.hold(ticket.held, 1);
    pool.asked.running += 1;
    this.#grants += 1;
    for (let level: Pool | undefined = pool; level !== undefined; level = level.parent) {
      if (!ticket.returns) level.starts -= 1;
      level.lastGrant = this.#grants;
    }
  }

  #takeOut(ticket: Ticket): void {
    const { pool } = ticket;
    if (ticket.inQueue) pool.queue.remove(ticket);
    else pool.door.remove(ticket);
    pool.countWaiting(-1);
    this.#letIn(pool);
  }

  #roomIn({ asked, queueLength }: Pool): number {
    const size = Math.min(asked.plan.queueSize, this.#deps.queueLength);
    return size - queueLength - asked.waitingElsewhere;
  }

  #letIn(left: Pool): void {
    for (const pool of left.asked.family) {
      while (pool.door.length > 0 && this.#roomIn(pool) > 0) {
        const first = pool.door.shift();
        if (first === undefined) break;
        first.inQueue = true;
        pool.queue.add(first);
      }
    }
  }

  /** What other programs were faster with goes back to its place; where the store does not answer, all of it. */
  #takeStarts(picked: readonly Ticket[]): readonly Ticket[] {
    let over = picked;
    try {
      over = takeStarts(picked, this.#deps.shared);
    } finally {
      this.#putAllBack(over);
    }
    return picked.filter(({ state }) => state === 'granted');
  }

  /** Whether somebody did not want it any more. */
  #giveAll(tickets: readonly Ticket[]): boolean {
    let isLeft = false;
    for (let i = 0; i < tickets.length; i += 1) {
      const ticket = tickets[i];
      if (ticket === undefined) break;
      let isTaken: boolean;
      try {
        isTaken = ticket.taker.grantSlot(ticket.key);
      } catch (error) {
        // Another try finds them where they were.
        this.#putAllBack(tickets.slice(i));
        throw error;
      }
      if (isTaken) continue;
      isLeft = true;
      if (ticket.state === 'granted') this.release(ticket);
    }
    return isLeft;
  }

  #putAllBack(tickets: readonly Ticket[]): void {
    for (const ticket of tickets.toReversed()) if (ticket.state === 'granted') this.#putBack(ticket);
  }

  #putBack(ticket: Ticket): void {
    const { pool } = ticket;
    ticket.state = 'waiting';
    pool.hold(ticket.held, -1);
    pool.asked.running -= 1;
    pool.countWaiting(1);
    if (ticket.inQueue) pool.queue.putBack(ticket);
    else pool.door.putBack(ticket);
  }

  /** What would wait for ever, or take what its pool does not have. */
  #refuseUnfit(): void {
    for (const ticket of this.#doubtful.splice(0)) {
      const why = ticket.state === 'waiting' ? whyNever(ticket) : undefined;
      if (why === undefined) continue;
      this.#takeOut(ticket);
      ticket.state = 'gone';
      ticket.taker.refuseSlot(ticket.key, 'InvalidCostError', why);
    }
  }

  /** What found the queue full, and no slot either. */
  #refuse(): void {
    for (const pool of this.#tree.all) {
      const { door } = pool;
      if (door.length === 0) continue;
      const { plan, name } = pool.asked;
      if (plan.overflow === 'block' && plan.queueSize !== Infinity) continue;
      const size = Math.min(plan.queueSize, this.#deps.queueLength);
      for (const ticket of door.takeAll(({ refusable }) => refusable)) {
        ticket.state = 'gone';
        pool.countWaiting(-1);
        ticket.taker.refuseSlot(
          ticket.key,
          'QueueFullError',
          `the queue of ${name === DEFAULT_POOL ? 'the default pool' : `pool '${name}'`} is full: ${size} calls wait already`,
        );
      }
    }
  }

  /** Looks again when a rate lets the next one start, and soon where others hold what is wanted. */
  #wakeLater(): void {
    this.#stopWaking();
    let delay: Millis = Infinity;
    for (const pool of this.#tree.all) {
      if (pool.plan.rate === null || pool.waitingBelow === 0) continue;
      const wait = this.#deps.shared.waitMs(pool);
      if (wait > 0) delay = Math.min(delay, wait);
    }
    if (this.#deps.shared.isShort && this.#tree.roots.some((pool) => pool.isShared && pool.waitingBelow > 0))
      delay = Math.min(delay, SHORT_POLL_MS);
    if (delay === Infinity) return;
    this.#cancelWake = this.#deps.clock.after(delay, () => {
      this.#cancelWake = undefined;
      this.#deps.shared.touch();
      this.#changed();
    });
  }

  #stopWaking(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
  }

  /** What waits may start now. All runs of the engine share its burst: one of them is enough. */
  #changed(): void {
    this.#isDirty = true;
    for (const { family } of this.#tree.named) {
      for (const { queue, door } of family) {
        if (queue.length + door.length === 0) continue;
        (queue.first(0, null) ?? door.first)?.taker.slotFreed();
        return;
      }
    }
    this.#stopWaking();
  }
}
