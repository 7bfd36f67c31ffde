import { describe, expect, it } from 'vitest';

import { fieldsOf, isEventType } from './event-shape.ts';
import { GROUP_MODES, OUTCOME_AUTHORS, type EventType } from './event.ts';
import { SAMPLE_EVENTS } from './sample-events.fixture.ts';

/* What the fields of each event take. Part of the format: what is taken here is folded without another look. */

/** Values of all kinds, by what takes them. */
const PROBES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['undefined', undefined],
  ['null', null],
  ['text', 'some text'],
  ['true', true],
  ['false', false],
  ['0', 0],
  ['1', 1],
  ['-1', -1],
  ['1.5', 1.5],
  ['-0.5', -0.5],
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['2^53', 2 ** 53],
  ['[]', []],
  ['[text]', ['some text']],
  ['[1]', [1]],
  ['{}', {}],
]);

/** Words that a field may take, and no other text. */
const WORDS: readonly string[] = [
  '',
  ...GROUP_MODES,
  ...OUTCOME_AUTHORS,
  'cancel',
  'drain',
  'detach',
  'fulfilled',
  'rejected',
  'aborted',
  'timedOut',
  'error',
  'timeout',
  'queueFull',
  'circuitOpen',
  'succeeded',
  'failed',
  'interrupted',
  'sleep',
  'sleepUntil',
  'single',
  'first',
  'quorum',
  'reject',
  'approve',
  'fail',
  'approved',
  'answer',
  'abandon',
  'source',
  'progress',
  'always',
  'failure',
  'version',
  'retry',
  'ask',
];

const NUMBERS = '0 1 -1 1.5 -0.5 2^53';
/** By what they take of the above. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ['text', 'text'],
  ['null text', 'text?'],
  ['undefined text', 'text, or left out'],
  ['true false', 'flag'],
  ['undefined true', 'true, or left out'],
  ['0 1', 'count'],
  ['null 0 1', 'count?'],
  ['1', 'ordinal'],
  ['null 1', 'ordinal?'],
  ['undefined 1', 'ordinal, or left out'],
  ['undefined 0 1', 'count, or left out'],
  [NUMBERS, 'number'],
  ['0 1 1.5 2^53', 'duration'],
  ['null 0 1 1.5 2^53', 'duration?'],
  ['[] [text]', 'texts'],
  ['null [] [text]', 'texts?'],
  [[...PROBES.keys()].slice(1).join(' '), 'json'],
  [[...PROBES.keys()].join(' '), 'json, or left out'],
  // Their own fields are below.
  ['', 'record'],
  ['null', 'record?'],
  ['undefined', 'record, or left out'],
  ['[]', 'records'],
  ['undefined []', 'records, or left out'],
]);

function kindOf(check: (value: unknown) => boolean): string {
  const taken = [...PROBES].flatMap(([name, value]) => (check(value) ? [name] : [])).join(' ');
  const words = WORDS.filter((word) => check(word));
  if (words.length > 0 && words.length < WORDS.length)
    return words.concat(taken === 'undefined' ? 'left out' : []).join('|');
  return KINDS.get(taken) ?? `(${taken})`;
}

const FORMAT: Readonly<Record<EventType, Readonly<Record<string, string>>>> = {
  RunStarted: {
    process: 'text',
    module: 'text?',
    codeHash: 'text?',
    inputs: 'json',
    inputsHash: 'text',
    seed: 'text',
    engine: 'text',
  },
  RunSucceeded: { output: 'json' },
  RunFailed: { error: 'record' },
  RunCancelled: { reason: 'text' },
  ScopeOpened: {
    key: 'text',
    mode: 'all|map|allSettled|mapSettled|any|race|some|forkJoin|forkJoinSettled|stream|streamAll|streamSome|streamAny|raceFrom|merge|reduce|scope',
    width: 'count?',
    concurrency: 'ordinal?',
    batchSize: 'ordinal?',
    buffer: 'count?',
    losers: 'cancel|drain|detach',
    timeoutMs: 'duration?',
    aborted: 'flag',
  },
  ScopeRetuned: { key: 'text', concurrency: 'ordinal?' },
  ScopeAborted: { key: 'text', reason: 'text' },
  ScopeTimedOut: { key: 'text' },
  ScopeClosed: {
    key: 'text',
    outcome: 'fulfilled|rejected|aborted|timedOut',
    winner: 'count?',
    begun: 'count, or left out',
    order: 'text, or left out',
  },
  TaskScheduled: {
    key: 'text',
    task: 'text',
    version: 'text?',
    inputHash: 'text',
    args: 'json',
    pool: 'text?',
    policy: 'record',
  },
  AttemptStarted: { key: 'text', attempt: 'ordinal', remote: 'true, or left out' },
  AttemptFailed: { key: 'text', attempt: 'ordinal', error: 'record', retryAt: 'number', delayMs: 'duration' },
  AttemptInterrupted: { key: 'text', attempt: 'ordinal', unknown: 'true, or left out' },
  OutcomeAsked: { key: 'text', attempt: 'ordinal' },
  TaskSucceeded: {
    key: 'text',
    output: 'json',
    by: 'attempt|check|person|cache|worker|given|reused',
    worker: 'text, or left out',
    fromSeq: 'ordinal, or left out',
  },
  TaskFailed: {
    key: 'text',
    error: 'record',
    cause: 'error|timeout|queueFull|circuitOpen',
    failures: 'count',
    by: 'attempt|check|person|cache|worker|given|reused',
    worker: 'text, or left out',
  },
  TaskCancelled: { key: 'text', reason: 'text' },
  LateResult: { key: 'text', attempt: 'ordinal', outcome: 'succeeded|failed|interrupted' },
  TimerStarted: { key: 'text', timer: 'sleep|sleepUntil', dueAt: 'number', durationMs: 'duration' },
  TimerFired: { key: 'text' },
  SignalAwaited: {
    key: 'text',
    name: 'text',
    timeoutMs: 'duration?',
    prompt: 'text?',
    data: 'json',
    secret: 'true, or left out',
    schema: 'json, or left out',
  },
  SignalReceived: { key: 'text', messageId: 'text', payload: 'json' },
  SignalTimedOut: { key: 'text' },
  SignalsSuperseded: { key: 'text', messageIds: 'texts' },
  TaskSignalAwaited: {
    key: 'text',
    attempt: 'ordinal',
    name: 'text',
    timeoutMs: 'duration?',
    schema: 'json, or left out',
  },
  TaskSignalForgone: { key: 'text', attempt: 'ordinal', name: 'text' },
  TaskSignalReceived: {
    key: 'text',
    attempt: 'ordinal',
    n: 'count',
    name: 'text',
    messageId: 'text',
    payload: 'json',
  },
  WaitNotified: { key: 'text' },
  BreakpointOpened: {
    key: 'text',
    title: 'text',
    question: 'text',
    context: 'json',
    options: 'texts',
    expert: 'texts',
    tags: 'texts',
    strategy: 'all|single|first|quorum',
    quorum: 'ordinal?',
    experts: 'texts?',
    timeoutMs: 'duration?',
    onTimeout: 'reject|approve|fail',
  },
  BreakpointAnswered: {
    key: 'text',
    messageId: 'text',
    by: 'text',
    approved: 'flag',
    option: 'text?',
    feedback: 'text?',
    response: 'json',
  },
  BreakpointClosed: { key: 'text', outcome: 'rejected|failed|approved', by: 'timeout|answer' },
  TaskOffered: {
    key: 'text',
    taskId: 'text',
    task: 'text',
    version: 'text?',
    inputHash: 'text',
    args: 'json',
    kind: 'text',
    description: 'json',
    outputSchema: 'json',
    policy: 'record',
  },
  AnswerRefused: { key: 'text', messageId: 'text', worker: 'text', issues: 'records' },
  ChildStarted: {
    key: 'text',
    process: 'text',
    inputHash: 'text',
    runId: 'text',
    detached: 'true, or left out',
    onParentCancel: 'abandon|left out',
  },
  ChildFinished: { key: 'text', outcome: 'record' },
  ParentRecorded: {
    parentRunId: 'text',
    parentKey: 'text',
    depth: 'ordinal',
    detached: 'true, or left out',
    onParentCancel: 'abandon|left out',
  },
  StreamOpened: { key: 'text', kind: 'source|progress', name: 'text', retry: 'record?' },
  ItemRecorded: { key: 'text', attempt: 'ordinal', n: 'count', item: 'json', cursor: 'json' },
  StreamEnded: { key: 'text' },
  StreamFailed: { key: 'text', error: 'record', failures: 'count' },
  StreamClosed: { key: 'text', consumed: 'count' },
  RunContinued: { inputs: 'json', inputsHash: 'text', nextRunId: 'text' },
  Folded: { key: 'text', n: 'ordinal', state: 'json', source: 'record?' },
  Compacted: {
    count: 'ordinal',
    chain: 'text',
    scheduled: 'count',
    succeeded: 'count',
    failed: 'count',
    sources: 'records',
    digest: 'text',
  },
  ExitRegistered: {
    key: 'text',
    scope: 'text',
    when: 'always|failure',
    task: 'text',
    version: 'text?',
    inputHash: 'text',
    args: 'json',
  },
  ValueRecorded: { key: 'text', kind: 'version', name: 'text', value: 'number' },
  StateSet: { key: 'text', name: 'text', value: 'json' },
  CodeAccepted: { codeHash: 'text' },
  RunForked: {
    parentRunId: 'text',
    parentSeq: 'count',
    recordedBy: 'text, or left out',
    seed: 'text',
    inputs: 'record, or left out',
    code: 'record, or left out',
    given: 'records, or left out',
    reuses: 'true, or left out',
    offers: 'records, or left out',
  },
  CancelRequested: { reason: 'text' },
  CancelForced: { reason: 'text' },
};

const RETRY = {
  attempts: 'ordinal',
  delayMs: 'duration',
  factor: 'number',
  maxDelayMs: 'duration',
  jitter: 'number',
};
const ERROR = {
  name: 'text',
  message: 'text',
  stack: 'text, or left out',
  code: 'text, or left out',
  native: 'text, or left out',
  cause: 'record, or left out',
  errors: 'records, or left out',
};

/** Of a field that holds records, the fields of one. */
const WITHIN: readonly (readonly [EventType, string, Readonly<Record<string, string>>])[] = [
  ['RunFailed', 'error', ERROR],
  ['TaskFailed', 'error', ERROR],
  ['AttemptFailed', 'error', ERROR],
  ['StreamFailed', 'error', ERROR],
  [
    'TaskScheduled',
    'policy',
    {
      retry: 'record',
      timeoutMs: 'duration?',
      deadlineMs: 'duration?',
      onUnknown: 'check|retry|ask',
      maxUnknown: 'count',
    },
  ],
  ['StreamOpened', 'retry', RETRY],
  ['TaskOffered', 'policy', { retry: 'record', timeoutMs: 'duration?', leaseMs: 'duration' }],
  ['AnswerRefused', 'issues', { path: 'text', message: 'text' }],
  ['Folded', 'source', { key: 'text', seq: 'ordinal', attempt: 'ordinal', cursor: 'json' }],
  ['Compacted', 'sources', { key: 'text', items: 'ordinal', attempt: 'ordinal' }],
  ['RunForked', 'inputs', { value: 'json', hash: 'text' }],
  ['RunForked', 'code', { module: 'text?', codeHash: 'text?' }],
  ['RunForked', 'given', { key: 'text', output: 'json' }],
  ['RunForked', 'offers', { key: 'text', taskId: 'text' }],
];

function checkOf(type: EventType, name: string): (value: unknown) => boolean {
  const field = fieldsOf(type).find((each) => each.name === name);
  return field?.check ?? expect.fail(`${type} has no ${name}`);
}

it.each(Object.keys(SAMPLE_EVENTS) as EventType[])('%s', (type) => {
  const taken = Object.fromEntries(fieldsOf(type).map(({ name, check }) => [name, kindOf(check)]));
  expect(taken).toEqual(FORMAT[type]);
  expect(isEventType(type)).toBe(true);
});

it.each(WITHIN)('%s: one of its %s', (type, name, format) => {
  const check = checkOf(type, name);
  const sample: unknown = SAMPLE_EVENTS[type][name as never];
  const record = Array.isArray(sample) ? (sample as readonly object[])[0] : sample;
  const taken = Object.keys(format).map((inner) => {
    const put = (value: unknown): object => ({ ...(record as object), [inner]: value });
    return [inner, kindOf((value) => check(Array.isArray(sample) ? [record, put(value)] : put(value)))];
  });
  expect(Object.fromEntries(taken)).toEqual(format);
  for (const bad of ['text', 1, true, null]) expect(check(Array.isArray(sample) ? [bad] : [bad])).toBe(false);
});

describe('a retry plan', () => {
  it.each(['TaskScheduled', 'TaskOffered'] as const)('of %s', (type) => {
    const { policy } = SAMPLE_EVENTS[type];
    const check = checkOf(type, 'policy');
    const taken = Object.keys(RETRY).map((name) => [
      name,
      kindOf((value) => check({ ...policy, retry: { ...policy.retry, [name]: value } })),
    ]);
    expect(Object.fromEntries(taken)).toEqual(RETRY);
  });
});

describe('the outcome of a child', () => {
  const error = { name: 'E', message: 'm' };
  it.each<[object, boolean]>([
    [{ status: 'succeeded', output: null }, true],
    [{ status: 'succeeded' }, false],
    [{ status: 'failed', error }, true],
    [{ status: 'failed', error: { name: 'E' } }, false],
    [{ status: 'detached' }, true],
    [{ status: 'cancelled', reason: 'r' }, true],
    [{ status: 'cancelled', reason: 1 }, false],
    [{ status: 'other', reason: 'r', output: 1, error }, false],
    [[], false],
  ])('%j: %s', (outcome, expected) => {
    expect(checkOf('ChildFinished', 'outcome')(outcome)).toBe(expected);
  });
});

describe('an error', () => {
  const check = checkOf('RunFailed', 'error');
  const error = { name: 'E', message: 'm' };
  const nested = (depth: number): object => (depth === 0 ? error : { ...error, cause: nested(depth - 1) });
  const listed = (depth: number): object => (depth === 0 ? error : { ...error, errors: [listed(depth - 1)] });

  it('nests so deep, and no deeper', () => {
    expect([check(nested(32)), check(nested(33)), check(listed(32)), check(listed(33))]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  it.each([
    [{ ...error, cause: { name: 'E' } }],
    [{ ...error, errors: [error, { name: 'E' }] }],
    [{ ...error, errors: error }],
    [{ ...error, fields: [] }],
    [{ ...error, fields: 'text' }],
  ])('is not %j', (value) => {
    expect(check(value)).toBe(false);
  });

  it('has any fields', () => {
    expect(check({ ...error, fields: { retryable: true } })).toBe(true);
  });
});

it('nothing else is an event', () => {
  expect(['', 'toString', '__proto__', 'runStarted'].filter(isEventType)).toEqual([]);
});
