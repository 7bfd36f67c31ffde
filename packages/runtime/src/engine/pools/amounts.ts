import { ONLY_RESOURCE } from '@pawl/sdk';
import type { StoredAmounts } from '../../ports/pool-store.ts';
import { ONE_SLOT } from '../../process/declared-pools.ts';

/** Arithmetic of amounts by resource. What is not named is 0 as a cost, and unlimited as a limit. */
export type Amounts = ReadonlyMap<string, number>;

/** Sums of fractions are off by less than this. */
const SLACK = 1e-9;

export const NOTHING: Amounts = new Map();

/** What a person set, and what is declared of all else: who lowers one resource does not free the others. */
export function limitsIn(declared: StoredAmounts, set: StoredAmounts | null): StoredAmounts {
  return set === null ? declared : { ...declared, ...set };
}

export function amountsOf(record: Readonly<Record<string, number>>): Amounts {
  return new Map(Object.entries(record));
}

export function recordOf(amounts: Amounts): Record<string, number> {
  return Object.fromEntries(amounts);
}

/** Adds `amounts` so many times, in place. */
export function addTo(total: Map<string, number>, amounts: Amounts, times = 1): void {
  // What nearly every attempt costs: to walk through a map of one entry makes four objects.
  if (amounts === ONE_SLOT) {
    add(total, ONLY_RESOURCE, times);
    return;
  }
  for (const [resource, amount] of amounts) add(total, resource, amount * times);
}

function add(total: Map<string, number>, resource: string, amount: number): void {
  const sum = (total.get(resource) ?? 0) + amount;
  if (Math.abs(sum) < SLACK) total.delete(resource);
  else total.set(resource, sum);
}

/** The first resource of which there is less left than it takes. */
export function shortOf(cost: Amounts, held: Amounts, limits: Amounts): string | undefined {
  if (cost === ONE_SLOT) return isShort(ONLY_RESOURCE, 1, held, limits) ? ONLY_RESOURCE : undefined;
  for (const [resource, amount] of cost) if (isShort(resource, amount, held, limits)) return resource;
  return undefined;
}

function isShort(resource: string, amount: number, held: Amounts, limits: Amounts): boolean {
  const limit = limits.get(resource);
  return limit !== undefined && (held.get(resource) ?? 0) + amount > limit + SLACK;
}

/** The largest share of a limit that is held, 0 where nothing is limited. */
export function usedShare(held: Amounts, limits: Amounts): number {
  let most = 0;
  for (const [resource, limit] of limits) most = Math.max(most, (held.get(resource) ?? 0) / limit);
  return most;
}

/** The larger of both, by resource. */
export function largest(a: Amounts, b: Amounts): Amounts {
  const result = new Map(a);
  for (const [resource, amount] of b) result.set(resource, Math.max(amount, result.get(resource) ?? 0));
  return result;
}

/** What is wanted, as far as the limits go. */
export function within(wanted: Amounts, limits: Amounts): Amounts {
  return new Map(
    [...wanted].map(([resource, amount]) => [resource, Math.min(amount, limits.get(resource) ?? amount)]),
  );
}

export function isSame(a: Amounts, b: Amounts): boolean {
  if (a.size !== b.size) return false;
  for (const [resource, amount] of a)
    if (Math.abs(amount - (b.get(resource) ?? NaN)) > SLACK || !b.has(resource)) return false;
  return true;
}
