import { expect, it } from 'vitest';

import { isLevel, levelled, LOG_LEVELS } from './log-line.ts';

it('there are four levels, the least first', () => {
  expect(LOG_LEVELS).toEqual(['debug', 'info', 'warn', 'error']);
  expect([...LOG_LEVELS, 'trace', '', 1, undefined].filter(isLevel)).toEqual(LOG_LEVELS);
});

it('a log tells its level with all that it was given; called itself it informs', () => {
  const told: unknown[] = [];
  const log = levelled((level, values) => void told.push([level, ...values]));
  log('plain', 1);
  for (const level of LOG_LEVELS) log[level]('a', { b: 2 });
  expect(told).toEqual([['info', 'plain', 1], ...LOG_LEVELS.map((level) => [level, 'a', { b: 2 }])]);
});
