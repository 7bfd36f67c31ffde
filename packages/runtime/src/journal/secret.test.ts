import { inspect } from 'node:util';
import type { Json } from '@pawl/sdk';
import { expect, test } from 'vitest';
import { decode, encode, mayHoldSecrets, sealedOf } from './codec.ts';

const SEALED = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const encoded: Json = { list: [{ $pawl: 'Secret', value: SEALED }] };

test('a handle is written as it was read, each time', () => {
  const value = decode(encoded);
  expect(encode(value)).toEqual(encoded);
  expect(encode([value, value])).toEqual([encoded, encoded]);
  expect(mayHoldSecrets(JSON.stringify(encoded))).toBe(true);
  expect(mayHoldSecrets(JSON.stringify(encode('"$pawl":"Secret"')))).toBe(false);
});

test('it shows nothing', () => {
  const { list } = decode(encoded) as { list: [object] };
  const [secret] = list;
  expect([`${String(secret)}`, inspect(secret), JSON.stringify(secret)]).toEqual([
    '[secret]',
    '[secret]',
    '"[secret]"',
  ]);
  expect(Reflect.ownKeys(secret)).toEqual([]);
  expect(Object.isFrozen(secret)).toBe(true);
});

test('whoever opens it gets what stands instead', () => {
  const seen: string[] = [];
  const reveal = (sealed: string): unknown => seen.push(sealed);
  expect(decode(encoded, reveal)).toEqual({ list: [1] });
  expect(seen).toEqual([SEALED]);
});

test.each<[string, unknown]>([
  ['an object of the same form', { $pawl: 'Secret', value: SEALED }],
  ['a text', 'Secret'],
  ['a list of one', decode([encoded])],
])('%s is no secret', (_, value) => {
  expect(sealedOf(encode(value))).toBeUndefined();
  expect(decode(encode(value))).toEqual(value);
});

test('a secret as a whole is told from what is none, and from what holds one', () => {
  expect(sealedOf({ $pawl: 'Secret', value: SEALED })).toBe(SEALED);
  for (const other of [null, 1, 'Secret', [], [{ $pawl: 'Secret', value: SEALED }], {}] as const)
    expect(sealedOf(other)).toBeUndefined();
  expect(sealedOf({ $pawl: 'Secret', value: 1 })).toBeUndefined();
  expect(sealedOf({ $pawl: 'Date', value: SEALED })).toBeUndefined();
  expect(sealedOf({ value: SEALED })).toBeUndefined();
});
