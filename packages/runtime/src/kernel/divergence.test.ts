import { describe, expect, it } from 'vitest';
import { encode } from '../journal/codec.ts';
import type { JournalEvent } from '../journal/event.ts';
import { SAMPLE_EVENTS } from '../journal/sample-events.fixture.ts';
import {
  describeDivergence,
  describeEvent,
  firstDifference,
  remediesOf,
  renderDivergence,
} from './divergence.ts';
import { opened, RUN_STARTED, scheduled } from './given.fixture.ts';
import { NO_HINTS } from './likely-cause.ts';

describe('firstDifference', () => {
  it.each([
    [1, 1, null],
    [{ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, null],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, null],
    [1, 2, '$: recorded 1, asked 2'],
    ['1', 1, '$: recorded "1", asked 1'],
    [null, {}, '$: recorded null, asked {}'],
    [{}, null, '$: recorded {}, asked null'],
    [{}, 'text', '$: recorded {}, asked "text"'],
    [[1], { 0: 1 }, '$: recorded [1], asked {"0":1}'],
    [{ a: 1 }, {}, '$.a: recorded 1, asked nothing'],
    [{}, { a: [] }, '$.a: recorded nothing, asked []'],
    [{ a: [1, { b: 'x' }] }, { a: [1, { b: 'y' }] }, '$.a[1].b: recorded "x", asked "y"'],
    [[1, 2], [1], '$[1]: recorded 2, asked nothing'],
    [[1], [1, 2], '$[1]: recorded nothing, asked 2'],
    [{ b: 1, a: 1 }, { b: 2, a: 2 }, '$.a: recorded 1, asked 2'],
  ])('%j and %j', (was, is, expected) => {
    expect(firstDifference(was, is, '$')).toBe(expected);
  });

  it('shortens long values, and says what is undefined', () => {
    const text = (length: number): string => 'x'.repeat(length - 2);
    expect(firstDifference(text(80), 1, '$')).toBe(`$: recorded "${text(80)}", asked 1`);
    expect(firstDifference(text(81), 1, '$')).toBe(`$: recorded "${'x'.repeat(78)}…, asked 1`);
    expect(firstDifference(1, encode(undefined), '$')).toBe('$: recorded 1, asked undefined');
  });
});

describe('likely cause', () => {
  const task = scheduled('3');
  const inserted = 'the call was renamed or replaced, or another one was inserted before it';
  it.each<[JournalEvent, Parameters<typeof describeDivergence>[3], string]>([
    [task, undefined, 'the call was removed, or moved behind a condition that is false now'],
    [task, { what: "task 't'", args: 5, where: undefined }, 'the input of the call changed'],
    [task, { what: "task 't'", args: null, where: undefined }, 'the version of the task changed'],
    [
      task,
      { what: "task 'u'", args: null, where: 'p.ts:1:1' },
      'the task was renamed: its input is the same',
    ],
    [task, { what: "task 'u'", args: 5, where: 'p.ts:1:1' }, inserted],
    [opened('3'), { what: 'parallel.all of 3', where: undefined }, 'the number of branches changed'],
    [
      opened('3'),
      { what: 'parallel.race of 2', where: undefined },
      'the combinator changed, or another group was inserted before it',
    ],
    [
      opened('3'),
      { what: "task 't'", where: undefined },
      'the call was replaced by one of another kind, or another one was inserted before it',
    ],
  ])('of %j and %j', (recorded, asked, likelyCause) => {
    expect(describeDivergence(7, '3', recorded, asked)).toMatchObject({
      seq: 7,
      key: '3',
      likelyCause,
      where: asked?.where ?? null,
    });
  });
});

it('names every kind of event', () => {
  const closed: JournalEvent = { type: 'ScopeClosed', key: '3', outcome: 'rejected', winner: 2 };
  expect(
    [
      { ...scheduled('0'), version: '2' },
      { type: 'TimerStarted', key: '0', timer: 'sleep', dueAt: 5, durationMs: 5 },
      { type: 'TimerStarted', key: '0', timer: 'sleepUntil', dueAt: 0, durationMs: 5 },
      opened('0'),
      closed,
      { ...closed, winner: null },
      { ...closed, key: '' },
      { type: 'RunSucceeded', output: 1 },
      RUN_STARTED,
    ].map((event) => describeEvent(event as JournalEvent)),
  ).toEqual([
    "task 't' (version 2)",
    'sleep 5ms',
    'sleepUntil 1970-01-01T00:00:00.000Z',
    'parallel.all of 2',
    'the decision rejected by branch 2',
    'the decision rejected',
    'the end of the process',
    'the end of the run: it succeeded',
    'RunStarted',
  ]);
});

it('is a report that a person can act on', () => {
  const divergence = describeDivergence(4, '1', scheduled('1'), {
    what: "task 't'",
    args: 5,
    where: 'gate.ts:12:3',
  });
  expect(renderDivergence('run_1', divergence)).toBe(
    [
      'The process asks for something else than run run_1 has recorded.',
      '  at            seq 4, call 1',
      "  recorded      task 't'",
      "  asked         task 't'",
      '  difference    $: recorded null, asked 5',
      '  source        gate.ts:12:3',
      '  likely cause  the input of the call changed',
      'Nothing was run or recorded since.',
    ].join('\n'),
  );
  const end = { type: 'RunSucceeded', output: 1 } as const;
  const hints = { ...NO_HINTS, lastCall: 'gate.ts:9:1' };
  expect(renderDivergence('run_1', describeDivergence(9, '', end, undefined, hints))).toBe(
    [
      'The process asks for something else than run run_1 has recorded.',
      '  at            seq 9, the process itself',
      '  recorded      the end of the run: it succeeded',
      '  asked         nothing: the call was not made again',
      '  last call     gate.ts:9:1',
      '  likely cause  the call was removed, or moved behind a condition that is false now',
      'Nothing was run or recorded since.',
    ].join('\n'),
  );
});

it('of a call that is asked for under another key names that, and not its last call', () => {
  const asked = { what: "task 't'", args: 5, where: undefined };
  const hints = { ...NO_HINTS, newKey: ':named', lastCall: 'gate.ts:9:1' };
  expect(describeDivergence(4, '1', scheduled('1'), asked, hints)).toMatchObject({
    asked: "task 't', as call :named",
    difference: null,
    lastCall: null,
    likelyCause: 'the key of the call changed: it is :named now',
  });
});

it('of two tasks is no difference of their inputs', () => {
  const asked = { what: "task 'u'", args: 5, where: undefined };
  expect(describeDivergence(4, '1', scheduled('1'), asked)).toMatchObject({
    asked: "task 'u'",
    difference: null,
  });
});

it('says what to do, as long as there is something', () => {
  expect(remediesOf('run_1', false)).toEqual([
    'put the code back as it was, then: pawl resume run_1',
    "keep both: if (ctx.patched('<name>')) what is new, else what was recorded",
    'see what was recorded: pawl show run_1',
    'give the run up: pawl cancel run_1, and start anew with the new code: pawl run <module>',
  ]);
  expect(remediesOf('run_1', true)).toEqual([
    'nothing for this run, which has ended and keeps its result; one like it that is open would stop here',
    "keep both: if (ctx.patched('<name>')) what is new, else what was recorded",
    'see what was recorded: pawl show run_1',
  ]);
});

it.each<[JournalEvent, string]>([
  [{ type: 'Folded', key: '4', n: 7, state: 1, source: null }, 'the mark of a reduce at item 7'],
  [{ type: 'RunFailed', error: { name: 'E', message: 'm' } }, 'the end of the run: it failed with E: m'],
  [{ type: 'RunCancelled', reason: 'r' }, 'the end of the run: it was cancelled'],
])('%j is told in words', (event, words) => {
  expect(describeEvent(event)).toBe(words);
});

it.each<[JournalEvent, string]>([
  [SAMPLE_EVENTS.TaskOffered, "task 'review' (version 2)"],
  [SAMPLE_EVENTS.SignalAwaited, 'receive secret "approval"'],
  [{ ...SAMPLE_EVENTS.SignalAwaited, secret: undefined } as never, 'receive "approval"'],
  [SAMPLE_EVENTS.BreakpointOpened, 'breakpoint "Deploy"'],
  [SAMPLE_EVENTS.ChildStarted, 'run "invoice"'],
  [SAMPLE_EVENTS.ExitRegistered, "compensate of task 'refund' (version 2)"],
  [SAMPLE_EVENTS.RunContinued, 'the end of the run: another one follows it'],
  [{ ...SAMPLE_EVENTS.StreamClosed, consumed: 1 }, 'the end of reading after 1 item'],
  [{ ...SAMPLE_EVENTS.StreamClosed, consumed: 2 }, 'the end of reading after 2 items'],
])('$type is told by what it asks for', (event, words) => {
  expect(describeEvent(event)).toBe(words);
});
