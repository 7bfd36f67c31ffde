import { expect, test } from 'vitest';

import { displayStatus } from './display-status.ts';

test.each([
  ['running', [], true, 'running'],
  ['running', [], false, 'interrupted'],
  ['running', ['2'], true, 'waiting'],
  ['running', ['2'], false, 'waiting'],
  ['succeeded', [], false, 'succeeded'],
  ['failed', [], false, 'failed'],
  ['cancelled', [], true, 'cancelled'],
] as const)('%s, asked %o, owner alive %s: %s', (status, asked, ownerAlive, shown) => {
  expect(displayStatus({ status, asked, ownerAlive })).toBe(shown);
});
