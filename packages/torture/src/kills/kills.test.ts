import { expect, test } from 'vitest';

import { tortureBy } from '../torture.ts';
import { kills } from './kills.ts';

test(
  'the real command line, killed when its tasks have begun, goes on and does nothing again',
  { timeout: 300_000 },
  async () => {
    const outcome = await tortureBy(kills, { tier: 'ci', seed: 8, at: undefined, rounds: 2 });
    expect(outcome.violations).toEqual([]);
    expect(outcome.missed).toEqual([]);
  },
);
