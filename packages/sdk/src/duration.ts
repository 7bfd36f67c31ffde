import { InvalidOptionError } from './errors.ts';

/**
 * A length of time: a number of milliseconds, or a string of a number and a unit
 * (`'250ms'`, `'30s'`, `'5m'`, `'2h'`, `'7d'`, `'1w'`).
 */
export type Duration = number | string;

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The longest duration that still ends at a valid Date: 100,000 days. */
export const MAX_DURATION_MS = 8_640_000_000_000;

/**
 * Milliseconds of a duration, rounded up to a whole one.
 * @param option the name of the option, for the message
 * @throws InvalidOptionError when it is neither a finite number >= 0 nor a number with a unit
 */
export function durationMs(duration: Duration, option: string): number {
  const ms = typeof duration === 'number' ? duration : parse(duration);
  if (!Number.isFinite(ms) || ms < 0 || ms > MAX_DURATION_MS) {
    throw new InvalidOptionError(
      option,
      duration,
      `a duration: milliseconds from 0 to ${MAX_DURATION_MS}, or a string such as '250ms', '30s', '5m', '2h', '7d'`,
    );
  }
  return Math.ceil(ms);
}

function parse(text: unknown): number {
  if (typeof text !== 'string') return Number.NaN;
  const match = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d|w)$/.exec(text.trim());
  if (match === null) return Number.NaN;
  return Number(match[1]) * (UNITS_MS[match[2] ?? ''] ?? Number.NaN);
}
