import {
  durationMs,
  InvalidArgumentError,
  InvalidOptionError,
  LimitError,
  type GroupOptions,
  type MapOptions,
  type Priority,
  type SettledGroupOptions,
  type Thunk,
} from '@pawl/sdk';
import type { CombinatorMode } from './decision.ts';
import type { Scope } from '../scope.ts';

/** Options of a group with every default filled in and every value checked. */
export interface ResolvedGroupOptions {
  readonly name: string | undefined;
  readonly concurrency: number;
  readonly batchSize: number;
  readonly priority: number;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | null;
  readonly preserveOrder: boolean;
}

/** Thunks of `map` under way at once where nothing else is said. */
export const DEFAULT_MAP_CONCURRENCY = 1000;

const COMMON = ['key', 'concurrency', 'batchSize', 'priority', 'signal', 'timeout'];
const EXTRA: Readonly<Record<CombinatorMode, readonly string[]>> = {
  all: [],
  map: ['keyBy'],
  allSettled: ['preserveOrder'],
  any: [],
  race: [],
};

const PRIORITIES: Readonly<Record<string, number>> = {
  'user-blocking': 100,
  'user-visible': 0,
  background: -100,
};

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

/** @throws InvalidOptionError */
export function resolveGroupOptions(
  mode: CombinatorMode,
  options: (GroupOptions & Partial<SettledGroupOptions> & Partial<MapOptions<never>>) | undefined,
  inherited: number,
): ResolvedGroupOptions {
  if (options !== undefined && (typeof options !== 'object' || options === null)) {
    throw new InvalidOptionError('options', options, 'an object');
  }
  const given = options ?? {};
  for (const name of Object.keys(given)) {
    if (COMMON.includes(name) || EXTRA[mode].includes(name)) continue;
    throw new InvalidOptionError(
      name,
      Reflect.get(given, name),
      `left out: parallel.${mode} takes ${[...COMMON, ...EXTRA[mode]].join(', ')}`,
    );
  }
  const { signal, preserveOrder = true, timeout, keyBy } = given;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new InvalidOptionError('signal', signal, 'an AbortSignal');
  if (typeof preserveOrder !== 'boolean')
    throw new InvalidOptionError('preserveOrder', preserveOrder, 'true or false');
  if (keyBy !== undefined && typeof keyBy !== 'function')
    throw new InvalidOptionError('keyBy', keyBy, 'a function of item and index');
  const timeoutMs = timeout === undefined ? null : durationMs(timeout, 'timeout');
  if (timeoutMs === 0) throw new InvalidOptionError('timeout', timeout, 'longer than 0');
  return {
    name: checkName(given.key),
    concurrency: countOption(
      'concurrency',
      given.concurrency,
      mode === 'map' ? DEFAULT_MAP_CONCURRENCY : Infinity,
    ),
    batchSize: countOption('batchSize', given.batchSize, Infinity),
    priority: given.priority === undefined ? inherited : priorityNumber(given.priority),
    signal,
    timeoutMs,
    preserveOrder,
  };
}

function countOption(name: 'concurrency' | 'batchSize', value: unknown, byDefault: number): number {
  if (value === undefined) return byDefault;
  const limit = name === 'batchSize' ? 'an integer >= 1' : 'an integer >= 1, or Infinity';
  if (value === Infinity && name === 'concurrency') return Infinity;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
    throw new InvalidOptionError(name, value, limit);
  return value;
}

/** @throws InvalidArgumentError naming the first entry that is no function, LimitError */
export function checkThunks(mode: CombinatorMode, thunks: unknown, maxWidth: number): readonly Thunk[] {
  if (!Array.isArray(thunks)) {
    throw new InvalidArgumentError(
      `parallel.${mode} takes an array of functions; wrap each call: [() => ctx.task(…)].`,
    );
  }
  const list: readonly unknown[] = thunks;
  checkWidth(mode, list.length, maxWidth);
  return Array.from(list, (thunk, index) => {
    if (!isThunk(thunk)) {
      const what =
        thunk instanceof Promise
          ? 'a promise, so it has started already'
          : thunk === null
            ? 'null'
            : `of type ${typeof thunk}`;
      throw new InvalidArgumentError(
        `parallel.${mode}: entry at index ${index} must be a function; it is ${what}. Wrap the call: () => ctx.task(…).`,
      );
    }
    return thunk;
  });
}

function isThunk(value: unknown): value is Thunk {
  return typeof value === 'function';
}

/** @throws LimitError */
export function checkDepth(mode: CombinatorMode, scope: Scope, maxDepth: number): void {
  const depth = scope.depth / 2;
  if (depth < maxDepth) return;
  throw new LimitError(
    'groupDepth',
    `parallel.${mode} lies within ${depth} other parallel calls, as many as the limit groupDepth = ${maxDepth} allows; keep a list of what is to be done instead of going deeper, or raise it: openRuntime({ limits: { groupDepth: … } }).`,
  );
}

/** @throws LimitError */
export function checkWidth(mode: CombinatorMode, width: number, maxWidth: number): void {
  if (width <= maxWidth) return;
  throw new LimitError(
    'fanOut',
    `parallel.${mode} over ${width} entries is more than the limit fanOut = ${maxWidth}; split the work, or raise it: openRuntime({ limits: { fanOut: … } }).`,
  );
}
