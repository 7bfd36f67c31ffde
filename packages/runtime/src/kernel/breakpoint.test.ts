import { describe, expect, it } from 'vitest';
import type { BreakpointOpened } from '../journal/breakpoint-event.ts';
import type { JournalEvent } from '../journal/event.ts';
import { verdict, withAnswers } from './breakpoint.ts';
import { given, opened, scheduled, started, when } from './given.fixture.ts';
import type { Report } from './input.ts';
import { wantsNotice } from './people.ts';

/* Questions to people. */

const asked = (more: Partial<BreakpointOpened> = {}): BreakpointOpened => ({
  type: 'BreakpointOpened',
  key: '0',
  title: 't',
  question: 'q',
  context: null,
  options: ['a', 'b'],
  expert: [],
  tags: [],
  strategy: 'single',
  quorum: null,
  experts: null,
  timeoutMs: null,
  onTimeout: 'fail',
  ...more,
});
const facts = { key: '0', option: null, feedback: null, response: null } as const;
const taken = (by: string, approved = true, more: object = {}): Report => ({
  ...facts,
  type: 'AnswerTaken',
  messageId: `m ${by}`,
  by,
  approved,
  ...more,
});
const answered = (by: string, approved = true): JournalEvent => ({
  ...facts,
  type: 'BreakpointAnswered',
  messageId: `m ${by}`,
  by,
  approved,
});
const closed: JournalEvent = { type: 'BreakpointClosed', key: '0', outcome: 'approved', by: 'answer' };
const pair = asked({ strategy: 'quorum', quorum: 2, experts: ['ada', 'lin', 'eve'] });

describe('a question', () => {
  it.each([
    [null, []],
    [5000, [{ type: 'SetTimer', delayMs: 5000, report: { type: 'WaitDue', key: '0' } }]],
  ])('is recorded, with its time: %s', (timeoutMs, effects) => {
    const { type: _, ...question } = asked({ timeoutMs });
    const state = given();
    expect(when(state, { type: 'OpenBreakpoint', ...question })).toEqual({
      events: [asked({ timeoutMs })],
      effects,
    });
    expect([...state.pending]).toEqual(['0']);
  });
});

describe('what answers come to', () => {
  const people = ['1', '2', '3', '4', '5'];
  it.each([
    ['single', null, null, '+', 'approved'],
    ['single', null, null, '-', 'rejected'],
    ['single', null, 3, '-', 'rejected'],
    ['first', null, 3, '-', 'rejected'],
    ['all', null, 3, '++', undefined],
    ['all', null, 3, '+++', 'approved'],
    ['all', null, 3, '+-', 'rejected'],
    ['quorum', 2, null, '-+', undefined],
    ['quorum', 2, null, '-+-', 'rejected'],
    ['quorum', 2, null, '-++', 'approved'],
    ['quorum', 2, 5, '---', undefined],
    ['quorum', 2, 5, '----', 'rejected'],
    ['quorum', 2, 5, '---++', 'approved'],
    ['quorum', 5, 5, '++-', 'rejected'],
    ['quorum', 1, 1, '', undefined],
  ] as const)('%s of %s among %s: %s is %s', (strategy, quorum, among, said, expected) => {
    const experts = among === null ? null : people.slice(0, among);
    const answers = Array.from(said, (sign, i) => ({ by: String(i + 1), approved: sign === '+' }));
    expect(verdict({ strategy, quorum, experts }, answers)).toBe(expected);
  });
});

describe('an answer', () => {
  it.each([
    [
      'that decides closes the question in the same decision',
      [asked()],
      taken('ada'),
      [answered('ada'), closed],
    ],
    ['that does not is recorded alone', [pair], taken('ada'), [answered('ada')]],
    ['of a second person decides', [pair, answered('ada')], taken('lin'), [answered('lin'), closed]],
    ['of the same person does not count', [pair, answered('ada')], taken('ada', false), []],
    ['of somebody who is not asked does not count', [pair], taken('bob'), []],
    ['with an option that is not offered does not count', [asked()], taken('ada', true, { option: 'z' }), []],
    ['after the decision does not count', [asked(), answered('ada'), closed], taken('lin'), []],
    ['to no question', [], taken('ada'), []],
    ['to a task', [scheduled('0')], taken('ada'), []],
    ['in a run that is cancelled', [asked(), { type: 'CancelRequested', reason: 'r' }], taken('ada'), []],
  ] as const satisfies readonly (readonly [
    string,
    readonly JournalEvent[],
    Report,
    readonly JournalEvent[],
  ])[])('%s', (_, events, report, expected) => {
    const isDecided = expected.some(({ type }) => type === 'BreakpointClosed');
    const effects = isDecided ? [{ type: 'ClearTimers', key: '0' }] : [];
    expect(when(given(...events), report)).toEqual({ events: expected, effects });
  });

  it('to a branch that was given up does not count', () => {
    const lost = { type: 'ScopeClosed', key: '0', outcome: 'fulfilled', winner: 1 } as const;
    const state = given(opened('0'), asked({ key: '0/0/0' }), lost);
    expect(when(state, { ...taken('ada'), key: '0/0/0' } as Report).events).toEqual([]);
  });

  it('is nothing that a replay compares or delivers, and the decision is', () => {
    expect(given(pair, answered('ada')).lastDecisiveSeq).toBe(2);
    expect(given(asked(), answered('ada'), closed).lastDecisiveSeq).toBe(4);
  });
});

describe('time', () => {
  it.each([
    ['reject', 'rejected'],
    ['approve', 'approved'],
    ['fail', 'failed'],
  ] as const)('%s: it is %s', (onTimeout, outcome) => {
    const due: Report = { type: 'WaitDue', key: '0' };
    const events = [{ type: 'BreakpointClosed', key: '0', outcome, by: 'timeout' }];
    expect(when(given(asked({ onTimeout, timeoutMs: 5 })), due)).toEqual({ events, effects: [] });
    expect(when(given(asked({ onTimeout }), answered('ada'), closed), due).events).toEqual([]);
  });

  it('goes on at the head, and a journal that was cut off behind the deciding answer is decided by that', () => {
    const head: Report = { type: 'HeadReached' };
    const report = { type: 'WaitDue', key: '0' };
    expect(when(given(asked({ timeoutMs: 5000 })), head, 2000).effects).toEqual([
      { type: 'SetTimer', delayMs: 3001, report },
    ]);
    const cut = given(asked({ timeoutMs: 5000 }), answered('ada'));
    expect(when(cut, head, 2000).effects).toEqual([{ type: 'TimerPassed', report }]);
    expect(when(cut, { type: 'WaitDue', key: '0' })).toEqual({
      events: [closed],
      effects: [{ type: 'ClearTimers', key: '0' }],
    });
    expect(cut.calls.get('0')).toMatchObject({ phase: 'closed' });
  });
});

describe('a notice', () => {
  const told: JournalEvent = { type: 'WaitNotified', key: '0' };
  const waits = (prompt: string | null): JournalEvent => ({
    type: 'SignalAwaited',
    key: '0',
    name: 'n',
    timeoutMs: null,
    prompt,
    data: null,
  });
  const cancelling: JournalEvent = { type: 'CancelRequested', reason: 'r' };
  const outcomeAsked: JournalEvent = { type: 'OutcomeAsked', key: '0', attempt: 1 };
  const again = [
    { type: 'AttemptInterrupted', key: '0', attempt: 1 },
    started('0', 2),
    { ...outcomeAsked, attempt: 2 },
  ] as const;
  it.each([
    ['a question', [asked()], true],
    ['a question of which somebody was told', [asked(), told], false],
    ['a question that is decided', [asked(), answered('ada'), closed], false],
    ['a receive with a prompt', [waits('who?')], true],
    ['a receive of programs', [waits(null)], false],
    ['an attempt without an end', [scheduled('0'), started('0'), outcomeAsked], true],
    ['another such attempt', [scheduled('0'), started('0'), outcomeAsked, told, ...again], true],
    ['a task', [scheduled('0'), started('0')], false],
    ['a question that is given up', [opened('1'), asked({ key: '0' }), cancelling], false],
    ['nothing', [], false],
  ] as const satisfies readonly (readonly [string, readonly JournalEvent[], boolean])[])(
    'of %s',
    (_, events, wanted) => {
      const state = given(...events);
      expect(wantsNotice(state, '0')).toBe(wanted);
      const decision = { events: wanted ? [told] : [], effects: [] };
      expect(when(state, { type: 'NoticeGiven', key: '0' })).toEqual(decision);
    },
  );
});

it('of what is settled nobody is told any more', () => {
  const told: JournalEvent = { type: 'WaitNotified', key: '0' };
  expect([...given(asked(), told).notified]).toEqual(['0']);
  expect([...given(asked(), told, answered('ada'), closed).notified]).toEqual([]);
  expect([
    ...given(asked(), told, asked({ key: '1' }), { ...closed, key: '1', by: 'timeout' }).notified,
  ]).toEqual(['0']);
});

it('answers that wait count up to the one that decides, one a person, as they are recorded later', () => {
  const said = (by: string, approved: boolean, option: string | null = null) => ({ by, approved, option });
  const question = { ...pair, answers: [{ by: 'ada', approved: true }] };
  const waiting = [
    said('ada', false),
    said('bob', true),
    said('lin', false, 'z'),
    said('lin', false, 'a'),
    said('eve', true),
    said('lin', true),
  ];
  expect(withAnswers(question, waiting)).toEqual({ counted: [waiting[3], waiting[4]], outcome: 'approved' });
  expect(withAnswers(question, waiting.slice(0, 4))).toEqual({ counted: [waiting[3]], outcome: undefined });
});

it.each([
  ['all', null],
  ['quorum', null],
] as const)('%s of nobody knows how many is one', (strategy, experts) => {
  const question = { strategy, quorum: null, experts };
  const said = (approved: boolean) => [
    { by: 'a', approved, option: null, feedback: null, response: null, at: 1 },
  ];
  expect(verdict(question, said(true) as never)).toBe('approved');
  expect(verdict(question, said(false) as never)).toBe('rejected');
  expect(verdict(question, [])).toBeUndefined();
});
