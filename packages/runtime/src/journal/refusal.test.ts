import { describe, expect, test } from 'vitest';

import { DecodeRefusal, EncodeRefusal, formatPath } from './refusal.ts';

const path = (...steps: readonly (string | number)[]): string => formatPath(steps, [], steps.length);

describe('the path to a value', () => {
  test('is as it is written in code', () => {
    expect(path()).toBe('$');
    expect(path('items', 3, 'call_$back')).toBe('$.items[3].call_$back');
    expect(path('not-a-name', '', '0', 'a"b')).toBe(String.raw`$["not-a-name"][""]["0"]["a\"b"]`);
  });

  test('leads through entries of a Map and members of a Set', () => {
    const steps = [4, 5, 1];
    expect(formatPath(steps, [new Map(), new Map(), new Set()], 3)).toBe(
      '$.entries()[2][0].entries()[2][1].values()[1]',
    );
  });

  test('goes only as far as it is asked', () => {
    expect(formatPath(['a', 'b', 'c'], [], 2)).toBe('$.a.b');
  });

  test('has the first and the last twelve steps of a longer one', () => {
    const steps = Array.from({ length: 25 }, (_, n) => n);
    const [head, tail] = [steps.slice(0, 12), steps.slice(13)].map((some) =>
      some.map((n) => `[${n}]`).join(''),
    );
    expect(path(...steps)).toBe(`$${head}…${tail}`);
    expect(path(...steps.slice(0, 24))).not.toContain('…');
    expect(path(...steps.slice(0, 13))).toBe(`$${head}[12]`);
  });

  test('has sixty characters of a key', () => {
    expect(path('-'.repeat(60))).toBe(`$["${'-'.repeat(60)}"]`);
    expect(path('-'.repeat(61))).toBe(`$["${'-'.repeat(60)}…"]`);
  });
});

test('a refusal says where, and what', () => {
  const encode = new EncodeRefusal('$.a', 'is a function');
  expect([encode.name, encode.message, encode.kind]).toEqual(['EncodeRefusal', '$.a is a function', 'form']);
  expect(new EncodeRefusal('$', 'is too large', 'size').kind).toBe('size');
  const decode = new DecodeRefusal('$.b', 'is no Map');
  expect([decode.name, decode.message, decode.path, decode.reason]).toEqual([
    'DecodeRefusal',
    '$.b is no Map',
    '$.b',
    'is no Map',
  ]);
});
