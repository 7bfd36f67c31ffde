import { expect, test } from 'vitest';

import { PLAIN_THEME } from './theme.ts';
import { renderVerification } from './verification.ts';

test('that not every page was looked at is said, whatever was found, and not of one run', () => {
  const found = { runs: 1, events: 2, damage: [], isWhole: false };
  const damage = [{ runId: 'r', seq: 3, problem: 'it is missing' }];
  const right = '✓ 2 events of 1 run: every checksum is right';
  const rest = [
    '  Programs drive runs just now, so SQLite did not look at every page of the',
    '  file. It does once they have stopped, or, while the log grows: pawl verify',
    '  --whole',
  ];
  const printed = (verification: typeof found, runId?: string): string[] =>
    renderVerification(verification, runId, 80, PLAIN_THEME);
  expect(printed({ ...found, isWhole: true })).toEqual([right]);
  expect(printed(found, 'r')).toEqual([right]);
  expect(printed(found)).toEqual([right, ...rest]);
  expect(renderVerification({ ...found, damage }, undefined, 80, PLAIN_THEME)).toEqual([
    '✗ 2 events of 1 run: 1 problem',
    '  r at seq 3: it is missing',
    ...rest,
  ]);
});
