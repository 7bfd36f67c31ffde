import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { cutDigest } from './chain.ts';
import { cutsOf, firstPlace, isUselessBehind, type MarkReach, type RowPlace } from './compaction.ts';
import type { JournalEvent } from './event.ts';
import type { Compacted } from './fold-event.ts';
import { SAMPLE_EVENTS as SAMPLE } from './sample-events.fixture.ts';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const source = { key: '1', seq: 6, items: 3, attempt: 2 };
const reach: MarkReach = { key: '0', source: null };

describe('what a mark that comes later stands for', () => {
  const task = (key: string): JournalEvent => ({ ...SAMPLE.TaskScheduled, key });
  const mark = (key: string): JournalEvent => ({ ...SAMPLE.Folded, key });
  const item: JournalEvent = { ...SAMPLE.ItemRecorded, key: '1' };
  it.each<[string, JournalEvent, MarkReach, number, boolean]>([
    ['a call in the reduce', task('0/3/0'), reach, 4, true],
    ['an earlier mark of it', mark('0'), reach, 4, true],
    ['a mark of one within it', mark('0/3/0'), reach, 4, true],
    ['a mark of one beside it', mark('2'), reach, 4, false],
    ['the reduce itself', { ...SAMPLE.ScopeOpened, key: '0' }, reach, 4, false],
    ['a call beside it', task('2/0/0'), reach, 4, false],
    ['a call whose key begins so', task('01/0/0'), reach, 4, false],
    ['what is of the run', { type: 'CancelRequested', reason: 'r' }, { key: '', source: null }, 4, false],
    ['an item of its source', item, { key: '0', source }, 5, true],
    ['the last one that is folded', item, { key: '0', source }, 6, true],
    ['one behind it', item, { key: '0', source }, 7, false],
    ['an attempt of the source', { ...SAMPLE.AttemptStarted, key: '1' }, { key: '0', source }, 5, true],
    ['the opening of the source', { ...SAMPLE.StreamOpened, key: '1' }, { key: '0', source }, 5, false],
    ['an item of a source that it does not read', item, reach, 5, false],
    ['a call in the reduce, beside its source', task('0/3/0'), { key: '0', source }, 9, true],
  ])('%s: seq %s', (_, event, from, seq, expected) => {
    expect(isUselessBehind(from, seq, event)).toBe(expected);
  });
});

describe('cuts', () => {
  const row = (seq: number, type: string, isUseless = true): RowPlace => ({
    seq,
    at: seq * 10,
    type,
    chain: `c${seq}`,
    isUseless,
    cut: undefined,
  });
  const kept = (seq: number): RowPlace => row(seq, 'TimerFired', false);
  const cut = (seq: number, count: number, more: Partial<Compacted> = {}): RowPlace => ({
    ...row(seq, 'Compacted', false),
    cut: { ...SAMPLE.Compacted, count, scheduled: 10, succeeded: 7, failed: 2, sources: [], ...more },
  });
  const none = { scheduled: 0, succeeded: 0, failed: 0, sources: [] };

  it('are the stretches of what is useless; the first row stays', () => {
    const rows = [
      row(2, 'TaskScheduled'),
      row(3, 'TaskScheduled'),
      row(4, 'TaskSucceeded'),
      kept(5),
      kept(6),
      row(7, 'TaskOffered'),
      row(8, 'TaskFailed'),
      row(9, 'AttemptStarted'),
    ];
    const said = [
      { count: 2, chain: 'c4', ...none, scheduled: 1, succeeded: 1 },
      { count: 3, chain: 'c9', ...none, scheduled: 1, failed: 1 },
    ] as const;
    expect(cutsOf(rows, reach, digest)).toEqual([
      {
        from: 3,
        seq: 4,
        at: 40,
        event: {
          type: 'Compacted',
          ...said[0],
          digest: cutDigest(digest, 'c2', { seq: 4, at: 40 }, said[0]),
        },
      },
      {
        from: 7,
        seq: 9,
        at: 90,
        event: {
          type: 'Compacted',
          ...said[1],
          digest: cutDigest(digest, 'c6', { seq: 9, at: 90 }, said[1]),
        },
      },
    ]);
  });

  it('take in what stood for removed rows beside them, and count as it counted', () => {
    const rows = [kept(1), cut(6, 5), row(7, 'TaskScheduled'), cut(9, 2), kept(10)];
    expect(cutsOf(rows, reach, digest)).toMatchObject([
      { from: 2, seq: 9, at: 90, event: { count: 8, chain: 'c9', scheduled: 21, succeeded: 14, failed: 4 } },
    ]);
  });

  it.each<[string, readonly RowPlace[]]>([
    ['no rows', []],
    ['one row', [row(1, 'TaskScheduled')]],
    ['rows that are needed', [kept(1), kept(2), kept(3)]],
    ['what stands for removed ones alone', [kept(1), cut(6, 5), kept(7)]],
  ])('are none of %s', (_, rows) => {
    expect(cutsOf(rows, reach, digest)).toEqual([]);
  });

  it('say how sources stand that are read outside of the reduce', () => {
    const stands = [
      { key: '3', items: 5, attempt: 1 },
      { key: '0/2/0', items: 9, attempt: 1 },
    ];
    const rows = [
      kept(1),
      cut(6, 5, { sources: stands }),
      cut(7, 1, { sources: [{ key: '3', items: 8, attempt: 2 }] }),
      row(8, 'ItemRecorded'),
    ];
    const outside = { key: '3', items: 8, attempt: 2 };
    expect(cutsOf(rows, reach, digest)).toMatchObject([{ event: { sources: [outside] } }]);
    expect(cutsOf(rows, { key: '0', source }, digest)).toMatchObject([
      { event: { sources: [outside, { key: '1', items: 3, attempt: 2 }] } },
    ]);
  });

  it.each([
    [1, false],
    [2, true],
    [4, true],
    [5, false],
  ])('say how the source of the reduce stands where its item at %i is in them: %s', (seq, isSaid) => {
    const rows = [kept(1), row(2, 'ItemRecorded'), row(3, 'ItemRecorded'), row(4, 'ItemRecorded'), kept(5)];
    const cuts = cutsOf(rows, { key: '0', source: { ...source, seq } }, digest);
    expect(cuts.map(({ event }) => event.sources)).toEqual([
      isSaid ? [{ key: '1', items: 3, attempt: 2 }] : [],
    ]);
  });

  it('begin at the first place that a row stands for', () => {
    expect([firstPlace(7, undefined), firstPlace(7, { ...SAMPLE.Compacted, count: 5 })]).toEqual([7, 3]);
  });
});

it('all that a cut says is in its digest', () => {
  const place = { seq: 9, at: 90 };
  const said = {
    ...SAMPLE.Compacted,
    count: 2,
    chain: 'c',
    scheduled: 1,
    succeeded: 2,
    failed: 3,
    sources: [],
  };
  const text = (previous: string, where: typeof place, what: typeof said | Compacted): string =>
    cutDigest((whole) => whole, previous, where, what);
  expect(text('before', place, said)).toBe('cut\nbefore\n9\n90\n2\nc\n1\n2\n3');
  const sources = [
    { key: '1', items: 4, attempt: 5 },
    { key: '2', items: 6, attempt: 7 },
  ];
  expect(text('', place, { ...said, sources })).toBe('cut\n\n9\n90\n2\nc\n1\n2\n3\n1\n4\n5\n2\n6\n7');
});
