import { shortValue, type Encoded } from '@pawl/runtime';

import { clean } from './clean.ts';

/** More than a wide terminal has columns; the rest of a value is never shown by a tree. */
const LONGEST = 240;

/** What a tree for people keeps of a value. */
export function keepText(value: Encoded): Encoded {
  return shortValue(value, LONGEST);
}

/** A value that `keepText` kept; the empty string for undefined, which says nothing. */
export function shown(value: Encoded | undefined): string {
  if (value === undefined || value === 'undefined') return '';
  return clean(typeof value === 'string' ? value : shortValue(value, LONGEST));
}
