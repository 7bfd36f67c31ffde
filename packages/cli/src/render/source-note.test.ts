import type { JournalEvent } from '@pawl/runtime';
import { expect, test } from 'vitest';

import { renderProgress } from './progress.ts';
import { progressLine } from './progress-line.ts';
import {
  attempt,
  NOW,
  PLACES,
  REFUSED,
  scheduled,
  START,
  started,
  treeOf,
  type Timed,
} from './run.fixture.ts';
import { PLAIN_THEME } from './theme.ts';
import { renderTree } from './tree.ts';

const source: Timed = [
  1,
  {
    type: 'StreamOpened',
    key: '0',
    kind: 'source',
    name: 'orders\u001b[2J',
    retry: { attempts: 3, delayMs: 500, factor: 2, maxDelayMs: 1000, jitter: 0 },
  },
];
const item = (n: number): Timed => [3, { type: 'ItemRecorded', key: '0', n, attempt: 1, item: n, cursor: n }];
const failed: JournalEvent = {
  type: 'AttemptFailed',
  key: '0',
  attempt: 1,
  error: REFUSED,
  retryAt: NOW + 400,
  delayMs: 500,
};
const ended: JournalEvent = { type: 'StreamEnded', key: '0' };
const left: JournalEvent = { type: 'StreamClosed', key: '0', consumed: 1 };
const broken: JournalEvent = { type: 'StreamFailed', key: '0', error: REFUSED, failures: 1 };

const NAME = 'source orders\\u001b[2J';

test.each<[readonly Timed[], string]>([
  [[source], `○ ${NAME}  1m 30s  0  0 items`],
  [[source, attempt(2, '0'), item(0)], `● ${NAME}  1m 30s  0  1 item`],
  [
    [source, attempt(2, '0'), item(0), [4, failed]],
    `◐ ${NAME}  1m 30s  0  1 item · attempt 1 failed, again in 400ms · CardRefused: card was refused`,
  ],
  [
    [source, attempt(2, '0'), item(0), attempt(5, '0', 2), [9, ended]],
    `✓ ${NAME}  8ms  0  1 item · opened 2 times`,
  ],
  [
    [source, attempt(2, '0'), item(0), item(1), [9, left]],
    `✓ ${NAME}  8ms  0  2 items · the process stopped reading after 1`,
  ],
])('a source in the tree', (events, line) => {
  const tree = treeOf([started(0), ...events]);
  const lines = renderTree(tree.calls, {
    now: NOW,
    alive: true,
    values: true,
    limit: 10,
    places: PLACES,
    width: 140,
    theme: PLAIN_THEME,
  });
  expect(lines.map((text) => text.replace(/^\S/, '').trim())).toEqual([line.replace(/^\S/, '').trim()]);
});

test('a source that failed says why', () => {
  const tree = treeOf([started(0), source, attempt(2, '0'), [9, broken]]);
  const options = { now: NOW, alive: true, values: true, limit: 10, places: PLACES, width: 100 };
  const text = renderTree(tree.calls, { ...options, theme: PLAIN_THEME }).join('\n');
  expect(text).toContain('card was refused');
  expect(text).toContain('because: TypeError: fetch failed');
});

test.each<[JournalEvent, string | undefined]>([
  [ended, '1 item'],
  [left, '1 item'],
  [broken, 'CardRefused: card was refused'],
  [failed, 'attempt 1 failed, again in 500ms: CardRefused: card was refused'],
  [{ type: 'AttemptInterrupted', key: '0', attempt: 1 }, undefined],
])('what is said of it in a log', (event, said) => {
  const tree = treeOf([started(0), source, attempt(2, '0'), item(0), [9, event]]);
  const line = progressLine(tree, { seq: 5, at: START + 9, event }, PLAIN_THEME);
  if (said === undefined) expect(line).toBeUndefined();
  else expect(line).toContain(`${NAME} (0)`);
  expect(line?.endsWith(said ?? '')).toBe(said === undefined ? undefined : true);
});

test('the live view: sources under way, and the last that each task told', () => {
  const tree = treeOf([
    started(0),
    source,
    attempt(2, '0'),
    item(0),
    scheduled(3, '1', 'convert', null),
    attempt(4, '1'),
  ]);
  const lines = renderProgress({
    tree,
    told: new Map([['1', '50 %\u001b[2J\nforged']]),
    runId: 'run_1',
    name: 'order',
    elapsedMs: 5000,
    now: START + 5004,
    frame: 3,
    isStopping: false,
    width: 80,
    rows: 24,
    theme: PLAIN_THEME,
  });
  expect(lines.slice(1)).toEqual([
    `  ${NAME}  1 item`,
    expect.stringMatching(/^ {2}. convert {2}5\.0s {2}1 · 50 %\\u001b\[2J\\nforged$/),
  ]);
});
