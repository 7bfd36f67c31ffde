import { durationMs, InvalidOptionError, type Duration } from '@pawl/sdk';
import { NEVER, type Millis, type RunId } from '../journal/ids.ts';
import type { NewStart } from '../ports/work-store.ts';
import { checkOptionNames } from '../process/option-names.ts';
import { checkRunId } from './refusals.ts';

/** How a start waits for a worker. */
export interface EnqueueOptions {
  /** Given twice it is the same run. Default: a new id. */
  readonly id?: RunId;
  /** Path of the module, recorded for workers that load it. */
  readonly module?: string;
  readonly codeHash?: string;
  /** Not before this long from now. */
  readonly delay?: Duration;
  /** From -100 to 100, the higher goes first (default 0). */
  readonly priority?: number;
  /** At most `limit` runs of this key are under way, from their start to their end, whatever they wait for. */
  readonly concurrency?: { readonly key: string; readonly limit: number };
  /** While a start or a run of this process (and this key) is there, this one is none. */
  readonly singleton?: boolean | string;
  /**
   * Waits until this long nothing was enqueued of this process (and this key); the newest inputs count. `atMost`
   * bounds the waiting from the first of them on.
   */
  readonly debounce?:
    | Duration
    | { readonly wait: Duration; readonly key?: string; readonly atMost?: Duration };
}

export type StartPlan = Pick<NewStart, 'at' | 'priority' | 'limit' | 'singleton' | 'debounce'>;

const NAMES: ReadonlySet<string> = new Set<keyof EnqueueOptions>([
  'id',
  'module',
  'codeHash',
  'delay',
  'priority',
  'concurrency',
  'singleton',
  'debounce',
]);
const MOST_URGENT = 100;
const LONGEST_KEY = 200;

/** @throws InvalidOptionError; RuntimeError REFUSED for an id that is none */
export function startPlan(options: EnqueueOptions, process: string, now: Millis): StartPlan {
  checkOptionNames(options, NAMES, 'enqueue');
  const { id, delay, priority = 0, concurrency, singleton = false, debounce } = options;
  if (id !== undefined) checkRunId(id);
  for (const name of ['module', 'codeHash'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'string') throw new InvalidOptionError(name, value, 'a text');
  }
  if (!Number.isInteger(priority) || Math.abs(priority) > MOST_URGENT)
    throw new InvalidOptionError('priority', priority, `an integer from -${MOST_URGENT} to ${MOST_URGENT}`);
  if (debounce !== undefined && (delay !== undefined || id !== undefined || singleton !== false))
    throw new InvalidOptionError('debounce', debounce, 'left out where id, delay or singleton is given');
  const delayMs = delay === undefined ? 0 : durationMs(delay, 'delay');
  const waits =
    debounce === undefined ? { at: now + delayMs, debounce: null } : debounced(debounce, process, now);
  return { ...waits, priority, limit: limited(concurrency), singleton: single(singleton, process) };
}

function debounced(
  given: NonNullable<EnqueueOptions['debounce']>,
  process: string,
  now: Millis,
): Pick<StartPlan, 'at' | 'debounce'> {
  const options = typeof given === 'object' && given !== null ? given : { wait: given };
  checkOptionNames(options, new Set(['wait', 'key', 'atMost']), 'debounce');
  const { wait, key, atMost } = options;
  const waitMs = durationMs(wait, 'debounce.wait');
  if (key !== undefined) checkKey('debounce.key', key);
  const atMostMs = atMost === undefined ? undefined : durationMs(atMost, 'debounce.atMost');
  if (atMostMs !== undefined && atMostMs < waitMs)
    throw new InvalidOptionError('debounce.atMost', atMost, 'no shorter than debounce.wait');
  const latestAt = atMostMs === undefined ? NEVER : now + atMostMs;
  return { at: now + waitMs, debounce: { key: keyOf(process, key), latestAt } };
}

function limited(given: EnqueueOptions['concurrency']): NewStart['limit'] {
  if (given === undefined) return null;
  checkOptionNames(given, new Set(['key', 'limit']), 'concurrency');
  const { key, limit } = given;
  checkKey('concurrency.key', key);
  if (!Number.isInteger(limit) || limit < 1)
    throw new InvalidOptionError('concurrency.limit', limit, 'an integer >= 1');
  return { key: `key ${key}`, count: limit };
}

function single(given: unknown, process: string): string | null {
  if (given === false) return null;
  if (given === true) return keyOf(process, undefined);
  checkKey('singleton', given);
  return keyOf(process, given);
}

/** Of one process: another one's keys are no business of it. */
function keyOf(process: string, key: string | undefined): string {
  return key === undefined ? `process ${process}` : `process ${process} ${key}`;
}

function checkKey(option: string, key: unknown): asserts key is string {
  if (typeof key === 'string' && key !== '' && key.length <= LONGEST_KEY) return;
  throw new InvalidOptionError(option, key, `a text of 1 to ${LONGEST_KEY} characters`);
}
