import { isDeepStrictEqual } from 'node:util';

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { look } from './codec.fixture.ts';
import { reviveError, toErrorRecord } from './error-record.ts';
import type { ErrorRecord } from './error-record.ts';

/** The record as the journal gives it back. */
function recorded(thrown: unknown): ErrorRecord {
  const record = toErrorRecord(thrown);
  const text = JSON.stringify(record);
  const again = JSON.parse(text) as ErrorRecord;
  // Plain JSON: nothing was lost on the way to the text.
  expect(isDeepStrictEqual(again, record)).toBe(true);
  return again;
}

class OrderRefused extends TypeError {
  readonly order = 17;
  readonly code = 'E_ORDER';
  override get name(): string {
    return 'OrderRefused';
  }
}

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

const hostile: ProxyHandler<object> = {
  get: () => {
    throw new RangeError('get');
  },
  getPrototypeOf: () => {
    throw new RangeError('getPrototypeOf');
  },
  ownKeys: () => {
    throw new RangeError('ownKeys');
  },
  getOwnPropertyDescriptor: () => {
    throw new RangeError('getOwnPropertyDescriptor');
  },
};

/** Whoever looks at what its traps throw is in them again. */
function selfThrowing(target: object = {}): object {
  const trap = (): never => {
    throw proxy;
  };
  const traps = { get: trap, getPrototypeOf: trap, ownKeys: trap, getOwnPropertyDescriptor: trap };
  const proxy: object = new Proxy(target, traps);
  return proxy;
}

function failing(): never {
  throw new RangeError('not today');
}

describe('an error', () => {
  it('is recorded with all that it says', () => {
    const error = new OrderRefused('no stock', { cause: new RangeError('0 left') });
    expect(recorded(error)).toEqual({
      name: 'OrderRefused',
      message: 'no stock',
      stack: error.stack,
      code: 'E_ORDER',
      native: 'TypeError',
      cause: { name: 'RangeError', message: '0 left', stack: (error.cause as Error).stack },
      fields: { order: 17 },
    });
  });

  it('comes back as the nearest native error', () => {
    const error = new OrderRefused('no stock', { cause: new RangeError('0 left') });
    const again = reviveError(recorded(error));
    expect(Object.getPrototypeOf(again)).toBe(TypeError.prototype);
    expect(again).toMatchObject({ name: 'OrderRefused', message: 'no stock', stack: error.stack });
    expect(again).toMatchObject({ order: 17, code: 'E_ORDER' });
    expect(again.cause).toBeInstanceOf(RangeError);
    expect(again.cause).toMatchObject({ message: '0 left', stack: (error.cause as Error).stack });
    expect(Object.keys(again).toSorted()).toEqual(['code', 'order']);
  });

  const natives = [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError];
  it.each(natives)('of class %o looks the same afterwards', (Native) => {
    const error = new Native('went wrong', { cause: new Native('before') });
    const again = reviveError(recorded(error));
    expect(look(again)).toBe(look(error));
    expect(Object.getPrototypeOf(again)).toBe(Native.prototype);
  });

  it('that is an AggregateError keeps its errors, in order, also those that are none', () => {
    const error = new AggregateError(
      [new RangeError('a'), 'b', undefined, new OrderRefused('c')],
      'all failed',
    );
    const again = reviveError(recorded(error)) as AggregateError;
    expect(again).toBeInstanceOf(AggregateError);
    expect(again.errors).toHaveLength(4);
    expect(again.errors[0]).toBeInstanceOf(RangeError);
    expect(again.errors[1]).toBe('b');
    expect(again.errors[2]).toBeUndefined();
    expect(again.errors[3]).toMatchObject({ name: 'OrderRefused', order: 17 });
    expect(Object.keys(again)).toEqual([]);
  });

  it('that is a DOMException keeps its name and code', () => {
    const again = reviveError(recorded(new DOMException('stopped', 'AbortError')));
    expect(again).toBeInstanceOf(DOMException);
    expect(again).toMatchObject({ name: 'AbortError', message: 'stopped', code: 20 });
  });

  it('that another realm or a user named like a native class is what it was', () => {
    const named = Object.assign(new Error('a'), { name: 'TypeError' });
    expect(Object.getPrototypeOf(reviveError(recorded(named)))).toBe(Error.prototype);
    expect(reviveError({ name: 'TypeError', message: 'by hand' })).toBeInstanceOf(TypeError);
  });

  it('keeps values of every kind in its fields, and describes what it cannot keep', () => {
    const error = Object.assign(new Error('a'), {
      at: new Date(5),
      big: 7n,
      errno: -2,
      code: 404,
      request: { send() {} },
    });
    Object.defineProperty(error, '__proto__', { enumerable: true, value: 'own' });
    Object.defineProperty(error, 'broken', { enumerable: true, get: failing });
    const record = recorded(error);
    expect(record.fields?.['request']).toBe('[not recorded: $.send is a function]');
    expect(record.fields?.['broken']).toBe('[not recorded: it cannot be read]');
    expect(record.code).toBeUndefined();
    const again = reviveError(record);
    expect(again).toMatchObject({ at: new Date(5), big: 7n, errno: -2, code: 404 });
    expect(Object.getOwnPropertyDescriptor(again, '__proto__')?.value).toBe('own');
    expect(Object.getPrototypeOf(again)).toBe(Error.prototype);
  });

  it('has no stack but the recorded one', () => {
    expect(reviveError({ name: 'Odd', message: 'm' }).stack).toBe('Odd: m');
    expect(reviveError({ name: 'Odd', message: 'm', stack: 'at x' }).stack).toBe('at x');
  });

  it('revives what someone changed in the journal as far as it goes', () => {
    const record: ErrorRecord = {
      name: 'NonError',
      message: 'm',
      native: 'Order',
      thrown: { $pawl: 'RegExp', value: { source: '(', flags: '' } },
      fields: { a: { $pawl: 'no', value: 1 } },
    };
    expect(reviveError(record)).toMatchObject({
      name: 'NonError',
      thrown: '[not readable: $.value is no valid RegExp]',
      a: '[not readable: $.value is of an unknown kind, "no"]',
    });
  });

  it('can be recorded again, as when it passes through a sub-run', () => {
    for (const thrown of [
      new OrderRefused('a', { cause: 'b' }),
      new AggregateError([1, new Error('x')]),
      'text',
      { a: 1 },
    ]) {
      const record = recorded(thrown);
      expect(recorded(reviveError(record))).toEqual(record);
    }
  });
});

describe('whatever is thrown', () => {
  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    ['out of paper', 'out of paper'],
    ['', ''],
    [17, '17'],
    [-0, '0'],
    [17n, '17'],
    [{ status: 503 }, '{"status":503}'],
    [{ message: 'a message', code: 1 }, 'a message'],
    [Object.freeze([1]), '[1]'],
    [new Date(0), '{"$pawl":"Date","value":"1970-01-01T00:00:00.000Z"}'],
    [Object.create(null), '{}'],
  ])('%o that is no error is kept', (thrown, message) => {
    const record = recorded(thrown);
    expect(record).toMatchObject({ name: 'NonError', message });
    const again = reviveError(record) as Error & { thrown?: unknown };
    expect(again).toBeInstanceOf(Error);
    expect(again).toMatchObject({ name: 'NonError', message });
    expect(isDeepStrictEqual(again.thrown, thrown) || Object.getPrototypeOf(thrown) === null).toBe(true);
  });

  it.each<[string, unknown, string | RegExp]>([
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['a function', failing, '[a function]'],
    ['a revoked proxy', revoked({}), /^\[not recorded: \$ cannot be read: /],
    ['a revoked proxy of a function', revoked(failing), '[a function]'],
    ['a proxy that throws', new Proxy({}, hostile), '[not recorded: $ cannot be read: getPrototypeOf]'],
    ['a proxy that throws itself', selfThrowing(), '[not recorded: $ cannot be read: an unreadable error]'],
    ['an object that holds a function', { f() {} }, '[not recorded: $.f is a function]'],
    [
      'an object with a message that throws',
      Object.defineProperty({ f() {} }, 'message', { get: failing }),
      '[not recorded: $.f is a function]',
    ],
  ])('%s is described', (_, thrown, message) => {
    const record = recorded(thrown);
    expect(record.name).toBe('NonError');
    expect(record.message).toMatch(message);
    expect(record).not.toHaveProperty('thrown');
    expect(reviveError(record).message).toBe(record.message);
  });

  it('an error with parts that throw is recorded without them', () => {
    const error = new Error('a');
    for (const key of ['name', 'message', 'stack', 'cause', 'code', 'errors', 'x']) {
      Object.defineProperty(error, key, { get: failing, enumerable: true });
    }
    expect(recorded(error)).toMatchObject({
      name: '[name cannot be read]',
      message: '[message cannot be read]',
      stack: '[stack cannot be read]',
      fields: { x: '[not recorded: it cannot be read]' },
    });
    expect(
      recorded(new Proxy(new TypeError('a'), { ...hostile, getPrototypeOf: () => TypeError.prototype })),
    ).toMatchObject({
      name: '[name cannot be read]',
      message: '[message cannot be read]',
    });
    expect(recorded(Object.freeze(new TypeError('frozen')))).toMatchObject({
      name: 'TypeError',
      message: 'frozen',
    });
    expect(
      recorded(Object.assign(new Error('a'), { message: { odd: 1 }, name: 7, stack: null })),
    ).toMatchObject({
      name: '7',
      message: '{"odd":1}',
      stack: 'null',
    });
  });

  it('never throws, for values of every kind', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withMap: true, withBoxedValues: true, withNullPrototype: true }),
        (value) => {
          for (const thrown of [
            value,
            new Error('a', { cause: value }),
            Object.assign(new Error('a'), { value }),
          ]) {
            expect(reviveError(recorded(thrown))).toBeInstanceOf(Error);
          }
        },
      ),
    );
  });
});

describe('limits', () => {
  it('a long message and stack are cut, and say so', () => {
    const error = Object.assign(new Error('m'.repeat(100_000)), { stack: 's'.repeat(70_000) });
    const record = recorded(error);
    expect(record.message).toBe(`${'m'.repeat(65_536)}… (34464 more characters)`);
    expect(record.stack).toBe(`${'s'.repeat(65_536)}… (4464 more characters)`);
    expect(recorded('t'.repeat(100_000)).message).toHaveLength(65_536 + '… (34464 more characters)'.length);
  });

  it('a field that is too large, and fields too many, are left out', () => {
    const big = recorded(Object.assign(new Error('a'), { body: 'b'.repeat(100_000), small: 1 }));
    expect(big.fields).toEqual({
      body: '[not recorded: $ makes the value larger than 65536 bytes]',
      small: 1,
    });
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i]));
    expect(Object.keys(recorded(Object.assign(new Error('a'), many)).fields ?? {})).toHaveLength(100);
  });

  it('a field with an endless name is left out', () => {
    expect(recorded(Object.assign(new Error('a'), { ['k'.repeat(5000)]: 1, b: 2 })).fields).toEqual({ b: 2 });
  });

  it('a cycle of causes ends', () => {
    const a = new Error('a');
    const b = new Error('b', { cause: a });
    a.cause = b;
    expect(recorded(a).cause?.cause).toEqual({ name: 'NonError', message: '[the same error again]' });
    const all = new AggregateError([a], 'all');
    all.errors.push(all);
    expect(recorded(all).errors?.[1]).toEqual({ name: 'NonError', message: '[the same error again]' });
  });

  it('a chain of causes ends', () => {
    let error = new Error('inmost');
    for (let i = 0; i < 100_000; i += 1) error = new Error(`${i}`, { cause: error });
    let depth = 0;
    let cause: ErrorRecord | undefined = recorded(error);
    for (; cause?.cause !== undefined; cause = cause.cause) depth += 1;
    expect(depth).toBe(16);
    expect(cause).toEqual({ name: 'NonError', message: '[further causes are not recorded]' });
  });

  it('the whole stays about a megabyte, whatever the errors refer to', () => {
    const long = Array.from({ length: 10_000 }, (_, i) => new Error(`${i}`.repeat(1000)));
    const record = recorded(new AggregateError(long, 'many'));
    expect(JSON.stringify(record).length).toBeLessThan(1.5e6);
    expect(record.errors?.at(-1)?.message).toMatch(/^\[\d{4} more errors are not recorded\]$/);
  });

  it.each<[string, () => unknown]>([
    [
      'fields',
      () =>
        Object.assign(
          new Error('a'),
          Object.fromEntries(Array.from({ length: 90 }, (_, i) => [i, 'f'.repeat(60_000)])),
        ),
    ],
    [
      'values that are no errors',
      () => new AggregateError(Array.from({ length: 1000 }, () => ({ text: 'v'.repeat(60_000) }))),
    ],
    [
      'errors without any text',
      () =>
        new AggregateError(
          Array.from({ length: 1_000_000 }, () =>
            Object.assign(Object.create(Error.prototype), { message: '' }),
          ),
        ),
    ],
    [
      'errors that hold each other',
      () => {
        let bomb = new AggregateError([], 'inmost');
        for (let i = 0; i < 15; i += 1) bomb = new AggregateError([bomb, bomb, bomb, bomb], `${i}`);
        return bomb;
      },
    ],
  ])('%s do not make it larger', (_, thrown) => {
    const length = JSON.stringify(toErrorRecord(thrown())).length;
    expect(length).toBeGreaterThan(0.3e6);
    expect(length).toBeLessThan(1.5e6);
  });
});

describe('an error whose own fields are not what errors have', () => {
  it.each([
    ['name', { name: 'Error', message: 'm' }],
    ['message', { name: 'Error', message: '' }],
  ])('no %s at all', (field, expected) => {
    const error = Object.defineProperty(new Error('m'), field, { value: undefined });
    expect(recorded(error)).toMatchObject(expected);
  });

  it('an AggregateError without a list of errors has none', () => {
    const error = Object.assign(new AggregateError([], 'm'), { errors: 'many' });
    expect(recorded(error)).toMatchObject({ name: 'AggregateError', message: 'm' });
    expect(recorded(error)).not.toHaveProperty('errors', []);
  });
});
