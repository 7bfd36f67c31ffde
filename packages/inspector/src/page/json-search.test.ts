import { expect, test } from 'vitest';

import { isFound, pathWith, searchIn } from './json-search.ts';

test('a text is found in names and values, whatever its case, and in what they lie in', () => {
  const inner = { Name: 'x' };
  const value = { items: [inner, 'my name', 7], other: { deep: [1] } };
  const found = searchIn(value, 'NAME');
  expect(found.count).toBe(2);
  expect([...found.within]).toEqual([inner, value.items, value]);
  expect(isFound('items', value.items, false, found)).toBe(true);
  expect(isFound('other', value.other, false, found)).toBe(false);
  expect(isFound('2', 7, true, searchIn(value, '7'))).toBe(true);
  // A place in a list is no text of the value.
  expect(isFound('7', 'x', true, searchIn(value, '7'))).toBe(false);
  expect(searchIn(value, '')).toMatchObject({ count: 0 });
});

test('a path can be typed as it is', () => {
  const path = pathWith(pathWith(pathWith('', 'items', false), '0', true), 'name', false);
  expect(path).toBe('items[0].name');
  expect(pathWith('a', 'odd "name"', false)).toBe('a["odd \\"name\\""]');
  expect(pathWith('', '0', true)).toBe('[0]');
});
