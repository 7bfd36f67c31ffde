import type { Json } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';

import { canonical, identityText } from './canonical.ts';
import { encode } from './codec.ts';

describe('canonical', () => {
  it.each<[Json, string]>([
    [
      { b: 1, a: { d: [2, { f: null, e: true }], c: 'x' } },
      '{"a":{"c":"x","d":[2,{"e":true,"f":null}]},"b":1}',
    ],
    [{ 10: 1, 9: 2 }, '{"10":1,"9":2}'],
    [
      JSON.parse('{"b":1,"__proto__":{"z":1,"__proto__":2}}') as Json,
      '{"__proto__":{"__proto__":2,"z":1},"b":1}',
    ],
    [{ toJSON: 'text', é: '\ud800', e: '"' }, '{"e":"\\"","toJSON":"text","é":"\\ud800"}'],
    ['', '""'],
    [{ a: '', b: 0, c: false, d: null, e: [], f: {} }, '{"a":"","b":0,"c":false,"d":null,"e":[],"f":{}}'],
    [1e21, '1e+21'],
    [encode({ when: new Date(0) }), '{"when":{"$pawl":"Date","value":"1970-01-01T00:00:00.000Z"}}'],
  ])('of %j', (value, text) => {
    expect(canonical(value)).toBe(text);
  });

  it('does not depend on the order of keys', () => {
    const value = { b: [{ d: 1, c: null }], a: { y: 'x', x: 2 } };
    const other = { a: { x: 2, y: 'x' }, b: [{ c: null, d: 1 }] };
    expect(canonical(other)).toBe(canonical(value));
    expect(canonical({ a: 1 })).not.toBe(canonical({ a: '1' }));
    expect(canonical([[1], 2])).not.toBe(canonical([1, [2]]));
  });

  it('goes as deep as encode does', () => {
    let value: unknown = 1;
    for (let i = 0; i < 300; i += 1) value = new Map([[1, value]]);
    expect(JSON.parse(canonical(encode(value, { maxDepth: 300 })))).toHaveProperty('$pawl', 'Map');
  });
});

describe('what a value is known by', () => {
  it('leaves out where errors were made, however deep, and nothing else', () => {
    const error = (fields: Json): Json => ({ $pawl: 'Error', value: fields });
    const made = (stack: string): Json => ({
      a: [error({ message: 'm', stack, cause: error({ message: 'c', stack, errors: [error({ stack })] }) })],
      stack: 'mine',
      value: { stack: 'mine, too' },
      none: null,
    });
    const text =
      '{"$pawl":"Error","value":{"cause":{"$pawl":"Error","value":{"errors":[{"$pawl":"Error","value":{}}],"message":"c"}},"message":"m"}}';
    for (const stack of ['one', 'two'])
      expect(identityText(made(stack))).toBe(
        `{"a":[${text}],"none":null,"stack":"mine","value":{"stack":"mine, too"}}`,
      );
  });

  it('is the text of what is no error, in any order of keys', () => {
    for (const value of [0, -1.5, 1e21, '', 'a"b', true, false, null, [], {}, [1, [null]]])
      expect(identityText(value)).toBe(JSON.stringify(value));
    expect(identityText({ b: { value: 1, stack: 2 }, a: [{ $pawl: 'Date', value: 'x' }] })).toBe(
      '{"a":[{"$pawl":"Date","value":"x"}],"b":{"stack":2,"value":1}}',
    );
    // What speaks of errors is none.
    expect(identityText({ text: '"$pawl":"Error"', stack: 's', value: { stack: 't' } })).toBe(
      String.raw`{"stack":"s","text":"\"$pawl\":\"Error\"","value":{"stack":"t"}}`,
    );
    expect(identityText([{ $pawl: 'Error', other: { stack: 's' }, value: { stack: 't' } }])).toBe(
      '[{"$pawl":"Error","other":{"stack":"s"},"value":{}}]',
    );
  });

  it('takes an error that holds no fields as it is', () => {
    expect(identityText({ $pawl: 'Error', value: 'odd' })).toBe('{"$pawl":"Error","value":"odd"}');
  });
});
