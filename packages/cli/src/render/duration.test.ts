import { expect, test } from 'vitest';

import { formatAgo, formatDuration, formatLength } from './duration.ts';

const HOUR = 3_600_000;

test.each([
  [-5, '0ms'],
  [0, '0ms'],
  [999, '999ms'],
  [999.6, '1.0s'],
  [1234, '1.2s'],
  [59_940, '59.9s'],
  [59_960, '1m 00s'],
  [125_000, '2m 05s'],
  [HOUR - 1, '1h 00m'],
  [2 * HOUR + 5 * 60_000, '2h 05m'],
  [76 * HOUR, '3d 4h'],
])('%d ms is %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [1000, '1s'],
  [1500, '1.5s'],
  [300_000, '5m'],
  [305_000, '5m 05s'],
  [2 * HOUR, '2h'],
  [100, '100ms'],
  [48 * HOUR, '2d'],
])('a length of %d ms is %s', (ms, text) => {
  expect(formatLength(ms)).toBe(text);
});

test.each([
  [0, 'just now'],
  [30_000, '30s ago'],
  [90_000, '1m ago'],
  [5 * HOUR, '5h ago'],
  [50 * HOUR, '2d ago'],
])('%d ms ago is %s', (ms, text) => {
  expect(formatAgo(ms)).toBe(text);
});
