import { durationMs, type Duration } from './duration.ts';
import { InvalidOptionError } from './errors.ts';

/**
 * A circuit breaker. After `threshold` failures in a row, of attempts in any run over the same journal, the circuit
 * is open: calls are refused with CircuitOpenError, and no attempt is made. After `openFor` it lets trials through;
 * one that succeeds closes the circuit, one that fails opens it again.
 */
export interface CircuitSettings {
  /** Failures in a row that open the circuit; an integer >= 1. Cancelled and interrupted attempts do not count. */
  readonly threshold: number;
  /** How long calls are refused before a trial. */
  readonly openFor: Duration;
  /** Whose failures count together (default: the task's name). */
  readonly name?: string;
  /** Trials at a time, an integer >= 1 (default 1). */
  readonly halfOpen?: number;
}

/** The settings of a circuit with every default filled in. */
export interface CircuitPlan {
  readonly name: string;
  readonly threshold: number;
  readonly openForMs: number;
  readonly halfOpen: number;
}

/**
 * Keeps results over runs: a later call of the same task, version and input, in any run over the same journal, gets
 * the kept result, recorded as its own, without an attempt. Failures are never kept. Calls that run at the same time
 * do not wait for each other.
 */
export interface CacheSettings<Args = never> {
  /** How long a result is good for. */
  readonly ttl: Duration;
  /** What tells inputs apart (default: the whole input, with its types). It must depend on its argument alone. */
  key?(args: Args): string;
}

/**
 * One call that asks again and again: the attempt runs, and runs again `every` so often, until `until` is true of
 * what it returned, which is then the result. It is one call in the journal, with one outcome.
 */
export interface PollSettings<Output = never> {
  /** From the end of one try to the start of the next. */
  readonly every: Duration;
  until(result: Output): boolean;
  /** Longest time of one attempt over all its tries; then it fails with TimeoutError. */
  readonly timeout: Duration;
}

/** Calls of one task that start at about the same time are worked off together. Each stays a call of its own. */
export interface BatchSettings {
  /** Calls of one batch at most, an integer >= 1. It also takes a slot for each. */
  readonly maxSize: number;
  /** How long the first call of a batch waits for others, in ms. */
  readonly windowMs: number;
}

/** @throws InvalidOptionError */
export function circuitPlan(settings: CircuitSettings, task: string): CircuitPlan {
  checkKeys('circuit', settings, ['threshold', 'openFor', 'name', 'halfOpen']);
  const { threshold, name = task, halfOpen = 1 } = settings;
  if (!isCount(threshold)) throw new InvalidOptionError('circuit.threshold', threshold, 'an integer >= 1');
  if (!isCount(halfOpen)) throw new InvalidOptionError('circuit.halfOpen', halfOpen, 'an integer >= 1');
  if (typeof name !== 'string' || name === '')
    throw new InvalidOptionError('circuit.name', name, 'a name that is not empty');
  return { name, threshold, openForMs: longerThanZero(settings.openFor, 'circuit.openFor'), halfOpen };
}

/** @throws InvalidOptionError */
export function checkCache(settings: CacheSettings): void {
  checkKeys('cache', settings, ['ttl', 'key']);
  const { key } = settings;
  if (key !== undefined && typeof key !== 'function')
    throw new InvalidOptionError('cache.key', key, 'a function of the input that gives a string');
  longerThanZero(settings.ttl, 'cache.ttl');
}

/** @throws InvalidOptionError */
export function checkPoll(settings: PollSettings): void {
  checkKeys('poll', settings, ['every', 'until', 'timeout']);
  const { until } = settings;
  if (typeof until !== 'function')
    throw new InvalidOptionError('poll.until', until, 'a function of the result that gives true or false');
  durationMs(settings.every, 'poll.every');
  longerThanZero(settings.timeout, 'poll.timeout');
}

/** @throws InvalidOptionError */
export function checkBatch(settings: BatchSettings): void {
  checkKeys('batch', settings, ['maxSize', 'windowMs']);
  const { maxSize, windowMs } = settings;
  if (!isCount(maxSize)) throw new InvalidOptionError('batch.maxSize', maxSize, 'an integer >= 1');
  if (typeof windowMs !== 'number')
    throw new InvalidOptionError('batch.windowMs', windowMs, 'a number of milliseconds >= 0');
  durationMs(windowMs, 'batch.windowMs');
}

function checkKeys(option: string, settings: unknown, known: readonly string[]): void {
  if (typeof settings !== 'object' || settings === null)
    throw new InvalidOptionError(option, settings, `an object of ${known.join(', ')}`);
  for (const [name, value] of Object.entries(settings)) {
    if (!known.includes(name))
      throw new InvalidOptionError(`${option}.${name}`, value, `left out: it takes ${known.join(', ')}`);
  }
}

function longerThanZero(duration: Duration, option: string): number {
  const ms = durationMs(duration, option);
  if (ms === 0) throw new InvalidOptionError(option, duration, 'longer than 0');
  return ms;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}
