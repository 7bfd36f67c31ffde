import { runInNewContext } from 'node:vm';

import { describe, expect, test } from 'vitest';

import {
  defineField,
  defineHidden,
  isNativeErrorName,
  makeNativeError,
  nativeErrorName,
} from './native-error.ts';

const Suppressed: unknown = Reflect.get(globalThis, 'SuppressedError');

describe('the native class of an error', () => {
  test.each([
    ['Error', new Error('m')],
    ['TypeError', new TypeError('m')],
    ['RangeError', new RangeError('m')],
    ['SyntaxError', new SyntaxError('m')],
    ['ReferenceError', new ReferenceError('m')],
    ['EvalError', new EvalError('m')],
    ['URIError', new URIError('m')],
    ['AggregateError', new AggregateError([1], 'm')],
    ['DOMException', new DOMException('m', 'AbortError')],
  ])('%s has its own name, and is made by it', (name, error) => {
    expect([nativeErrorName(error), isNativeErrorName(name)]).toEqual([name, true]);
    const made = makeNativeError(name, 'm', error.name);
    expect(Object.getPrototypeOf(made)).toBe(Object.getPrototypeOf(error));
    expect([made.message, made.name]).toEqual(['m', error.name]);
    if (made instanceof AggregateError) expect(made.errors).toEqual([]);
  });

  test.runIf(typeof Suppressed === 'function')('SuppressedError is one where Node has it', () => {
    const made = makeNativeError('SuppressedError', 'm', 'SuppressedError');
    expect(made).toBeInstanceOf(Suppressed);
    expect([made.message, nativeErrorName(made)]).toEqual(['m', 'SuppressedError']);
  });

  test('is the nearest one for a class of the user, also without a constructor that says so', () => {
    class Far extends class Near extends RangeError {} {}
    expect(nativeErrorName(new Far('m'))).toBe('RangeError');
    expect(nativeErrorName(Object.create(Object.create(TypeError.prototype) as object) as object)).toBe(
      'TypeError',
    );
    expect(nativeErrorName(Object.create(null) as object)).toBe('Error');
  });

  test('is found in another realm by what its prototype says', () => {
    const of = (code: string): string => nativeErrorName(runInNewContext(code) as object);
    expect([of('new RangeError("m")'), of('new (class Far extends TypeError {})("m")')]).toEqual([
      'RangeError',
      'TypeError',
    ]);
    // One that gives itself the name of a native class is none.
    expect(of('const F = function () {}; F.prototype.name = "RangeError"; new F()')).toBe('Error');
    expect(of('const F = function F() {}; F.prototype.name = "F"; new F()')).toBe('Error');
    expect(of('const F = function F() {}; F.prototype = { name: 7, constructor: 7 }; new F()')).toBe('Error');
    expect(of('Object.create({ name: "TypeError", constructor: { name: "TypeError" } })')).toBe('Error');
  });

  test('that there is not is Error', () => {
    expect(isNativeErrorName('Odd')).toBe(false);
    const made = makeNativeError('Odd', 'm', 'Odd');
    expect([Object.getPrototypeOf(made), made.message]).toEqual([Error.prototype, 'm']);
  });
});

test('fields are defined as engines and assignments do it', () => {
  const target = {};
  defineHidden(target, 'stack', 's');
  defineField(target, '__proto__', 'p');
  expect(Object.getOwnPropertyDescriptors(target)).toEqual(
    Object.fromEntries([
      ['stack', { value: 's', writable: true, enumerable: false, configurable: true }],
      ['__proto__', { value: 'p', writable: true, enumerable: true, configurable: true }],
    ]),
  );
});
