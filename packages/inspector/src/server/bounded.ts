/** Values of users can be of any size: what is sent at once is bounded, and says so. */
import type { Encoded } from '@pawl/runtime';

export type Bounded =
  | { readonly value: Encoded }
  /** The beginning of its JSON; `size` in characters. */
  | { readonly cut: string; readonly size: number };

const MOST = 16_000;
const BEGINNING = 2000;

export function bounded(value: Encoded): Bounded {
  const text = JSON.stringify(value);
  return text.length <= MOST
    ? { value }
    : { cut: text.slice(0, BEGINNING).toWellFormed(), size: text.length };
}

/** A bounded value as a value, for what keeps values: a tree of calls. */
export function keepBounded(value: Encoded): Encoded {
  return bounded(value);
}
