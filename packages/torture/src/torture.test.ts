import { expect, test } from 'vitest';

import type { Part } from './part.ts';
import { noRound, tortureBy } from './torture.ts';

const PART: Part = {
  name: 'a-part',
  what: 'nothing',
  rounds: { ci: 10, night: 100 },
  budgetSeconds: { ci: 1, night: 1 },
  floors: {},
  run: (context) => {
    context.violated(42, 'wrong');
    return Promise.resolve();
  },
};

test('what is wrong is told with a command that reaches its round', async () => {
  const { violations } = await tortureBy(PART, { tier: 'night', seed: 3, at: undefined, rounds: undefined });
  expect(violations).toEqual([
    'round 42: wrong\n    again: pnpm torture --only a-part --seed 3 --rounds 100 --at 42',
  ]);
});

test('a round that there is not is not passed over', () => {
  const asked = { tier: 'ci', seed: 3, at: 42, rounds: undefined } as const;
  expect(noRound(PART, asked)).toBe('a-part has 10 rounds, from 0 to 9; more with --rounds, or --tier night');
  expect(noRound(PART, { ...asked, at: 9 })).toBeUndefined();
  expect(noRound(PART, { ...asked, tier: 'night' })).toBeUndefined();
  expect(noRound(PART, { ...asked, rounds: 43 })).toBeUndefined();
  expect(noRound({ ...PART, isAnyRoundThere: true }, asked)).toBeUndefined();
});
