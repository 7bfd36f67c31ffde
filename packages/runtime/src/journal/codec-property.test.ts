import { isDeepStrictEqual } from 'node:util';

import type { Json } from '@pawl/sdk';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { fromBase64, fromBase64Portable, toBase64, toBase64Portable } from './base64.ts';
import { canonical } from './canonical.ts';
import { replayed, same } from './codec.fixture.ts';
import { decode, encode } from './codec.ts';

const oddKey = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constantFrom('__proto__', 'constructor', '$pawl', 'value', 'toJSON', 'length', '0'),
);
const anything = fc.anything({
  key: oddKey,
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  withUnicodeString: true,
  maxDepth: 4,
});

/** JSON as someone may have changed it: tags with everything but what belongs there. */
const { hostile } = fc.letrec<{ hostile: Json }>((tie) => ({
  hostile: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.double(),
      fc.constantFrom(null, true, 'AQ==', '2026-01-01T00:00:00.000Z', '('),
    ),
    fc.array(tie('hostile'), { maxLength: 3 }),
    fc.dictionary(oddKey, tie('hostile'), { maxKeys: 3 }),
    fc.record(
      {
        $pawl: fc.oneof(
          fc.constantFrom(
            'undefined',
            'hole',
            'number',
            'BigInt',
            'Date',
            'Map',
            'Set',
            'RegExp',
            'URL',
            'object',
          ),
          fc.constantFrom(
            'Uint8Array',
            'Float64Array',
            'DataView',
            'ArrayBuffer',
            'Error',
            '__proto__',
            'constructor',
          ),
        ),
        value: fc.oneof(
          tie('hostile'),
          fc.array(fc.array(tie('hostile'), { minLength: 2, maxLength: 2 }), { maxLength: 2 }),
          fc.record({ source: fc.string(), flags: fc.constantFrom('g', 'gg', 'u') }),
          fc.record({
            class: fc.constantFrom('TypeError', 'Order'),
            name: tie('hostile'),
            fields: tie('hostile'),
          }),
        ),
      },
      { requiredKeys: ['$pawl'] },
    ),
  ) as fc.Arbitrary<Json>,
}));

function outcomeOf(encoded: Json): { value: unknown } | { error: unknown } {
  try {
    return { value: decode(encoded) };
  } catch (error) {
    return { error };
  }
}

describe('for all values', () => {
  it('decode gives back what encode was given', () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(anything, (value) => {
        kinds.add(Object.prototype.toString.call(value));
        expect(same(replayed(value), value)).toBe(true);
      }),
      { numRuns: 2000 },
    );
    // The generator really made the kinds that this property is about.
    for (const kind of ['Map', 'Set', 'BigInt', 'Date', 'Array', 'Object', 'Uint8Array', 'Undefined']) {
      expect(kinds).toContain(`[object ${kind}]`);
    }
  });

  it('encode of plain JSON is a copy of it', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value = JSON.parse(text) as Json;
        expect(same(encode(value), value)).toBe(true);
        expect(JSON.stringify(encode(value))).toBe(JSON.stringify(value));
        if (typeof value === 'object' && value !== null) expect(encode(value)).not.toBe(value);
      }),
    );
  });

  it('decode of what someone changed is a value or a DecodeRefusal, and a value is a good one', () => {
    const seen = { values: 0, refusals: 0 };
    fc.assert(
      fc.property(hostile, (encoded) => {
        const outcome = outcomeOf(encoded);
        if ('error' in outcome) {
          seen.refusals += 1;
          expect(outcome.error).toMatchObject({ name: 'DecodeRefusal', path: expect.stringMatching(/^\$/) });
        } else {
          seen.values += 1;
          expect(same(replayed(outcome.value), outcome.value)).toBe(true);
        }
        expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      }),
      { numRuns: 3000 },
    );
    expect(seen.values).toBeGreaterThan(200);
    expect(seen.refusals).toBeGreaterThan(200);
  });

  // Found with the seed 1578715681.
  it('an error keeps a name of its own that is undefined', () => {
    const error = new TypeError('no name');
    Object.defineProperty(error, 'name', { value: undefined, writable: true, configurable: true });
    const again = replayed(error);
    expect(Object.getOwnPropertyDescriptor(again, 'name')).toEqual(
      Object.getOwnPropertyDescriptor(error, 'name'),
    );
  });

  it('the encoded form has one canonical text', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const text = canonical(encode(value));
        expect(canonical(JSON.parse(text) as Json)).toBe(text);
        // Other order of keys, same value.
        expect(isDeepStrictEqual(decode(JSON.parse(text) as Json), value)).toBe(true);
      }),
    );
  });

  it('base64 is that of Node, in both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        for (const write of [toBase64, toBase64Portable]) expect(write(bytes)).toBe(text);
        for (const read of [fromBase64, fromBase64Portable])
          expect(read(text)).toStrictEqual(new Uint8Array(bytes));
      }),
    );
    for (const bad of [
      'A',
      'AA',
      'AAA',
      '====',
      'A===',
      'AB==',
      'AAB=',
      'AA=A',
      'AA\n=',
      '-_==',
      'AAAé',
      'AAAA\n\n\n\n',
      'AQ==AQ==',
    ]) {
      for (const read of [fromBase64, fromBase64Portable]) expect(read(bad), bad).toBeUndefined();
    }
  });
});
