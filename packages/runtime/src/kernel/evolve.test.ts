import { describe, expect, it } from 'vitest';
import type { JournalEvent, Losers } from '../journal/event.ts';
import { SAMPLE_EVENTS as SAMPLE } from '../journal/sample-events.fixture.ts';
import { evolve } from './evolve.ts';
import { given, opened, scheduled, started } from './given.fixture.ts';
import { fencedWithin } from './resume.ts';
import { initialState, isBehindMark } from './state.ts';

/* What an event makes of the state. */

const RETRY = { attempts: 2, delayMs: 100, factor: 2, maxDelayMs: 1000, jitter: 0 };
const source: JournalEvent = { ...SAMPLE.StreamOpened, key: '0', retry: RETRY };
const progress: JournalEvent = { ...SAMPLE.StreamOpened, key: '0', kind: 'progress', retry: null };
const item: JournalEvent = { ...SAMPLE.ItemRecorded, key: '0' };
const erred: JournalEvent = { ...SAMPLE.AttemptFailed, key: '0', retryAt: 700, delayMs: 100 };
const stopped: JournalEvent = { type: 'AttemptInterrupted', key: '0', attempt: 1 };
const done: JournalEvent = { type: 'TaskSucceeded', key: '0', output: 1, by: 'attempt' };
const failed: JournalEvent = { ...SAMPLE.TaskFailed, key: '0', failures: 3 };
const asked: JournalEvent = { type: 'OutcomeAsked', key: '0', attempt: 1 };
const told: JournalEvent = { type: 'WaitNotified', key: '0' };
const cancelled: JournalEvent = { type: 'TaskCancelled', key: '0', reason: 'r' };
const left: JournalEvent = { type: 'StreamClosed', key: '0', consumed: 2 };
const offer: JournalEvent = { ...SAMPLE.TaskOffered, key: '0' };
const wait: JournalEvent = { ...SAMPLE.SignalAwaited, key: '0' };
const timer: JournalEvent = { ...SAMPLE.TimerStarted, key: '0' };

it.each<[string, readonly JournalEvent[], object, isPending: boolean]>([
  ['a task', [scheduled('0')], { phase: 'scheduled', scheduledAt: 1, attempts: 0 }, true],
  ['that runs', [scheduled('0'), started('0')], { phase: 'running', attempts: 1, unknowns: 0 }, true],
  [
    'that runs again, after an attempt without an end',
    [scheduled('0'), started('0'), started('0', 2)],
    { phase: 'running', attempts: 2, unknowns: 1 },
    true,
  ],
  [
    'that failed once',
    [scheduled('0'), started('0'), erred],
    { phase: 'backoff', failures: 1, retryAt: 700, retryDelayMs: 100 },
    true,
  ],
  [
    'that was interrupted',
    [scheduled('0'), started('0'), stopped],
    { phase: 'scheduled', failures: 0, unknowns: 0 },
    true,
  ],
  ['that a person is asked about', [scheduled('0'), started('0'), asked], { phase: 'asked' }, true],
  [
    'that a person says never ran',
    [scheduled('0'), started('0'), asked, stopped],
    { phase: 'scheduled' },
    true,
  ],
  ['that succeeded', [scheduled('0'), started('0'), done], { phase: 'succeeded' }, false],
  ['that failed', [scheduled('0'), started('0'), failed], { phase: 'failed', failures: 3 }, false],
  ['that was cancelled', [scheduled('0'), started('0'), cancelled], { phase: 'cancelled' }, false],
  [
    'whose progress is read',
    [scheduled('0'), progress, started('0'), item],
    { progress: { items: 1, closed: undefined } },
    true,
  ],
  [
    'whose progress is read no more',
    [scheduled('0'), progress, left],
    { progress: { items: 0, closed: { consumed: 2, seq: 4 } } },
    true,
  ],
  [
    'a source',
    [source],
    { phase: 'scheduled', attempts: 0, items: 0, foldedSeq: 0, closed: undefined, retry: RETRY },
    true,
  ],
  ['that is open', [source, started('0'), item], { phase: 'running', attempts: 1, items: 1 }, true],
  [
    'that failed once',
    [source, started('0'), erred],
    { phase: 'backoff', failures: 1, retryAt: 700, retryDelayMs: 100 },
    true,
  ],
  [
    'that is opened again',
    [source, started('0'), erred, started('0', 2)],
    { phase: 'running', failures: 1, retryAt: 0, retryDelayMs: 0 },
    true,
  ],
  [
    'that goes on',
    [source, started('0'), erred, started('0', 2), { ...item, attempt: 2 } as JournalEvent],
    { failures: 0, items: 1 },
    true,
  ],
  ['that was interrupted', [source, started('0'), stopped], { phase: 'scheduled', failures: 0 }, true],
  ['that ended', [source, started('0'), { type: 'StreamEnded', key: '0' }], { phase: 'ended' }, false],
  [
    'that failed',
    [source, started('0'), { ...SAMPLE.StreamFailed, key: '0' }],
    { phase: 'failed', failures: 3 },
    false,
  ],
  [
    'that is read no more',
    [source, started('0'), left],
    { phase: 'closed', closed: { consumed: 2, seq: 4 } },
    false,
  ],
  ['a timer', [timer], { phase: 'pending', dueAt: 1_700_000_000_000, durationMs: 5 }, true],
  ['that fired', [timer, { type: 'TimerFired', key: '0' }], { phase: 'fired' }, false],
  ['a wait', [wait], { phase: 'pending', name: 'approval', hasPrompt: true, openedAt: 1 }, true],
  ['that has its message', [wait, { ...SAMPLE.SignalReceived, key: '0' }], { phase: 'received' }, false],
  ['whose time has passed', [wait, { type: 'SignalTimedOut', key: '0' }], { phase: 'timedOut' }, false],
  [
    'that passed messages over',
    [wait, { ...SAMPLE.SignalsSuperseded, key: '0' }],
    { phase: 'pending' },
    true,
  ],
  [
    'an external task',
    [offer],
    { phase: 'open', taskId: SAMPLE.TaskOffered.taskId, offeredAt: 1, failures: 0 },
    true,
  ],
  ['that failed once', [offer, erred], { phase: 'open', failures: 1 }, true],
  [
    'with an answer that does not fit',
    [offer, { ...SAMPLE.AnswerRefused, key: '0' }],
    { phase: 'open', failures: 0 },
    true,
  ],
  ['that is done', [offer, done], { phase: 'succeeded' }, false],
  ['that failed', [offer, failed], { phase: 'failed' }, false],
  ['that was cancelled', [offer, cancelled], { phase: 'cancelled' }, false],
  [
    'a child',
    [{ ...SAMPLE.ChildStarted, key: '0' }],
    { phase: 'pending', runId: 'run_1.6', survives: false },
    true,
  ],
  [
    'that goes on by itself',
    [{ ...SAMPLE.ChildStarted, key: '0', detached: true }],
    { survives: true },
    true,
  ],
  [
    'that is left',
    [{ ...SAMPLE.ChildStarted, key: '0', onParentCancel: 'abandon' }],
    { survives: true },
    true,
  ],
  [
    'that failed',
    [
      { ...SAMPLE.ChildStarted, key: '0' },
      { ...SAMPLE.ChildFinished, key: '0' },
    ],
    { phase: 'failed' },
    false,
  ],
])('%s', (_, events, call, isPending) => {
  const state = given(...events);
  expect(state.calls.get('0')).toMatchObject(call);
  expect(state.pending.has('0')).toBe(isPending);
});

describe('a group', () => {
  const closed = (
    outcome: 'fulfilled' | 'rejected' | 'aborted',
    winner: number | null = null,
  ): JournalEvent => ({ type: 'ScopeClosed', key: '0', outcome, winner });
  const open = (losers: Losers): JournalEvent => opened('0', { losers, concurrency: 3 });
  const aborted: JournalEvent = { type: 'ScopeAborted', key: '0', reason: 'r' };
  const timedOut: JournalEvent = { type: 'ScopeTimedOut', key: '0' };

  it.each<[string, readonly JournalEvent[], object]>([
    [
      'is open',
      [open('cancel')],
      {
        phase: { status: 'open' },
        openedConcurrency: 3,
        concurrency: 3,
        inside: [],
        folded: null,
        unsettled: 0,
      },
    ],
    [
      'is retuned, and open',
      [open('cancel'), { type: 'ScopeRetuned', key: '0', concurrency: 5 }],
      { phase: { status: 'open' }, openedConcurrency: 3, concurrency: 5 },
    ],
    [
      'is decided, and gives up the others',
      [open('cancel'), closed('fulfilled', 1)],
      {
        phase: {
          status: 'closed',
          seq: 3,
          decided: { outcome: 'fulfilled', winner: 1 },
          fencedBy: 'fulfilled',
        },
        concurrency: 3,
      },
    ],
    [
      'is decided, and lets them go on',
      [open('drain'), closed('rejected')],
      { phase: { status: 'closed', seq: 3, decided: { outcome: 'rejected', winner: null }, fencedBy: null } },
    ],
    ['is interrupted', [open('drain'), closed('aborted')], { phase: { fencedBy: 'aborted' } }],
    [
      'is aborted behind its decision',
      [open('drain'), closed('fulfilled'), aborted],
      { phase: { status: 'closed', decided: { outcome: 'fulfilled' }, fencedBy: 'aborted' } },
    ],
    [
      'runs out of time behind it',
      [open('detach'), closed('fulfilled'), timedOut],
      { phase: { fencedBy: 'timedOut' } },
    ],
    ['is open until an abort has decided it', [open('drain'), aborted], { phase: { status: 'open' } }],
  ])('%s', (_, events, group) => {
    expect(given(...events).calls.get('0')).toMatchObject(group);
  });

  it('counts what is unsettled in it, at any depth', () => {
    const state = given(opened('0'), opened('0/0/0'), scheduled('0/0/0/1/0'), scheduled('0/1/0'));
    expect(state.calls.get('0')).toMatchObject({ unsettled: 2, inside: ['0/0/0', '0/1/0'] });
    expect(state.calls.get('0/0/0')).toMatchObject({ unsettled: 1, inside: ['0/0/0/1/0'] });
    evolve(state, { seq: state.seq + 1, at: 9, event: { ...cancelled, key: '0/0/0/1/0' } as JournalEvent });
    expect(state.calls.get('0')).toMatchObject({ unsettled: 1 });
    expect(state.calls.get('0/0/0')).toMatchObject({ unsettled: 0 });
  });

  it('that was decided gives up what is in it, and nothing beside it, in key order', () => {
    const state = given(
      open('cancel'),
      scheduled('0/10/0'),
      scheduled('0/2/0'),
      scheduled('1'),
      closed('rejected'),
    );
    expect(fencedWithin(state, '0')).toEqual(['0/2/0', '0/10/0']);
    expect(fencedWithin(state, '1')).toEqual([]);
    expect(fencedWithin(given(open('drain'), scheduled('0/0/0'), closed('fulfilled')), '0')).toEqual([]);
  });
});

describe('a run', () => {
  it.each<[string, readonly JournalEvent[], object]>([
    ['that runs', [], { status: 'running' }],
    [
      'whose process has returned',
      [{ type: 'ScopeClosed', key: '', outcome: 'rejected', winner: null }],
      { status: 'closing', decided: { outcome: 'rejected', winner: null } },
    ],
    [
      'that is being cancelled',
      [{ type: 'CancelRequested', reason: 'r' }],
      { status: 'cancelling', reason: 'r', isForced: false },
    ],
    [
      'by force',
      [
        { type: 'CancelRequested', reason: 'r' },
        { type: 'CancelForced', reason: 'now' },
      ],
      { status: 'cancelling', reason: 'now', isForced: true },
    ],
    ['that has ended', [{ type: 'RunSucceeded', output: 1 }], { status: 'ended', by: 'RunSucceeded' }],
    [
      'with a result that came too late',
      [
        scheduled('0'),
        started('0'),
        cancelled,
        { type: 'RunSucceeded', output: 1 },
        { ...SAMPLE.LateResult, key: '0' },
      ],
      { status: 'ended', by: 'RunSucceeded' },
    ],
  ])('%s', (_, events, phase) => {
    expect(given(...events).phase).toEqual(phase);
  });

  it('is what its start says', () => {
    const state = initialState();
    expect(state).toMatchObject({
      seq: 0,
      phase: { status: 'unstarted' },
      sharedWith: [],
      seed: '',
      effectSeed: '',
      process: '',
      inputsHash: '',
      inputsSeq: 1,
    });
    evolve(state, { seq: 1, at: 7, event: SAMPLE.RunStarted });
    expect(state).toMatchObject({
      seq: 1,
      lastAt: 7,
      seed: 'seed',
      effectSeed: 'seed',
      process: 'billing',
      inputsHash: 'f00d',
      codeHash: 'c0de',
    });
  });
});

it.each<[string, readonly JournalEvent[], isDecisive: boolean]>([
  ['what the process asks for', [scheduled('0')], true],
  ['that an attempt begins', [scheduled('0'), started('0')], false],
  ['an outcome', [scheduled('0'), started('0'), done], true],
  ['that a group is retuned', [opened('0'), { type: 'ScopeRetuned', key: '0', concurrency: 2 }], true],
  ['an end', [{ type: 'RunSucceeded', output: 1 }], true],
  ['that somebody was told', [wait, told], false],
])('a replay compares or delivers %s: %s', (_, events, isDecisive) => {
  const state = given(...events);
  expect(state.lastDecisiveSeq === state.seq).toBe(isDecisive);
});

it.each<[string, JournalEvent]>([
  ['another one begins', started('0', 2)],
  ['it never ran', stopped],
  ['it failed', failed],
])('somebody was told of an attempt without an end, and has to be told again where %s', (_, event) => {
  const state = given(scheduled('0'), started('0'), asked, told);
  expect([...state.notified]).toEqual(['0']);
  evolve(state, { seq: state.seq + 1, at: 9, event });
  expect([...state.notified]).toEqual([]);
});

it('a mark stands for what is in its reduce, in groups within it too, and for no group around it', () => {
  const reduce = opened('0/0/0', { mode: 'reduce', width: null });
  const mark: JournalEvent = { type: 'Folded', key: '0/0/0', n: 1, state: 1, source: null };
  const state = given(opened('0'), reduce, scheduled('0/1/0'), mark, scheduled('0/0/0/1/0'));
  const behind = (seq: number, event: JournalEvent): boolean => isBehindMark(state, { seq, at: 0, event });
  expect([
    behind(4, scheduled('0/0/0/0/0')),
    behind(4, scheduled('0/0/0/0/0/0/0')),
    behind(4, scheduled('0/1/0')),
    behind(5, mark),
    behind(6, scheduled('0/0/0/1/0')),
    behind(2, opened('0')),
    behind(3, { ...mark, key: '9' } as JournalEvent),
    behind(3, { ...mark, key: '0' } as JournalEvent),
  ]).toEqual([true, true, false, false, false, false, false, false]);
});
