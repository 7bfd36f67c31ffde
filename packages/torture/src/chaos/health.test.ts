import { expect, test } from 'vitest';

import { growthOf, trendOf, type Health } from './health.ts';

const MIB = 1024 * 1024;
const WELL: Health = { rss: 200 * MIB, heapUsed: 40 * MIB, descriptors: 20, listeners: 10, resources: 8 };

/** A hundred looks: `at` is 0 in the first and 1 in the last. */
function looks(change: (at: number) => Partial<Health>): readonly Health[] {
  return Array.from({ length: 100 }, (_, i) => ({ ...WELL, ...change(i / 99) }));
}

test('what warms up and stays is no growth, nor is what goes up and down', () => {
  expect(growthOf(looks((at) => ({ rss: at < 0.2 ? 80 * MIB : 200 * MIB })))).toEqual([]);
  expect(growthOf(looks((at) => ({ resources: Math.round(at * 1000) % 2 === 0 ? 8 : 20 })))).toEqual([]);
});

test.each<[keyof Health, (at: number) => Partial<Health>]>([
  ['rss', (at) => ({ rss: (200 + 60 * at) * MIB })],
  ['heapUsed', (at) => ({ heapUsed: (40 + 12 * at) * MIB })],
  ['descriptors', (at) => ({ descriptors: 20 + Math.round(20 * at) })],
  ['listeners', (at) => ({ listeners: 10 + Math.round(10 * at) })],
  ['resources', (at) => ({ resources: 8 + Math.round(90 * at) })],
])('%s that grows is told', (what, change) => {
  expect(growthOf(looks(change))).toEqual([expect.stringContaining(`${what} grew from`)]);
});

test('of few looks there is no trend', () => {
  expect(trendOf(looks(() => ({})).slice(0, 20), 'rss')).toBeUndefined();
});
