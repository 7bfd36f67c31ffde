import type { RunTree } from '@pawl/runtime';
import { expect, test } from 'vitest';

import { columnsOf } from './columns.ts';
import { renderProgress, type ProgressView } from './progress.ts';
import { progressLine } from './progress-line.ts';
import {
  attempt,
  opened,
  scheduled,
  START,
  started,
  STORY,
  succeeded,
  treeOf,
  type Timed,
} from './run.fixture.ts';
import { PLAIN_THEME } from './theme.ts';

function picture(tree: RunTree, change: Partial<ProgressView> = {}): readonly string[] {
  const view: ProgressView = {
    tree,
    told: new Map(),
    runId: 'run_01kh3m8r0v',
    name: 'order',
    elapsedMs: 5000,
    now: START + 5000,
    frame: 3,
    isStopping: false,
    width: 80,
    rows: 24,
    theme: PLAIN_THEME,
    ...change,
  };
  return renderProgress(view);
}

const BUSY: readonly Timed[] = [
  ...STORY,
  [4010, { type: 'TimerStarted', key: '4', timer: 'sleep', dueAt: START + 65_000, durationMs: 60_000 }],
  opened(4100, '5', 'map', 40),
  ...Array.from({ length: 40 }, (_, i) => [
    scheduled(4100, `5/${i}/0`, `resize-image`, i),
    ...(i < 30 ? [attempt(4101, `5/${i}/0`)] : []),
    ...(i < 10 ? [succeeded(4500, `5/${i}/0`)] : []),
  ]).flat(),
];

test('counts, groups, timers, and the tasks that run longest', () => {
  expect(`\n${picture(treeOf(BUSY)).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    ⠸ order  5.0s · 14 done · 21 running · 10 queued  run_01kh3m8r0v
      map ×40       ━━━━━━━━━━━━━━━━━━━━  10 of 40
      sleep         wakes in 1m 00s
      ● charge        999ms  3 · attempt 2
      ● resize-image  899ms  5/10/0
      ● resize-image  899ms  5/11/0
      ● resize-image  899ms  5/12/0
      ● resize-image  899ms  5/13/0
      ● resize-image  899ms  5/14/0
      ● resize-image  899ms  5/15/0
      ● resize-image  899ms  5/16/0
      ● resize-image  899ms  5/17/0
      ● resize-image  899ms  5/18/0
      ● resize-image  899ms  5/19/0
      ● resize-image  899ms  5/20/0
      … and 9 more
    "
  `);
});

test('40 columns and few rows', () => {
  expect(`\n${picture(treeOf(BUSY), { width: 40, rows: 8 }).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    ⠸ order  5.0s · 14 done · 21 running
      map ×40       10 of 40
      sleep         wakes in 1m 00s
      ● charge        999ms  3 · attempt 2
      ● resize-image  899ms  5/10/0
      ● resize-image  899ms  5/11/0
      ● resize-image  899ms  5/12/0
      ● resize-image  899ms  5/13/0
      … and 16 more
    "
  `);
});

test('a task between two attempts says when it goes on, and why', () => {
  const failed = STORY.slice(0, -1);
  expect(picture(treeOf(failed), { now: START + 3600 }).at(-1)).toMatchInlineSnapshot(
    `"  ↻ charge  196ms  3 · attempt 1 of 3 failed, again in 400ms: CardRefused: card…"`,
  );
});

test('stopping says how to leave at once', () => {
  expect(picture(treeOf(STORY), { isStopping: true })[0]).toMatchInlineSnapshot(
    `"⠸ stopping; once more to leave at once  5.0s · 4 done · 1 running"`,
  );
});

test('where nothing of ours is under way it says so', () => {
  const idle = treeOf([started(0), scheduled(1, '0', 'a', 1), succeeded(2, '0')]);
  expect(picture(idle, { now: START + 2000 })).toHaveLength(1);
  expect(picture(idle, { now: START + 9002 })[1]).toBe(
    '  for 9.0s the process has been busy, or waits for something outside ctx',
  );
});

test('before the first event there is a line too', () => {
  expect(picture(treeOf([started(0)]), { now: START + 100 })).toHaveLength(1);
});

test.each([32, 40, 50, 80, 120])('no line is wider than %i columns', (width) => {
  expect(picture(treeOf(BUSY), { width }).filter((line) => columnsOf(line) > width)).toEqual([]);
});

/** What a log of the run would hold. */
test('an external task waits for whom it asks, and not for people', () => {
  const offered: Timed = [
    4100,
    {
      type: 'TaskOffered',
      key: '9',
      taskId: 'order.00112233445566aa',
      task: 'review',
      version: null,
      inputHash: 'beef',
      args: null,
      kind: 'agent',
      description: null,
      outputSchema: null,
      policy: {
        retry: { attempts: 1, delayMs: 0, factor: 1, maxDelayMs: 0, jitter: 0 },
        timeoutMs: null,
        leaseMs: 300_000,
      },
    },
  ];
  expect(picture(treeOf([...STORY, offered])).join('\n')).toMatch(/review .*9 · waits for agent$/m);
});

function log(events: readonly Timed[]): string[] {
  return events.flatMap((_, index) => {
    const [afterMs, event] = events[index] ?? started(0);
    const tree = treeOf(events.slice(0, index + 1));
    const line = progressLine(tree, { seq: index + 1, at: START + afterMs, event }, PLAIN_THEME);
    return line === undefined ? [] : [line];
  });
}

test('line by line: a line for each thing that ends', () => {
  expect(`\n${log(STORY).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    ✓ read-order (0) 12ms
    ✓ reserve (1/:a/0) 1.2s
    ✓ reserve (1/:b/0) 1.3s
    ✓ label (1/:b/1) 99ms
    · sleep 2s (2)
    ↻ charge (3): attempt 1 failed, again in 500ms: CardRefused: card was refused
    "
  `);
});

test('line by line: a wide group tells in tenths', () => {
  const wide = [
    opened(0, '0', 'map', 100),
    ...Array.from({ length: 100 }, (_, i) => scheduled(0, `0/${i}/0`, 'hash', i)),
    ...Array.from({ length: 100 }, (_, i) => succeeded(1, `0/${i}/0`)),
  ];
  expect(log(wide).slice(0, 3)).toEqual([
    '● map ×100 (0) 10 of 100',
    '● map ×100 (0) 20 of 100',
    '● map ×100 (0) 30 of 100',
  ]);
  expect(log(wide)).toHaveLength(9);
});
