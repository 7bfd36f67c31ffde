import { InvalidOptionError, type ReduceOptions } from '@pawl/sdk';
import { checkName, lengthOf, resolveDefaults } from '../parallel/options.ts';
import type { ScopeDefaults } from '../scope.ts';

/** Options of a reduce with every default filled in and every value checked. */
export interface ResolvedReduceOptions {
  readonly name: string | undefined;
  readonly each: ((item: unknown, index: number) => unknown) | undefined;
  readonly concurrency: number;
  readonly foldEvery: number;
  readonly buffer: number;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | null;
  /** Of the tasks inside. */
  readonly defaults: ScopeDefaults;
}

const DEFAULT_CONCURRENCY = 16;
const DEFAULT_FOLD_EVERY = 1000;

const KNOWN: readonly string[] = [
  'key',
  'each',
  'concurrency',
  'foldEvery',
  'buffer',
  'signal',
  'timeout',
  'priority',
  'retry',
  'taskTimeout',
  'pool',
  'cost',
];

/** @throws InvalidOptionError */
export function resolveReduceOptions(
  options: ReduceOptions<never, unknown> | undefined,
  inherited: ScopeDefaults,
  fanOut: number,
): ResolvedReduceOptions {
  if (options !== undefined && (typeof options !== 'object' || options === null))
    throw new InvalidOptionError('options', options, 'an object');
  const given = options ?? {};
  for (const name of Object.keys(given)) {
    if (KNOWN.includes(name)) continue;
    throw new InvalidOptionError(
      name,
      Reflect.get(given, name),
      `left out: ctx.reduce takes ${KNOWN.join(', ')}`,
    );
  }
  const { each, signal, timeout } = given;
  if (each !== undefined && typeof each !== 'function')
    throw new InvalidOptionError('each', each, 'a function of item and index');
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new InvalidOptionError('signal', signal, 'an AbortSignal');
  const concurrency = count('concurrency', given.concurrency, DEFAULT_CONCURRENCY, 1, fanOut);
  return {
    name: checkName(given.key),
    // The item's type is the caller's business.
    each: each as ResolvedReduceOptions['each'],
    concurrency,
    foldEvery: count('foldEvery', given.foldEvery, DEFAULT_FOLD_EVERY, 1, fanOut),
    buffer: count('buffer', given.buffer, concurrency, 0, fanOut),
    signal,
    timeoutMs: timeout === undefined ? null : lengthOf('timeout', timeout),
    defaults: resolveDefaults(given, inherited),
  };
}

/** Bounded: what a source still has may be endless. */
function count(name: string, value: unknown, byDefault: number, least: number, most: number): number {
  if (value === undefined) return byDefault;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
    throw new InvalidOptionError(name, value, `an integer from ${least} to ${most} (the limit fanOut)`);
  return value;
}
