import { durationMs, type Duration } from './duration.ts';
import { InvalidOptionError } from './errors.ts';
import type { MapOptions, PoolReference } from './parallel.ts';
import type { TaskCallOptions } from './process.ts';
import type { WithSecrets } from './secret.ts';
import type { TaskDefinition } from './task.ts';
import { poolName } from './task-resources.ts';

/** How often attempts may start. What was used is kept in the journal: a restart grants nothing extra. */
export interface PoolRate {
  /** Starts within `per`; a number above 0. */
  readonly limit: number;
  readonly per: Duration;
  /**
   * With it the rate is a bucket: it holds at most so many starts (an integer >= 1), is full at first, and
   * gains `limit` every `per`. Without it the rate is a window: never more than `limit` in any `per`.
   */
  readonly burst?: number;
}

/** Bounded capacity. Declaring it is configuration: nothing of it is part of a run. */
export interface PoolOptions {
  /** Attempts at once: an integer >= 1, or Infinity (default 64). */
  readonly maxConcurrent?: number;
  /** Instead of it: how much there is of each resource, each above 0. Costs name what they take. */
  readonly limits?: Readonly<Record<string, number>>;
  /** What an attempt takes here it takes there too, all or nothing. */
  readonly parent?: PoolReference;
  /** Share among the pools of the same parent when that is short (default 1). */
  readonly weight?: number;
  /** Calls that may wait here: an integer >= 0, or Infinity (default: the limit queueLength). */
  readonly queueSize?: number;
  /** Of a full queue: 'block' (default): further calls wait before it; 'reject': they fail with QueueFullError. */
  readonly overflow?: 'reject' | 'block';
  /**
   * What a call does that finds less free than it costs: 'strict' (default): all behind it wait;
   * 'backfill': those that fit may pass, until it has waited boost / ratePerMs (10 s without `aging`).
   */
  readonly order?: 'strict' | 'backfill';
  /** A waiting call gains `ratePerMs` of priority a millisecond, at most `boost`. */
  readonly aging?: { readonly ratePerMs: number; readonly boost: number };
  readonly rate?: PoolRate;
}

/** Of `pool.execute`: those of a task call, apart from the pool. */
export type PoolTaskOptions = Omit<TaskCallOptions, 'pool'>;

/** Of `pool.executeMany`: those of `parallel.map`, and what each of its tasks gets. */
export type PoolManyOptions<Args> = MapOptions<Args> &
  Pick<TaskCallOptions, 'cost' | 'retry' | 'deadline'> & {
    /** Longest time of one attempt. */
    readonly taskTimeout?: Duration;
  };

/** A pool, as a process uses it. It can be handed over as `pool` or as `parent`. */
export interface Pool {
  readonly name: string;
  /**
   * `ctx.task` in this pool.
   * @throws InvalidCostError at the call, where the cost is more than the pool, or one around it, can ever
   *   give; rejects with QueueFullError, which is recorded, and with InvalidCostError, recorded too, where that
   *   shows only when a slot is asked for: the pool, or one around it, is declared elsewhere or nowhere.
   */
  execute<Args, Output>(
    definition: TaskDefinition<Args, Output>,
    ...rest: undefined extends Args
      ? [args?: WithSecrets<Args>, options?: PoolTaskOptions]
      : [args: WithSecrets<Args>, options?: PoolTaskOptions]
  ): Promise<Output>;
  /** The task with each of the arguments, side by side as far as the pool allows; outputs in input order. */
  executeMany<Args, Output>(
    definition: TaskDefinition<Args, Output>,
    argsList: Iterable<Args>,
    options?: PoolManyOptions<Args>,
  ): Promise<Output[]>;
}

/** Options with every default filled in and every value checked: plain data. */
export interface PoolPlan {
  readonly limits: Readonly<Record<string, number>>;
  readonly parent: string | null;
  readonly weight: number;
  readonly queueSize: number;
  readonly overflow: 'reject' | 'block';
  readonly order: 'strict' | 'backfill';
  readonly aging: { readonly ratePerMs: number; readonly boost: number } | null;
  readonly rate: { readonly limit: number; readonly perMs: number; readonly burst: number | null } | null;
}

/** What `maxConcurrent` limits: attempts. */
export const ONLY_RESOURCE = 'slots';

const DEFAULT_SLOTS = 64;

const OPTIONS: ReadonlySet<string> = new Set<keyof PoolOptions>([
  'maxConcurrent',
  'limits',
  'parent',
  'weight',
  'queueSize',
  'overflow',
  'order',
  'aging',
  'rate',
]);

/** The pool of those that are named and declared nowhere. */
export const PLAIN_POOL: PoolPlan = poolPlan({});

/**
 * @param at what is put before the names of options in messages
 * @throws InvalidOptionError
 */
export function poolPlan(options: PoolOptions, at = ''): PoolPlan {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new InvalidOptionError(at === '' ? 'options' : at.slice(0, -1), options, 'an object');
  for (const [name, value] of Object.entries(options)) {
    if (!OPTIONS.has(name))
      throw new InvalidOptionError(
        `${at}${name}`,
        value,
        `left out: a pool takes ${[...OPTIONS].join(', ')}`,
      );
  }
  const { parent, weight = 1, queueSize = Infinity, overflow = 'block', order = 'strict' } = options;
  if (!isAbove0(weight)) throw new InvalidOptionError(`${at}weight`, weight, 'a finite number above 0');
  if (queueSize !== Infinity && !(Number.isInteger(queueSize) && queueSize >= 0))
    throw new InvalidOptionError(`${at}queueSize`, queueSize, 'an integer >= 0, or Infinity');
  if (overflow !== 'reject' && overflow !== 'block')
    throw new InvalidOptionError(`${at}overflow`, overflow, `'reject' or 'block'`);
  if (order !== 'strict' && order !== 'backfill')
    throw new InvalidOptionError(`${at}order`, order, `'strict' or 'backfill'`);
  return {
    limits: limitsOf(options, at),
    parent: parent === undefined ? null : poolName(parent),
    weight,
    queueSize,
    overflow,
    order,
    aging: agingOf(options.aging, at),
    rate: options.rate === undefined ? null : ratePlan(options.rate, `${at}rate`),
  };
}

/** A name that needs no care wherever it is a key. */
export function isResource(name: string): boolean {
  return /^[A-Za-z][\w.-]{0,63}$/.test(name);
}

function limitsOf({ maxConcurrent, limits }: PoolOptions, at: string): Readonly<Record<string, number>> {
  if (limits === undefined) {
    const slots = maxConcurrent === undefined ? DEFAULT_SLOTS : maxConcurrent;
    if (slots !== Infinity && !(Number.isInteger(slots) && slots >= 1))
      throw new InvalidOptionError(`${at}maxConcurrent`, slots, 'an integer >= 1, or Infinity');
    return { [ONLY_RESOURCE]: slots };
  }
  if (maxConcurrent !== undefined)
    throw new InvalidOptionError(
      `${at}maxConcurrent`,
      maxConcurrent,
      `left out where limits are given; name it among them: { ${ONLY_RESOURCE}: … }`,
    );
  const expected = 'an object of numbers above 0 by resource: { gpu: 2, mem: 8 }';
  if (typeof limits !== 'object' || limits === null || Object.keys(limits).length === 0)
    throw new InvalidOptionError(`${at}limits`, limits, expected);
  for (const [resource, limit] of Object.entries(limits)) {
    if (!isResource(resource))
      throw new InvalidOptionError(
        `${at}limits`,
        resource,
        'by names of resources that start with a letter and go on with letters, digits, _ . -',
      );
    if (!(isAbove0(limit) || limit === Infinity))
      throw new InvalidOptionError(`${at}limits.${resource}`, limit, 'a number above 0');
  }
  return { ...limits };
}

function agingOf(aging: PoolOptions['aging'], at: string): PoolPlan['aging'] {
  if (aging === undefined) return null;
  if (typeof aging !== 'object' || aging === null)
    throw new InvalidOptionError(`${at}aging`, aging, 'an object of ratePerMs and boost');
  const { ratePerMs, boost } = aging;
  if (!isAbove0(ratePerMs))
    throw new InvalidOptionError(`${at}aging.ratePerMs`, ratePerMs, 'a finite number above 0');
  if (!isAbove0(boost)) throw new InvalidOptionError(`${at}aging.boost`, boost, 'a finite number above 0');
  return { ratePerMs, boost };
}

/**
 * @param option its name in messages
 * @throws InvalidOptionError
 */
export function ratePlan(rate: PoolRate, option = 'rate'): NonNullable<PoolPlan['rate']> {
  if (typeof rate !== 'object' || rate === null)
    throw new InvalidOptionError(option, rate, 'an object of limit and per');
  for (const [name, value] of Object.entries(rate)) {
    if (!['limit', 'per', 'burst'].includes(name))
      throw new InvalidOptionError(`${option}.${name}`, value, 'left out: a rate takes limit, per, burst');
  }
  const { limit, per, burst } = rate;
  // A window of less than one start would never let anything start.
  const isLimit = burst === undefined ? Number.isInteger(limit) && limit >= 1 : isAbove0(limit);
  if (!isLimit)
    throw new InvalidOptionError(
      `${option}.limit`,
      limit,
      burst === undefined ? 'an integer >= 1' : 'a finite number above 0',
    );
  const perMs = durationMs(per, `${option}.per`);
  if (perMs === 0) throw new InvalidOptionError(`${option}.per`, per, 'longer than 0');
  if (burst !== undefined && !(Number.isInteger(burst) && burst >= 1))
    throw new InvalidOptionError(`${option}.burst`, burst, 'an integer >= 1');
  return { limit, perMs, burst: burst ?? null };
}

function isAbove0(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}
