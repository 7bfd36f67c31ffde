import { InvalidOptionError } from './errors.ts';
import type { Cost, PoolReference } from './parallel.ts';

/** Rates of tasks stand among the pools of a journal by this and the name of the task. */
export const TASK_RATE = 'task:';

/**
 * Name of a pool, however it was given.
 * @throws InvalidOptionError
 */
export function poolName(pool: PoolReference): string {
  const name: unknown = typeof pool === 'object' && pool !== null ? pool.name : pool;
  if (typeof name !== 'string' || name === '' || !name.isWellFormed())
    throw new InvalidOptionError('pool', pool, 'the name of a pool, or a pool');
  if (name.startsWith(TASK_RATE))
    throw new InvalidOptionError(
      'pool',
      name,
      `no name that begins with '${TASK_RATE}', as rates of tasks do`,
    );
  return name;
}

/** @throws InvalidOptionError naming the resource */
export function checkCost(cost: Cost): Cost {
  if (typeof cost === 'number') return isAmount(cost) ? cost : refuse('cost', cost);
  if (typeof cost !== 'object' || cost === null || Array.isArray(cost)) return refuse('cost', cost);
  const amounts: [string, unknown][] = Object.entries(cost);
  if (amounts.length === 0)
    throw new InvalidOptionError('cost', cost, 'an amount of at least one resource, or a number');
  for (const [resource, amount] of amounts) {
    if (!isAmount(amount)) return refuse(`cost.${resource}`, amount);
  }
  return cost;
}

function isAmount(amount: unknown): boolean {
  return typeof amount === 'number' && Number.isFinite(amount) && amount > 0;
}

function refuse(option: string, value: unknown): never {
  throw new InvalidOptionError(
    option,
    value,
    'a finite number above 0, or an object of them by resource: { gpu: 1, mem: 4 }',
  );
}
