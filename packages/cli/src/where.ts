import type { Encoded, RunQuery } from '@pawl/runtime';

import { usage } from './command.ts';

/**
 * What `--where` says: `customer=42` is the number or the text, `customer="42"` the text alone.
 * @throws RuntimeError USAGE
 */
export function whereOf(terms: readonly string[]): NonNullable<RunQuery['where']> {
  const where = new Map<string, Encoded[]>();
  for (const term of terms) {
    const at = term.indexOf('=');
    if (at < 1)
      throw usage(
        `'${term.slice(0, 80)}' does not say what runs are looked for by.`,
        "Give a name and its value: pawl list --where 'customer=42'",
      );
    const name = term.slice(0, at);
    where.set(name, [...(where.get(name) ?? []), ...valuesOf(term.slice(at + 1))]);
  }
  return Object.fromEntries(where);
}

function valuesOf(text: string): Encoded[] {
  try {
    // JSON is plain data: what it parses to is a value as the journal keeps it.
    const value = JSON.parse(text) as Encoded;
    return typeof value === 'string' ? [value] : [value, text];
  } catch {
    return [text];
  }
}
