import { expect, test } from 'vitest';

import type { JournalEvent, TaskPolicy } from '../journal/event.ts';
import type { CallNode } from './call-node.ts';
import { addEvent, createRunTree, type RunTree } from './run-tree.ts';

const policy: TaskPolicy = {
  retry: { attempts: 3, delayMs: 100, factor: 2, maxDelayMs: 1000, jitter: 0 },
  timeoutMs: null,
  deadlineMs: null,
  onUnknown: 'retry',
  maxUnknown: 3,
};
const error = { name: 'Error', message: 'no' };

const scheduled = (key: string, task = 'work'): JournalEvent => ({
  type: 'TaskScheduled',
  key,
  task,
  version: null,
  inputHash: '',
  args: { key },
  pool: null,
  policy,
});
const started = (key: string, attempt = 1): JournalEvent => ({ type: 'AttemptStarted', key, attempt });
const succeeded = (key: string): JournalEvent => ({
  type: 'TaskSucceeded',
  key,
  output: `out ${key}`,
  by: 'attempt',
});
const failed = (key: string): JournalEvent => ({
  type: 'TaskFailed',
  key,
  error,
  cause: 'error',
  failures: 1,
  by: 'attempt',
});
const cancelled = (key: string): JournalEvent => ({ type: 'TaskCancelled', key, reason: 'lost' });
const opened = (key: string, mode: 'all' | 'race' | 'stream', width: number | null): JournalEvent => ({
  type: 'ScopeOpened',
  key,
  mode,
  width,
  concurrency: null,
  batchSize: null,
  buffer: null,
  losers: 'cancel',
  timeoutMs: null,
  aborted: false,
});
const closed = (key: string, outcome: 'fulfilled' | 'rejected' = 'fulfilled'): JournalEvent => ({
  type: 'ScopeClosed',
  key,
  outcome,
  winner: null,
});

/** Event n happens at n seconds. */
function fold(...events: readonly JournalEvent[]): RunTree {
  const tree = createRunTree();
  for (const [index, event] of events.entries()) {
    addEvent(tree, { seq: index + 1, at: index * 1000, event });
    checkCounts(tree);
  }
  return tree;
}

/** What is counted on the way is what the nodes say. */
function checkCounts(tree: RunTree): void {
  const tasks = [...tree.byKey.values()].filter((node) => node.kind === 'task');
  for (const [status, count] of Object.entries(tree.counts)) {
    expect([status, tasks.filter((task) => task.status === status).length]).toEqual([status, count]);
  }
  for (const node of tree.byKey.values()) {
    if (node.kind !== 'group') continue;
    const work = node.branches.filter(({ path }) => !path.endsWith('/src'));
    const quiet = work.filter((branch) => branch.calls.every((call) => call.endedAt !== null));
    expect(node.quietBranches).toBe(quiet.length);
  }
}

function outline(calls: readonly CallNode[]): unknown[] {
  return calls.map((call) =>
    call.kind === 'group'
      ? [`${call.mode} ${call.key} ${call.status}`, call.branches.map((branch) => outline(branch.calls))]
      : `${call.key} ${call.status}`,
  );
}

test('calls stand where their keys say, whatever their order in the journal', () => {
  const tree = fold(
    scheduled('0'),
    started('0'),
    succeeded('0'),
    opened('1', 'all', 2),
    scheduled('1/:b/0'),
    scheduled('1/0/0'),
    opened('1/0/1', 'race', 1),
    scheduled('1/0/1/0/:named'),
    succeeded('1/:b/0'),
  );
  expect(outline(tree.calls)).toEqual([
    '0 succeeded',
    [
      'all 1 running',
      [['1/:b/0 succeeded'], ['1/0/0 queued', ['race 1/0/1 running', [['1/0/1/0/:named queued']]]]],
    ],
  ]);
});

test('the source of a stream is a branch of its own, and counts as none of the work', () => {
  const tree = fold(
    opened('0', 'stream', null),
    scheduled('0/src/0'),
    succeeded('0/src/0'),
    scheduled('0/0/0'),
  );
  expect(outline(tree.calls)).toEqual([['stream 0 running', [['0/src/0 succeeded'], ['0/0/0 queued']]]]);
  expect(tree.byKey.get('0')).toMatchObject({ quietBranches: 0, width: null });
});

test('a task has its times, its values and its attempts', () => {
  const tree = fold(
    scheduled('0'),
    started('0'),
    { type: 'AttemptFailed', key: '0', attempt: 1, error, retryAt: 5000, delayMs: 100 },
    started('0', 2),
    succeeded('0'),
  );
  expect(tree.byKey.get('0')).toMatchObject({
    status: 'succeeded',
    input: { key: '0' },
    output: 'out 0',
    attempts: 2,
    attemptsAllowed: 3,
    unknown: 0,
    openedAt: 0,
    startedAt: 1000,
    lastStartedAt: 3000,
    endedAt: 4000,
    retryAt: null,
  });
});

test('an attempt that starts over another without an end counts that one as unknown', () => {
  const tree = fold(scheduled('0'), started('0'), started('0', 2), {
    type: 'OutcomeAsked',
    key: '0',
    attempt: 2,
  });
  expect(tree.byKey.get('0')).toMatchObject({ status: 'asked', attempts: 2, unknown: 1 });
  expect([...tree.active.keys()]).toEqual(['0']);
});

test('an interrupted attempt is known to have ended', () => {
  const tree = fold(
    scheduled('0'),
    started('0'),
    { type: 'AttemptInterrupted', key: '0', attempt: 1 },
    started('0', 2),
  );
  expect(tree.byKey.get('0')).toMatchObject({ status: 'running', attempts: 2, unknown: 0 });
});

test('a decided group closes the groups that it gave up, and counts what failed in it', () => {
  const tree = fold(
    opened('0', 'race', 2),
    scheduled('0/0/0'),
    opened('0/1/0', 'all', 1),
    scheduled('0/1/0/0/0'),
    failed('0/0/0'),
    closed('0', 'rejected'),
    cancelled('0/1/0/0/0'),
  );
  expect(outline(tree.calls)).toEqual([
    ['race 0 failed', [['0/0/0 failed'], [['all 0/1/0 cancelled', [['0/1/0/0/0 cancelled']]]]]],
  ]);
  expect(tree.byKey.get('0')).toMatchObject({ failedCalls: 1, outcome: 'rejected', endedAt: 5000 });
});

test('timers fire or are given up', () => {
  const timer = (key: string): JournalEvent => ({
    type: 'TimerStarted',
    key,
    timer: 'sleep',
    dueAt: 9000,
    durationMs: 9000,
  });
  const tree = fold(timer('0'), timer('1'), { type: 'TimerFired', key: '0' }, cancelled('1'));
  expect(outline(tree.calls)).toEqual(['0 succeeded', '1 cancelled']);
});

test('late results and events of unknown calls change nothing', () => {
  const late: JournalEvent = { type: 'LateResult', key: '0', attempt: 1, outcome: 'succeeded' };
  const tree = fold(scheduled('0'), started('0'), cancelled('0'), late, started('77'), closed(''));
  expect(outline(tree.calls)).toEqual(['0 cancelled']);
  expect(tree.byKey.get('0')).toMatchObject({ endedAt: 2000 });
});

test('the run has its own times, status and values; `keep` says what of a value stays', () => {
  const tree = createRunTree(() => 'short');
  const events: JournalEvent[] = [
    {
      type: 'RunStarted',
      process: 'p',
      module: 'p.ts',
      codeHash: 'c',
      inputs: { a: 1 },
      inputsHash: '',
      seed: '',
      engine: '0',
    },
    { type: 'CancelRequested', reason: 'enough' },
    { type: 'RunSucceeded', output: { b: 1 } },
  ];
  for (const [index, event] of events.entries()) addEvent(tree, { seq: index + 1, at: 100 + index, event });
  expect(tree).toMatchObject({
    status: 'succeeded',
    startedAt: 100,
    endedAt: 102,
    lastSeq: 3,
    input: 'short',
    output: 'short',
    cancelReason: 'enough',
  });
});

test('a wide group is folded in linear time', () => {
  const width = 20_000;
  const tree = createRunTree();
  let seq = 0;
  const add = (event: JournalEvent): void => addEvent(tree, { seq: (seq += 1), at: seq, event });
  add(opened('0', 'all', width));
  for (let i = 0; i < width; i += 1) add(scheduled(`0/${i}/0`));
  for (let i = 0; i < width; i += 1) add(succeeded(`0/${i}/0`));
  expect(tree.counts.succeeded).toBe(width);
  expect(tree.byKey.get('0')).toMatchObject({ quietBranches: width });
});

const source: JournalEvent = {
  type: 'StreamOpened',
  key: '0',
  kind: 'source',
  name: 'orders',
  retry: policy.retry,
};
const item = (key: string, n: number, attempt = 1): JournalEvent => ({
  type: 'ItemRecorded',
  key,
  n,
  attempt,
  item: n,
  cursor: n,
});

test.each<[string, readonly JournalEvent[], object]>([
  ['is opened', [], { status: 'queued', attempts: 0, items: 0, attemptsAllowed: 3 }],
  ['gives items', [started('0'), item('0', 0), item('0', 1)], { status: 'running', attempts: 1, items: 2 }],
  [
    'failed, and is tried again',
    [started('0'), { type: 'AttemptFailed', key: '0', attempt: 1, error, retryAt: 9000, delayMs: 1 }],
    { status: 'backoff', retryAt: 9000, error },
  ],
  [
    'was stopped',
    [started('0'), { type: 'AttemptInterrupted', key: '0', attempt: 1 }],
    { status: 'stopped', endedAt: null },
  ],
  [
    'ended',
    [started('0'), { type: 'StreamEnded', key: '0' }],
    { status: 'succeeded', endedAt: 2000, leftAfter: null },
  ],
  [
    'was left',
    [started('0'), { type: 'StreamClosed', key: '0', consumed: 4 }],
    { status: 'succeeded', leftAfter: 4 },
  ],
  [
    'failed',
    [started('0'), { type: 'StreamFailed', key: '0', error, failures: 1 }],
    { status: 'failed', error },
  ],
  ['was cancelled', [cancelled('0')], { status: 'cancelled', endedAt: 1000 }],
  [
    'has an event that is none of its own',
    [{ type: 'TimerFired', key: '0' }],
    { status: 'queued', endedAt: null },
  ],
])('a source that %s', (_, events, expected) => {
  expect(fold(source, ...events).calls).toMatchObject([{ kind: 'source', name: 'orders', ...expected }]);
});

test('a task whose progress is read has a count of what it told', () => {
  const read: JournalEvent = { type: 'StreamOpened', key: '0', kind: 'progress', name: 'work', retry: null };
  expect(fold(scheduled('0'), started('0')).calls).toMatchObject([{ items: null }]);
  expect(fold(scheduled('0'), read, started('0'), item('0', 0)).calls).toMatchObject([
    { kind: 'task', items: 1 },
  ]);
});
