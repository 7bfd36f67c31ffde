import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../journal/event.ts';
import type { Compacted } from '../journal/fold-event.ts';
import { SAMPLE_EVENTS as SAMPLE } from '../journal/sample-events.fixture.ts';
import { evolve } from './evolve.ts';
import { given, opened, RUN_STARTED, scheduled, started } from './given.fixture.ts';
import { initialState } from './state.ts';

/* What no journal can hold: whoever wrote it, the fold refuses it, and says why. */

const done: JournalEvent = { type: 'TaskSucceeded', key: '0', output: 1, by: 'attempt' };
const failed: JournalEvent = { ...SAMPLE.TaskFailed, key: '0' };
const erred: JournalEvent = { ...SAMPLE.AttemptFailed, key: '0', attempt: 1 };
const stopped: JournalEvent = { type: 'AttemptInterrupted', key: '0', attempt: 1 };
const cancelled: JournalEvent = { type: 'TaskCancelled', key: '0', reason: 'r' };
const asked: JournalEvent = { type: 'OutcomeAsked', key: '0', attempt: 1 };
const over: JournalEvent = { type: 'RunSucceeded', output: 1 };
const closed = (key: string, outcome: 'fulfilled' | 'aborted' = 'fulfilled'): JournalEvent => ({
  type: 'ScopeClosed',
  key,
  outcome,
  winner: null,
});
const aborted: JournalEvent = { type: 'ScopeAborted', key: '0', reason: 'r' };
const timedOut: JournalEvent = { type: 'ScopeTimedOut', key: '0' };
const retuned: JournalEvent = { type: 'ScopeRetuned', key: '0', concurrency: 2 };
const timer: JournalEvent = { ...SAMPLE.TimerStarted, key: '0' };
const fired: JournalEvent = { type: 'TimerFired', key: '0' };
const wait: JournalEvent = { ...SAMPLE.SignalAwaited, key: '0' };
const message: JournalEvent = { ...SAMPLE.SignalReceived, key: '0' };
const question: JournalEvent = {
  ...SAMPLE.BreakpointOpened,
  key: '0',
  strategy: 'all',
  experts: ['ada', 'lin'],
};
const answer: JournalEvent = { ...SAMPLE.BreakpointAnswered, key: '0' };
const decided: JournalEvent = { ...SAMPLE.BreakpointClosed, key: '0' };
const told: JournalEvent = { type: 'WaitNotified', key: '0' };
const offer: JournalEvent = { ...SAMPLE.TaskOffered, key: '0' };
const unfit: JournalEvent = { ...SAMPLE.AnswerRefused, key: '0' };
const child: JournalEvent = { ...SAMPLE.ChildStarted, key: '0' };
const back: JournalEvent = { ...SAMPLE.ChildFinished, key: '0' };
const source: JournalEvent = { ...SAMPLE.StreamOpened, key: '0' };
const progress: JournalEvent = { ...SAMPLE.StreamOpened, key: '0', kind: 'progress', retry: null };
const item = (n: number, attempt = 1): JournalEvent => ({ ...SAMPLE.ItemRecorded, key: '0', n, attempt });
const ended: JournalEvent = { type: 'StreamEnded', key: '0' };
const left: JournalEvent = { type: 'StreamClosed', key: '0', consumed: 0 };
const hears: JournalEvent = { ...SAMPLE.TaskSignalAwaited, key: '0', attempt: 1 };
const heard = (n: number, attempt = 1): JournalEvent => ({
  ...SAMPLE.TaskSignalReceived,
  key: '0',
  name: 'word',
  n,
  attempt,
});
const reduce: JournalEvent = opened('0', { mode: 'reduce', width: null });
const mark = (n: number, key = '0', from: number | null = null): JournalEvent => ({
  type: 'Folded',
  key,
  n,
  state: n,
  source: from === null ? null : { key: '1', seq: from, attempt: 1, cursor: null },
});

type Row = readonly [what: string, events: readonly [JournalEvent, ...JournalEvent[]], problem: string];

const ROWS: { readonly [invariant: string]: readonly Row[] } = {
  J1: [
    ['a second start', [RUN_STARTED], 'RunStarted at seq 2: a journal starts with exactly one RunStarted'],
    [
      'a fork that shares nothing, twice',
      [
        { ...SAMPLE.RunForked, parentSeq: 0 },
        { ...SAMPLE.RunForked, parentSeq: 0 },
      ],
      'a fork that shares nothing was begun twice',
    ],
  ],
  J3: [
    ['a call twice', [scheduled('0'), scheduled('0')], 'call 0 was recorded twice'],
    ['a key taken by a group', [opened('0'), scheduled('0')], 'call 0 was recorded twice'],
    ['a source twice', [source, source], 'call 0 was recorded twice'],
    ['progress of a source', [source, progress], 'call 0 was recorded twice'],
    ['progress twice', [scheduled('0'), progress, progress], 'the progress of 0 was opened twice'],
  ],
  J5: [
    ['an attempt left out', [scheduled('0'), started('0', 2)], 'attempt 2 of 0 follows attempt 0'],
    ['one of a source', [source, started('0', 2)], 'attempt 2 of 0 follows attempt 0'],
    ['an item left out', [source, started('0'), item(1)], 'item 1 of 0 follows 0 items'],
    [
      'an item of a task left out',
      [scheduled('0'), progress, started('0'), item(0), item(2)],
      'item 2 of 0 follows 1 items',
    ],
    [
      'an item of a task twice',
      [scheduled('0'), progress, started('0'), item(0), item(0)],
      'item 0 of 0 follows 1 items',
    ],
    ['a message left out', [scheduled('0'), started('0'), heard(1)], 'message 1 of 0 follows 0 messages'],
    [
      'a message twice',
      [scheduled('0'), started('0'), heard(0), heard(0)],
      'message 0 of 0 follows 1 messages',
    ],
    [
      'an answer left out',
      [offer, { ...SAMPLE.AttemptFailed, key: '0', attempt: 2 }],
      'answer 2 of 0 follows 0',
    ],
  ],
  J6: [
    ['an event after the end', [over, scheduled('0')], 'TaskScheduled at seq 3 follows the end of the run'],
    ['an end with a pending call', [scheduled('0'), over], 'RunSucceeded while calls are pending'],
  ],
  J8: [
    ['a mark of a plain group', [opened('0'), mark(1)], 'a mark of 0, which is no reduce'],
    ['a mark of no item', [reduce, mark(0)], 'mark 0 of 0 follows mark undefined'],
    ['a mark twice', [reduce, mark(1), mark(1)], 'mark 1 of 0 follows mark 1'],
    [
      'a mark that names a task',
      [reduce, scheduled('1'), mark(1, '0', 3)],
      'the mark at seq 4 names 1, which is no source',
    ],
    ['a mark that names nothing', [reduce, mark(1, '0', 1)], 'the mark at seq 3 names 1, which is no source'],
    [
      'a mark of itself',
      [reduce, { ...SAMPLE.StreamOpened, key: '1' }, mark(1, '0', 4)],
      'the mark at seq 4 holds 1 up to seq 4, the one before it up to 0',
    ],
    [
      'a mark of what an earlier one holds',
      [reduce, { ...SAMPLE.StreamOpened, key: '1' }, mark(1, '0', 3), mark(2, '0', 3)],
      'the mark at seq 5 holds 1 up to seq 3, the one before it up to 3',
    ],
  ],
};

const running: readonly [JournalEvent, JournalEvent] = [scheduled('0'), started('0')];
const notPending = 'which is no pending task';

const J4: readonly Row[] = [
  ['an outcome of nothing', [done], `TaskSucceeded for 0, ${notPending}`],
  ['an outcome of a timer', [timer, done], `TaskSucceeded for 0, ${notPending}`],
  ['an attempt of a timer', [timer, started('0')], `AttemptStarted for 0, ${notPending}`],
  ['an outcome twice', [...running, done, done], `TaskSucceeded for 0, ${notPending}`],
  ['another outcome', [...running, failed, done], `TaskSucceeded for 0, ${notPending}`],
  ['a failure of what does not run', [scheduled('0'), erred], 'attempt 1 of 0 failed and was not running'],
  [
    'an interruption of what does not run',
    [scheduled('0'), stopped],
    'attempt 1 of 0 was interrupted and was not running',
  ],
  ['a question about a source', [source, asked], `OutcomeAsked for 0, ${notPending}`],
  ['the cancelling of nothing', [cancelled], '0 was cancelled and is not pending'],
  ['of a group', [opened('0'), cancelled], '0 was cancelled and is not pending'],
  ['of what is settled', [...running, done, cancelled], '0 was cancelled and is not pending'],
  ['of an exit', [{ ...SAMPLE.ExitRegistered, key: '0' }, cancelled], '0 was cancelled and is not pending'],
  ['a late result of nothing', [{ ...SAMPLE.LateResult, key: '9' }], 'late result of unknown call 9'],
  ['of a timer', [timer, { ...SAMPLE.LateResult, key: '0' }], 'late result of unknown call 0'],
  ['the firing of nothing', [fired], 'timer 0 fired and was not pending'],
  ['of a task', [scheduled('0'), fired], 'timer 0 fired and was not pending'],
  ['of a timer twice', [timer, fired, fired], 'timer 0 fired and was not pending'],
  ['a message for nothing', [message], 'SignalReceived for 0, which is no pending wait'],
  ['for a timer', [timer, message], 'SignalReceived for 0, which is no pending wait'],
  ['two for one wait', [wait, message, message], 'SignalReceived for 0, which is no pending wait'],
  ['an answer to nothing', [answer], 'BreakpointAnswered for 0, which is no pending question'],
  ['to a wait', [wait, answer], 'BreakpointAnswered for 0, which is no pending question'],
  ['two of one person', [question, answer, answer], 'ada answered 0 twice'],
  [
    'one after the decision',
    [question, answer, decided, { ...answer, by: 'lin' }],
    'BreakpointAnswered for 0, which is no pending question',
  ],
  ['a decision by no answer', [question, decided], '0 was decided by no answer'],
  [
    'two decisions',
    [question, answer, decided, decided],
    'BreakpointClosed for 0, which is no pending question',
  ],
  ['a notice of nothing', [told], '0 was told of and is not pending'],
  ['an answer to no external task', [unfit], 'AnswerRefused for 0, which is no open external task'],
  ['to a task of ours', [scheduled('0'), unfit], 'AnswerRefused for 0, which is no open external task'],
  ['to one that is done', [offer, done, done], 'TaskSucceeded for 0, which is no open external task'],
  ['an attempt at an external task', [offer, started('0')], `AttemptStarted for 0, ${notPending}`],
  ['the end of no child', [back], 'the end of child 0, which is no pending one'],
  ['of a task as a child', [scheduled('0'), back], 'the end of child 0, which is no pending one'],
  ['of a child twice', [child, back, back], 'the end of child 0, which is no pending one'],
  ['an item of nothing', [item(0)], 'ItemRecorded for 0, which is no pending call that gives items'],
  ['of a timer', [timer, item(0)], 'ItemRecorded for 0, which is no pending call that gives items'],
  ['before its source runs', [source, item(0)], 'attempt 1 of 0 tells something and is not running'],
  [
    'of another attempt',
    [source, started('0'), item(0, 2)],
    'attempt 2 of 0 tells something and is not running',
  ],
  [
    'of an attempt that failed',
    [source, started('0'), erred, item(0)],
    'attempt 1 of 0 tells something and is not running',
  ],
  [
    'after the end of the source',
    [source, started('0'), ended, item(0)],
    'ItemRecorded for 0, which is no pending call that gives items',
  ],
  ['of a task that nobody reads', [...running, item(0)], 'ItemRecorded for 0, whose progress is not read'],
  [
    'after the end of reading',
    [scheduled('0'), progress, started('0'), left, item(0)],
    'ItemRecorded for 0, whose progress is not read',
  ],
  ['a failure of no attempt', [source, erred], 'attempt 1 of 0 tells something and is not running'],
  ['a stop of no attempt', [source, stopped], 'attempt 1 of 0 tells something and is not running'],
  ['progress of nothing', [progress], 'StreamOpened for 0, which is no pending call that gives items'],
  [
    'the end of a task as of a source',
    [scheduled('0'), progress, ended],
    'StreamEnded for 0, which is a task',
  ],
  ['an end twice', [source, left, left], 'StreamClosed for 0, which is no pending call that gives items'],
  [
    'a source without its policy',
    [{ ...SAMPLE.StreamOpened, key: '0', retry: null }],
    'StreamOpened for 0, which is no pending call that gives items',
  ],
  [
    'a task that hears and does not run',
    [scheduled('0'), hears],
    'attempt 1 of 0 waits for a message and is not running',
  ],
  ['a message for no task', [heard(0)], `TaskSignalReceived for 0, ${notPending}`],
  [
    'for one that does not run',
    [scheduled('0'), heard(0)],
    'attempt 1 of 0 took a message and was not running',
  ],
  ['for another attempt', [...running, heard(0, 2)], 'attempt 2 of 0 took a message and was not running'],
  ['for one that is settled', [...running, cancelled, heard(0)], `TaskSignalReceived for 0, ${notPending}`],
  ['the decision of no group', [closed('0')], 'ScopeClosed for 0, which is no open group'],
  ['of a task as a group', [scheduled('0'), closed('0')], 'ScopeClosed for 0, which is no open group'],
  ['of a group twice', [opened('0'), closed('0'), closed('0')], 'ScopeClosed for 0, which is no open group'],
  ['of the root twice', [closed(''), closed('')], 'the root scope was closed twice'],
  [
    'the retuning of what is decided',
    [opened('0'), closed('0'), retuned],
    'ScopeRetuned for 0, which is no open group',
  ],
  ['a mark of no group', [mark(1)], 'Folded for 0, which is no open group'],
  ['a mark of what is decided', [reduce, closed('0'), mark(1)], 'Folded for 0, which is no open group'],
  [
    'an abort of a group that gave up its losers',
    [opened('0'), closed('0'), aborted],
    'ScopeAborted for 0, which is no group with anything to give up',
  ],
  [
    'a timeout of a group that was interrupted',
    [opened('0', { losers: 'drain' }), closed('0', 'aborted'), timedOut],
    'ScopeTimedOut for 0, which is no group with anything to give up',
  ],
  [
    'two timeouts behind a decision',
    [opened('0', { losers: 'drain' }), closed('0'), timedOut, timedOut],
    'ScopeTimedOut for 0, which is no group with anything to give up',
  ],
  [
    'an abort of what is no group',
    [scheduled('0'), aborted],
    'ScopeAborted for 0, which is no group with anything to give up',
  ],
];

describe.each(Object.entries({ ...ROWS, J4 }))('%s', (invariant, rows) => {
  it.each(rows)('%s', (_, events, problem) => {
    const state = given(...events.slice(0, -1));
    const event = events.at(-1) ?? events[0];
    expect(() => evolve(state, { seq: state.seq + 1, at: 9, event })).toThrow(
      expect.objectContaining({ name: 'InvariantError', invariant, problem }),
    );
  });
});

describe('J1: seq is dense', () => {
  const removed = (count: number): Compacted => ({ ...SAMPLE.Compacted, count, sources: [] });
  it.each<[string, number, JournalEvent, string]>([
    ['a gap', 5, scheduled('0'), 'event 5 follows event 1'],
    ['a step back', 1, scheduled('0'), 'event 1 follows event 1'],
    ['fewer places than rows were removed', 3, removed(3), 'event 3 follows event 1'],
    ['more of them', 3, removed(1), 'event 3 follows event 1'],
  ])('%s', (_, seq, event, problem) => {
    expect(() => evolve(given(), { seq, at: 9, event })).toThrow(
      expect.objectContaining({ invariant: 'J1', problem }),
    );
  });

  it('from a start', () => {
    expect(() => evolve(initialState(), { seq: 1, at: 0, event: scheduled('0') })).toThrow(
      'TaskScheduled at seq 1: a journal starts with exactly one RunStarted',
    );
  });
});

it('J5: removed rows of a source end behind what was read of it', () => {
  const state = given(source, started('0'), item(0), item(1));
  const stands = (items: number, attempt: number): Compacted => ({
    ...SAMPLE.Compacted,
    count: 1,
    sources: [{ key: '0', items, attempt }],
  });
  const next = (event: JournalEvent): void => evolve(state, { seq: state.seq + 1, at: 9, event });
  for (const [items, attempt] of [
    [1, 1],
    [2, 0],
  ] as const)
    expect(() =>
      evolve(given(source, started('0'), item(0), item(1)), { seq: 6, at: 9, event: stands(items, attempt) }),
    ).toThrow(`removed rows of 0 end at item ${items} of attempt ${attempt} and follow 2 items of attempt 1`);
  next(stands(2, 1));
  next(ended);
  expect(() => next(stands(3, 1))).toThrow('removed rows of 0 end at item 3 of attempt 1');
});
