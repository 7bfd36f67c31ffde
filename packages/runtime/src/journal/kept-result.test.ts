import { expect, it } from 'vitest';

import { isFresh, KEPT_RESULTS, KEPT_SIZE, LARGEST_KEPT } from './kept-result.ts';

it.each([
  ['at once', 100, 50, 50, true],
  ['in time', 149, 50, 50, true],
  ['when its time is over', 150, 50, 50, false],
  ['when the shorter time of its caller is over', 110, 50, 10, false],
  ['in the longer time of its caller', 160, 50, 100, false],
  ['before it was kept, by a clock that went back', 99, 50, 50, false],
])(
  'a result that was kept at 100 is good %s: at %i, kept for %i, accepted for %i: %s',
  (_, now, ttlMs, accepted, expected) => {
    expect(isFresh({ at: 100, ttlMs }, now, accepted)).toBe(expected);
  },
);

it('so many are kept, and so large', () => {
  expect([KEPT_RESULTS, KEPT_SIZE, LARGEST_KEPT]).toEqual([10_000, 67_108_864, 4_194_304]);
});
