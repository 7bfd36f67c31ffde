/** Runs and their calls. */
import { DISPLAY_STATUSES } from '@pawl/runtime';

import {
  anyOf,
  byName,
  DETAILS,
  fields,
  list,
  NUMBER,
  oneOf,
  orNull,
  sameAs,
  TEXT,
  TIME,
  VALUE,
  WHOLE,
  YES_NO,
  type Shape,
} from './shape.ts';

const STATUS = oneOf(...DISPLAY_STATUSES);
const CALL_STATUS = oneOf(
  'queued',
  'running',
  'backoff',
  'asked',
  'stopped',
  'succeeded',
  'failed',
  'cancelled',
);

/** What a task or a run failed with. */
const ERROR_RECORD = fields(
  { name: TEXT, message: TEXT },
  {
    stack: orNull(TEXT),
    code: VALUE,
    native: VALUE,
    cause: VALUE,
    errors: VALUE,
    fields: VALUE,
  },
);

const RUN = {
  id: TEXT,
  process: TEXT,
  module: orNull(TEXT),
  codeHash: orNull(TEXT),
  status: STATUS,
  startedAt: TIME,
  updatedAt: TIME,
  wakeAt: orNull(TIME),
  lastSeq: WHOLE,
  tasks: fields({ scheduled: WHOLE, settled: WHOLE }),
  asked: list(TEXT),
  error: orNull(TEXT),
};

const START = {
  id: TEXT,
  process: TEXT,
  module: orNull(TEXT),
  codeHash: orNull(TEXT),
  inputs: VALUE,
  priority: NUMBER,
  singleton: orNull(TEXT),
  schedule: orNull(TEXT),
  problem: orNull(TEXT),
  queuedAt: TIME,
  at: TIME,
  held: YES_NO,
  concurrency: orNull(fields({ key: TEXT, limit: WHOLE })),
  debounced: YES_NO,
};

const call = (
  kind: string,
  more: Readonly<Record<string, Shape>>,
  maybe: Readonly<Record<string, Shape>> = {},
): Shape =>
  fields(
    { kind: oneOf(kind), key: TEXT, status: CALL_STATUS, openedAt: TIME, endedAt: orNull(TIME), ...more },
    maybe,
  );

const CALL = anyOf(
  call(
    'task',
    {
      name: TEXT,
      startedAt: orNull(TIME),
      attempts: WHOLE,
      retryAt: orNull(TIME),
      settledBy: orNull(TEXT),
      input: VALUE,
      output: VALUE,
      error: orNull(sameAs('errorRecord')),
    },
    { items: WHOLE, taskId: TEXT, taskKind: TEXT, dueAt: orNull(TIME), worker: orNull(TEXT) },
  ),
  call('source', {
    name: TEXT,
    attempts: WHOLE,
    items: WHOLE,
    leftAfter: orNull(WHOLE),
    retryAt: orNull(TIME),
    error: orNull(sameAs('errorRecord')),
  }),
  call('timer', { timer: oneOf('sleep', 'sleepUntil'), durationMs: NUMBER, dueAt: orNull(TIME) }),
  call('wait', {
    name: TEXT,
    prompt: orNull(TEXT),
    data: VALUE,
    schema: VALUE,
    dueAt: orNull(TIME),
    output: VALUE,
  }),
  call('breakpoint', {
    title: TEXT,
    question: TEXT,
    options: list(TEXT),
    asked: list(TEXT),
    dueAt: orNull(TIME),
    outcome: orNull(TEXT),
    decidedBy: orNull(TEXT),
    answers: list(fields({ by: TEXT, approved: YES_NO, option: orNull(TEXT), feedback: orNull(TEXT) })),
  }),
  call('child', {
    name: TEXT,
    runId: TEXT,
    output: VALUE,
    error: orNull(sameAs('errorRecord')),
    reason: orNull(TEXT),
  }),
  call(
    'group',
    {
      mode: TEXT,
      width: orNull(WHOLE),
      outcome: orNull(oneOf('fulfilled', 'rejected', 'aborted', 'timedOut')),
      winner: orNull(WHOLE),
      branches: list(fields({ path: TEXT, calls: list(sameAs('call')) })),
    },
    { folded: WHOLE },
  ),
);

const RUN_TREE = fields({
  ...RUN,
  state: byName(VALUE),
  endedAt: orNull(TIME),
  input: VALUE,
  output: VALUE,
  failure: orNull(sameAs('errorRecord')),
  cancelReason: orNull(TEXT),
  startedBy: orNull(fields({ runId: TEXT, key: TEXT })),
  forkOf: orNull(DETAILS),
  forks: list(TEXT),
  continuedAs: orNull(TEXT),
  calls: list(sameAs('call')),
});

const LEAF = fields(
  { key: TEXT, kind: TEXT, name: TEXT },
  {
    attempt: WHOLE,
    attemptsAllowed: WHOLE,
    retryAt: orNull(TIME),
    error: orNull(sameAs('errorRecord')),
    taskId: TEXT,
    taskKind: TEXT,
    runId: TEXT,
    question: orNull(TEXT),
    schema: VALUE,
  },
);

const WHY = fields({
  run: TEXT,
  process: TEXT,
  state: TEXT,
  sentence: TEXT,
  since: TIME,
  until: orNull(TIME),
  driven: oneOf('alive', 'nobody', 'gone'),
  call: orNull(LEAF),
  error: orNull(sameAs('errorRecord')),
  problem: orNull(TEXT),
  continuedAs: orNull(TEXT),
  open: WHOLE,
  others: list(DETAILS),
  next: list(fields({ command: TEXT, why: TEXT })),
});

const TASK_ENDS = { id: TEXT, runId: TEXT, key: TEXT, task: TEXT, kind: TEXT, description: VALUE };
const OPEN_TASK = fields({
  ...TASK_ENDS,
  status: oneOf('open', 'claimed', 'answered', 'backoff'),
  outputSchema: VALUE,
  offeredAt: TIME,
  dueAt: orNull(TIME),
  worker: orNull(TEXT),
  claimedUntil: orNull(TIME),
  failures: WHOLE,
  opensAt: orNull(TIME),
  refusal: orNull(TEXT),
});
const SETTLED_TASK = fields({
  ...TASK_ENDS,
  status: oneOf('succeeded', 'failed', 'timedOut', 'cancelled'),
  offeredAt: TIME,
  settledAt: TIME,
  worker: orNull(TEXT),
  output: VALUE,
  error: orNull(sameAs('errorRecord')),
  reason: orNull(TEXT),
});

/** What several documents hold. */
export const DEFS: Readonly<Record<string, Shape>> = {
  run: fields(RUN),
  resumedRun: fields({ ...RUN, left: orNull(fields({ code: TEXT, exitCode: WHOLE, message: TEXT })) }),
  runTree: RUN_TREE,
  call: CALL,
  start: fields(START),
  queuedRun: fields({ ...START, status: oneOf('queued') }),
  errorRecord: ERROR_RECORD,
  why: WHY,
  openTask: OPEN_TASK,
  settledTask: SETTLED_TASK,
};
