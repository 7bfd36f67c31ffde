import { runInNewContext } from 'node:vm';

import { describe, expect, it } from 'vitest';

import { encode, EncodeRefusal } from './codec.ts';
import type { EncodeLimits } from './codec.ts';

function refusalOf(value: unknown, limits?: EncodeLimits): EncodeRefusal {
  try {
    encode(value, limits);
  } catch (refusal) {
    if (refusal instanceof EncodeRefusal) return refusal;
    throw refusal;
  }
  return expect.fail('was not refused');
}

function cyclic(): unknown {
  const order: { [key: string]: unknown } = { id: 1 };
  order['items'] = [0, 1, 2, { order }];
  return { orders: { first: order } };
}

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function transferred(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

function withSelf<T extends object>(value: T, put: (value: T) => void): T {
  put(value);
  return value;
}

const throwing = {
  fine: 1,
  get broken(): never {
    throw new RangeError('not today');
  },
  after: 1,
};

class Order {
  readonly id = 1;
}
class Orders extends Map {}
class List extends Array {}
class Day extends Date {}
class Bytes extends Uint8Array {}

const REFUSED: readonly (readonly [string, unknown, path: string, reason: string])[] = [
  ['a function', () => 1, '$', 'is a function'],
  ['a nested function', { items: [0, 1, 2, { callback() {} }] }, '$.items[3].callback', 'is a function'],
  ['a class', { Order }, '$.Order', 'is a function'],
  ['under odd keys', { 'a b': { '': { 'x"y': () => 1 } } }, '$["a b"][""]["x\\"y"]', 'is a function'],
  ['under a long key', { ['k'.repeat(99) + '-']: () => 1 }, `$["${'k'.repeat(60)}…"]`, 'is a function'],
  ['under an index as key', { 0: () => 1 }, '$["0"]', 'is a function'],
  ['a symbol', [Symbol('s')], '$[0]', 'is a symbol'],
  ['a symbol as key', { a: { [Symbol('s')]: 1 } }, '$.a', 'has a symbol as key, Symbol(s)'],
  [
    'a symbol as key of an array',
    Object.assign([1], { [Symbol('s')]: 1 }),
    '$',
    'has a symbol as key, Symbol(s)',
  ],
  [
    'a symbol as key of an Error',
    Object.assign(new Error('a'), { [Symbol('s')]: 1 }),
    '$',
    'has a symbol as key, Symbol(s)',
  ],
  ['a cycle', cyclic(), '$.orders.first.items[3].order', 'points back to $.orders.first (a cycle)'],
  [
    'a cycle to the root',
    withSelf({} as { self?: unknown }, (value) => (value.self = value)),
    '$.self',
    'points back to $ (a cycle)',
  ],
  [
    'a cycle through a Map',
    withSelf(new Map(), (map) => map.set('me', [map])),
    '$.entries()[0][1][0]',
    'points back to $ (a cycle)',
  ],
  [
    'a cycle through a Set',
    withSelf(new Set(), (set) => set.add(set)),
    '$.values()[0]',
    'points back to $ (a cycle)',
  ],
  [
    'a cycle of causes',
    withSelf(new Error('a'), (error) => (error.cause = error)),
    '$.cause',
    'points back to $ (a cycle)',
  ],
  [
    'a hidden cycle of causes',
    { error: withSelf(new Error('a', { cause: 1 }), (error) => (error.cause = { error })) },
    '$.error.cause.error',
    'points back to $.error (a cycle)',
  ],
  [
    'a key of a Map',
    {
      m: new Map<unknown, unknown>([
        [1, 2],
        [{ f: () => 1 }, 3],
      ]),
    },
    '$.m.entries()[1][0].f',
    'is a function',
  ],
  ['a member of a Set', { s: new Set([1, () => 1]) }, '$.s.values()[1]', 'is a function'],
  [
    'a field of an Error',
    Object.assign(new Error('a'), { config: { fn: () => 1 } }),
    '$.config.fn',
    'is a function',
  ],
  ['one of the errors', new AggregateError([1, () => 1]), '$.errors[1]', 'is a function'],
  ['an instance of a class', { order: new Order() }, '$.order', 'is an instance of Order'],
  [
    'an instance of an unnamed class',
    new (class {
      readonly a = 1;
    })(),
    '$',
    'is an instance of an unnamed class',
  ],
  ['a subclass of Map', new Orders(), '$', 'is an instance of Orders'],
  ['a subclass of Array', new List(), '$', 'is an instance of List'],
  ['a subclass of Date', new Day(0), '$', 'is an instance of Day'],
  ['a subclass of Uint8Array', new Bytes(1), '$', 'is an instance of Bytes'],
  [
    'a subclass of Map in another realm',
    runInNewContext('new (class Map2 extends Map {})()'),
    '$',
    'is an instance of Map2',
  ],
  [
    'a subclass of Map that is named Map, in another realm',
    runInNewContext('new (class Map extends globalThis.Map {})()'),
    '$',
    'is an instance of Map',
  ],
  ['an array without prototype', Object.setPrototypeOf([1], null), '$', 'is an instance of an unnamed class'],
  [
    'an object below one without prototype',
    Object.create(Object.create(null) as object),
    '$',
    'is an instance of an unnamed class',
  ],
  ['a Promise', { p: Promise.resolve(1) }, '$.p', 'is an instance of Promise'],
  ['a WeakMap', new WeakMap(), '$', 'is an instance of WeakMap'],
  ['a generator', (function* () {})(), '$', 'is an instance of'],
  ['an AbortSignal', new AbortController().signal, '$', 'is an instance of AbortSignal'],
  ['a boxed string', Object('a'), '$', 'is a boxed primitive (new String)'],
  ['a boxed BigInt', [Object(1n)], '$[0]', 'is a boxed primitive (new BigInt)'],
  ['what is no Map but says so', { m: Object.create(Map.prototype) as unknown }, '$.m', 'cannot be read: '],
  ['what is no Set but says so', { s: Object.create(Set.prototype) as unknown }, '$.s', 'cannot be read: '],
  ['what is no Date but says so', Object.create(Date.prototype), '$', 'cannot be read: '],
  ['Math', Math, '$', 'has a symbol as key, Symbol(Symbol.toStringTag)'],
  [
    'arguments',
    (function () {
      return arguments;
    })(),
    '$',
    'has a symbol as key, Symbol(Symbol.iterator)',
  ],
  ['shared memory', new SharedArrayBuffer(1), '$', 'is an instance of SharedArrayBuffer'],
  ['a view on shared memory', { v: new Uint8Array(new SharedArrayBuffer(1)) }, '$.v', 'is shared memory'],
  ['a transferred buffer', transferred(), '$', 'is detached'],
  [
    'a view on a transferred buffer',
    withSelf(new Uint8Array(1), (view) => structuredClone(view.buffer, { transfer: [view.buffer] })),
    '$',
    'is detached',
  ],
  ['a getter that throws', { a: [throwing] }, '$.a[0].broken', 'cannot be read: not today'],
  [
    'a getter of a field of an Error',
    Object.defineProperty(new Error('a'), 'x', { get: () => throwing.broken, enumerable: true }),
    '$.x',
    'cannot be read: not today',
  ],
  [
    'an array with an index behind its end',
    Object.assign([1], { 4294967295: 1 }),
    '$',
    'is an array with the extra property "4294967295"',
  ],
  ['a Set with a field', Object.assign(new Set(), { x: 1 }), '$', 'is a Set with the extra property "x"'],
  ['a RegExp with a field', Object.assign(/a/, { x: 1 }), '$', 'is a RegExp with the extra property "x"'],
  [
    'a URL with a field',
    Object.assign(new URL('https://a.org'), { x: 1 }),
    '$',
    'is a URL with the extra property "x"',
  ],
  [
    'a buffer with a field',
    Object.assign(new ArrayBuffer(1), { x: 1 }),
    '$',
    'is a ArrayBuffer with the extra property "x"',
  ],
  ['what comes after a Map', [new Map([[1, 2]]), () => 1], '$[1]', 'is a function'],
  ['what comes after a Set', [new Set([1]), () => 1], '$[1]', 'is a function'],
  ['what comes after an Error', [Object.assign(new Error('a'), { b: 1 }), () => 1], '$[1]', 'is a function'],
  ['what comes after holes', [Object.assign([1], { length: 2 }), () => 1], '$[1]', 'is a function'],
  ['a smaller BigInt', { n: -(1n << 1048576n) }, '$.n', 'is a BigInt of more than 1048576 bits'],
  [
    'a getter of an Error that throws',
    Object.defineProperty(new Error('a'), 'message', { get: () => throwing.broken }),
    '$.message',
    'cannot be read: not today',
  ],
  [
    'a getter that throws no error',
    {
      get a(): never {
        throw Object.create(null);
      },
    },
    '$.a',
    'cannot be read: an unreadable error',
  ],
  ['a revoked proxy', { list: [revoked({})] }, '$.list[0]', 'cannot be read: '],
  ['a revoked proxy of an array', { list: [revoked([])] }, '$.list[0]', 'cannot be read: '],
  ['a match of a RegExp', { m: /a/.exec('a') }, '$.m', 'is an array with the extra property "index"'],
  [
    'an array with a field',
    Object.assign([1, 2], { total: 2 }),
    '$',
    'is an array with the extra property "total"',
  ],
  [
    'an array with a field in place of a hole',
    Object.assign([1], { length: 2, x: 1 }),
    '$',
    'is an array with the extra property "x"',
  ],
  [
    'an array with a negative index',
    Object.assign([1], { '-1': 1 }),
    '$',
    'is an array with the extra property "-1"',
  ],
  [
    'an array with NaN as key',
    Object.assign([1], { NaN: 1 }),
    '$',
    'is an array with the extra property "NaN"',
  ],
  [
    'an array with 0.5 as key',
    Object.assign([1], { length: 2, 0.5: 1 }),
    '$',
    'is an array with the extra property "0.5"',
  ],
  [
    'an array with 00 as key',
    Object.assign([1], { length: 2, '00': 1 }),
    '$',
    'is an array with the extra property "00"',
  ],
  ['a Map with a field', Object.assign(new Map(), { x: 1 }), '$', 'is a Map with the extra property "x"'],
  ['a Date with a field', Object.assign(new Date(0), { x: 1 }), '$', 'is a Date with the extra property "x"'],
  [
    'an array of mostly holes',
    { a: Object.assign([1], { length: 4294967295 }) },
    '$.a',
    'is an array with more than 65536 holes',
  ],
  [
    'a RegExp with an odd lastIndex',
    Object.assign(/a/g, { lastIndex: -1 }),
    '$',
    'has a lastIndex that is no index',
  ],
  ['a huge BigInt', { n: 1n << 1048576n }, '$.n', 'is a BigInt of more than 1048576 bits'],
];

describe('encode refuses', () => {
  it.each(REFUSED)('%s', (_, value, path, reason) => {
    const refusal = refusalOf(value);
    expect(refusal.path).toBe(path);
    expect(refusal.reason.slice(0, reason.length)).toBe(reason);
    expect(refusal.message).toBe(`${refusal.path} ${refusal.reason}`);
  });

  /** About what it takes in memory: 32 for each container, 8 for each field, 1 for each character. */
  it.each<[string, unknown, size: number]>([
    ['an object', {}, 32],
    ['its fields', { a: 'xyz', bc: 1, d: true, e: null }, 32 + 4 * 8 + 5 + 3],
    ['an array', ['abc', 1, null, false], 32 + 4 * 8 + 3],
    ['holes', Object.assign([1], { length: 3 }), 2 * 32 + 32 + 8],
    ['a Map', new Map([['ab', 'c']]), 32 + 32 + 3],
    ['a Set', new Set(['ab', 'c']), 32 + 2 * 8 + 3],
    ['bytes, in base64', new Uint8Array(4), 32 + 8],
    ['and in a buffer', new ArrayBuffer(3), 32 + 4],
    ['a BigInt', 12345n, 5],
    ['a RegExp', /abcd/g, 4],
    ['a URL', new URL('https://a.org/'), 14],
    ['an Error', Object.assign(new Error('boom'), { stack: undefined, ab: 'c' }), 32 + 8 + 5 + 4 + 2 + 1],
    ['what is nested', [[], { a: {} }], 32 + 2 * 8 + 32 + 32 + 8 + 1 + 32],
  ])('what is larger than it may be: %s', (_, value, size) => {
    expect(() => encode(value, { maxSize: size })).not.toThrow();
    expect(refusalOf(value, { maxSize: size - 1 })).toMatchObject({
      kind: 'size',
      reason: `makes the value larger than ${size - 1} bytes`,
    });
  });

  it('and says of any other that it is its form', () => {
    expect(refusalOf(() => 1)).toMatchObject({
      name: 'EncodeRefusal',
      kind: 'form',
      path: '$',
      reason: 'is a function',
    });
  });

  it('what is small but becomes large, since one object that is referred to often is written as often', () => {
    let bomb: unknown = [];
    for (let i = 0; i < 16; i += 1) bomb = [bomb, bomb];
    expect(refusalOf({ bomb }, { maxSize: 1e6 }).reason).toBe('makes the value larger than 1000000 bytes');
    const holes = Object.assign([], { length: 60_000 });
    expect(refusalOf([holes], { maxSize: 1e6 }).path).toBe('$[0]');
    const bytes = new Uint8Array(400_000);
    expect(refusalOf([bytes, bytes], { maxSize: 1e6 }).path).toBe('$[1]');
    expect(refusalOf('x'.repeat(101), { maxSize: 100 }).reason).toBe('makes the value larger than 100 bytes');
    expect(encode('x'.repeat(100), { maxSize: 100 })).toHaveLength(100);
    const many = new Map(Array.from({ length: 1000 }, (_, i) => [i, i]));
    expect(refusalOf(many, { maxSize: 1000 }).reason).toContain('larger than');
  });
});
