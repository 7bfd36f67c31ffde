import { runInNewContext } from 'node:vm';

import type { Json } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';

import { look, replayed, same } from './codec.fixture.ts';
import { decode, encode } from './codec.ts';

function own(key: string, value: unknown): object {
  return Object.defineProperty({}, key, { value, enumerable: true, writable: true, configurable: true });
}

function sparse(): unknown[] {
  const items: unknown[] = [];
  items[1] = 'b';
  items.length = 4;
  return items;
}

function withLastIndex(): RegExp {
  const regexp = /o/g;
  regexp.test('foo');
  return regexp;
}

class ErrorOfUser extends TypeError {
  readonly order = 17;
  override get name(): string {
    return 'OrderRefused';
  }
}

const VALUES: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
  ['0', 0],
  ['-0', -0],
  ['a fraction', 0.1 + 0.2],
  ['the largest number', Number.MAX_VALUE],
  ['the smallest number', Number.MIN_VALUE],
  ['an integer over 2^53', 2 ** 60],
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
  ['undefined', undefined],
  ['an empty string', ''],
  ['a string', 'straße 🚲'],
  ['the string "undefined"', 'undefined'],
  ['a string with NUL and U+2028', 'a\u0000b\u2028c'],
  ['a lone high surrogate', 'a\ud800'],
  ['a lone low surrogate', '\udc00b'],
  ['0n', 0n],
  ['a BigInt', 2n ** 200n],
  ['a negative BigInt', -(10n ** 30n)],
  ['an empty array', []],
  ['an array', [1, 'b', [null, false]]],
  ['an array of undefined', [undefined, undefined]],
  ['an array with holes', sparse()],
  ['an array of holes only', Object.assign([], { length: 3 })],
  ['an empty object', {}],
  ['an object', { a: 1, b: { c: [true] } }],
  ['undefined as property', { a: undefined }],
  ['-0 as property and element', { a: -0, b: [-0, 0] }],
  ['keys in an order', { b: 1, a: 2, 10: 3, 9: 4 }],
  ['odd keys', { '': 1, ' ': 2, 'a.b': 3, '\ud800': 4, toJSON: 'no function' }],
  ['own __proto__', own('__proto__', { polluted: true })],
  ['own __proto__ with a string', own('__proto__', 'x')],
  ['own constructor', own('constructor', { prototype: { polluted: true } })],
  ['own hasOwnProperty', { hasOwnProperty: 1, toString: 2, valueOf: null }],
  ['own $pawl', { $pawl: 'Date', value: 'never' }],
  ['own $pawl of its own tag', { $pawl: 'object', value: { $pawl: 'undefined' } }],
  ['own $pawl undefined', { $pawl: undefined, a: [{ $pawl: new Date(0) }] }],
  ['a Date', new Date('2026-11-21T09:00:00.123Z')],
  ['the oldest Date', new Date(-8.64e15)],
  ['an invalid Date', new Date(Number.NaN)],
  ['an empty Map', new Map()],
  [
    'a Map',
    new Map<unknown, unknown>([
      ['a', 1],
      [1, new Map([[undefined, Number.NaN]])],
    ]),
  ],
  [
    'a Map with object keys',
    new Map<unknown, unknown>([
      [{ a: 1 }, [2]],
      [new Date(5), new Set([1])],
    ]),
  ],
  [
    'a Map in another order',
    new Map<unknown, unknown>([
      [1, new Map([[undefined, Number.NaN]])],
      ['a', 1],
    ]),
  ],
  ['a Map with the key __proto__', new Map([['__proto__', { polluted: true }]])],
  ['an empty Set', new Set()],
  ['a Set', new Set<unknown>(['a', 1, null, undefined, 3n, ['x']])],
  ['a RegExp', /a\/(?<b>[^\]])+/giu],
  ['an empty RegExp', new RegExp('')],
  ['a RegExp with flag v', new RegExp('[\\p{L}--[a-z]]', 'v')],
  ['a RegExp in the midst', withLastIndex()],
  ['a URL', new URL('https://user:pw@example.org:8080/a%20b?q=1&q=2#f')],
  ['a file URL', new URL('file:///tmp/x')],
  ['an ArrayBuffer', new Uint8Array([1, 2, 3]).buffer],
  ['an empty ArrayBuffer', new ArrayBuffer(0)],
  ['a DataView', new DataView(new Uint8Array([1, 2, 3, 4]).buffer)],
  ['a Uint8Array', new Uint8Array([0, 127, 255])],
  ['an empty Uint8Array', new Uint8Array()],
  ['a Uint8ClampedArray', new Uint8ClampedArray([0, 127, 255])],
  ['an Int8Array', new Int8Array([-128, 0, 127])],
  ['an Int16Array', new Int16Array([-32768, 5])],
  ['a Uint16Array', new Uint16Array([65535, 5])],
  ['an Int32Array', new Int32Array([-2147483648, 5])],
  ['a Uint32Array', new Uint32Array([4294967295, 5])],
  ['a Float32Array', new Float32Array([0.5, -0, Number.NaN])],
  ['a Float64Array', new Float64Array([0.1, -0, Infinity])],
  ['a BigInt64Array', new BigInt64Array([-(2n ** 63n), 5n])],
  ['a BigUint64Array', new BigUint64Array([2n ** 64n - 1n])],
  ['an Error', new Error('went wrong')],
  ['an Error without message', new Error()],
  ['a TypeError', new TypeError('went wrong')],
  ['a RangeError', new RangeError('went wrong')],
  ['a SyntaxError', new SyntaxError('went wrong')],
  ['a ReferenceError', new ReferenceError('went wrong')],
  ['an EvalError', new EvalError('went wrong')],
  ['a URIError', new URIError('went wrong')],
  ['a chain of causes', new Error('a', { cause: new TypeError('b', { cause: { code: 7n } }) })],
  ['a cause that is undefined', new Error('a', { cause: undefined })],
  ['an AggregateError', new AggregateError([new RangeError('x'), 'y'], 'all failed')],
  ['a DOMException', new DOMException('was aborted', 'AbortError')],
  ['an Error with fields', Object.assign(new Error('a'), { code: 'ENOENT', errno: -2, at: new Date(1) })],
  ['an Error with the field cause', Object.assign(new Error('a'), { cause: 'by assignment' })],
  [
    'an Error with the field __proto__',
    Object.defineProperty(new Error('a'), '__proto__', { value: 1, enumerable: true }),
  ],
  ['an Error renamed', Object.assign(new Error('a'), { name: 'Renamed' })],
];

describe('every kind of value', () => {
  it.each(VALUES)('%s is on replay what it was live', (_, value) => {
    const again = replayed(value);
    expect(look(again)).toBe(look(value));
    expect(same(again, value)).toBe(true);
    expect(same(replayed(again), value)).toBe(true);
    // The same inside of something.
    expect(same(replayed({ in: [value] }), { in: [value] })).toBe(true);
  });

  it('is at least sixty kinds, and the comparison tells each from all others', () => {
    expect(VALUES.length).toBeGreaterThan(60);
    for (const [nameA, a] of VALUES) {
      for (const [nameB, b] of VALUES) expect(same(a, b), `${nameA} and ${nameB}`).toBe(nameA === nameB);
    }
  });

  it('keeps the state of a RegExp, and the buffer of a view apart from the rest of it', () => {
    expect(replayed(withLastIndex())).toHaveProperty('lastIndex', 2);
    const view = new Uint16Array(new Uint8Array([9, 9, 1, 0, 2, 0, 9, 9]).buffer, 2, 2);
    const again = replayed(view) as Uint16Array;
    expect([...again]).toEqual([1, 2]);
    expect(again.buffer.byteLength).toBe(4);
  });

  it("gives the nearest native error, with the name, stack and fields of the user's class", () => {
    const error = new ErrorOfUser('no stock', { cause: new RangeError('0 left') });
    const again = replayed(error) as ErrorOfUser;
    expect(Object.getPrototypeOf(again)).toBe(TypeError.prototype);
    expect(again).toMatchObject({ name: 'OrderRefused', message: 'no stock', stack: error.stack, order: 17 });
    expect(again.cause).toBeInstanceOf(RangeError);
    expect(Object.keys(again)).toEqual(['order']);
  });

  it('takes an error class of the old style for the native one below it', () => {
    function Legacy(): void {}
    Legacy.prototype = Object.create(RangeError.prototype, {
      constructor: { value: Legacy },
      name: { value: 'Legacy' },
    });
    const again = replayed(Object.create(Legacy.prototype as object)) as Error;
    expect(Object.getPrototypeOf(again)).toBe(RangeError.prototype);
    expect(again.name).toBe('Legacy');
  });

  it('does not invent a stack, and keeps a message that is no string', () => {
    const error = Object.assign(new Error('x'), { message: { odd: true } });
    Object.defineProperty(error, 'stack', { value: undefined });
    const again = replayed(error) as Error;
    expect(again.stack).toBeUndefined();
    expect(again.message).toEqual({ odd: true });
  });

  it('makes simpler what has no meaning in a journal', () => {
    expect(replayed(Buffer.from('abc'))).toStrictEqual(new Uint8Array([97, 98, 99]));
    expect(replayed(Object.assign(Object.create(null), { a: 1 }))).toStrictEqual({ a: 1 });
    expect(
      replayed({
        get a() {
          return 7;
        },
      }),
    ).toStrictEqual({ a: 7 });
    expect(replayed(Object.freeze([1]))).toStrictEqual([1]);
    expect(replayed(new Proxy({ a: [1] }, {}))).toStrictEqual({ a: [1] });
  });

  it('takes values of another realm for what they are', () => {
    const foreign: unknown = runInNewContext(`({
      object: { a: [1, , undefined] }, date: new Date(5), map: new Map([['a', new Set([1n])]]), regexp: /a/g,
      bytes: new Uint16Array([1, 2]), buffer: new ArrayBuffer(2), view: new DataView(new ArrayBuffer(1)),
      error: new RangeError('far', { cause: new (class Far extends TypeError {})('away') }),
    })`);
    const again = replayed(foreign) as { error: Error };
    const holed: unknown[] = [1];
    holed[2] = undefined;
    const { error, ...rest } = again;
    const expected = {
      object: { a: holed },
      date: new Date(5),
      map: new Map([['a', new Set([1n])]]),
      regexp: /a/g,
      bytes: new Uint16Array([1, 2]),
      buffer: new ArrayBuffer(2),
      view: new DataView(new ArrayBuffer(1)),
    };
    expect(look(rest)).toBe(look(expected));
    expect(same(rest, expected)).toBe(true);
    expect(error).toBeInstanceOf(RangeError);
    expect(error.cause).toBeInstanceOf(TypeError);
  });
});

describe('the encoded form', () => {
  it('of plain JSON is that JSON, so that SQL finds it', () => {
    const value = { id: 7, items: [{ sku: 'a', n: 1.5 }], note: null, ok: true };
    expect(JSON.stringify(encode(value))).toBe(JSON.stringify(value));
  });

  it.each<[string, unknown, Json]>([
    ['undefined', undefined, { $pawl: 'undefined' }],
    ['a hole', sparse(), [{ $pawl: 'hole' }, 'b', { $pawl: 'hole' }, { $pawl: 'hole' }]],
    ['-0', -0, { $pawl: 'number', value: '-0' }],
    ['a BigInt', 12n, { $pawl: 'BigInt', value: '12' }],
    ['a Date', new Date(0), { $pawl: 'Date', value: '1970-01-01T00:00:00.000Z' }],
    ['a Map', new Map([['a', 1]]), { $pawl: 'Map', value: [['a', 1]] }],
    ['a Set', new Set(['a']), { $pawl: 'Set', value: ['a'] }],
    ['a RegExp', /a+/g, { $pawl: 'RegExp', value: { source: 'a+', flags: 'g' } }],
    ['a URL', new URL('https://example.org'), { $pawl: 'URL', value: 'https://example.org/' }],
    ['bytes', new Uint8Array([1]), { $pawl: 'Uint8Array', value: 'AQ==' }],
    [
      'an own $pawl',
      { $pawl: 1, a: { b: 2n } },
      { $pawl: 'object', value: { $pawl: 1, a: { b: { $pawl: 'BigInt', value: '2' } } } },
    ],
  ])('of %s stands in journals for ever', (_, value, encoded) => {
    expect(encode(value)).toStrictEqual(encoded);
  });

  it('of an error has its parts where SQL finds them', () => {
    const error = Object.assign(new TypeError('m', { cause: 'c' }), { stack: 's', code: 'E' });
    expect(encode(error)).toStrictEqual({
      $pawl: 'Error',
      value: {
        class: 'TypeError',
        name: 'TypeError',
        message: 'm',
        stack: 's',
        cause: 'c',
        fields: { code: 'E' },
      },
    });
  });
});

describe('own keys that could reach a prototype', () => {
  const text =
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}},"list":[{"__proto__":{"polluted":3}}],' +
    '"tagged":{"$pawl":"object","value":{"$pawl":1,"__proto__":{"polluted":4}}},' +
    '"map":{"$pawl":"Map","value":[["__proto__",{"__proto__":{"polluted":5}}]]},' +
    '"error":{"$pawl":"Error","value":{"class":"Error","name":"Error","message":"m","fields":{"__proto__":{"polluted":6}}}}}';

  it('stay own keys and change nothing else', () => {
    const value = decode(JSON.parse(text) as Json) as {
      list: [object];
      tagged: object;
      map: Map<string, object>;
      error: Error;
    };
    const inMap = value.map.get('__proto__');
    const seen = [value, value.list[0], value.tagged, inMap ?? expect.fail('no such entry')];
    for (const object of seen) {
      expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
      expect(Object.keys(object)).toContain('__proto__');
      expect((object as { polluted?: unknown }).polluted).toBeUndefined();
    }
    expect(Object.getPrototypeOf(value.error)).toBe(Error.prototype);
    expect(Object.hasOwn(value.error, '__proto__')).toBe(true);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(JSON.stringify(encode(value)).replace(/"stack":\{"\$pawl":"undefined"\},?/, '')).toBe(text);
  });
});

describe('aliasing', () => {
  it('what the caller changes afterwards changes neither the encoded nor the decoded value', () => {
    const bytes = new Uint8Array([1]);
    const value = { plain: { list: [1, { a: 1 }] }, map: new Map([['k', [1]]]), bytes, date: new Date(0) };
    const encoded = encode(value);
    const text = JSON.stringify(encoded);
    value.plain.list.push(2);
    (value.plain.list[1] as { a: number }).a = 9;
    value.map.get('k')?.push(2);
    bytes[0] = 9;
    value.date.setTime(9);
    expect(JSON.stringify(encoded)).toBe(text);

    const first = decode(encoded) as typeof value;
    first.plain.list.push(3);
    (first.plain.list[1] as { a: number }).a = 9;
    first.map.get('k')?.push(3);
    first.bytes[0] = 3;
    expect(JSON.stringify(encoded)).toBe(text);
    expect(decode(encoded)).toStrictEqual(decode(JSON.parse(text) as Json));
  });

  it('one object referred to twice becomes two', () => {
    const one = { n: 1 };
    const [a, b] = replayed([one, one]) as [object, object];
    expect(a).toStrictEqual(b);
    expect(a).not.toBe(b);
  });
});
