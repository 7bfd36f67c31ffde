import type { Json } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';

import { decode, DecodeRefusal, encodedSecret } from './codec.ts';

const CHANGED: readonly (readonly [string, string, path: string, reason: string])[] = [
  [
    'an unknown kind',
    '{"a":{"$pawl":"Function","value":"x"}}',
    '$.a.value',
    'is of an unknown kind, "Function"',
  ],
  [
    'a kind of Object.prototype',
    '{"$pawl":"constructor","value":"x"}',
    '$.value',
    'is of an unknown kind, "constructor"',
  ],
  ['a kind that is no name', '{"$pawl":{"$pawl":1}}', '$', 'has a $pawl that is no name'],
  ['a missing value', '[{"$pawl":"Date"}]', '$[0]', 'is no valid "Date": it must have just a value'],
  [
    'a value too many',
    '{"$pawl":"undefined","value":1}',
    '$',
    'is no valid "undefined": it must have no value',
  ],
  ['a key too many', '{"$pawl":"Date","value":null,"x":1}', '$', 'is no valid "Date"'],
  ['a hole in an object', '{"a":{"$pawl":"hole"}}', '$.a', 'is a hole outside of an array'],
  ['a secret that is no base64', '{"$pawl":"Secret","value":"plain text"}', '$.value', 'is no valid Secret'],
  ['a secret that is plain', '{"$pawl":"Secret","value":{"a":1}}', '$.value', 'is no valid Secret'],
  ['an unknown number', '{"$pawl":"number","value":"1"}', '$.value', 'is no valid number'],
  ['an object that is none', '{"$pawl":"object","value":[1]}', '$.value', 'is not the fields of an object'],
  ['a BigInt in hex', '{"$pawl":"BigInt","value":"0x10"}', '$.value', 'is no valid BigInt'],
  ['an empty BigInt', '{"$pawl":"BigInt","value":""}', '$.value', 'is no valid BigInt'],
  ['a huge BigInt', `{"$pawl":"BigInt","value":"${'9'.repeat(400_000)}"}`, '$.value', 'is no valid BigInt'],
  ['a Date that is none', '{"$pawl":"Date","value":"tomorrow"}', '$.value', 'is no valid Date'],
  ['a Date in another writing', '{"$pawl":"Date","value":"2026-11-21"}', '$.value', 'is no valid Date'],
  ['a Date as number', '{"$pawl":"Date","value":5}', '$.value', 'is no valid Date'],
  ['a Map that is none', '{"$pawl":"Map","value":{}}', '$.value', 'is no valid Map'],
  ['an entry that is none', '{"$pawl":"Map","value":[[1,2],[1]]}', '$.value[1]', 'is no entry of a Map'],
  ['a key twice', '{"$pawl":"Map","value":[[1,2],[1,3]]}', '$.value', 'has a key of a Map twice'],
  ['a Set that is none', '{"$pawl":"Set","value":{}}', '$.value', 'is no valid Set'],
  ['a member twice', '{"$pawl":"Set","value":["a","a"]}', '$.value', 'has a member of a Set twice'],
  ['a bad RegExp', '{"$pawl":"RegExp","value":{"source":"(","flags":""}}', '$.value', 'is no valid RegExp'],
  ['bad flags', '{"$pawl":"RegExp","value":{"source":"a","flags":"gg"}}', '$.value', 'is no valid RegExp'],
  ['a RegExp that is none', '{"$pawl":"RegExp","value":"a"}', '$.value', 'is no valid RegExp'],
  ['one without a source', '{"$pawl":"RegExp","value":{"flags":"g"}}', '$.value', 'is no valid RegExp'],
  ['one without flags', '{"$pawl":"RegExp","value":{"source":"a"}}', '$.value', 'is no valid RegExp'],
  [
    'one with more',
    '{"$pawl":"RegExp","value":{"source":"a","flags":"","x":1}}',
    '$.value',
    'is no valid RegExp',
  ],
  [
    'a lastIndex that is no number',
    '{"$pawl":"RegExp","value":{"source":"a","flags":"g","lastIndex":"1"}}',
    '$.value',
    'is no valid RegExp',
  ],
  [
    'a bad lastIndex',
    '{"$pawl":"RegExp","value":{"source":"a","flags":"g","lastIndex":-1}}',
    '$.value',
    'is no valid RegExp',
  ],
  ['a bad URL', '{"$pawl":"URL","value":"no url"}', '$.value', 'is no valid URL'],
  ['a URL in another writing', '{"$pawl":"URL","value":"https://EXAMPLE.org"}', '$.value', 'is no valid URL'],
  [
    'a length in place of bytes',
    '{"$pawl":"Float64Array","value":4294967295}',
    '$.value',
    'is no valid Float64Array',
  ],
  ['half an element', '{"$pawl":"Float64Array","value":"AQ=="}', '$.value', 'is no valid Float64Array'],
  ['bad base64', '{"$pawl":"ArrayBuffer","value":"A"}', '$.value', 'is no valid ArrayBuffer'],
  ['an error that is none', '{"$pawl":"Error","value":"boom"}', '$.value', 'is no valid Error'],
  ['an error of no class', '{"$pawl":"Error","value":{"message":"m"}}', '$.value', 'is no valid Error'],
  ['one of a class that is no name', '{"$pawl":"Error","value":{"class":1}}', '$.value', 'is no valid Error'],
  ['bytes that are no text', '{"$pawl":"Uint8Array","value":[1]}', '$.value', 'is no valid Uint8Array'],
  ['a URL that is no text', '{"$pawl":"URL","value":1}', '$.value', 'is no valid URL'],
  ['a BigInt with a sign of its own', '{"$pawl":"BigInt","value":"+1"}', '$.value', 'is no valid BigInt'],
  ['a BigInt with a zero too many', '{"$pawl":"BigInt","value":"01"}', '$.value', 'is no valid BigInt'],
  ['minus zero as a BigInt', '{"$pawl":"BigInt","value":"-0"}', '$.value', 'is no valid BigInt'],
  [
    'a Date whose text is cut off',
    '{"$pawl":"Date","value":"1970-01-01T00:00:00.000"}',
    '$.value',
    'is no valid Date',
  ],
  [
    'an unknown kind with a long name',
    `{"$pawl":"${'k'.repeat(50)}","value":1}`,
    '$.value',
    `is of an unknown kind, "${'k'.repeat(40)}"`,
  ],
  [
    'a long name without a value',
    `{"$pawl":"${'k'.repeat(50)}"}`,
    '$',
    `is no valid "${'k'.repeat(40)}": it must have just a value`,
  ],
  [
    'an error of a class of others',
    '{"$pawl":"Error","value":{"class":"Order"}}',
    '$.value',
    'is no valid Error',
  ],
  [
    'an error with more parts',
    '{"$pawl":"Error","value":{"class":"Error","__proto__":1}}',
    '$.value',
    'is no valid Error',
  ],
  [
    'an error with bad fields',
    '{"$pawl":"Error","value":{"class":"Error","fields":[1]}}',
    '$.value.fields',
    'is no valid Error',
  ],
  [
    'a bad cause',
    '{"e":{"$pawl":"Error","value":{"class":"Error","cause":{"$pawl":1}}}}',
    '$.e.value.cause',
    'has a $pawl',
  ],
  ['a bad element', '[1,[2,{"a b":{"$pawl":"no"}}]]', '$[1][1]["a b"]', 'is no valid "no"'],
];

describe('decode refuses', () => {
  it.each(CHANGED)('%s', (_, text, path, reason) => {
    expect.assertions(3);
    try {
      decode(JSON.parse(text) as Json);
    } catch (refusal) {
      expect(refusal).toBeInstanceOf(DecodeRefusal);
      expect((refusal as DecodeRefusal).path).toBe(path);
      expect((refusal as DecodeRefusal).reason.slice(0, reason.length)).toBe(reason);
    }
  });

  it('nothing after it has left a value: what comes next is named by its own place', () => {
    const values = [
      '{"$pawl":"Map","value":[[1,2]]}',
      '{"$pawl":"Set","value":[1]}',
      '{"$pawl":"Error","value":{"class":"Error","message":"m","fields":{"a":1}}}',
      '{"$pawl":"Date","value":null}',
      '{"a":[1]}',
    ];
    for (const value of values)
      expect(() => decode(JSON.parse(`[${value},{"$pawl":"no","value":1}]`) as Json)).toThrow(
        new DecodeRefusal('$[1].value', 'is of an unknown kind, "no"'),
      );
  });

  it('what is no JSON', () => {
    expect(() => decode([undefined] as unknown as Json)).toThrow(new DecodeRefusal('$[0]', 'is not JSON'));
    expect(() => decode({ a: () => 1 } as unknown as Json)).toThrow(new DecodeRefusal('$.a', 'is not JSON'));
  });
});

it.each([
  [new RangeError('locked'), /cannot be decoded: locked$/],
  ['a text', /cannot be decoded: unknown error$/],
])('whatever opening a secret throws is a refusal: %s', (thrown, message) => {
  const reveal = (): never => {
    throw thrown;
  };
  const sealed = encodedSecret('AAAA');
  expect(() => decode(sealed, reveal)).toThrow(DecodeRefusal);
  expect(() => decode(sealed, reveal)).toThrow(message);
});
