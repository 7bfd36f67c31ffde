import { inspect } from 'node:util';

import type { Encoded } from '@pawl/runtime';

import { clean, cleanLines } from './clean.ts';

/**
 * The output of a run, for people and pipes: a text as it is, JSON as JSON, and what JSON does not
 * have (a Map, a Date) as JavaScript would write it. Nothing for undefined.
 */
export function outputLines(output: unknown, encoded: Encoded): string[] {
  if (output === undefined) return [];
  if (typeof output === 'string') return cleanLines(output);
  const text = isPlain(encoded)
    ? JSON.stringify(encoded, null, 2)
    : inspect(output, { depth: null, colors: false });
  return text.split('\n').map(clean);
}

function isPlain(encoded: Encoded): boolean {
  if (typeof encoded !== 'object' || encoded === null) return true;
  if (Object.hasOwn(encoded, '$pawl')) return false;
  return Object.values(encoded).every(isPlain);
}
