import { ONLY_RESOURCE } from '@pawl/sdk';
import { ONE_SLOT } from '../../process/declared-pools.ts';
import type { Pool, Ticket } from './pool.ts';

/**
 * Why a call can never start, in words; undefined where it can once enough is free. A call checks this itself
 * for what its run declared (`DeclaredPools`); of a pool that its run only names, only who knows what all
 * programs declared can tell. What a person set for a time counts where it is more: it can be set back.
 */
export function whyNever({ pool, cost }: Pick<Ticket, 'pool' | 'cost'>): string | undefined {
  // What nearly every attempt costs, and every pool has.
  if (cost === ONE_SLOT) return undefined;
  const known = new Set<string>([ONLY_RESOURCE]);
  for (let level: Pool | undefined = pool.asked; level !== undefined; level = level.parent) {
    for (const [resource, declared] of Object.entries(level.plan.limits)) {
      known.add(resource);
      const amount = cost.get(resource) ?? 0;
      const most = Math.max(declared, level.limits.get(resource) ?? 0);
      if (amount > most)
        return `a cost of ${amount} ${resource} is more than pool '${level.name}' can ever give: it has ${most}${orDeclare(level)}`;
    }
    for (const resource of level.limits.keys()) known.add(resource);
  }
  for (const resource of cost.keys()) {
    if (known.has(resource)) continue;
    const { asked } = pool;
    const has = Object.keys(asked.plan.limits).join(', ');
    return `pool '${asked.name}' has no resource '${resource}'; it has ${has}${orDeclare(asked)}`;
  }
  return undefined;
}

function orDeclare({ name, isDeclared }: Pool): string {
  return isDeclared ? '' : `. Declare what it can give before it is used: ctx.pool('${name}', { … })`;
}
