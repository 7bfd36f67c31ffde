import { describe, expect, test } from 'vitest';
import { decode, encode } from '../journal/codec.ts';
import { toErrorRecord } from '../journal/error-record.ts';
import { Redaction } from './redaction.ts';

const TOKEN = 'tok"en\n/0815';
const OTHER = 'tok"en\n/0815-and-more';
const redaction = Redaction.of([
  encode({ token: TOKEN, list: [OTHER, 12_345_678], short: 'short', at: new Date(0) }),
]);
const cut = (value: unknown): unknown => decode(redaction.value(encode(value)));

describe('values', () => {
  test.each<[string, unknown, unknown]>([
    ['a text', TOKEN, '[secret]'],
    ['a part of a text', `<${TOKEN}> ${TOKEN}`, '<[secret]> [secret]'],
    ['the longer one first', OTHER, '[secret]'],
    ['as JSON has it', JSON.stringify({ TOKEN }), '{"TOKEN":"[secret]"}'],
    ['as a URL has it', `/?t=${encodeURIComponent(TOKEN)}`, '/?t=[secret]'],
    ['a URL', new URL(`https://x.org/?t=${encodeURIComponent(TOKEN)}`), '[secret]'],
    ['a number', { pin: 12_345_678, other: 12_345_679 }, { pin: '[secret]', other: 12_345_679 }],
    ['a key', { [TOKEN]: 1 }, { '[secret]': 1 }],
    [
      'within what JSON does not have',
      new Map([[TOKEN, [new Set([OTHER])]]]),
      new Map([['[secret]', [new Set(['[secret]'])]]]),
    ],
    [
      'a Map, two keys of which become one',
      {
        map: new Map([
          [TOKEN, 1],
          [OTHER, 2],
        ]),
      },
      '[secret]',
    ],
    ['a key of the codec', { $pawl: TOKEN, more: TOKEN }, '[secret]'],
    ['too short to be told from other texts', 'short', 'short'],
    ['nothing of it', { a: [1, 'b'], at: new Date(1) }, { a: [1, 'b'], at: new Date(1) }],
  ])('%s', (_, value, expected) => {
    expect(cut(value)).toEqual(expected);
  });

  test('without secrets nothing is looked at', () => {
    const value = encode({ TOKEN });
    expect(Redaction.NONE.value(value)).toBe(value);
    expect(Redaction.of([])).toBe(Redaction.NONE);
    const logged = { at: () => TOKEN };
    expect(Redaction.NONE.logged(logged)).toBe(logged);
  });
});

test('an error, with all that belongs to it', () => {
  const cause = Object.assign(new TypeError(OTHER), { code: TOKEN, sent: [TOKEN] });
  const record = redaction.error(
    toErrorRecord(new AggregateError([cause, TOKEN], `bad ${TOKEN}`, { cause })),
  );
  expect(JSON.stringify(record)).not.toContain('0815');
  expect(record).toMatchObject({
    name: 'AggregateError',
    message: 'bad [secret]',
    cause: { name: 'TypeError' },
  });
});

test('what is logged', () => {
  expect(redaction.logged(`with ${TOKEN}`)).toBe('with [secret]');
  expect(redaction.logged({ deep: [TOKEN] })).toEqual({ deep: ['[secret]'] });
  const plain = { deep: ['nothing'] };
  expect(redaction.logged(plain)).toBe(plain);
  class Account {
    readonly token = TOKEN;
  }
  expect(JSON.stringify(redaction.logged(new Account()))).not.toContain('0815');
});
