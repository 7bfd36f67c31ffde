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

describe('canonical', () => {
  it.each<[Json, string]>([
    [
      { b: 1, a: { d: [2, { f: null, e: true }], c: 'x' } },
      '{"a":{"c":"x","d":[2,{"e":true,"f":null}]},"b":1}',
    ],
    [{ 10: 1, 9: 2 }, '{"10":1,"9":2}'],
    [
      JSON.parse('{"b":1,"__proto__":{"z":1,"__proto__":2}}') as Json,
      '{"__proto__":{"__proto__":2,"z":1},"b":1}',
    ],
    [{ toJSON: 'text', é: '\ud800', e: '"' }, '{"e":"\\"","toJSON":"text","é":"\\ud800"}'],
    ['', '""'],
    [{ a: '', b: 0, c: false, d: null, e: [], f: {} }, '{"a":"","b":0,"c":false,"d":null,"e":[],"f":{}}'],
    [1e21, '1e+21'],
    [encode({ when: new Date(0) }), '{"when":{"$pawl":"Date","value":"1970-01-01T00:00:00.000Z"}}'],
  ])('of %j', (value, text) => {
    expect(canonical(value)).toBe(text);
  });

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

  it('is the same for two values exactly when they are equal', () => {
    const json = fc.json({ maxDepth: 1 }).map((text) => JSON.parse(text) as Json);
    fc.assert(
      fc.property(json, json, (a, b) => {
        expect(canonical(a) === canonical(b)).toBe(isDeepStrictEqual(a, b));
      }),
      { numRuns: 1000 },
    );
    expect(canonical({ a: 1 })).not.toBe(canonical({ a: '1' }));
    expect(canonical([[1], 2])).not.toBe(canonical([1, [2]]));
  });

  it('goes as deep as encode does', () => {
    let value: unknown = 1;
    for (let i = 0; i < 300; i += 1) value = new Map([[1, value]]);
    expect(JSON.parse(canonical(encode(value, { maxDepth: 300 })))).toHaveProperty('$pawl', 'Map');
  });
});

describe('what a value is known by', () => {
  it('leaves out where errors were made, however deep, and nothing else', () => {
    const error = (stack: string): Json => ({
      $pawl: 'Error',
      value: { message: 'm', stack, cause: { stack } },
    });
    const text = identityText({ a: [error('one')], stack: 'mine' });
    expect(text).toBe(identityText({ a: [error('two')], stack: 'mine' }).replaceAll('two', 'one'));
    expect(text).toContain('"stack":"mine"');
  });

  it('takes an error that holds no fields as it is', () => {
    expect(identityText({ $pawl: 'Error', value: 'odd' })).toBe('{"$pawl":"Error","value":"odd"}');
  });
});
