import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';

import { MIGRATIONS } from './migrations/list.ts';
import { conditionsOf, COUNT_BY_STATUS, OWNERS, pageText, reachText } from './query.ts';

/** What SQLite says it would do for a page of runs. */
function planOf(statuses: number, sought: readonly number[]): string[] {
  return planOfText(pageText('runs.id, run_id', { statuses, sought }));
}

function planOfText(text: string): string[] {
  const db = new Database(':memory:');
  onTestFinished(() => void db.close());
  for (const sql of MIGRATIONS) db.exec(sql);
  const marks = text.split('?').length - 1;
  const rows = db.prepare(`explain query plan ${text}`).all(...Array.from({ length: marks }, () => 1));
  return (rows as { readonly detail: string }[]).map(({ detail }) => detail);
}

test.each<[number, readonly number[]]>([
  [4, [1]],
  [1, [2]],
  [4, [1, 2, 1]],
])(
  'runs with %i statuses that say %j of themselves are found by the index, and no table is walked',
  (statuses, sought) => {
    const plan = planOf(statuses, sought);
    expect(plan[0]).toMatch(
      /^SEARCH s USING COVERING INDEX run_state_by_value \(name=\? AND value=\? AND run<\?\)$/,
    );
    expect(plan.filter((line) => line.startsWith('SCAN'))).toEqual([]);
    // One value gives the runs in order.
    if (sought[0] === 1) expect(plan).not.toContain('USE TEMP B-TREE FOR ORDER BY');
  },
);

test('without, they come in the order of their ids', () => {
  expect(planOf(1, [])).toEqual(['SEARCH runs USING INDEX runs_by_status (status=? AND id<?)']);
  expect(planOf(4, [])).toEqual(['SEARCH runs USING INTEGER PRIMARY KEY (rowid<?)']);
});

test('counting runs reads the index of statuses, and no row of a run', () => {
  expect(planOfText(COUNT_BY_STATUS)).toEqual(['SCAN runs USING COVERING INDEX runs_by_status']);
});

test('a search looks at a stretch of runs, by the index that has them in order, and walks no table', () => {
  const [conditions] = conditionsOf({
    limit: 1,
    lookAt: 1,
    process: 'p',
    startedFrom: 1,
    startedBefore: 2,
    text: 't',
  });
  const withFloor = ['runs.id >= ?', ...conditions];
  const plan = (statuses: number, sought: readonly number[]): string[] => [
    ...planOfText(reachText({ statuses, sought })),
    ...planOfText(pageText('runs.id, run_id, started_at', { statuses, sought, conditions: withFloor })),
  ];
  for (const [statuses, sought, index] of [
    [5, [], /^SEARCH runs USING INTEGER PRIMARY KEY \(rowid>\? AND rowid<\?\)$/],
    [1, [], /^SEARCH runs USING (COVERING )?INDEX runs_by_status \(status=\? AND id>\? AND id<\?\)$/],
    [
      5,
      [1],
      /^SEARCH s USING COVERING INDEX run_state_by_value \(name=\? AND value=\? AND run>\? AND run<\?\)$/,
    ],
  ] as const) {
    const steps = plan(statuses, sought);
    expect(steps.filter((step) => index.test(step))).toHaveLength(2);
    // What is counted has been found.
    expect(steps.filter((step) => /^SCAN (?!\(subquery)|TEMP B-TREE/.test(step))).toEqual([]);
  }
});

test('those who drive runs are found by the index of owners', () => {
  expect(planOfText(OWNERS)[0]).toMatch(/^S(CAN|EARCH) runs USING INDEX runs_owned/);
});
