import { expect, it } from 'vitest';

import { addDefaults, defaultsOf, isPlainInputHash, PLAIN_POLICY, policyText } from './event-defaults.ts';
import type { EventType } from './event.ts';
import { SAMPLE_EVENTS } from './sample-events.fixture.ts';

/* What a row leaves out. Part of the format: none of these values ever changes, as rows that leave them out are there. */

const LEFT_OUT: { readonly [Type in EventType]?: object } = {
  RunStarted: { module: null, codeHash: null },
  ScopeOpened: {
    concurrency: null,
    batchSize: null,
    buffer: null,
    losers: 'cancel',
    timeoutMs: null,
    aborted: false,
  },
  ScopeClosed: { winner: null },
  TaskScheduled: { version: null, pool: null },
  AttemptStarted: { attempt: 1 },
  AttemptFailed: { attempt: 1 },
  AttemptInterrupted: { attempt: 1 },
  OutcomeAsked: { attempt: 1 },
  TaskSucceeded: { by: 'attempt' },
  TaskFailed: { cause: 'error', failures: 1, by: 'attempt' },
  LateResult: { attempt: 1 },
  SignalAwaited: { timeoutMs: null, prompt: null, data: null },
  TaskSignalReceived: { attempt: 1, n: 0 },
  StreamOpened: { retry: null },
  ItemRecorded: { attempt: 1, cursor: null },
  StreamFailed: { failures: 1 },
  Folded: { source: null },
};

it.each(Object.keys(SAMPLE_EVENTS) as EventType[])('%s', (type) => {
  expect(Object.fromEntries(defaultsOf(type))).toEqual(LEFT_OUT[type] ?? {});
  const fields = type === 'TaskScheduled' ? { policy: PLAIN_POLICY, inputHash: 'h' } : {};
  const read = { ...fields };
  addDefaults(type, read);
  expect(read).toEqual({ ...fields, ...LEFT_OUT[type] });
  const said = Object.fromEntries(Object.keys(LEFT_OUT[type] ?? {}).map((name) => [name, 'said']));
  const kept = { ...fields, ...said };
  addDefaults(type, kept);
  expect(kept).toEqual({ ...fields, ...said });
});

it('the settings of a task that says nothing of them', () => {
  expect(PLAIN_POLICY).toEqual({
    retry: { attempts: 1, delayMs: 0, factor: 1, maxDelayMs: 0, jitter: 0 },
    timeoutMs: null,
    deadlineMs: null,
    onUnknown: 'retry',
    maxUnknown: 3,
  });
  expect(policyText(PLAIN_POLICY)).toBe('');
  expect(policyText({ ...PLAIN_POLICY, retry: { ...PLAIN_POLICY.retry } })).toBe('');
});

it.each<Partial<typeof PLAIN_POLICY>>([
  { timeoutMs: 5 },
  { deadlineMs: 5 },
  { onUnknown: 'ask' },
  { maxUnknown: 0 },
  { maxUnknown: 0, timeoutMs: 5 },
  ...(['attempts', 'delayMs', 'factor', 'maxDelayMs', 'jitter'] as const).map((name) => ({
    retry: { ...PLAIN_POLICY.retry, [name]: 7 },
  })),
])('of others only what differs: %j', (more) => {
  const policy = { ...PLAIN_POLICY, ...more } as typeof PLAIN_POLICY;
  const text = policyText(policy);
  expect(JSON.parse(text)).toEqual(more);
  expect(policyText(policy)).toBe(text);
  const read: Record<string, unknown> = { policy: JSON.parse(text) as object, inputHash: 'h' };
  addDefaults('TaskScheduled', read);
  expect(read['policy']).toEqual(policy);
});

it.each<[unknown, unknown, string | undefined]>([
  [undefined, 5, '=5'],
  [undefined, 'x'.repeat(40), undefined],
  [undefined, undefined, undefined],
  ['h', 5, 'h'],
])('a hash of an input that is left out follows from the input: %j of %j', (said, args, inputHash) => {
  const fields: Record<string, unknown> = { ...(said === undefined ? {} : { inputHash: said }), args };
  addDefaults('TaskScheduled', fields);
  expect(fields['inputHash']).toBe(inputHash);
  expect(fields['policy']).toEqual(PLAIN_POLICY);
});

it('it is left out where it follows, and nowhere else', () => {
  expect(isPlainInputHash('=5', 5)).toBe(true);
  expect([
    isPlainInputHash('=6', 5),
    isPlainInputHash('5', 5),
    isPlainInputHash('h', 'x'.repeat(40)),
  ]).toEqual([false, false, false]);
});

it('settings that are none are left to whoever looks at the fields', () => {
  for (const policy of [null, [], 'text']) {
    const fields: Record<string, unknown> = { policy, inputHash: 'h' };
    addDefaults('TaskScheduled', fields);
    expect(fields['policy']).toEqual(policy);
  }
});
