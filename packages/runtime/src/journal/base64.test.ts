import { expect, it } from 'vitest';

import { fromBase64, fromBase64Portable, toBase64Portable } from './base64.ts';

// What is told of bytes is in codec-property.test.ts; here: texts that are none.
it.each(['€AAA', 'A€AA', 'AA€A', 'AAA€', 'AAAA€A==', 'AAAAA€==', 'AAAA€AA=', 'AAAAA€A=', 'AAAAAA€='])(
  'a letter beyond Latin-1 is none of base64, wherever it stands: %s',
  (text) => {
    expect(fromBase64Portable(text)).toBeUndefined();
    expect(fromBase64(text)).toBeUndefined();
  },
);

it.each(['A', 'AA', 'AAA', 'AAAAA', '====', '=AAA', 'A===', 'AA=A', 'AB==', 'AAB=', 'AA A', 'AAA\n'])(
  'neither is %j: its length, its padding, or bits behind the last byte',
  (text) => {
    expect(fromBase64Portable(text)).toBeUndefined();
    expect(fromBase64(text)).toBeUndefined();
  },
);

it.each([[''], ['AA=='], ['AQI='], ['AQID'], ['/+8=']])('%j is the text of what it says', (text) => {
  const bytes = fromBase64Portable(text);
  expect(bytes === undefined ? undefined : toBase64Portable(bytes)).toBe(text);
  expect(fromBase64(text)).toEqual(bytes);
});
