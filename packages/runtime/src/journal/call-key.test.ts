import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareKeys,
  exitPath,
  isExitPath,
  isSourcePath,
  isWithin,
  namedKey,
  ordinalKey,
  scopeOf,
  sourceKey,
  stateKey,
  versionKey,
} from './call-key.ts';

it('names a call by its place', () => {
  expect(ordinalKey('', 2)).toBe('2');
  expect(ordinalKey(ordinalKey('2', 1), 0)).toBe('2/1/0');
  expect(namedKey('2/1', 'eu')).toBe('2/1/:eu');
  expect(scopeOf('2/1/:eu')).toBe('2/1');
  expect(scopeOf('2')).toBe('');
});

it.each([
  ['a/b', ':a%2Fb'],
  ['50%', ':50%25'],
  ['two words', ':two%20words'],
  ['line\nbreak', ':line%0Abreak'],
  ['\u202e', ':%E2%80%AE'],
  ['\ud800', ':%EF%BF%BD'],
  ['3', ':3'],
])('escapes what would be ambiguous or unreadable: %j', (name, key) => {
  expect(namedKey('', name)).toBe(key);
});

describe('isWithin', () => {
  it.each([
    ['2/1/0', '', true],
    ['2/1/0', '2', true],
    ['2', '2', true],
    ['21/0', '2', false],
    ['2', '2/1', false],
  ])('%s in %j: %s', (key, scope, expected) => {
    expect(isWithin(key, scope)).toBe(expected);
  });
});

describe('compareKeys', () => {
  it('puts the source first, ordinals in number order before names, and parents before what they hold', () => {
    const keys = ['10', '2/10/0', ':b', '2', '2/2/0', '2/src/1', ':a', '2/:x/0', '2/:src/0'];
    const sorted = ['2', '2/src/1', '2/2/0', '2/10/0', '2/:src/0', '2/:x/0', '10', ':a', ':b'];
    expect(keys.toSorted(compareKeys)).toEqual(sorted);
  });

  it('is a total order', () => {
    const segment = fc.oneof(fc.nat(30).map(String), fc.constantFrom(':a', ':b', ':10', 'src'));
    const key = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(key, key, key, (a, b, c) => {
        expect(Math.sign(compareKeys(a, b))).toBe(-Math.sign(compareKeys(b, a)) + 0);
        expect(compareKeys(a, b) === 0).toBe(a === b);
        if (compareKeys(a, b) <= 0 && compareKeys(b, c) <= 0)
          expect(compareKeys(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it('gives different names different keys', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(namedKey('', a) === namedKey('', b)).toBe(a === b);
      }),
    );
  });
});

it('puts exits, and what is no call, behind all calls', () => {
  const keys = [
    '0',
    '2',
    '10',
    ':name',
    exitPath('').split('/').at(-1) ?? '',
    versionKey('', 'v', 0),
    stateKey(''),
  ];
  for (const [i, before] of keys.entries())
    for (const after of keys.slice(i + 1)) {
      const isLast = before.includes('v') || before === stateKey('');
      if (isLast) continue;
      expect(compareKeys(before, after), `${before} ${after}`).toBeLessThan(0);
      expect(compareKeys(after, before), `${after} ${before}`).toBeGreaterThan(0);
    }
});

it('names what is no call of its own', () => {
  expect([versionKey('', 'a b', 0), versionKey('2/0', 'v', 3)]).toEqual(['v:a%20b', '2/0/v3:v']);
  expect([sourceKey('2'), exitPath('2'), stateKey('2')].map((key) => scopeOf(key))).toEqual(['2', '2', '2']);
  expect(isSourcePath(sourceKey('2'))).toBe(true);
  expect(isExitPath(exitPath('2'))).toBe(true);
});
