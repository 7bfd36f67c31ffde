import type { PoolPlan } from '@pawl/sdk';
import type { Millis } from '../../journal/ids.ts';
import { Fifo } from '../fifo.ts';
import { addTo, type Amounts } from './amounts.ts';

/** What a queue needs to know of what waits in it. */
export interface Waiting {
  readonly priority: number;
  readonly cost: Amounts;
  /** Counts up with every call that came to the pool. */
  readonly order: number;
  /** It had a slot before, and goes before all others of its priority. */
  readonly returns: boolean;
  /** When it came, monotonic. */
  readonly since: Millis;
  /** False when it was taken out of the line. */
  waits: boolean;
}

/** Those of one priority and one cost, apart from those that return: the oldest stands for all of them. */
interface Lane<T extends Waiting> {
  readonly priority: number;
  readonly cost: Amounts;
  readonly returns: boolean;
  readonly entries: Fifo<T>;
  /** Those of its entries that still wait. */
  waiting: number;
}

/** Lanes that may stay while nobody stands in them: in a sequence each call would make one, and its name. */
const EMPTY_LANES = 8;

/**
 * Calls that wait for a slot: the highest priority first, then first come first served. With aging a
 * priority grows with the time that was waited.
 *
 * Owns the lanes. Talks to nobody. A call that leaves out of turn stays in its lane, marked, until the
 * lane comes to it.
 */
export class WaitQueue<T extends Waiting> {
  length = 0;
  readonly #byName = new Map<string, Lane<T>>();
  /** Highest priority first. */
  #lanes: Lane<T>[] = [];
  /** Mostly the one that is asked for next: its name need not be made. */
  #last: Lane<T> | undefined;

  /** What all that wait take together. */
  get total(): Map<string, number> {
    const total = new Map<string, number>();
    for (const { cost, waiting } of this.#lanes) if (waiting > 0) addTo(total, cost, waiting);
    return total;
  }

  add(entry: T): void {
    const lane = this.#laneOf(entry);
    entry.waits = true;
    lane.entries.push(entry);
    lane.waiting += 1;
    this.length += 1;
  }

  /** It waits no more, wherever it stands. */
  remove(entry: T): void {
    if (!entry.waits) return;
    const lane = this.#laneOf(entry);
    entry.waits = false;
    lane.waiting -= 1;
    this.length -= 1;
    this.#trim(lane);
  }

  #laneOf(entry: T): Lane<T> {
    const { priority, cost, returns } = entry;
    const last = this.#last;
    if (last?.priority === priority && last.cost === cost && last.returns === returns) return last;
    const name = laneName(entry);
    let lane = this.#byName.get(name);
    if (lane === undefined) {
      lane = { priority, cost, returns, entries: new Fifo(), waiting: 0 };
      this.#byName.set(name, lane);
      this.#insert(lane);
    }
    this.#last = lane;
    return lane;
  }

  /** Who is served first. */
  first(now: Millis, aging: PoolPlan['aging']): T | undefined {
    let best: T | undefined;
    let bestRank = -Infinity;
    for (const lane of this.#lanes) {
      if (best !== undefined && aging === null && lane.priority < bestRank) break;
      const head = lane.entries.first;
      if (head === undefined) continue;
      const rank = rankOf(head, now, aging);
      if (best !== undefined && (rank < bestRank || (rank === bestRank && head.order > best.order))) continue;
      best = head;
      bestRank = rank;
    }
    return best;
  }

  /** Since when the oldest of a priority waits; Infinity where none does. */
  oldest(priority: number): Millis {
    return this.#lanes.reduce(
      (oldest, lane) =>
        lane.priority === priority ? Math.min(oldest, lane.entries.first?.since ?? Infinity) : oldest,
      Infinity,
    );
  }

  /** The oldest of each priority and cost, in the order in which they would be served. */
  heads(now: Millis, aging: PoolPlan['aging']): T[] {
    const heads = this.#lanes.map(({ entries }) => entries.first).filter((head) => head !== undefined);
    return heads.toSorted((a, b) => rankOf(b, now, aging) - rankOf(a, now, aging) || a.order - b.order);
  }

  /** It was taken out as the first, and is the first again. */
  putBack(entry: T): void {
    const lane = this.#laneOf(entry);
    entry.waits = true;
    lane.entries.unshift(entry);
    lane.waiting += 1;
    this.length += 1;
  }

  #insert(lane: Lane<T>): void {
    let low = 0;
    let high = this.#lanes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#lanes[middle]?.priority ?? 0) >= lane.priority) low = middle + 1;
      else high = middle;
    }
    this.#lanes.splice(low, 0, lane);
  }

  #trim(lane: Lane<T>): void {
    while (lane.entries.first?.waits === false) lane.entries.shift();
    if (lane.entries.length > 0 || this.#lanes.length <= EMPTY_LANES) return;
    this.#byName.delete(laneName(lane));
    this.#lanes.splice(this.#lanes.indexOf(lane), 1);
    if (this.#last === lane) this.#last = undefined;
  }
}

/**
 * Before a queue that is full: first come first served, whatever the priority.
 *
 * Owns the line. Talks to nobody.
 */
export class Door<T extends Waiting> {
  length = 0;
  readonly total: Map<string, number> = new Map();
  readonly #line = new Fifo<T>();

  push(entry: T): void {
    entry.waits = true;
    this.#line.push(entry);
    this.#count(entry, 1);
  }

  /** It was taken out as the first, and is the first again. */
  putBack(entry: T): void {
    entry.waits = true;
    this.#line.unshift(entry);
    this.#count(entry, 1);
  }

  remove(entry: T): void {
    if (!entry.waits) return;
    if (this.first === entry) this.#line.shift();
    entry.waits = false;
    this.#count(entry, -1);
  }

  get first(): T | undefined {
    while (this.#line.first?.waits === false) this.#line.shift();
    return this.#line.first;
  }

  /** Takes out the first. */
  shift(): T | undefined {
    const first = this.first;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Takes out those that are chosen; the others keep their order. */
  takeAll(isChosen: (entry: T) => boolean): T[] {
    const taken: T[] = [];
    for (let left = this.#line.length; left > 0; left -= 1) {
      const entry = this.#line.shift();
      if (entry?.waits !== true) continue;
      if (isChosen(entry)) taken.push(entry);
      else this.#line.push(entry);
    }
    for (const entry of taken) this.remove(entry);
    return taken;
  }

  #count({ cost }: T, by: 1 | -1): void {
    this.length += by;
    addTo(this.total, cost, by);
  }
}

function laneName({ priority, cost, returns }: Pick<Waiting, 'priority' | 'cost' | 'returns'>): string {
  const lead = returns ? `${priority} again` : `${priority}`;
  if (cost.size === 1) for (const [resource, amount] of cost) return `${lead} ${resource} ${amount}`;
  return `${lead} ${JSON.stringify([...cost].toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;
}

/** Its priority by now: never more than `boost` above what was asked for. */
function rankOf({ priority, since }: Waiting, now: Millis, aging: PoolPlan['aging']): number {
  return aging === null ? priority : priority + Math.min(aging.boost, (now - since) * aging.ratePerMs);
}
