import type { Json } from '@pawl/sdk';
import stringify from 'fast-json-stable-stringify';

/** One text for one value, however its keys were put in: for digests and fixtures. */
export function canonical(value: Json): string {
  return stringify(value);
}
