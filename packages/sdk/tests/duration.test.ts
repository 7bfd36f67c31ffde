import { describe, expect, it } from 'vitest';

import { durationMs, InvalidOptionError, MAX_DURATION_MS } from '../src/index.ts';

describe('durationMs', () => {
  it.each([
    [0, 0],
    [1, 1],
    [250, 250],
    [0.2, 1],
    [1.0001, 2],
    [MAX_DURATION_MS, MAX_DURATION_MS],
    ['0ms', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['1w', 604_800_000],
    ['30 s', 30_000],
    ['  30s  ', 30_000],
    ['0.0001ms', 1],
    ['100000d', MAX_DURATION_MS],
  ])('%s is %s ms', (duration, ms) => {
    expect(durationMs(duration, 'timeout')).toBe(ms);
  });

  it.each([
    -1,
    Number.NaN,
    Infinity,
    -Infinity,
    MAX_DURATION_MS + 1,
    '',
    ' ',
    '5',
    's',
    '-5s',
    '+5s',
    '5  s',
    '5 years',
    '1e3ms',
    '0x10ms',
    '.5s',
    '5.s',
    '1s 500ms',
    'Infinityms',
    '5S',
    '100001d',
    '٥s',
    null,
    undefined,
    true,
    5n,
    [],
    ['5s'],
    {},
    new Date(5),
    Symbol('5s'),
    () => 5,
  ])('refuses %s, naming the option', (duration) => {
    const refused = (): number => durationMs(duration as never, 'retry.delay');
    expect(refused).toThrow(InvalidOptionError);
    expect(refused).toThrow(/^Option 'retry\.delay' must be a duration: .*; it is /);
  });
});
