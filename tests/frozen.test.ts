import { join } from 'node:path';
import { expect, test } from 'vitest';

import { frozenIn, presentIn } from '../tooling/frozen.ts';

const FIXTURES = join(import.meta.dirname, '..', 'journal-fixtures');

// A journal that a released version recorded is kept as it is: what cannot be read as it was is to be upcast.

test('no journal of a released version was changed or removed', () => {
  const present = presentIn(FIXTURES);
  const changed = [...frozenIn(FIXTURES)].filter(([path, digest]) => present.get(path) !== digest);
  expect(changed.map(([path]) => path)).toEqual([]);
});

test('every journal that is kept is frozen', () => {
  const frozen = frozenIn(FIXTURES);
  expect(frozen.size).toBeGreaterThan(20);
  expect([...presentIn(FIXTURES).keys()].filter((path) => !frozen.has(path))).toEqual([]);
});
