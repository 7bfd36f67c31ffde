import type { SealingStatus } from '@pawl/runtime';
import { describe, expect, test } from 'vitest';

import { columnsOf } from './columns.ts';
import { renderKey, renderRotated } from './key.ts';
import { PLAIN_THEME } from './theme.ts';

const AT = Date.UTC(2026, 10, 21, 9);
const OPEN: SealingStatus = {
  state: 'open',
  master: '1932bf1495bd4649',
  given: '1932bf1495bd4649',
  dataKeys: [
    { id: 1, madeAt: AT, wrappedAt: AT + 90_000_000, events: 12_043 },
    { id: 2, madeAt: AT + 90_000_000, wrappedAt: AT + 90_000_000, events: 7 },
  ],
  events: { sealed: 12_050, clear: 301, plain: 88 },
  values: { sealed: 14, clear: 0 },
};
const OFF: SealingStatus = { ...OPEN, state: 'off', master: null, given: null, dataKeys: [] };
const LOCKED: SealingStatus = { ...OPEN, state: 'locked', given: 'd3936b4f37c42b87' };
const ROTATED = {
  from: '1932bf1495bd4649',
  to: 'd3936b4f37c42b87',
  wrapped: 2,
  dataKey: 3,
  isLogEmptied: false,
};

test('what is encrypted, with which keys, and what is not', () => {
  expect(renderKey('.pawl/journal.db', OPEN, [], 100, PLAIN_THEME)).toEqual([
    '✓ .pawl/journal.db is encrypted with key 1932bf1495bd4649, which was given',
    '',
    '  events        12,050 sealed, 301 in the clear, 88 without values',
    '  other values  14 sealed, 0 in the clear',
    '',
    'DATA KEY  SINCE              UNDER THIS KEY SINCE  EVENTS',
    '       1  2026-11-21 09:00Z  2026-11-22 10:00Z     12,043',
    '       2  2026-11-22 10:00Z  2026-11-22 10:00Z          7',
    '',
    '! what was written before the journal was encrypted stays as it is: 301 rows in the clear',
    'next',
    '  PAWL_NEW_KEY=… pawl key rotate  another key from now on',
    '  pawl docs encryption            how all of it is written anew',
  ]);
  expect(renderKey('j.db', LOCKED, ['--db', 'j.db'], 100, PLAIN_THEME)).toEqual(
    expect.arrayContaining([
      '✗ j.db is encrypted with key 1932bf1495bd4649; key d3936b4f37c42b87 was given',
      '  PAWL_KEY=… pawl key --db j.db  with its key',
    ]),
  );
  expect(renderKey('j.db', OFF, [], 100, PLAIN_THEME)[0]).toBe('! j.db is not encrypted');
});

test('what became of a rotation', () => {
  expect(renderRotated(ROTATED, [], 200, PLAIN_THEME)).toEqual([
    '✓ key d3936b4f37c42b87 in the place of 1932bf1495bd4649: 2 data keys wrapped anew, and data key 3 for what comes',
    '! somebody reads just now: the log keeps what the old key opens until the last program closes the journal',
    'next',
    '  PAWL_KEY=… pawl key  with the new key; give it to all programs, and start them again',
  ]);
});

describe.each([40, 80, 140])('in %i columns', (width) => {
  test.each([
    ['open', () => renderKey('.pawl/journal.db', OPEN, [], width, PLAIN_THEME)],
    ['locked', () => renderKey('.pawl/journal.db', LOCKED, [], width, PLAIN_THEME)],
    ['off', () => renderKey('.pawl/journal.db', OFF, [], width, PLAIN_THEME)],
    ['rotated', () => renderRotated(ROTATED, [], width, PLAIN_THEME)],
  ] as const)('no line is longer: %s', (_, render) => {
    for (const line of render()) expect(columnsOf(line), line).toBeLessThanOrEqual(width);
  });
});
