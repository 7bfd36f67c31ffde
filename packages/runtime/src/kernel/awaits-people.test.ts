import { expect, it } from 'vitest';
import type { JournalEvent } from '../journal/event.ts';
import { SAMPLE_EVENTS as SAMPLE } from '../journal/sample-events.fixture.ts';
import { awaitsPeople } from './awaits-people.ts';
import { given, scheduled, started } from './given.fixture.ts';

/* Whether nothing of a run can go on before somebody outside answers. */

const wait: JournalEvent = { ...SAMPLE.SignalAwaited, key: '1' };
const asked: JournalEvent = { type: 'OutcomeAsked', key: '0', attempt: 1 };
const hears: JournalEvent = { ...SAMPLE.TaskSignalAwaited, key: '0', attempt: 1 };
const timer: JournalEvent = { ...SAMPLE.TimerStarted, key: '0' };
const child: JournalEvent = { ...SAMPLE.ChildStarted, key: '0' };
const source: JournalEvent = { ...SAMPLE.StreamOpened, key: '0' };

it.each<[string, readonly JournalEvent[], boolean]>([
  ['nothing that is pending', [], false],
  ['a wait', [wait], true],
  ['a question', [{ ...SAMPLE.BreakpointOpened, key: '0' }], true],
  ['an external task', [{ ...SAMPLE.TaskOffered, key: '0' }], true],
  ['a task that is scheduled', [scheduled('0')], false],
  ['a task that runs', [scheduled('0'), started('0')], false],
  ['a task that runs, beside a wait', [wait, scheduled('0'), started('0')], false],
  ['a task that a person is asked about', [scheduled('0'), started('0'), asked], true],
  ['a task that waits for a message', [scheduled('0'), started('0'), hears], true],
  ['a timer', [timer], false],
  ['a timer beside a wait', [wait, timer], false],
])('%s: %s', (_, events, expected) => {
  expect(awaitsPeople(given(...events), () => true)).toBe(expected);
});

it.each([
  ['a run that this one waits for', child],
  ['a source', source],
])('%s does, where it rests', (_, event) => {
  const keys: string[] = [];
  const rests = (isResting: boolean) => (key: string) => {
    keys.push(key);
    return isResting;
  };
  expect(awaitsPeople(given(event), rests(true))).toBe(true);
  expect(awaitsPeople(given(event), rests(false))).toBe(false);
  expect(awaitsPeople(given(event, wait), rests(true))).toBe(true);
  expect(keys).toEqual(['0', '0', '0']);
  // What is told is told of these two only.
  expect(awaitsPeople(given(timer), rests(true))).toBe(false);
  expect(keys).toHaveLength(3);
});
