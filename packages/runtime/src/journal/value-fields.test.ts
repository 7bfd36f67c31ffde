import { expect, test } from 'vitest';

import { fieldsOf } from './event-shape.ts';
import type { EventType } from './event.ts';
import { SAMPLE_EVENTS } from './sample-events.fixture.ts';
import { joinPayload, markedPayload, readSealed, sealedPayload } from './sealed-payload.ts';
import { parseEvent, storeEvent, storeParts } from './stored-event.ts';
import { markValues, openPart, SEALED_MARK, valueFieldsOf } from './value-fields.ts';

const EVENTS = Object.entries(SAMPLE_EVENTS);

/** What stays in the open of each type. Whoever adds a field says here that no user's value can be in it. */
const OPEN: Readonly<Record<string, string>> = {
  RunStarted: 'process module codeHash seed engine',
  RunContinued: 'nextRunId',
  ScopeOpened: 'key mode width concurrency batchSize buffer losers timeoutMs aborted',
  ScopeRetuned: 'key concurrency',
  ScopeAborted: 'key',
  ScopeTimedOut: 'key',
  ScopeClosed: 'key outcome winner begun order',
  TaskScheduled: 'key task version pool policy',
  AttemptStarted: 'key attempt remote',
  AttemptFailed: 'key attempt retryAt delayMs',
  AttemptInterrupted: 'key attempt unknown',
  OutcomeAsked: 'key attempt',
  TaskSucceeded: 'key by worker fromSeq',
  TaskFailed: 'key cause failures by worker',
  TaskCancelled: 'key',
  LateResult: 'key attempt outcome',
  TimerStarted: 'key timer dueAt durationMs',
  TimerFired: 'key',
  SignalAwaited: 'key name timeoutMs secret',
  SignalReceived: 'key messageId',
  SignalTimedOut: 'key',
  SignalsSuperseded: 'key messageIds',
  TaskSignalAwaited: 'key attempt name timeoutMs',
  TaskSignalForgone: 'key attempt name',
  TaskSignalReceived: 'key attempt n name messageId',
  BreakpointOpened: 'key expert tags strategy quorum experts timeoutMs onTimeout',
  BreakpointAnswered: 'key messageId by approved',
  BreakpointClosed: 'key outcome by',
  WaitNotified: 'key',
  TaskOffered: 'key taskId task version kind policy',
  AnswerRefused: 'key messageId worker',
  ChildStarted: 'key process runId detached onParentCancel',
  ChildFinished: 'key',
  ParentRecorded: 'parentRunId parentKey depth detached onParentCancel',
  StreamOpened: 'key kind name retry',
  ItemRecorded: 'key attempt n',
  StreamEnded: 'key',
  StreamFailed: 'key failures',
  StreamClosed: 'key consumed',
  Folded: 'key n',
  Compacted: 'count chain scheduled succeeded failed sources digest',
  ExitRegistered: 'key scope when task version',
  ValueRecorded: 'key kind name value',
  StateSet: 'key name',
  CodeAccepted: 'codeHash',
  RunForked: 'parentRunId parentSeq recordedBy seed code reuses offers',
};

test('each field of each event is said to be structure, or a value', () => {
  const open = EVENTS.map(([type]) => {
    const values = valueFieldsOf(type);
    const names = fieldsOf(type as EventType).map(({ name }) => name);
    return [
      type,
      names
        .filter((name) => !values.has(name))
        .toSorted()
        .join(' '),
    ];
  });
  const expected = EVENTS.map(([type]) => [type, (OPEN[type] ?? '').split(' ').toSorted().join(' ')]);
  expect(Object.fromEntries(open)).toEqual(Object.fromEntries(expected));
});

const CANARY = 'canary-91f3';

/** The same, with each text in a value in place of it. */
function withCanary(value: unknown): unknown {
  if (typeof value === 'string') return CANARY;
  if (Array.isArray(value)) return value.map(withCanary);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withCanary(inner)]));
}

test.each(EVENTS)('%s: values and structure apart, and together again the same event', (type, event) => {
  const parts = storeParts(event);
  const { payload, version } = storeEvent(event);
  const whole = { type, version, payload: joinPayload(parts) };
  expect(parseEvent(whole)).toEqual(parseEvent({ type, version, payload }));
  const sealed = sealedPayload({ open: parts.open, sealed: '7.QUJD' });
  expect(JSON.parse(sealed)).toMatchObject({ $sealed: '7.QUJD' });
  expect(readSealed(sealed)).toEqual({ open: parts.open, sealed: '7.QUJD' });
  expect(readSealed(payload)).toBeUndefined();
  // Where it holds values, what is left of it without them is an event still, and tells none of them.
  if (parts.closed === '') return;
  const marked = parseEvent({ type, version, payload: markedPayload(type, parts.open) });
  expect(
    Object.keys(marked)
      .filter((name) => !valueFieldsOf(type).has(name))
      .toSorted(),
  ).toEqual(
    Object.keys(event)
      .filter((name) => !valueFieldsOf(type).has(name))
      .toSorted(),
  );
});

test.each(EVENTS)('%s: no value is in the open part, wherever it lies', (type, event) => {
  const named = Object.entries(event).map(([name, value]) => {
    if (!valueFieldsOf(type).has(name)) return [name, value];
    // What is structure there has its own words.
    if (type === 'ChildFinished')
      return [name, { ...(withCanary(value) as object), status: Reflect.get(Object(value), 'status') }];
    if (type === 'Folded' && name === 'source' && value !== null)
      return [name, { ...Object(value), cursor: CANARY }];
    if (type === 'RunForked' && name === 'given')
      return [name, (value as readonly object[]).map((given) => ({ ...given, output: CANARY }))];
    return [name, withCanary(value)];
  });
  const changed = Object.fromEntries(named) as typeof event;
  const { open, closed } = storeParts(changed);
  expect(open).not.toContain(CANARY);
  if (JSON.stringify(changed).includes(CANARY)) expect(closed).toContain(CANARY);
});

test.each([
  ['nothing', '{}'],
  ['a user that says so', '{"key":"a","output":{"$sealed":"1.QUJD"}}'],
  ['a text that looks so', JSON.stringify({ key: ',"$sealed":"1.QUJD"}' })],
  ['no number', '{"$sealed":"x.QUJD"}'],
])('%s is not taken for sealed', (_, payload) => {
  expect(readSealed(payload)).toBeUndefined();
});

test('what of a value is structure stays, and the rest gets a mark', () => {
  const marks = (type: string, open: Record<string, unknown>): unknown => markValues(type, open);
  const outcome = (open: unknown): unknown =>
    Reflect.get(marks('ChildFinished', { outcome: open }) as object, 'outcome');
  expect(outcome({ status: 'failed' })).toEqual({
    status: 'failed',
    error: { name: 'Error', message: SEALED_MARK },
  });
  expect(outcome({ status: 'cancelled' })).toEqual({ status: 'cancelled', reason: SEALED_MARK });
  expect(outcome({ status: 'succeeded' })).toEqual({ status: 'succeeded', output: SEALED_MARK });
  expect(outcome({ status: 'detached' })).toEqual({ status: 'detached' });
  expect(outcome('odd')).toBe('odd');
  const folded = (source: unknown): unknown => marks('Folded', { state: null, source });
  expect(folded({ n: 1 })).toEqual({ state: SEALED_MARK, source: { n: 1, cursor: SEALED_MARK } });
  expect(folded(null)).toEqual({ state: SEALED_MARK, source: null });
  expect(marks('RunForked', { inputs: {}, given: [{ key: 'a' }] })).toEqual({
    inputs: { value: SEALED_MARK, hash: SEALED_MARK },
    given: [{ key: 'a', output: SEALED_MARK }],
  });
  expect(marks('RunForked', { given: 'odd' })).toEqual({ given: 'odd' });
  expect(openPart('RunForked', 'given', [{ key: 'a', output: 1 }, 'odd'])).toEqual([{ key: 'a' }, {}]);
  expect(openPart('RunForked', 'given', 'odd')).toEqual([]);
});
