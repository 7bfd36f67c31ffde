import type { Spread } from './spread.ts';

/** With as many digits as such a measurement deserves. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function rangeText({ min, max }: Spread): string {
  return min === max ? '' : `${numberText(min)}–${numberText(max)}`;
}
