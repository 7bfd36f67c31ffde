import {
  InvalidCostError,
  InvalidOptionError,
  LimitError,
  ONLY_RESOURCE,
  type Cost,
  type PoolPlan,
} from '@pawl/sdk';

/** Amounts by resource. */
export type Amounts = ReadonlyMap<string, number>;

export const ONE_SLOT: Amounts = new Map([[ONLY_RESOURCE, 1]]);

/**
 * The pools that a run knows: those of the runtime, and those that its code has declared.
 *
 * Owns the plans. Talks to nobody. What is refused here depends on configuration and code alone, never on
 * what other runs declare meanwhile: a replay refuses the same.
 */
export class DeclaredPools {
  readonly #plans: Map<string, PoolPlan>;
  readonly #names: Set<string>;
  readonly #maxPools: number;

  constructor(configured: ReadonlyMap<string, PoolPlan>, maxPools: number) {
    this.#plans = new Map(configured);
    this.#names = new Set(configured.keys());
    this.#maxPools = maxPools;
  }

  /** @throws InvalidOptionError where the pool would lie within itself, LimitError */
  declare(name: string, plan: PoolPlan): void {
    this.use(name);
    const path = [name];
    for (let at = plan.parent; at !== null; at = this.#plans.get(at)?.parent ?? null) {
      path.push(at);
      if (at === name)
        throw new InvalidOptionError('parent', path.join(' → '), 'no pool that lies within this one');
      // Others may have closed a ring that this one only leads to.
      if (path.length > this.#plans.size + 2) break;
    }
    this.#plans.set(name, plan);
  }

  /** @throws LimitError */
  use(name: string): void {
    if (this.#names.has(name)) return;
    if (this.#names.size >= this.#maxPools)
      throw new LimitError(
        'pools',
        `Pool '${name}' is one more than the limit pools = ${this.#maxPools} allows. Use fewer names, or raise it: openRuntime({ limits: { pools: … } }).`,
      );
    this.#names.add(name);
  }

  /**
   * Refuses what could never start. A pool that is declared nowhere is asked nothing.
   * @throws InvalidCostError
   */
  check(name: string, cost: Cost | undefined): void {
    const own = this.#plans.get(name);
    if (own === undefined) return;
    const amounts = costIn(name, own, cost);
    const known = new Set<string>();
    let isKnown = true;
    let level: string | null = name;
    for (let depth = 0; level !== null && depth <= this.#plans.size; depth += 1) {
      const plan: PoolPlan | undefined = this.#plans.get(level);
      if (plan === undefined) isKnown = false;
      for (const [resource, limit] of Object.entries(plan?.limits ?? {})) {
        known.add(resource);
        const amount = amounts.get(resource) ?? 0;
        if (amount > limit)
          throw new InvalidCostError(
            `A cost of ${amount} ${resource} is more than pool '${level}' can ever give: it has ${limit}.`,
          );
      }
      level = plan?.parent ?? null;
    }
    for (const resource of amounts.keys()) {
      if (!isKnown || known.has(resource) || resource === ONLY_RESOURCE) continue;
      throw new InvalidCostError(
        `Pool '${name}' has no resource '${resource}'; it has ${Object.keys(own.limits).join(', ')}.`,
      );
    }
  }
}

/**
 * A cost as amounts: a number is of the pool's only resource, and whatever else an attempt takes, it takes
 * one slot where slots are counted.
 * @throws InvalidCostError where it takes nothing of what the pool has
 */
export function costIn(name: string, { limits }: PoolPlan, cost: Cost | undefined): Amounts {
  const resources = Object.keys(limits);
  const [first = ONLY_RESOURCE] = resources;
  if (cost === undefined && first === ONLY_RESOURCE && resources.length === 1) return ONE_SLOT;
  const hasSlots = Object.hasOwn(limits, ONLY_RESOURCE);
  if (typeof cost === 'object') {
    const amounts = new Map(Object.entries(cost));
    if (!amounts.has(ONLY_RESOURCE)) amounts.set(ONLY_RESOURCE, 1);
    if (hasSlots || resources.some((resource) => amounts.has(resource))) return amounts;
    throw new InvalidCostError(
      `A cost of ${Object.keys(cost).join(', ')} takes nothing of pool '${name}'; it has ${resources.join(', ')}.`,
    );
  }
  if (resources.length > 1 && !(cost === undefined && hasSlots))
    throw new InvalidCostError(
      `What a call in pool '${name}' costs has to be said by resource, since it has several: ${resources.join(', ')}.`,
    );
  const resource = cost === undefined && hasSlots ? ONLY_RESOURCE : first;
  return new Map([
    [ONLY_RESOURCE, 1],
    [resource, cost ?? 1],
  ]);
}
