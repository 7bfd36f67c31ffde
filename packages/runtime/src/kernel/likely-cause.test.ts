import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../journal/event.ts';
import { SAMPLE_EVENTS as SAMPLE } from '../journal/sample-events.fixture.ts';
import { fingerprintOf } from './fingerprint.ts';
import { given, opened, scheduled } from './given.fixture.ts';
import { hintsOf, likelyCause, NO_HINTS, type DivergenceHints, type Sides } from './likely-cause.ts';

/* What the journal tells of a divergence beside its two sides, and what that makes likely. */

const task = (key: string, name: string, inputHash = 'i'): JournalEvent => ({
  ...SAMPLE.TaskScheduled,
  key,
  task: name,
  version: null,
  inputHash,
});
const printOf = (event: JournalEvent): string => fingerprintOf(event as Parameters<typeof fingerprintOf>[0]);

describe('hints', () => {
  /** The call at seq 4, key 2, is asked for otherwise; the group holds others, which have nothing to do with it. */
  const state = given(
    task('0', 'first'),
    task('1', 'loop', 'a'),
    task('2', 'loop', 'b'),
    opened('3'),
    task('3/0/0', 'last'),
    task('4', 'last'),
    task('5', 'last'),
    { ...SAMPLE.StateSet, key: 'state' },
  );
  const none = { newKey: null, later: null, goesOn: null };
  const ofTwo = { ...none, goesOn: 'recorded' };

  it.each<[string, JournalEvent | undefined, string, object]>([
    ['nothing is asked for', undefined, '2', ofTwo],
    [
      'the first of those that were recorded later in the scope',
      task('', 'last'),
      '2',
      { ...ofTwo, later: { key: '4', seq: 7 } },
    ],
    ['what was recorded before is not meant', task('', 'first'), '2', ofTwo],
    ['nor the recorded call itself', task('', 'loop', 'b'), '2', ofTwo],
    ['the same call under another key', task('', 'loop', 'b'), ':named', { ...ofTwo, newKey: ':named' }],
    ['another call under another key', task('', 'loop', 'c'), ':named', ofTwo],
  ])('%s', (_, asked, key, hints) => {
    const fingerprint = asked && printOf(asked);
    expect(hintsOf(state, 4, '2', fingerprint === undefined ? undefined : { key, fingerprint })).toEqual(
      hints,
    );
  });

  it.each<[string, number, string, JournalEvent, DivergenceHints['goesOn']]>([
    ['a loop that was recorded for longer', 4, '2', task('', 'other'), 'recorded'],
    ['one that goes on, where something else was recorded', 5, '3', task('', 'loop', 'c'), 'asked'],
    ['nothing of a loop', 5, '3', task('', 'other'), null],
    ['a task whose name goes on with that of the one before', 5, '3', task('', 'loops'), null],
    ['nothing before it in the scope', 2, '0', task('', 'first'), null],
    ['what lies in a branch is of another scope', 6, '3/0/0', task('', 'loop', 'c'), null],
  ])('goes on: %s', (_, seq, key, asked, goesOn) => {
    expect(hintsOf(state, seq, key, { key, fingerprint: printOf(asked) })).toMatchObject({ goesOn });
  });

  it('of runs that are started, and of waits, which are known by all that they are', () => {
    const start = { ...SAMPLE.ChildStarted, key: '1', inputHash: 'a' };
    const runs = given({ ...start, key: '0' }, start, { ...SAMPLE.SignalAwaited, key: '2', name: 'one' });
    const asked = { key: '1', fingerprint: printOf({ ...start, inputHash: 'b' }) };
    expect(hintsOf(runs, 3, '1', asked).goesOn).toBe('recorded');
    const wait = { key: '3', fingerprint: printOf({ ...SAMPLE.SignalAwaited, name: 'two' }) };
    expect(hintsOf(runs, 5, '3', wait).goesOn).toBeNull();
    expect(hintsOf(given(), 2, '0', undefined)).toEqual(none);
  });
});

describe('likely cause', () => {
  const sides = (recorded: JournalEvent, was: string, asked?: string, more: Partial<Sides> = {}): Sides => ({
    recorded,
    was,
    asked: asked === undefined ? undefined : { what: asked, where: undefined },
    difference: null,
    isSameInput: false,
    ...more,
  });
  const hints = (more: Partial<DivergenceHints>): DivergenceHints => ({ ...NO_HINTS, ...more });
  const later = { key: '4', seq: 7 };
  const was = "task 't'";
  const recorded = scheduled('3');
  const left = { ...SAMPLE.StreamClosed, key: '3' };
  const wait = { ...SAMPLE.SignalAwaited, key: '3' };

  it.each<[string, Sides, DivergenceHints, string]>([
    [
      'an exit that is not registered',
      sides(scheduled('2/exit/0'), was),
      NO_HINTS,
      'the scope registers less for its end than it did, or ends in another way',
    ],
    [
      'another exit',
      sides(scheduled('2/exit/0'), was, "task 'u'"),
      NO_HINTS,
      'the call was renamed or replaced, or another one was inserted before it',
    ],
    [
      'a version',
      sides(SAMPLE.ValueRecorded, "version 2 of 'new-tax'", was),
      NO_HINTS,
      'the code no longer does what this version did',
    ],
    [
      'a source',
      sides({ ...SAMPLE.StreamOpened, key: '3' }, "source 'orders'"),
      NO_HINTS,
      'the call was removed, or moved behind a condition that is false now',
    ],
    [
      'progress',
      sides({ ...SAMPLE.StreamOpened, key: '3', kind: 'progress' }, "the progress of task 't'", "task 'u'"),
      NO_HINTS,
      'the process no longer reads what the task tells: it was called by ctx.stream',
    ],
    [
      'nothing, where a loop was recorded',
      sides(recorded, was),
      hints({ goesOn: 'recorded' }),
      'a loop ends earlier than it did, or the call was removed',
    ],
    [
      'nothing',
      sides(recorded, was),
      hints({ goesOn: 'asked' }),
      'the call was removed, or moved behind a condition that is false now',
    ],
    [
      'the same with another input',
      sides(recorded, was, was, { difference: '$: …' }),
      hints({ newKey: ':a' }),
      'the input of the call changed',
    ],
    [
      'the same under another key',
      sides(recorded, was, was),
      hints({ newKey: ':a' }),
      'the key of the call changed: it is :a now',
    ],
    [
      'another input of a run',
      sides(SAMPLE.ChildStarted, 'run "p"', 'run "p"'),
      NO_HINTS,
      'the input of the run changed',
    ],
    [
      'another run',
      sides(SAMPLE.ChildStarted, 'run "p"', 'run "q"'),
      NO_HINTS,
      'the call was renamed or replaced, or another one was inserted before it',
    ],
    [
      'another version',
      sides(recorded, `${was} (version 2)`, `${was} (version 10)`),
      NO_HINTS,
      'the version of the task changed',
    ],
    ['no version', sides(recorded, `${was} (version 2)`, was), NO_HINTS, 'the version of the task changed'],
    [
      'what only looks like it',
      sides(wait, 'receive "a (version 1) b"', 'receive "a b"'),
      NO_HINTS,
      'the call was renamed or replaced, or another one was inserted before it',
    ],
    [
      'a loop that is left at another item',
      sides(left, 'the end of reading after 2 items', 'the end of reading after 1 item'),
      NO_HINTS,
      'the process takes another number of items before it leaves the loop',
    ],
    [
      'another call where a loop was left',
      sides(left, 'the end of reading after 2 items', was),
      NO_HINTS,
      'the call was replaced by one of another kind, or another one was inserted before it',
    ],
    [
      'a loop that is left where a call was',
      sides(recorded, was, 'the end of reading after 1 item'),
      NO_HINTS,
      'the call was replaced by one of another kind, or another one was inserted before it',
    ],
    [
      'what was recorded later, where a loop was recorded',
      sides(recorded, was, "task 'u'"),
      hints({ later, goesOn: 'recorded' }),
      'a loop ends earlier than it did, or the call was removed: what is asked for was recorded after it, at seq 7 (call 4)',
    ],
    [
      'what was recorded later',
      sides(recorded, was, "task 'u'"),
      hints({ later }),
      'the call was removed, or moved further down: what is asked for was recorded after it, at seq 7 (call 4)',
    ],
    [
      'what was asked for before',
      sides(recorded, was, "task 'u'"),
      hints({ goesOn: 'asked' }),
      'a loop goes on for longer than it did, or a call was inserted',
    ],
    [
      'what was recorded before',
      sides(recorded, was, "task 'u'"),
      hints({ goesOn: 'recorded' }),
      'the call was renamed or replaced, or another one was inserted before it',
    ],
    [
      'a group instead of a call',
      sides(recorded, was, 'parallel.all of 2'),
      NO_HINTS,
      'the call was moved into a group, or a group was inserted before it',
    ],
    [
      'another combinator',
      sides(opened('3'), 'parallel.all of 2', 'parallel.race of 2'),
      NO_HINTS,
      'the combinator changed, or another group was inserted before it',
    ],
    [
      'a wider group',
      sides(opened('3'), 'parallel.all of 2', 'parallel.all of 3'),
      NO_HINTS,
      'the number of branches changed',
    ],
    [
      'another name with the same input',
      sides(recorded, was, "task 'u'", { isSameInput: true }),
      NO_HINTS,
      'the task was renamed: its input is the same',
    ],
    [
      'another kind',
      sides(recorded, was, 'sleep 5ms'),
      NO_HINTS,
      'the call was replaced by one of another kind, or another one was inserted before it',
    ],
  ])('of %s', (_, both, hint, cause) => {
    expect(likelyCause(both, hint)).toBe(cause);
  });
});
