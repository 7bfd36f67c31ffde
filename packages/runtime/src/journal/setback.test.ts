import { expect, it } from 'vitest';

import { setbackMs, type SetbackKind } from './setback.ts';

const SECONDS = 1000;

it.each<[SetbackKind, readonly number[], longest: number]>([
  ['error', [10, 20, 40, 80], 3600],
  ['crash', [0, 0, 0, 10, 20], 3600],
  ['code', [1, 2, 4, 8], 60],
])('after %s a run rests ever longer, up to a bound', (kind, seconds, longest) => {
  expect(seconds.map((_, i) => setbackMs(i + 1, kind))).toEqual(seconds.map((each) => each * SECONDS));
  expect([setbackMs(20, kind), setbackMs(2000, kind)]).toEqual([longest * SECONDS, longest * SECONDS]);
});
