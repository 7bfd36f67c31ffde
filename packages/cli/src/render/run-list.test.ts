import { expect, test } from 'vitest';

import { columnsOf } from './columns.ts';
import { NOW, recordOf, START } from './run.fixture.ts';
import { renderRunList } from './run-list.ts';
import { PLAIN_THEME } from './theme.ts';

const runs = [
  recordOf({ runId: 'run_01kh3m8r0v8e7zsr9p1x4t6wqd', ownerAlive: true, startedAt: NOW - 5000 }),
  recordOf({ runId: 'run_01kh3m8r0v8e7zsr9p1x4t6wqc', asked: ['3'] }),
  recordOf({ runId: 'nightly-2026-11-21', status: 'succeeded', tasksSettled: 5, process: 'audit' }),
  recordOf({
    runId: 'run_01kh3m8r0v8e7zsr9p1x4t6wqa',
    status: 'failed',
    process: 'a-process-with-a-name-that-is-far-too-long-for-a-list',
    startedAt: START - 9_000_000,
  }),
  recordOf({ runId: 'x'.repeat(128), status: 'cancelled', process: 'evil\u001b[2J\nforged' }),
  recordOf({ runId: 'run_01kh3m8r0v8e7zsr9p1x4t6wq9' }),
];

function list(width: number): readonly string[] {
  return renderRunList({ runs, hasMore: false, now: NOW, width, theme: PLAIN_THEME });
}

test('80 columns', () => {
  expect(`\n${list(80).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    RUN                               PROCESS               STATUS         STARTED
    run_01kh3m8r0v8e7zsr9p1x4t6wqd    order                 ● running       5s ago
    run_01kh3m8r0v8e7zsr9p1x4t6wqc    order                 ? waiting       1m ago
    nightly-2026-11-21                audit                 ✓ succeeded     1m ago
    run_01kh3m8r0v8e7zsr9p1x4t6wqa    a-process-with-a-na…  ✗ failed        2h ago
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…  evil\\u001b[2J\\nforg…  ○ cancelled     1m ago
    run_01kh3m8r0v8e7zsr9p1x4t6wq9    order                 ◌ interrupted   1m ago
    "
  `);
});

test('wide: how much is done, and how long it took', () => {
  expect(`\n${list(120).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    RUN                               PROCESS                                     STATUS         TASKS    TOOK  STARTED
    run_01kh3m8r0v8e7zsr9p1x4t6wqd    order                                       ● running        3/5    5.0s   5s ago
    run_01kh3m8r0v8e7zsr9p1x4t6wqc    order                                       ? waiting        3/5    4.2s   1m ago
    nightly-2026-11-21                audit                                       ✓ succeeded        5    4.2s   1m ago
    run_01kh3m8r0v8e7zsr9p1x4t6wqa    a-process-with-a-name-that-is-far-too-lon…  ✗ failed         3/5  2h 30m   2h ago
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…  evil\\u001b[2J\\nforged                       ○ cancelled      3/5    4.2s   1m ago
    run_01kh3m8r0v8e7zsr9p1x4t6wq9    order                                       ◌ interrupted    3/5    4.2s   1m ago
    "
  `);
});

test('40 columns: two lines a run', () => {
  expect(`\n${list(40).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    ● order                           5s ago
      run_01kh3m8r0v8e7zsr9p1x4t6wqd
    ? order                           1m ago
      run_01kh3m8r0v8e7zsr9p1x4t6wqc
    ✓ audit                           1m ago
      nightly-2026-11-21
    ✗ a-process-with-a-name-that-is…  2h ago
      run_01kh3m8r0v8e7zsr9p1x4t6wqa
    ○ evil\\u001b[2J\\nforged           1m ago
      xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
    ◌ order                           1m ago
      run_01kh3m8r0v8e7zsr9p1x4t6wq9
    "
  `);
});

test('nothing', () => {
  expect(renderRunList({ runs: [], hasMore: false, now: NOW, width: 80, theme: PLAIN_THEME })).toEqual([
    'no runs',
  ]);
});

test.each([32, 40, 71, 72, 80, 95, 96, 120])('no line is wider than %i columns', (width) => {
  expect(list(width).filter((line) => columnsOf(line) > width)).toEqual([]);
});
