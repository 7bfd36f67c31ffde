import type { Json } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';

import { decode, encode, EncodeRefusal } from './codec.ts';
import type { EncodeLimits } from './codec.ts';

/* How deep values may be. Apart from the other tests of the codec, since it takes seconds. */

function refusalOf(value: unknown, limits?: EncodeLimits): EncodeRefusal {
  try {
    encode(value, limits);
  } catch (refusal) {
    if (refusal instanceof EncodeRefusal) return refusal;
    throw refusal;
  }
  return expect.fail('was not refused');
}

function nested(depth: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 'inmost';
  for (let i = 0; i < depth; i += 1) value = wrap(value);
  return value;
}

describe('encode refuses', () => {
  it('what is nested too deeply, long before a stack overflows, and names both ends of the place', () => {
    const wraps: ((inner: unknown) => unknown)[] = [
      (inner) => [inner],
      (next) => ({ next }),
      (inner) => new Map([[1, inner]]),
      (inner) => new Set([inner]),
      (cause) => new Error('a', { cause }),
    ];
    for (const wrap of wraps) {
      expect(decode(encode(nested(200, wrap)))).toStrictEqual(nested(200, wrap));
      expect(refusalOf(nested(201, wrap)).reason).toBe('is nested deeper than 200 levels');
      expect(refusalOf(nested(100_000, wrap)).reason).toBe('is nested deeper than 200 levels');
      expect(refusalOf(nested(301, wrap), { maxDepth: 100_000 }).reason).toBe(
        'is nested deeper than 300 levels',
      );
      // At the highest limit too, SQLite reads the text (1000 levels of JSON) and decode does.
      expect(decode(encode(nested(300, wrap), { maxDepth: 300 }))).toStrictEqual(nested(300, wrap));
    }
    expect(
      refusalOf(
        nested(5, (inner) => [inner]),
        { maxDepth: 4 },
      ).path,
    ).toBe('$[0][0][0][0]');
    const next = '.next'.repeat(12);
    expect(refusalOf(nested(500, (inner) => ({ next: inner }))).path).toBe(`$${next}…${next}`);
  });
});

describe('decode refuses', () => {
  it('any depth that encode does not write, without a stack overflow', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
      ['{"$pawl":"Set","value":[', ']}'],
    ] as const) {
      const text = `${open.repeat(100_000)}1${close.repeat(100_000)}`;
      expect(() => decode(JSON.parse(text) as Json)).toThrow(/is nested deeper than 1000 levels$/);
    }
  });
});
