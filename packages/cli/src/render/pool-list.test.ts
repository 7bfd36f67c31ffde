import type { PoolStatus } from '@pawl/runtime';
import { expect, test } from 'vitest';

import { columnsOf } from './columns.ts';
import { renderPoolList } from './pool-list.ts';
import { PLAIN_THEME } from './theme.ts';

const NONE = { count: 0, averageMs: 0, maxMs: 0, p50Ms: 0, p95Ms: 0 };

function statusOf(
  name: string,
  more: Partial<PoolStatus> = {},
  stats: Partial<PoolStatus['stats']> = {},
): PoolStatus {
  return {
    name,
    parent: null,
    weight: 1,
    limits: { slots: 10 },
    isSet: false,
    used: { slots: 0 },
    available: { slots: 10 },
    active: 0,
    queueLength: 0,
    owners: 0,
    utilization: 0,
    averageUtilization: null,
    stats: {
      started: 0,
      completed: 0,
      failed: 0,
      timedOut: 0,
      cancelled: 0,
      refused: 0,
      retries: 0,
      zombies: 0,
      wait: NONE,
      run: NONE,
      averageActive: 0,
      ...stats,
    },
    ...more,
  };
}

const times = (p50Ms: number, p95Ms: number): typeof NONE => ({ ...NONE, count: 9, p50Ms, p95Ms });

const pools = [
  statusOf('', { limits: {} }, { completed: 12, run: times(5, 9), wait: times(0, 0) }),
  statusOf('all', { limits: { slots: 30 }, used: { slots: 12 }, utilization: 0.4 }),
  statusOf(
    'gpu',
    {
      parent: 'all',
      limits: { gpu: 2, mem: 8 },
      used: { gpu: 2, mem: 5.5 },
      utilization: 1,
      queueLength: 14,
    },
    { completed: 120, failed: 2, timedOut: 1, wait: times(1200, 8000), run: times(300, 4000), retries: 7 },
  ),
  statusOf(
    'io',
    { parent: 'all', limits: { slots: 4 }, used: { slots: 1 }, utilization: 0.25, isSet: true },
    { refused: 3 },
  ),
  statusOf('evil\u001b[2J\nforged', { parent: 'nobody', limits: { slots: Infinity } }),
];

const list = (width: number): readonly string[] =>
  renderPoolList({ pools, runs: 20, width, theme: PLAIN_THEME });

test('80 columns', () => {
  expect(`\n${list(80).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    POOL            IN USE                 WAITING  DONE  FAILED  WAITED   TOOK
    (no pool)       ░░░░░░░░ –                   0    12       0     0ms    5ms
    all             ███░░░░░ 12/30               0     0       0       –      –
      gpu           ████████ gpu 2/2 mem…       14   120       3    1.2s  300ms
      io *          ██░░░░░░ 1/4                 0     0       0       –      –
    evil\\u001b[2J…  ░░░░░░░░ 0/∞                 0     0       0       –      –

    times and counts are of the newest 20 runs
    "
  `);
});

test('wide', () => {
  expect(`\n${list(120).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    POOL             IN USE                      WAITING  DONE  FAILED  REFUSED  RETRIES  WAITED p50 p95  TOOK p50 p95
    (no pool)        ░░░░░░░░ –                        0    12       0        0        0         0ms 0ms       5ms 9ms
    all              ███░░░░░ 12/30                    0     0       0        0        0               –             –
      gpu            ████████ gpu 2/2 mem 5.5/8       14   120       3        0        7       1.2s 8.0s    300ms 4.0s
      io *           ██░░░░░░ 1/4                      0     0       0        3        0               –             –
    evil\\u001b[2J\\…  ░░░░░░░░ 0/∞                      0     0       0        0        0               –             –

    times and counts are of the newest 20 runs
    "
  `);
});

test('40 columns: two lines a pool', () => {
  expect(`\n${list(40).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    ░░░░░░░░ (no pool)
    – in use, 0 waiting, 12 done, 0 failed
    ███░░░░░ all
    12/30 in use, 0 waiting, 0 done, 0 fail…
      ████████ gpu
      gpu 2/2 mem 5.5/8 in use, 14 waiting,…
      ██░░░░░░ io *
      1/4 in use, 0 waiting, 0 done, 0 fail…
    ░░░░░░░░ evil\\u001b[2J\\nforged
    0/∞ in use, 0 waiting, 0 done, 0 failed

    times and counts are of the newest 20 r…
    "
  `);
});

test('nothing', () => {
  expect(renderPoolList({ pools: [], runs: 20, width: 80, theme: PLAIN_THEME })).toEqual(['no pools']);
});

test.each([32, 40, 77, 78, 80, 117, 118, 120])('no line is wider than %i columns', (width) => {
  expect(list(width).filter((line) => columnsOf(line) > width)).toEqual([]);
});

test('pools in a ring are shown all the same, once each', () => {
  const ring = [statusOf('a', { parent: 'b' }), statusOf('b', { parent: 'a' })];
  const lines = renderPoolList({ pools: ring, runs: 1, width: 80, theme: PLAIN_THEME });
  expect(lines.filter((line) => /^ *[ab] /.test(line))).toHaveLength(2);
});
