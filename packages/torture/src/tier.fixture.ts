/** A part of the torture as a test: its short tier or a share of it, with its budget and what it counted on the screen. */
import { expect, test } from 'vitest';

import { sharedRounds, type Part } from './part.ts';
import { reportOf, tortureBy } from './torture.ts';

/** Of all short tiers. */
const SEED = 8;
/** A machine that is busy with other things takes many times what it takes alone. */
const PATIENCE = 10;

/** @param law what holds */
export function testTier(part: Part, law: string): void {
  const problem = part.impossible?.();
  const budget = Math.ceil(part.budgetSeconds.ci * (part.share ?? 1));
  const rounds = sharedRounds(part);
  if (problem !== undefined) {
    test(`${part.name}: ${law} (not here: ${problem})`, ({ skip }) => skip());
    return;
  }
  test(`${part.name}: ${law}`, { timeout: PATIENCE * budget * 1000 }, async () => {
    const outcome = await tortureBy(part, { tier: 'ci', seed: SEED, at: undefined, rounds });
    console.info(reportOf(outcome, budget));
    expect(outcome.violations).toEqual([]);
    expect(outcome.missed).toEqual([]);
  });
}
