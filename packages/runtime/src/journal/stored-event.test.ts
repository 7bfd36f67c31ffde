import { createHash } from 'node:crypto';

import { expect, test } from 'vitest';

import { CHAIN_START, EVENT_VERSION, nextChain } from './chain.ts';
import { PLAIN_POLICY } from './event-defaults.ts';
import type { EventType, JournalEvent } from './event.ts';
import { InvariantError } from './invariant.ts';
import { SAMPLE_EVENTS } from './sample-events.fixture.ts';
import { parseEvent, storeEvent, StoredEventRefusal } from './stored-event.ts';

const TYPES = Object.keys(SAMPLE_EVENTS) as EventType[];

function refusalOf(type: string, version: number, payload: string): StoredEventRefusal {
  try {
    parseEvent({ type, version, payload });
  } catch (error) {
    if (error instanceof StoredEventRefusal) return error;
    throw error;
  }
  return expect.fail(`${type} ${payload} was read`);
}

test.each(TYPES)('%s is read as it was written (J7)', (type) => {
  const event = SAMPLE_EVENTS[type];
  const stored = storeEvent(event);
  expect(stored.type).toBe(type);
  expect(stored.version).toBe(EVENT_VERSION);
  expect(JSON.parse(stored.payload)).not.toHaveProperty('type');
  expect(parseEvent(stored)).toStrictEqual(event);
});

test.each<[JournalEvent, string]>([
  [
    {
      type: 'TaskScheduled',
      key: '0',
      task: 'step',
      version: null,
      inputHash: '=5',
      args: 5,
      pool: null,
      policy: {
        retry: { attempts: 1, delayMs: 0, factor: 1, maxDelayMs: 0, jitter: 0 },
        timeoutMs: null,
        deadlineMs: null,
        onUnknown: 'retry',
        maxUnknown: 3,
      },
    },
    '{"key":"0","task":"step","args":5}',
  ],
  [
    {
      type: 'TaskScheduled',
      key: '0',
      task: 'step',
      version: '2',
      inputHash: '=6',
      args: 5,
      pool: 'gpu',
      policy: {
        retry: { attempts: 2, delayMs: 0, factor: 1, maxDelayMs: 0, jitter: 0 },
        timeoutMs: 50,
        deadlineMs: null,
        onUnknown: 'ask',
        maxUnknown: 3,
      },
    },
    '{"key":"0","task":"step","version":"2","inputHash":"=6","args":5,"pool":"gpu","policy":{"retry":{"attempts":2,"delayMs":0,"factor":1,"maxDelayMs":0,"jitter":0},"timeoutMs":50,"onUnknown":"ask"}}',
  ],
  [{ type: 'AttemptStarted', key: '0', attempt: 1 }, '{"key":"0"}'],
  [{ type: 'AttemptStarted', key: '0', attempt: 2 }, '{"key":"0","attempt":2}'],
  [{ type: 'AttemptStarted', key: '0', attempt: 1, remote: true }, '{"key":"0","remote":true}'],
  [{ type: 'TaskSucceeded', key: '0', output: null, by: 'attempt' }, '{"key":"0","output":null}'],
  [
    { type: 'ScopeClosed', key: '0', outcome: 'fulfilled', winner: null },
    '{"key":"0","outcome":"fulfilled"}',
  ],
  [{ type: 'CancelRequested', reason: '' }, '{"reason":""}'],
])('what is as it is by default is left out of a row: %j', (event, payload) => {
  expect(storeEvent(event).payload).toBe(payload);
  expect(parseEvent(storeEvent(event))).toEqual(event);
});

test('a payload with __proto__ changes no prototype', () => {
  const event = parseEvent(storeEvent(SAMPLE_EVENTS.TaskScheduled)) as typeof SAMPLE_EVENTS.TaskScheduled;
  expect(Object.getPrototypeOf(event.args)).toBe(Object.prototype);
  expect(Object.hasOwn(event.args as object, '__proto__')).toBe(true);
  expect(Object.hasOwn({}, 'polluted')).toBe(false);
  const { polluted } = {} as { polluted?: boolean };
  expect(polluted).toBeUndefined();
});

test('what could not be read again is not written', () => {
  const bad = { type: 'AttemptStarted', key: '0', attempt: Number.NaN } satisfies JournalEvent;
  expect(() => storeEvent(bad)).toThrow(InvariantError);
  expect(() => storeEvent(bad)).toThrow('AttemptStarted with a bad attempt');
});

test('an unknown type and a later version are refused as newer', () => {
  expect(refusalOf('TeaBrewed', 1, '{}').kind).toBe('newer');
  expect(refusalOf('toString', 1, '{}').kind).toBe('newer');
  expect(refusalOf('TimerFired', EVENT_VERSION + 1, '{"key":"1"}').kind).toBe('newer');
});

test.each([
  ['TimerFired', ''],
  ['TimerFired', 'null'],
  ['TimerFired', '[]'],
  ['TimerFired', '"key"'],
  ['TimerFired', '{}'],
  ['TimerFired', '{"key":1}'],
  ['TimerFired', '{"key":"1"'],
  ['TimerFired', '{"key":"1"}{}'],
  ['TimerFired', 'x"key":"1"}'],
  ['TimerFired', '{"key":"1","type":"TaskSucceeded"}'],
  ['TaskScheduled', '{"key":"0","task":"t","args":{"a":"more than stands for itself"}}'],
  ['TaskScheduled', '{"key":"0","task":"t","args":1,"policy":null}'],
  ['TaskScheduled', '{"key":"0","task":"t","args":1,"policy":{"onUnknown":"guess"}}'],
  ['TaskScheduled', '{"key":"0","task":1,"args":1}'],
  ['TaskScheduled', '{"key":"0","task":"t","type":"TaskScheduled"}'],
  ['TaskSucceeded', '{"key":"0"}'],
  ['TaskSucceeded', '{"key":0,"output":1}'],
  ['TaskSucceeded', '{"key":"0","type":"AttemptStarted"}'],
  ['AttemptStarted', '[]'],
  ['AttemptStarted', ' {"key":"0"}'],
  ['AttemptStarted', '{"key":"0"'],
  ['AttemptStarted', '{"key":"0","attempt":0}'],
  ['AttemptStarted', '{"key":"0","attempt":1.5}'],
  ['AttemptStarted', '{"key":"0","attempt":"1"}'],
  ['AttemptStarted', '{"key":"0","attempt":1e300}'],
  ['RunFailed', '{"error":null}'],
  ['RunFailed', '{"error":{"name":"E"}}'],
  ['RunFailed', '{"error":{"name":"E","message":"m","cause":"c"}}'],
  ['RunFailed', '{"error":{"name":"E","message":"m","errors":{}}}'],
  ['TaskFailed', '{"key":"0","error":{"name":"E","message":"m"},"cause":"whim","failures":1,"by":"attempt"}'],
  ['ScopeClosed', '{"key":"0","outcome":"fulfilled","winner":-1}'],
  ['ScopeOpened', '{"key":"0","mode":"some","width":1,"concurrency":0}'],
])('a hostile %s is refused: %s', (type, payload) => {
  expect(refusalOf(type, 1, payload).kind).toBe('malformed');
});

test('an input that nests without end is refused, not followed', () => {
  const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  expect(refusalOf('TaskScheduled', 1, `{"key":"0","task":"t","args":${nested}}`).kind).toBe('malformed');
});

test('a cause that nests without end is refused, not followed', () => {
  const depth = 50_000;
  const nested = `${'{"name":"E","message":"m","cause":'.repeat(depth)}null${'}'.repeat(depth)}`;
  expect(refusalOf('RunFailed', 1, `{"error":${nested}}`).kind).toBe('malformed');
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const HEADER = { seq: 1, at: 1_700_000_000_000, code: 21, version: 1 } as const;

test('the chain of a row is what the format says', () => {
  const payload = '{"key":"1"}';
  const expected = sha256(`\n1\n1700000000000\n21\n1\n${payload}`).slice(0, 32);
  expect(nextChain(sha256, CHAIN_START, HEADER, payload)).toBe(expected);
});

test('every part of a row is in its chain', () => {
  const link = (previous: string, header: typeof HEADER | object, payload: string): string =>
    nextChain(sha256, previous, { ...HEADER, ...header }, payload);
  const links = [
    link(CHAIN_START, {}, '{}'),
    link('a', {}, '{}'),
    link(CHAIN_START, { seq: 2 }, '{}'),
    link(CHAIN_START, { at: 1 }, '{}'),
    link(CHAIN_START, { code: 22 }, '{}'),
    link(CHAIN_START, { version: 2 }, '{}'),
    link(CHAIN_START, {}, '{ }'),
  ];
  expect(new Set(links).size).toBe(links.length);
});

test('a row of an earlier version than the first is read field by field', () => {
  const stored = storeEvent(SAMPLE_EVENTS.TaskSucceeded);
  expect(parseEvent({ ...stored, version: EVENT_VERSION - 1 })).toStrictEqual(SAMPLE_EVENTS.TaskSucceeded);
});

test('an outcome of a child that is no object is malformed', () => {
  expect(refusalOf('ChildFinished', EVENT_VERSION, '{"key":"0","outcome":"fine"}').message).toContain(
    'bad outcome',
  );
});

const PLAIN: Extract<JournalEvent, { type: 'TaskScheduled' }> = {
  type: 'TaskScheduled',
  key: '0',
  task: 'step',
  version: null,
  inputHash: '=5',
  args: 5,
  pool: null,
  policy: PLAIN_POLICY,
};
const DONE: JournalEvent = { type: 'TaskSucceeded', key: '0', output: 1, by: 'attempt' };

test.each<[JournalEvent, string]>([
  [PLAIN, '{"key":"0","task":"step","args":5}'],
  [{ ...PLAIN, version: '2' }, '{"key":"0","task":"step","version":"2","args":5}'],
  [{ ...PLAIN, pool: 'gpu' }, '{"key":"0","task":"step","args":5,"pool":"gpu"}'],
  [{ ...PLAIN, inputHash: '=6' }, '{"key":"0","task":"step","inputHash":"=6","args":5}'],
  [
    { ...PLAIN, policy: { ...PLAIN_POLICY, maxUnknown: 1 } },
    '{"key":"0","task":"step","args":5,"policy":{"maxUnknown":1}}',
  ],
  [DONE, '{"key":"0","output":1}'],
  [{ ...DONE, by: 'person' }, '{"key":"0","output":1,"by":"person"}'],
  [{ ...DONE, worker: 'ada' }, '{"key":"0","output":1,"worker":"ada"}'],
  [{ ...DONE, fromSeq: 7 }, '{"key":"0","output":1,"fromSeq":7}'],
])('a step that is plain but for one thing keeps that: %j', (event, payload) => {
  expect(storeEvent(event).payload).toBe(payload);
  expect(parseEvent(storeEvent(event))).toStrictEqual(event);
});

test.each<[JournalEvent, string]>([
  [{ ...PLAIN, key: 1 } as never, 'a TaskScheduled with a bad key'],
  [{ ...PLAIN, task: 1 } as never, 'a TaskScheduled with a bad task'],
  [{ ...PLAIN, args: undefined } as never, 'a TaskScheduled with a bad args'],
  [{ ...DONE, key: 1 } as never, 'a TaskSucceeded with a bad key'],
  [{ ...DONE, output: undefined } as never, 'a TaskSucceeded with a bad output'],
  [{ type: 'AttemptStarted', key: 1, attempt: 1 } as never, 'a AttemptStarted with a bad key'],
])('a plain step that could not be read again is not written: %j', (event, problem) => {
  expect(() => storeEvent(event)).toThrow(expect.objectContaining({ invariant: 'J7', problem }));
});

test('what is refused says why', () => {
  expect(refusalOf('TeaBrewed', 1, '{}')).toMatchObject({
    name: 'StoredEventRefusal',
    message: "event type 'TeaBrewed' is unknown",
  });
  expect(refusalOf('TimerFired', EVENT_VERSION + 1, '{}').message).toBe(
    `TimerFired has version ${EVENT_VERSION + 1}; this program reads up to ${EVENT_VERSION}`,
  );
  expect(refusalOf('TimerFired', 1, 'null').message).toBe('TimerFired holds no JSON object');
  expect(refusalOf('TimerFired', 1, '{"key"').message).toBe('TimerFired holds no JSON object');
  expect(refusalOf('TimerFired', 1, '{"key":1}').message).toBe('TimerFired has a bad key');
});
