import {
  InvalidArgumentError,
  InvalidOptionError,
  LimitError,
  type MergeMode,
  type MergeOptions,
  type StreamOptions,
} from '@pawl/sdk';
import type { GroupMode } from '../../journal/event.ts';
import type { ScopeDefaults } from '../scope.ts';
import { checkName, lengthOf, resolveDefaults, TASK_DEFAULTS } from './options.ts';
import { checkedName } from './thunks.ts';

export type StreamMode = Extract<GroupMode, 'stream' | 'streamAll' | 'streamSome' | 'streamAny' | 'raceFrom'>;

/** Options of a stream with every default filled in and every value checked. */
export interface ResolvedStreamOptions {
  readonly name: string | undefined;
  readonly keyBy: ((item: unknown, index: number) => unknown) | undefined;
  readonly concurrency: number;
  /** Null where no result waits for a consumer. */
  readonly buffer: number | null;
  /** Of the tasks inside. */
  readonly defaults: ScopeDefaults;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | null;
  readonly preserveOrder: boolean;
}

export interface ResolvedMergeOptions {
  readonly name: string | undefined;
  readonly mode: MergeMode;
  readonly isEnveloped: boolean;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | null;
}

const DEFAULT_CONCURRENCY = 16;

const FIRST = ['key', 'keyBy', 'concurrency', 'signal', 'timeout', ...TASK_DEFAULTS];
const STREAM = [...FIRST, 'buffer', 'preserveOrder'];
const MERGE = ['key', 'mode', 'onError', 'signal', 'timeout'];
const MERGE_MODES: readonly unknown[] = ['race', 'roundRobin', 'raceRobin', 'concat', 'zip'];

export function hasConsumer(mode: StreamMode): boolean {
  return mode !== 'streamAny' && mode !== 'raceFrom';
}

/**
 * @param most branches of one call that may be under way, or wait, at once
 * @throws InvalidOptionError
 */
export function resolveStreamOptions(
  mode: StreamMode,
  options: unknown,
  inherited: ScopeDefaults,
  most: number,
): ResolvedStreamOptions {
  const isStream = hasConsumer(mode);
  const given: StreamOptions<unknown> = checkObject(options, `parallel.${mode}`, isStream ? STREAM : FIRST);
  const { keyBy, preserveOrder = false } = given;
  if (keyBy !== undefined && typeof keyBy !== 'function')
    throw new InvalidOptionError('keyBy', keyBy, 'a function of item and index');
  if (typeof preserveOrder !== 'boolean')
    throw new InvalidOptionError('preserveOrder', preserveOrder, 'true or false');
  const concurrency = Math.min(most, count('concurrency', given.concurrency, DEFAULT_CONCURRENCY, 1));
  return {
    name: checkName(given.key),
    keyBy,
    concurrency,
    buffer: isStream ? Math.min(most, count('buffer', given.buffer, concurrency, 0)) : null,
    defaults: resolveDefaults(given, inherited),
    ...interrupts(given),
    preserveOrder,
  };
}

/** @throws InvalidOptionError */
export function resolveMergeOptions(options: unknown): ResolvedMergeOptions {
  const given: MergeOptions = checkObject(options, 'parallel.merge', MERGE);
  const { mode = 'race', onError = 'throw' } = given;
  if (!MERGE_MODES.includes(mode))
    throw new InvalidOptionError('mode', mode, `one of ${MERGE_MODES.join(', ')}`);
  if (onError !== 'throw' && onError !== 'envelope')
    throw new InvalidOptionError('onError', onError, `'throw' or 'envelope'`);
  if (onError === 'envelope' && mode === 'zip')
    throw new InvalidOptionError(
      'onError',
      onError,
      `'throw' where mode is 'zip': a failed source has no item`,
    );
  return { name: checkName(given.key), mode, isEnveloped: onError === 'envelope', ...interrupts(given) };
}

function checkObject(options: unknown, what: string, known: readonly string[]): object {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null)
    throw new InvalidOptionError('options', options, 'an object');
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new InvalidOptionError(
      name,
      Reflect.get(options, name),
      `left out: ${what} takes ${known.join(', ')}`,
    );
  }
  return options;
}

function interrupts({ signal, timeout }: Pick<StreamOptions<unknown>, 'signal' | 'timeout'>): {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | null;
} {
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new InvalidOptionError('signal', signal, 'an AbortSignal');
  return { signal, timeoutMs: timeout === undefined ? null : lengthOf('timeout', timeout) };
}

function count(name: string, value: unknown, byDefault: number, least: number): number {
  if (value === undefined) return byDefault;
  if (value === Infinity && name === 'concurrency') return Infinity;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least) return value;
  const orInfinity = name === 'concurrency' ? ', or Infinity' : '';
  throw new InvalidOptionError(name, value, `an integer >= ${least}${orInfinity}`);
}

/** Names that `keyBy` gave to branches of one stream: they must differ, so they are kept. */
const MAX_NAMES = 1_000_000;

/**
 * Gives each item the name of its branch.
 * @throws InvalidArgumentError, LimitError, and what `keyBy` throws
 */
export function namer(
  keyBy: ((item: unknown, index: number) => unknown) | undefined,
): (item: unknown, index: number) => string | undefined {
  if (keyBy === undefined) return () => undefined;
  const seen = new Set<string>();
  return (item, index) => {
    const name = checkedName(keyBy(item, index), index);
    if (seen.has(name))
      throw new InvalidArgumentError(
        `keyBy gave '${name}' twice, the second time for the item at index ${index}; keys must differ.`,
      );
    if (seen.size >= MAX_NAMES) {
      throw new LimitError(
        'streamNames',
        `keyBy has named ${MAX_NAMES} items of one stream, which must all differ; leave it out, or split the source.`,
      );
    }
    seen.add(name);
    return name;
  };
}
