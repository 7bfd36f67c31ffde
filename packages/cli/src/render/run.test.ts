import type { RunRecord, RunTree } from '@pawl/runtime';
import { beforeAll, expect, test } from 'vitest';

import { columnsOf } from './columns.ts';
import { attempt, closed, opened, scheduled, started, succeeded } from './run.fixture.ts';
import {
  ASKED,
  DONE,
  FAILED,
  NOW,
  PLACES,
  recordOf,
  START,
  STORY,
  treeOf,
  type Timed,
} from './run.fixture.ts';
import { renderRun, renderRunEnd, renderRunLive, renderRunNext, type RunView } from './run.ts';
import { createTheme, PLAIN_THEME } from './theme.ts';

beforeAll(() => {
  process.env['TZ'] = 'UTC';
});

function viewOf(events: readonly Timed[], run: RunRecord, change: Partial<RunView> = {}): RunView {
  const tree: RunTree = treeOf(events);
  return {
    run,
    tree,
    now: NOW,
    limit: 12,
    flags: [],
    places: PLACES,
    width: 80,
    theme: PLAIN_THEME,
    ...change,
  };
}

function text(lines: readonly string[]): string {
  return `\n${lines.join('\n')}\n`;
}

test('a run that is done', () => {
  expect(text(renderRun(viewOf(DONE, recordOf({ status: 'succeeded' }))))).toMatchInlineSnapshot(`
    "
    ✓ order

      run      run_01kh3m8r0v
      status   succeeded after 4.2s
      started  2026-11-21 09:00:00, 1m ago
      module   order.ts
      tasks    5 done
      input    { name: "x" }

    ✓ read-order    12ms  0       { id: 7 } → { items: ["a", "b"], total: 12.5 }
    ✓ map ×3        1.4s  1
    ├ ✓ reserve a   1.2s  1/:a/0  "a" → true
    └ ✓ b           1.4s  1/:b
      ├ ✓ reserve   1.3s  1/:b/0  "b" → true
      └ ✓ label     99ms  1/:b/1  "b" → "l-1"
    ✓ sleep 2s      2.0s  2
    ✓ charge       696ms  3       2 attempts · { amount: 12.5 } → { receipt: "r-1" }

      output  { receipt: "r-1" }

    next
      pawl events run_01kh3m8r0v  every fact, in order
    "
  `);
});

test('a run that failed', () => {
  expect(text(renderRun(viewOf(FAILED, recordOf({ status: 'failed' }))))).toMatchInlineSnapshot(`
    "
    ✗ order

      run      run_01kh3m8r0v
      status   failed after 4.2s
      started  2026-11-21 09:00:00, 1m ago
      module   order.ts
      tasks    4 done, 1 failed
      input    { name: "x" }
      error    card was refused
      call     3
      at       src/charge.ts:12:9

    ✓ read-order    12ms  0       { id: 7 } → { items: ["a", "b"], total: 12.5 }
    ✓ map ×3        1.4s  1
    ├ ✓ reserve a   1.2s  1/:a/0  "a" → true
    └ ✓ b           1.4s  1/:b
      ├ ✓ reserve   1.3s  1/:b/0  "b" → true
      └ ✓ label     99ms  1/:b/1  "b" → "l-1"
    ✓ sleep 2s      2.0s  2
    ✗ charge       696ms  3       2 attempts · { amount: 12.5 }
      CardRefused: card was refused
      because: TypeError: fetch failed
      at src/charge.ts:12:9

    next
      pawl events run_01kh3m8r0v  every fact, in order
    "
  `);
});

test('a run that failed, in 40 columns', () => {
  const view = viewOf(FAILED, recordOf({ status: 'failed' }), { width: 40 });
  expect(text(renderRun(view))).toMatchInlineSnapshot(`
    "
    ✗ order

      run      run_01kh3m8r0v
      status   failed after 4.2s
      started  2026-11-21 09:00:00, 1m ago
      module   order.ts
      tasks    4 done, 1 failed
      input    { name: "x" }
      error    card was refused
      call     3
      at       src/charge.ts:12:9

    ✓ read-order    12ms  { id: 7 } → { ite…
    ✓ map ×3        1.4s
    ├ ✓ reserve a   1.2s  "a" → true
    └ ✓ b           1.4s
      ├ ✓ reserve   1.3s  "b" → true
      └ ✓ label     99ms  "b" → "l-1"
    ✓ sleep 2s      2.0s
    ✗ charge       696ms  2 attempts · { am…
      CardRefused: card was refused
      because: TypeError: fetch failed
      at src/charge.ts:12:9

    next
      pawl events run_01kh3m8r0v
        every fact, in order
    "
  `);
});

test('a run under way', () => {
  const view = viewOf(STORY, recordOf({ ownerAlive: true }), { now: START + 5000 });
  expect(text(renderRun(view))).toMatchInlineSnapshot(`
    "
    ● order

      run      run_01kh3m8r0v
      status   running for 5.0s
      started  2026-11-21 09:00:00, 5s ago
      module   order.ts
      tasks    4 done, 1 under way
      input    { name: "x" }

    ✓ read-order   12ms  0       { id: 7 } → { items: ["a", "b"], total: 12.5 }
    ✓ map ×3       1.4s  1
    ├ ✓ reserve a  1.2s  1/:a/0  "a" → true
    └ ✓ b          1.4s  1/:b
      ├ ✓ reserve  1.3s  1/:b/0  "b" → true
      └ ✓ label    99ms  1/:b/1  "b" → "l-1"
    ✓ sleep 2s     2.0s  2
    ● charge       1.6s  3       2 attempts · { amount: 12.5 }

    next
      pawl events run_01kh3m8r0v --follow  watch it go on
      pawl cancel run_01kh3m8r0v           give it up
    "
  `);
});

test('an interrupted run: nothing is under way, and the end of an attempt is not known', () => {
  expect(text(renderRun(viewOf(STORY, recordOf())))).toMatchInlineSnapshot(`
    "
    ◌ order

      run      run_01kh3m8r0v
      status   interrupted after 4.2s; it can be resumed
      started  2026-11-21 09:00:00, 1m ago
      module   order.ts
      tasks    4 done, 1 with no known end
      input    { name: "x" }

    ✓ read-order   12ms  0       { id: 7 } → { items: ["a", "b"], total: 12.5 }
    ✓ map ×3       1.4s  1
    ├ ✓ reserve a  1.2s  1/:a/0  "a" → true
    └ ✓ b          1.4s  1/:b
      ├ ✓ reserve  1.3s  1/:b/0  "b" → true
      └ ✓ label    99ms  1/:b/1  "b" → "l-1"
    ✓ sleep 2s     2.0s  2
    ◌ charge             3       attempt 2: its end is not known

    next
      pawl resume run_01kh3m8r0v  go on; nothing that is done is done again
    "
  `);
});

test('a run that waits for a person', () => {
  const view = viewOf(ASKED, recordOf({ asked: ['3'] }), { flags: ['--db', 'my file.db'] });
  expect(text(renderRun(view))).toMatchInlineSnapshot(`
    "
    ? order

      run      run_01kh3m8r0v
      status   waiting for 1 answer
      started  2026-11-21 09:00:00, 1m ago
      module   order.ts
      tasks    4 done, 1 asked about
      input    { name: "x" }

    ✓ read-order   12ms  0       { id: 7 } → { items: ["a", "b"], total: 12.5 }
    ✓ map ×3       1.4s  1
    ├ ✓ reserve a  1.2s  1/:a/0  "a" → true
    └ ✓ b          1.4s  1/:b
      ├ ✓ reserve  1.3s  1/:b/0  "b" → true
      └ ✓ label    99ms  1/:b/1  "b" → "l-1"
    ✓ sleep 2s     2.0s  2
    ? charge             3       attempt 2 has no recorded end: what became of it?

    next
      pawl resolve run_01kh3m8r0v 3 --as done --db 'my file.db'
        if task 'charge' was done; else --as failed or --as retry
      pawl resume run_01kh3m8r0v --db 'my file.db'
        then go on
    "
  `);
});

test('the end of a run: no values', () => {
  const view = viewOf(DONE, recordOf({ status: 'succeeded' }));
  expect(text([...renderRunEnd(view), ...renderRunNext(view)])).toMatchInlineSnapshot(`
    "
    ✓ order  4.2s  run_01kh3m8r0v
    ✓ read-order    12ms  0
    ✓ map ×3        1.4s  1
    ├ ✓ reserve a   1.2s  1/:a/0
    └ ✓ b           1.4s  1/:b
      ├ ✓ reserve   1.3s  1/:b/0
      └ ✓ label     99ms  1/:b/1
    ✓ sleep 2s      2.0s  2
    ✓ charge       696ms  3       2 attempts

    next
      pawl show run_01kh3m8r0v    what each call got and gave
      pawl events run_01kh3m8r0v  every fact, in order
    "
  `);
});

const WIDTH = 60;
const wide: readonly Timed[] = [
  started(0),
  opened(1, '0', 'map', WIDTH),
  ...Array.from({ length: WIDTH }, (_, i) => [
    scheduled(2, `0/${i}/0`, 'hash', i),
    attempt(3, `0/${i}/0`),
    i === 41
      ? ([
          9,
          {
            type: 'TaskFailed',
            key: `0/${i}/0`,
            error: { name: 'Error', message: 'no' },
            cause: 'error',
            failures: 1,
            by: 'attempt',
          },
        ] as const)
      : succeeded(9, `0/${i}/0`),
  ]).flat(),
  closed(10, '0'),
];

test('of a wide group some are shown, the failed one among them', () => {
  const view = viewOf(wide, recordOf({ status: 'succeeded' }), { limit: 5 });
  expect(text(renderRun(view).slice(8))).toMatchInlineSnapshot(`
    "

    ✓ map ×60    9ms  0       1 failed
    ├ ✓ hash     6ms  0/0/0   0 → null
    ├ ✓ hash     6ms  0/1/0   1 → null
    ├ ⋮ 39 more
    ├ ✗ hash     6ms  0/41/0  41
    │   no
    ├ ⋮ 16 more
    ├ ✓ hash     6ms  0/58/0  58 → null
    └ ✓ hash     6ms  0/59/0  59 → null

    next
      pawl events run_01kh3m8r0v  every fact, in order
    "
  `);
  expect(text(renderRunEnd(view))).toMatchInlineSnapshot(`
    "
    ✓ order  10ms  run_01kh3m8r0v
    ✓ map ×60    9ms  0       1 failed
    ├ ⋮ 41 more
    ├ ✗ hash     6ms  0/41/0
    │   no
    └ ⋮ 18 more
    "
  `);
});

test.each([32, 33, 40, 57, 60, 80, 120])('no line is wider than %i columns', (width) => {
  for (const events of [DONE, FAILED, ASKED, STORY, wide]) {
    // Commands to copy are never cut.
    const lines = renderRun(viewOf(events, recordOf({ asked: ['3'] }), { width })).filter(
      (line) => !line.includes('pawl '),
    );
    expect(lines.filter((line) => columnsOf(line) > width)).toEqual([]);
  }
});

test('colours change nothing but colours', () => {
  const plain = renderRun(viewOf(FAILED, recordOf({ status: 'failed' })));
  const coloured = renderRun(viewOf(FAILED, recordOf({ status: 'failed' }), { theme: createTheme(true) }));
  // eslint-disable-next-line no-control-regex
  expect(coloured.map((line) => line.replaceAll(/\u001b\[\d+m/g, '').trimEnd())).toEqual(plain);
});

test('nothing of a hostile journal reaches the terminal as it is', () => {
  const evil = '\u001b[2J\u202e\nforged\r';
  const error = {
    name: evil,
    message: evil,
    stack: `${evil}\n    at f (/home/me/${evil}.ts:1:1)`,
    cause: { name: evil, message: evil },
    fields: { stderr: `${evil}\n${evil}`, key: evil },
  };
  const events: Timed[] = [
    started(0, { [evil]: evil }),
    [
      1,
      {
        type: 'TaskScheduled',
        key: evil,
        task: evil,
        version: null,
        inputHash: '',
        args: evil,
        pool: null,
        policy: never,
      },
    ],
    [2, { type: 'AttemptStarted', key: evil, attempt: 1 }],
    [3, { type: 'TaskFailed', key: evil, error, cause: 'error', failures: 1, by: 'attempt' }],
    [4, { type: 'RunFailed', error: { ...error, name: 'TaskError' } }],
  ];
  const run = recordOf({
    status: 'failed',
    runId: evil,
    process: evil,
    module: evil,
    error: evil,
    asked: [evil],
  });
  for (const width of [40, 120]) {
    const lines = renderRun(viewOf(events, run, { width }));
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) {
      expect(line).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u);
      expect(line).not.toMatch(/^forged/);
    }
  }
});

const never = {
  retry: { attempts: 1, delayMs: 0, factor: 1, maxDelayMs: 0, jitter: 0 },
  timeoutMs: null,
  deadlineMs: null,
  onUnknown: 'retry',
  maxUnknown: 0,
} as const;

test('a run that is watched takes what room there is, and no more', () => {
  const many: Timed[] = [
    started(0),
    opened(1, '0', 'map', 500),
    ...Array.from({ length: 500 }, (_, n) => scheduled(2, `0/${n}/0`, 'fetch', n)),
    ...Array.from({ length: 500 }, (_, n) => attempt(3, `0/${n}/0`)),
    ...Array.from({ length: 490 }, (_, n) => succeeded(4, `0/${n}/0`, n)),
  ];
  const view = viewOf(many, recordOf({ status: 'running', ownerAlive: true }));
  for (const rows of [1, 5, 9, 12, 23, 60])
    expect(renderRunLive(view, rows).length).toBeLessThanOrEqual(rows);
  expect(text(renderRunLive(view, 16))).toMatchInlineSnapshot(`
    "
    ● order

      run     run_01kh3m8r0v
      status  running for 1m 30s
      tasks   490 done, 10 under way

    ● map ×500    1m 30s  0        490 of 500 done
    ├ ⋮ 490 more
    ├ ● fetch     1m 30s  0/490/0  490
    ├ ● fetch     1m 30s  0/491/0  491
    ├ ● fetch     1m 30s  0/492/0  492
    ├ ● fetch     1m 30s  0/493/0  493
    ├ ● fetch     1m 30s  0/494/0  494
    └ ⋮ 5 more                     5 running
    "
  `);
  // Where an answer is waited for, how to give it stays in sight.
  const asked = renderRunLive(viewOf(ASKED, recordOf({ status: 'running', asked: ['1'] })), 14);
  expect(asked.join('\n')).toContain('next');
});
