import { addEvent, createRunTree, type JournalEvent, type RunRecord, type RunTree } from '@pawl/runtime';

import { keepText } from './value.ts';

/** 2026-11-21 09:00:00 UTC */
export const START = 1_795_251_600_000;
export const NOW: number = START + 90_000;
export const PLACES = { cwd: '/home/me/shop', ownFolders: ['/opt/pawl/'] } as const;

const POLICY = {
  retry: { attempts: 3, delayMs: 500, factor: 2, maxDelayMs: 1000, jitter: 0 },
  timeoutMs: null,
  deadlineMs: null,
  onUnknown: 'ask',
  maxUnknown: 3,
} as const;

/** An event and how long after the start it came. */
export type Timed = readonly [afterMs: number, event: JournalEvent];

export const started = (afterMs: number, inputs: JournalEventInputs = { name: 'x' }): Timed => [
  afterMs,
  {
    type: 'RunStarted',
    process: 'order',
    module: 'order.ts',
    codeHash: 'c0de',
    inputs,
    inputsHash: 'f00d',
    seed: 's',
    engine: '0.1.0',
  },
];
type JournalEventInputs = Extract<JournalEvent, { type: 'RunStarted' }>['inputs'];

export const scheduled = (afterMs: number, key: string, task: string, args: JournalEventInputs): Timed => [
  afterMs,
  { type: 'TaskScheduled', key, task, version: null, inputHash: '', args, pool: null, policy: POLICY },
];
export const attempt = (afterMs: number, key: string, number = 1): Timed => [
  afterMs,
  { type: 'AttemptStarted', key, attempt: number },
];
export const succeeded = (afterMs: number, key: string, output: JournalEventInputs = null): Timed => [
  afterMs,
  { type: 'TaskSucceeded', key, output, by: 'attempt' },
];
export const opened = (
  afterMs: number,
  key: string,
  mode: Extract<JournalEvent, { type: 'ScopeOpened' }>['mode'],
  width: number,
): Timed => [
  afterMs,
  {
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
  },
];
export const closed = (afterMs: number, key: string, winner: number | null = null): Timed => [
  afterMs,
  { type: 'ScopeClosed', key, outcome: 'fulfilled', winner },
];
export const REFUSED = {
  name: 'CardRefused',
  message: 'card was refused',
  stack: [
    'CardRefused: card was refused',
    '    at Socket.emit (node:events:1:1)',
    '    at pay (file:///home/me/shop/node_modules/pay/index.js:3:1)',
    '    at charge (file:///home/me/shop/src/charge.ts:12:9)',
  ].join('\n'),
  cause: { name: 'TypeError', message: 'fetch failed' },
} as const;

export function treeOf(events: readonly Timed[]): RunTree {
  const tree = createRunTree(keepText);
  for (const [index, [afterMs, event]] of events.entries()) {
    addEvent(tree, { seq: index + 1, at: START + afterMs, event });
  }
  return tree;
}

export function recordOf(change: Partial<RunRecord> = {}): RunRecord {
  return {
    runId: 'run_01kh3m8r0v',
    process: 'order',
    module: 'order.ts',
    codeHash: 'c0de',
    inputsHash: 'f00d',
    status: 'running',
    wakeAt: null,
    isCancelAsked: false,
    startedAt: START,
    updatedAt: START + 4200,
    lastSeq: 20,
    tasksScheduled: 5,
    tasksSettled: 3,
    asked: [],
    error: null,
    owner: null,
    ownerAlive: false,
    ...change,
  };
}

/** One of each thing that a tree can show. */
export const STORY: readonly Timed[] = [
  started(0),
  scheduled(1, '0', 'read-order', { id: 7 }),
  attempt(2, '0'),
  succeeded(14, '0', { items: ['a', 'b'], total: 12.5 }),
  opened(15, '1', 'map', 3),
  scheduled(15, '1/:a/0', 'reserve', 'a'),
  scheduled(15, '1/:b/0', 'reserve', 'b'),
  scheduled(15, '1/:b/1', 'label', 'b'),
  attempt(16, '1/:a/0'),
  attempt(16, '1/:b/0'),
  succeeded(1216, '1/:a/0', true),
  succeeded(1300, '1/:b/0', true),
  attempt(1301, '1/:b/1'),
  succeeded(1400, '1/:b/1', 'l-1'),
  closed(1401, '1'),
  [1402, { type: 'TimerStarted', key: '2', timer: 'sleep', dueAt: START + 3402, durationMs: 2000 }],
  [3403, { type: 'TimerFired', key: '2' }],
  scheduled(3403, '3', 'charge', { amount: 12.5 }),
  attempt(3404, '3'),
  [
    3500,
    { type: 'AttemptFailed', key: '3', attempt: 1, error: REFUSED, retryAt: START + 4000, delayMs: 500 },
  ],
  attempt(4001, '3', 2),
];

export const FAILED: readonly Timed[] = [
  ...STORY,
  [4100, { type: 'TaskFailed', key: '3', error: REFUSED, cause: 'error', failures: 2, by: 'attempt' }],
  [
    4200,
    {
      type: 'RunFailed',
      error: {
        name: 'TaskError',
        message: 'card was refused',
        cause: REFUSED,
        fields: { key: '3', task: 'charge' },
      },
    },
  ],
];

export const DONE: readonly Timed[] = [
  ...STORY,
  succeeded(4100, '3', { receipt: 'r-1' }),
  [4200, { type: 'RunSucceeded', output: { receipt: 'r-1' } }],
];

export const ASKED: readonly Timed[] = [...STORY, [4100, { type: 'OutcomeAsked', key: '3', attempt: 2 }]];
