import { expect, test } from 'vitest';

import { PLAIN_THEME } from './theme.ts';
import { renderVerification } from './verification.ts';

test('what was passed over beside programs that drive runs is said, whatever was found', () => {
  const found = { runs: 1, events: 2, passedOver: ['events', 'pawl_logs'] };
  const damage = [{ runId: 'r', seq: 3, problem: 'it is missing' }];
  expect(renderVerification({ ...found, damage: [], passedOver: [] }, 80, PLAIN_THEME)).toEqual([
    '✓ 2 events of 1 run: every checksum is right',
  ]);
  const later = [
    '  Programs drive runs just now. Once they have stopped, pawl verify looks at the',
    '  pages of events and pawl_logs as a whole, too.',
  ];
  expect(renderVerification({ ...found, damage: [] }, 80, PLAIN_THEME)).toEqual([
    '✓ 2 events of 1 run: every checksum is right',
    ...later,
  ]);
  expect(renderVerification({ ...found, damage }, 80, PLAIN_THEME)).toEqual([
    '✗ 2 events of 1 run: 1 problem',
    '  r at seq 3: it is missing',
    ...later,
  ]);
});
