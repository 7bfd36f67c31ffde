import { expect, it } from 'vitest';

import { inWords } from './in-words.ts';

it.each([
  [new RangeError('m'), 'm'],
  ['a text', 'a text'],
  [undefined, 'undefined'],
  [Symbol('s'), 'Symbol(s)'],
  [Object.create(null), 'a value of type object that has no text'],
])('whatever was thrown has words', (thrown: unknown, words) => {
  expect(inWords(thrown)).toBe(words);
});
