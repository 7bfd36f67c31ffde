import { poolName, poolPlan, type PoolOptions, type PoolPlan } from '@pawl/sdk';
import type { HostPort } from '../../process/host-port.ts';
import type { Engine } from '../engine.ts';
import type { Limits } from '../limits.ts';

/** The pool of tasks that name none. */
export const DEFAULT_POOL = '';
/** That of `shellTask`. */
const SHELL_POOL = 'shell';
/** Those of `threadTask` and `processTask`. */
const THREAD_POOL = 'thread';
const PROCESS_POOL = 'process';
/** They bound this program alone. */
export const LOCAL_POOLS: ReadonlySet<string> = new Set([
  DEFAULT_POOL,
  SHELL_POOL,
  THREAD_POOL,
  PROCESS_POOL,
]);

/** Plans of a runtime's pools. A number is that of its slots. @throws InvalidOptionError */
export function plansOf(
  pools: Readonly<Record<string, number | PoolOptions>>,
  limits: Limits,
): ReadonlyMap<string, PoolPlan> {
  const plans = new Map<string, PoolPlan>([
    [DEFAULT_POOL, poolPlan({ maxConcurrent: limits.inFlight })],
    [SHELL_POOL, poolPlan({ maxConcurrent: limits.shells })],
    [THREAD_POOL, poolPlan({ maxConcurrent: limits.threads })],
    [PROCESS_POOL, poolPlan({ maxConcurrent: limits.processes })],
  ]);
  for (const [name, options] of Object.entries(pools)) {
    if (name !== DEFAULT_POOL) poolName(name);
    const given = typeof options === 'object' ? options : { maxConcurrent: options };
    plans.set(name, poolPlan(given, `pools.${name}.`));
  }
  return plans;
}

/** @throws InvalidOptionError */
export function limitsGiven(limits: number | Readonly<Record<string, number>>): PoolPlan['limits'] {
  return poolPlan(typeof limits === 'number' ? { maxConcurrent: limits } : { limits }).limits;
}

/**
 * What a run's code can do about pools. One that is only replayed declares nothing.
 * @param fail what the store answers badly is the run's error: its code could catch it, and go on without the pool
 */
export function poolPort(
  { dispatcher, pools }: Engine,
  replayOnly: boolean,
  fail: (error: unknown) => void,
): Pick<HostPort, 'declarePool' | 'pools'> {
  const declarePool: HostPort['declarePool'] = (name, plan) => {
    try {
      if (!replayOnly) dispatcher.declare(name, plan);
    } catch (error) {
      fail(error);
    }
  };
  return { pools, declarePool };
}
