import { createRequire } from 'node:module';
import { InvalidOptionError } from '@pawl/sdk';
import type * as Croner from 'croner';
import type { Millis } from '../journal/ids.ts';

/** Patterns that are kept parsed. */
const MAX_KEPT = 1000;
const LONGEST = 200;

const require = createRequire(import.meta.url);

const kept = new Map<string, Croner.Cron>();

function parsed(cron: string, zone: string): Croner.Cron {
  const key = `${zone} ${cron}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  if (kept.size >= MAX_KEPT) kept.clear();
  // Loaded by programs that have schedules only.
  const croner = require('croner') as typeof Croner;
  const pattern = new croner.Cron(cron, { timezone: zone, paused: true });
  kept.set(key, pattern);
  return pattern;
}

/**
 * The first firing after a time; undefined where none follows.
 *
 * A time that the clock skips is made up for right after the gap, and one that comes twice fires the first time;
 * what recurs within the day (a step, a range, every hour) goes on through both.
 */
export function nextFiring(cron: string, zone: string, after: Millis): Millis | undefined {
  return parsed(cron, zone).nextRun(new Date(after))?.getTime();
}

/** The last firing at or before a time. */
export function lastFiring(cron: string, zone: string, until: Millis): Millis | undefined {
  return parsed(cron, zone)
    .previousRuns(1, new Date(until + 1))[0]
    ?.getTime();
}

/**
 * The first firing of a new schedule.
 * @throws InvalidOptionError
 */
export function firstFiring(cron: unknown, zone: unknown, now: Millis): Millis {
  checkZone(zone);
  const expected = `a cron pattern of 5 fields, or 6 with seconds, such as '0 9 * * 1-5'`;
  if (typeof cron !== 'string' || cron.length > LONGEST) throw new InvalidOptionError('cron', cron, expected);
  // One point of time is no schedule.
  if (/^\d{4}-\d\d-\d\d/.test(cron.trim())) throw new InvalidOptionError('cron', cron, expected);
  const next = tried(() => nextFiring(cron, zone, now));
  if (next instanceof Error)
    throw new InvalidOptionError('cron', cron, `${expected} (${next.message.replace(/^CronPattern: /, '')})`);
  if (next === undefined) throw new InvalidOptionError('cron', cron, `${expected}; this one never fires`);
  return next;
}

function checkZone(zone: unknown): asserts zone is string {
  const isZone =
    typeof zone === 'string' &&
    !(tried(() => new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions()) instanceof Error);
  if (!isZone) throw new InvalidOptionError('zone', zone, `a time zone such as 'Europe/Berlin' or 'UTC'`);
}

function tried<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error instanceof Error ? error : new TypeError(String(error));
  }
}
