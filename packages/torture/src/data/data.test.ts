import { expect, test } from 'vitest';

import type { Figures } from '../part.ts';
import { tortureBy } from '../torture.ts';
import { dataFaults, tryDamages } from './data-faults.ts';
import { hostileJournals } from './hostile-journals.ts';
import { look } from './look.ts';

test('damage of a journal at rest is found, or it is nowhere: no changed event is used', async () => {
  const outcome = await tortureBy(dataFaults, { tier: 'ci', seed: 8, at: undefined, rounds: 80 });
  expect(outcome.violations).toEqual([]);
  expect(outcome.missed).toEqual([]);
});

test('a reader that believes what it finds is found out', async () => {
  const figures: Figures = new Map();
  const violations: string[] = [];
  const context = { seed: 8, rounds: 1, at: undefined, figures };
  await tryDamages({ ...context, violated: (_, what) => violations.push(what) }, async (path, resumed) => {
    const looked = await look(path, resumed);
    const [id = '', events = []] = Object.entries(looked.events)[0] ?? [];
    return { ...looked, events: { ...looked.events, [id]: ['{"seq":1}', ...events.slice(1)] } };
  });
  expect(violations).toEqual([expect.stringContaining('is used as {"seq":1}')]);
});

test('a journal that somebody made to do harm is refused or harmless, and runs no code', async () => {
  const outcome = await tortureBy(hostileJournals, { tier: 'ci', seed: 8, at: undefined, rounds: 40 });
  expect(outcome.violations).toEqual([]);
  expect(outcome.missed).toEqual([]);
});
