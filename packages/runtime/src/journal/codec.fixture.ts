import { inspect, isDeepStrictEqual } from 'node:util';

import type { Json } from '@pawl/sdk';

import { decode, encode } from './codec.ts';

/** What a replay sees of a value: its way through the text of a journal row. */
export function replayed(value: unknown): unknown {
  return decode(JSON.parse(JSON.stringify(encode(value))) as Json);
}

export function look(value: unknown): string {
  return inspect(value, { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity });
}

/** Two judges, since each is blind somewhere: `inspect` shows -0, holes and stacks, the other compares buffers. */
export function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b) && look(a) === look(b);
}
