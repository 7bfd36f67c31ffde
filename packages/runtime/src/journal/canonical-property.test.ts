import { isDeepStrictEqual } from 'node:util';

import type { Json } from '@pawl/sdk';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { canonical, identityText } from './canonical.ts';
import { encode } from './codec.ts';

/** The same value with the keys of every object put in in the opposite order. */
function reversed(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(reversed);
  const entries = Object.entries(value).toReversed();
  return Object.fromEntries(entries.map(([key, item]) => [key, reversed(item)]));
}

const key = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.constantFrom('__proto__', 'constructor', '$pawl', 'toJSON', '10', '9'),
);
const anything = fc.anything({ key, withBigInt: true, withDate: true, withMap: true, withSparseArray: true });

describe('the canonical text of any value', () => {
  it('does not depend on the order of keys, and is JSON of the same value', () => {
    let reordered = 0;
    fc.assert(
      fc.property(anything, (value) => {
        const encoded = encode(value);
        const other = reversed(encoded);
        if (JSON.stringify(other) !== JSON.stringify(encoded)) reordered += 1;
        expect(canonical(other)).toBe(canonical(encoded));
        expect(isDeepStrictEqual(JSON.parse(canonical(encoded)), JSON.parse(JSON.stringify(encoded)))).toBe(
          true,
        );
      }),
      { numRuns: 1000 },
    );
    expect(reordered).toBeGreaterThan(100);
  });

  it('is what tells inputs apart, in whatever order their fields are, flat ones too', () => {
    const field = fc.oneof(
      fc.string(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
      fc.json().map((text) => JSON.parse(text) as Json),
    );
    fc.assert(
      fc.property(fc.dictionary(key, field, { maxKeys: 4 }), (value) => {
        expect(identityText(value)).toBe(canonical(value));
        expect(identityText(reversed(value))).toBe(canonical(value));
      }),
      { numRuns: 1000 },
    );
  });

  it('is the same for two values exactly when they are equal', () => {
    const json = fc.json({ maxDepth: 1 }).map((text) => JSON.parse(text) as Json);
    fc.assert(
      fc.property(json, json, (a, b) => {
        expect(canonical(a) === canonical(b)).toBe(isDeepStrictEqual(a, b));
      }),
      { numRuns: 1000 },
    );
  });
});
