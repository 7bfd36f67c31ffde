import { expect, test } from 'vitest';

import { encode } from '../journal/codec.ts';
import { shortValue } from './short-value.ts';

test.each([
  [null, 'null'],
  [12.5, '12.5'],
  [true, 'true'],
  ['a "b"\n', '"a \\"b\\"\\n"'],
  [[], '[]'],
  [[1, [2]], '[1, [2]]'],
  [{}, '{}'],
  [{ name: 'x', 'not a name': 1 }, '{ name: "x", "not a name": 1 }'],
  [JSON.parse('{"__proto__":1}'), '{ __proto__: 1 }'],
  [undefined, 'undefined'],
  [Number.NaN, 'NaN'],
  [-0, '-0'],
  [12n, '12n'],
  [new Date(0), '1970-01-01T00:00:00.000Z'],
  [new Date(Number.NaN), 'Invalid Date'],
  [new URL('https://example.org/a'), 'https://example.org/a'],
  [new Map([['a', 1]]), 'Map([["a", 1]])'],
  [new Set([1, 2]), 'Set([1, 2])'],
  [new Uint8Array([1, 2, 3]), 'Uint8Array()'],
  [{ $pawl: 'mine' }, '{ $pawl: "mine" }'],
  [new TypeError('no'), 'TypeError: no'],
])('%o', (value, text) => {
  expect(shortValue(encode(value), 200)).toBe(text);
});

test('a long value ends in an ellipsis at the limit', () => {
  const text = shortValue(encode({ list: Array.from({ length: 1000 }, (_, i) => i) }), 20);
  expect(text).toBe('{ list: [0, 1, 2, 3…'.slice(0, 19) + '…');
  expect(text).toHaveLength(20);
});

test('a huge value costs no more than what is shown of it', () => {
  let reads = 0;
  const huge = new Proxy(
    Array.from({ length: 1_000_000 }, () => 'x'.repeat(10)),
    {
      get(target, name, receiver): unknown {
        reads += 1;
        return Reflect.get(target, name, receiver);
      },
    },
  );
  expect(shortValue(huge, 40)).toHaveLength(40);
  expect(reads).toBeLessThan(100);
});
