/**
 * Who starts next: the order of pools within each other, and of calls within a pool. It looks and
 * decides; granting is the dispatcher's.
 */
import type { Millis } from '../../journal/ids.ts';
import { shortOf, usedShare } from './amounts.ts';
import type { Pool, Ticket } from './pool.ts';

/** How long others may pass a call in 'backfill' that asks for no aging. */
const LONGEST_PASSED_MS = 10_000;

/**
 * The next call that can start in this pool or within it. Where a parent is short, who holds the least
 * for its weight is next: so shares become max-min fair as attempts end, and nothing is left idle.
 */
export function pickNext(pool: Pool, now: Millis): Ticket | undefined {
  if (pool.waitingBelow === 0) return undefined;
  if (pool.children.size === 0) return pickOwn(pool, now);
  for (const candidate of byShare(pool)) {
    const found = candidate === pool ? pickOwn(pool, now) : pickNext(candidate, now);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whose turn it is here or within, whether it fits or not. */
export function headOf(pool: Pool, now: Millis): Ticket | undefined {
  if (pool.waitingBelow === 0) return undefined;
  for (const candidate of byShare(pool)) {
    const head = candidate === pool ? ownHead(pool, now) : headOf(candidate, now);
    if (head !== undefined) return head;
  }
  return undefined;
}

/** A queue of size 0 holds nobody: who comes goes straight through, or waits before it. */
function ownHead({ queue, door, plan }: Pool, now: Millis): Ticket | undefined {
  return queue.first(now, plan.aging) ?? door.first;
}

/** The pool's own calls stand beside its children, as if they were a child of weight 1. */
function byShare(pool: Pool): Pool[] {
  const shareOf = (each: Pool): number =>
    usedShare(each === pool ? pool.heldHere : each.held, pool.limits) /
    (each === pool ? 1 : each.plan.weight);
  const candidates = [pool, ...pool.children].filter((each) => each.waitingBelow > 0);
  const shares = new Map(candidates.map((each) => [each, shareOf(each)]));
  return candidates.toSorted(
    (a, b) => (shares.get(a) ?? 0) - (shares.get(b) ?? 0) || a.lastGrant - b.lastGrant,
  );
}

function pickOwn(pool: Pool, now: Millis): Ticket | undefined {
  const { queue, plan } = pool;
  const head = ownHead(pool, now);
  if (head === undefined) return undefined;
  const block = blockOf(pool, head);
  if (block === undefined) return head;
  const isOverdue = now - head.since >= longestPassedMs(pool);
  if (!block.byRate && (block.level.plan.order === 'strict' || isOverdue)) {
    // What it waits for is kept together, or those who need less would take it away piece by piece.
    for (const resource of head.cost.keys()) {
      if (block.level.limits.has(resource)) block.level.reserved.add(resource);
    }
  }
  if (plan.order === 'strict' || isOverdue) return undefined;
  return queue.heads(now, plan.aging).find((other) => blockOf(pool, other) === undefined);
}

function longestPassedMs({ plan: { aging } }: Pool): number {
  return aging === null ? LONGEST_PASSED_MS : aging.boost / aging.ratePerMs;
}

/** Where a call does not fit. */
interface Block {
  readonly level: Pool;
  readonly byRate: boolean;
}

/** The first level, from the pool to the root, on which a call cannot start now. */
function blockOf(pool: Pool, { cost, returns }: Ticket): Block | undefined {
  for (let level: Pool | undefined = pool; level !== undefined; level = level.parent) {
    // A rate is of starts: who returns was counted.
    if (level.starts < 1 && !returns) return { level, byRate: true };
    if (shortOf(cost, level.held, level.caps) !== undefined) return { level, byRate: false };
    if (level.reserved.size === 0) continue;
    for (const resource of cost.keys()) if (level.reserved.has(resource)) return { level, byRate: false };
  }
  return undefined;
}
