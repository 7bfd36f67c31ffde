import { expect, test } from 'vitest';

import type { JournalEvent } from '../journal/event.ts';
import { opened, RUN_STARTED, scheduled, started } from '../kernel/given.fixture.ts';
import { summarize } from './run-summary.ts';
import { addEvent, createRunTree } from './run-tree.ts';
import type { RunSummary } from '../journal/run-summary.ts';

const done = (key: string): JournalEvent => ({ type: 'TaskSucceeded', key, output: 1, by: 'attempt' });
const mark: JournalEvent = { type: 'Folded', key: '0', n: 2, state: 7, source: null };

/** Two items, the second of which a person was asked about. */
const ITEMS: readonly JournalEvent[] = [
  scheduled('0/0/0'),
  started('0/0/0'),
  done('0/0/0'),
  scheduled('0/1/0'),
  started('0/1/0'),
  { type: 'OutcomeAsked', key: '0/1/0', attempt: 1 },
  { type: 'TaskCancelled', key: '0/1/0', reason: 'r' },
];
const BEFORE: readonly JournalEvent[] = [RUN_STARTED, opened('0', { mode: 'reduce', width: null })];
const AFTER: readonly JournalEvent[] = [mark, scheduled('0/2/0')];

/** What is left when all but the first rows of the items are removed. */
function cut(left: number): readonly JournalEvent[] {
  const gone = ITEMS.slice(left);
  const of = (type: string): number => gone.filter((event) => event.type === type).length;
  const compacted: JournalEvent = {
    type: 'Compacted',
    count: gone.length,
    chain: '',
    scheduled: of('TaskScheduled'),
    succeeded: of('TaskSucceeded'),
    failed: 0,
    sources: [],
    digest: '',
  };
  return [...ITEMS.slice(0, left), compacted];
}

function views(items: readonly JournalEvent[]): unknown {
  const tree = createRunTree();
  let summary: RunSummary | undefined;
  let seq = 0;
  for (const event of [...BEFORE, ...items, ...AFTER]) {
    seq += event.type === 'Compacted' ? event.count : 1;
    addEvent(tree, { seq, at: 5, event });
    summary = summarize('r', summary, { seq, at: 5, event });
  }
  const { counts, active, byKey, branches } = tree;
  return {
    counts,
    active: [...active.keys()],
    calls: [...byKey.keys()],
    branches: [...branches.keys()],
    summary,
  };
}

test('a mark takes branches out of the tree, and keeps what they came to', () => {
  expect(views(ITEMS)).toMatchObject({
    counts: { succeeded: 1, cancelled: 1, queued: 1, asked: 0, running: 0 },
    active: [],
    calls: ['0', '0/2/0'],
    branches: ['0/2'],
    summary: { tasksScheduled: 3, tasksSettled: 1, asked: [] },
  });
});

test.each([0, 1, 2, 3, 4, 5, 6])('with all rows behind the first %i removed it is the same', (left) => {
  expect(views(cut(left))).toEqual(views(ITEMS));
});

test('a source stands behind the items whose rows were removed', () => {
  const tree = createRunTree();
  const retry = { attempts: 3, delayMs: 0, factor: 1, maxDelayMs: 0, jitter: 0 };
  const source: JournalEvent = { type: 'StreamOpened', key: '0', kind: 'source', name: 's', retry };
  const compacted = cut(ITEMS.length).at(-1);
  if (compacted?.type !== 'Compacted') return expect.fail('no row that stands for removed ones');
  const sources = [
    { key: '0', items: 7, attempt: 3 },
    { key: 'gone', items: 1, attempt: 1 },
  ];
  for (const [i, event] of [RUN_STARTED, source, { ...compacted, sources }].entries())
    addEvent(tree, { seq: i + 1, at: i, event });
  expect(tree.byKey.get('0')).toMatchObject({ items: 7, attempts: 3, status: 'running' });
});

test('a run that another follows says which', () => {
  const tree = createRunTree();
  const ended: JournalEvent = { type: 'RunContinued', inputs: 1, inputsHash: 'h', nextRunId: 'r~2' };
  for (const [i, event] of [RUN_STARTED, ended].entries()) addEvent(tree, { seq: i + 1, at: i, event });
  expect(tree).toMatchObject({ status: 'continued', nextRunId: 'r~2', endedAt: 1 });
});
