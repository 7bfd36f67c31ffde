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

test('one that nobody drives, and that was asked to give up, needs nobody but who resumes it', () => {
  const asked = { status: 'running', asked: ['0'], isCancelAsked: true } as const;
  expect(displayStatus({ ...asked, ownerAlive: false })).toBe('cancelling');
  expect(displayStatus({ ...asked, ownerAlive: true })).toBe('waiting');
  expect(displayStatus({ ...asked, status: 'cancelled', ownerAlive: false })).toBe('cancelled');
});

test('one that rests until a time sleeps, unless a person is what it needs', () => {
  const rests = { status: 'running', ownerAlive: false, wakeAt: 1 } as const;
  expect(displayStatus({ ...rests, asked: [] })).toBe('sleeping');
  expect(displayStatus({ ...rests, asked: ['0'] })).toBe('waiting');
});
