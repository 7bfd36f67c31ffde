import {
  checkCost,
  durationMs,
  InvalidOptionError,
  poolName,
  retryPlan,
  type CompletionPolicy,
  type Cost,
  type GroupOptions,
  type Limiter,
  type MapOptions,
  type PoolReference,
  type Priority,
  type SomeOptions,
  type TaskDefaults,
} from '@pawl/sdk';
import type { Losers } from '../../journal/event.ts';
import type { ScopeDefaults } from '../scope.ts';
import type { CombinatorMode, Completion } from './decision.ts';

/** Options of a group with every default filled in and every value checked. */
export interface ResolvedGroupOptions {
  readonly name: string | undefined;
  readonly concurrency: number;
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | null;
  readonly losers: Losers;
  readonly preserveOrder: boolean;
  readonly completion: Completion;
  readonly limiter: Limiter | undefined;
  /** Of the tasks inside. */
  readonly defaults: ScopeDefaults;
}

/** Thunks of `map` and `mapSettled` under way at once where nothing else is said. */
export const DEFAULT_MAP_CONCURRENCY = 1000;

/** Names of what `resolveDefaults` takes. */
export const TASK_DEFAULTS: readonly string[] = ['priority', 'retry', 'taskTimeout', 'pool', 'cost'];

const COMMON: readonly string[] = [
  'key',
  'concurrency',
  'limiter',
  'batchSize',
  'signal',
  'timeout',
  'losers',
  ...TASK_DEFAULTS,
];
const EXTRA: Readonly<Record<CombinatorMode, readonly string[]>> = {
  all: ['keyBy'],
  map: ['keyBy'],
  allSettled: ['keyBy', 'preserveOrder', 'completion'],
  mapSettled: ['keyBy', 'preserveOrder', 'completion'],
  any: ['keyBy'],
  race: ['keyBy'],
  some: ['keyBy', 'preserveOrder', 'completion', 'min'],
  forkJoin: [],
  forkJoinSettled: ['preserveOrder', 'completion'],
};
/** The combinator that takes a completion policy, for those that are decided by themselves. */
const WITH_COMPLETION: Readonly<Partial<Record<CombinatorMode, string>>> = {
  all: 'allSettled',
  map: 'mapSettled',
  any: 'some',
  race: 'some',
  forkJoin: 'forkJoinSettled',
};

const PRIORITIES: Readonly<Record<string, number>> = {
  'user-blocking': 100,
  'user-visible': 0,
  background: -100,
};

type AnyOptions = GroupOptions & Partial<SomeOptions> & Partial<MapOptions<never>>;

/** @throws InvalidOptionError */
export function priorityNumber(priority: Priority): number {
  const value = typeof priority === 'number' ? priority : PRIORITIES[priority];
  if (value === undefined || !Number.isFinite(value)) {
    throw new InvalidOptionError(
      'priority',
      priority,
      `a finite number, 'user-blocking', 'user-visible' or 'background'`,
    );
  }
  return value;
}

/** @throws InvalidOptionError */
export function checkName(key: unknown): string | undefined {
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || key === '' || key.length > 200 || !key.isWellFormed()) {
    throw new InvalidOptionError('key', key, 'a string of 1 to 200 characters, well-formed Unicode');
  }
  return key;
}

/**
 * @param name of the combinator as it was called
 * @throws InvalidOptionError
 */
export function resolveGroupOptions(
  mode: CombinatorMode,
  name: string,
  options: AnyOptions | undefined,
  inherited: ScopeDefaults,
): ResolvedGroupOptions {
  if (options !== undefined && (typeof options !== 'object' || options === null || Array.isArray(options))) {
    throw new InvalidOptionError('options', options, 'an object');
  }
  const given = options ?? {};
  checkNames(mode, name, given);
  const { signal, timeout, keyBy, limiter, losers = 'cancel' } = given;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new InvalidOptionError('signal', signal, 'an AbortSignal');
  if (keyBy !== undefined && typeof keyBy !== 'function')
    throw new InvalidOptionError('keyBy', keyBy, 'a function of item and index');
  if (limiter !== undefined && typeof limiter?.limit !== 'function')
    throw new InvalidOptionError('limiter', limiter, 'an object with a method limit(concurrency)');
  if (!['cancel', 'drain', 'detach'].includes(losers))
    throw new InvalidOptionError('losers', losers, `'cancel', 'drain' or 'detach'`);
  const { preserveOrder = mode !== 'some' } = given;
  if (typeof preserveOrder !== 'boolean')
    throw new InvalidOptionError('preserveOrder', preserveOrder, 'true or false');
  const isMap = mode === 'map' || mode === 'mapSettled';
  return {
    name: checkName(given.key),
    concurrency: countOption(
      'concurrency',
      given.concurrency,
      isMap ? DEFAULT_MAP_CONCURRENCY : Infinity,
      true,
    ),
    batchSize: countOption('batchSize', given.batchSize, Infinity),
    signal,
    timeoutMs: timeout === undefined ? null : lengthOf('timeout', timeout),
    losers,
    preserveOrder,
    completion: resolveCompletion(given.completion, given.min),
    limiter,
    defaults: resolveDefaults(given, inherited),
  };
}

function checkNames(mode: CombinatorMode, name: string, given: object): void {
  const known = [...COMMON, ...EXTRA[mode]];
  for (const option of Object.keys(given)) {
    if (known.includes(option)) continue;
    const instead = option === 'completion' ? WITH_COMPLETION[mode] : undefined;
    throw new InvalidOptionError(
      option,
      Reflect.get(given, option),
      instead === undefined
        ? `left out: parallel.${name} takes ${known.join(', ')}`
        : `left out: parallel.${name} is decided by itself; parallel.${instead} takes a completion policy`,
    );
  }
}

/** What the tasks inside get: what this group says, else what the one around it does. */
export function resolveDefaults(given: TaskDefaults, inherited: ScopeDefaults): ScopeDefaults {
  const { priority, retry, taskTimeout, pool, cost } = given;
  if (retry !== undefined) retryPlan(retry);
  return {
    priority: priority === undefined ? inherited.priority : priorityNumber(priority),
    retry: retry ?? inherited.retry,
    timeout: taskTimeout === undefined ? inherited.timeout : lengthOf('taskTimeout', taskTimeout),
    ...resourcesOf({ pool, cost }, inherited),
  };
}

/**
 * Where attempts wait, and what they take there.
 * @throws InvalidOptionError
 */
export function resourcesOf(
  own: { readonly pool?: PoolReference | undefined; readonly cost?: Cost | undefined },
  inherited: Pick<ScopeDefaults, 'pool' | 'cost'>,
): Pick<ScopeDefaults, 'pool' | 'cost'> {
  return {
    pool: own.pool === undefined ? inherited.pool : poolName(own.pool),
    cost: own.cost === undefined ? inherited.cost : checkCost(own.cost),
  };
}

function resolveCompletion(policy: CompletionPolicy | undefined, min: unknown = 0): Completion {
  if (policy !== undefined && (typeof policy !== 'object' || policy === null || Array.isArray(policy)))
    throw new InvalidOptionError('completion', policy, 'an object of minSuccessful and toleratedFailures');
  for (const name of Object.keys(policy ?? {})) {
    if (name !== 'minSuccessful' && name !== 'toleratedFailures')
      throw new InvalidOptionError(
        `completion.${name}`,
        Reflect.get(policy ?? {}, name),
        'left out: a completion policy takes minSuccessful and toleratedFailures',
      );
  }
  const minSuccessful = countOption('completion.minSuccessful', policy?.minSuccessful, Infinity);
  const toleratedFailures = policy?.toleratedFailures ?? Infinity;
  if (policy?.toleratedFailures !== undefined && !isCount(toleratedFailures, 0))
    throw new InvalidOptionError('completion.toleratedFailures', toleratedFailures, 'an integer >= 0');
  if (!isCount(min, 0)) throw new InvalidOptionError('min', min, 'an integer >= 0');
  if (min > minSuccessful)
    throw new InvalidOptionError(
      'min',
      min,
      `at most completion.minSuccessful = ${minSuccessful}, at which the group is decided`,
    );
  return { minSuccessful, toleratedFailures, min };
}

export function lengthOf(name: string, duration: Parameters<typeof durationMs>[0]): number {
  const ms = durationMs(duration, name);
  if (ms === 0) throw new InvalidOptionError(name, duration, 'longer than 0');
  return ms;
}

function isCount(value: unknown, least: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least;
}

function countOption(name: string, value: unknown, byDefault: number, isOpen = false): number {
  if (value === undefined) return byDefault;
  if (value === Infinity && isOpen) return Infinity;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
    throw new InvalidOptionError(name, value, isOpen ? 'an integer >= 1, or Infinity' : 'an integer >= 1');
  return value;
}
