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
    const error = (stack: string): Json => ({
      $pawl: 'Error',
      value: { message: 'm', stack, cause: { stack } },
    });
    const text = identityText({ a: [error('one')], stack: 'mine' });
    expect(text).toBe(identityText({ a: [error('two')], stack: 'mine' }).replaceAll('two', 'one'));
    expect(text).toContain('"stack":"mine"');
  });

  it('takes an error that holds no fields as it is', () => {
    expect(identityText({ $pawl: 'Error', value: 'odd' })).toBe('{"$pawl":"Error","value":"odd"}');
  });
});
