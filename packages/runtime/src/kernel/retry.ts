import type { TaskPolicy } from '../journal/event.ts';

/**
 * Milliseconds to wait after the given failure (1 for the first), exponential up to the longest
 * wait. Jitter shortens the wait by up to its share; `draw` is from 0 up to but not 1.
 */
export function backoffMs(plan: TaskPolicy['retry'], failures: number, draw: number): number {
  // No wait stays no wait, also where the factor has grown beyond all numbers.
  const full =
    plan.delayMs === 0 ? 0 : Math.min(plan.maxDelayMs, plan.delayMs * plan.factor ** (failures - 1));
  return Math.round(full * (1 - plan.jitter * draw));
}
