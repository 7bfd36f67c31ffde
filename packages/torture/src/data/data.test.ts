import { afterEach, expect, test, vi } from 'vitest';

import { testTier } from '../tier.fixture.ts';
import { tortureBy } from '../torture.ts';
import type * as DataFaults from './data-faults.ts';
import { dataFaults } from './data-faults.ts';
import { hostileJournals } from './hostile-journals.ts';

// A machine that is busy with other things takes many times what it takes alone.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

testTier(dataFaults, 'damage of a journal at rest is found, or it is nowhere: no changed event is used');
testTier(hostileJournals, 'a journal that somebody made to do harm is refused or harmless, and runs no code');

test('an index that lost its entries: a run that is listed and not found is none without events', async () => {
  const { violations } = await tortureBy(dataFaults, { tier: 'night', seed: 1, at: 3385, rounds: undefined });
  expect(violations).toEqual([]);
});

const SHA256 = '../../../runtime/src/store/sha256.ts';
afterEach(() => {
  vi.doUnmock(SHA256);
  vi.resetModules();
});

test('without checksums the same damage is used', async () => {
  vi.resetModules();
  // All checksums are the same then, and all are right.
  vi.doMock(SHA256, () => ({ sha256: () => '0'.repeat(64) }));
  const faults: typeof DataFaults = await import('./data-faults.ts');
  const violations: string[] = [];
  const context = { seed: 8, rounds: 60, at: undefined, figures: new Map<string, number>() };
  await faults.tryDamages({ ...context, violated: (round, what) => violations.push(`${round}: ${what}`) });
  if (process.env['PAWL_SIM_SHOW'] !== undefined) console.log(violations.map((what) => what.slice(0, 100)));
  expect(violations).toContainEqual(expect.stringMatching(/event \d+ of \w+ is used as/));
});
