import stringWidth from 'string-width';
import { expect, test } from 'vitest';

import { columnsOf, fit, fitEnd, padEnd, padStart, wrap } from './columns.ts';

test.each([
  ['abc', 3],
  ['東京', 4],
  ['🎉', 2],
  ['e\u0301', 1],
  ['\u001b[31mred\u001b[39m', 3],
  ['', 0],
])('%j takes %i columns', (text, columns) => {
  expect(columnsOf(text)).toBe(columns);
});

test.each([
  ['abcdef', 6, 'abcdef'],
  ['abcdef', 5, 'abcd…'],
  ['ab cdef', 4, 'ab…'],
  ['東京都庁', 5, '東京…'],
  ['東京都庁', 4, '東…'],
  ['abc', 1, '…'],
  ['abc', 0, ''],
])('%j in %i columns is %j', (text, width, fitted) => {
  expect(fit(text, width)).toBe(fitted);
  expect(columnsOf(fitted)).toBeLessThanOrEqual(width);
});

test('of a path the end is kept', () => {
  expect(fitEnd('2/1/:files/0', 8)).toBe('…files/0');
  expect(fitEnd('2/1', 8)).toBe('2/1');
});

test('padding counts columns', () => {
  expect(padEnd('東', 4)).toBe('東  ');
  expect(padStart('東', 4)).toBe('  東');
  expect(padEnd('long', 2)).toBe('long');
});

test.each([
  ['one two three', 8, ['one two', 'three']],
  ['  indented text here', 10, ['  indented', '  text', '  here']],
  ['abcdefghij', 4, ['abcd', 'efgh', 'ij']],
  ['東京都庁', 4, ['東京', '都庁']],
  ['', 10, ['']],
])('%j is wrapped at %i', (text, width, lines) => {
  expect(wrap(text, width)).toEqual(lines);
});

test('what counts as one column takes one', () => {
  const ranges = [
    [0x20, 0x7e],
    [0x2500, 0x259f],
    [0x2800, 0x28ff],
  ] as const;
  const drawn = ranges.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)),
  );
  const ours = [...drawn, ...'·×–…›→↻∞≠⋮○◌●✓✗'];
  expect(ours.filter((each) => stringWidth(each) !== 1)).toEqual([]);
  expect(columnsOf(ours.join(''))).toBe(ours.length);
});
