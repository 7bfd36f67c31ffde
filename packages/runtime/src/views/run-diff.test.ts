import { expect, test } from 'vitest';

import type { JournalEvent } from '../journal/event.ts';
import { RUN_STARTED, scheduled, started } from '../kernel/given.fixture.ts';
import { addDiffEvent, createRunDiff, finishDiff, firstDifference, type RunDiff } from './run-diff.ts';

const done = (key: string, output: number): JournalEvent => ({
  type: 'TaskSucceeded',
  key,
  output,
  by: 'attempt',
});

function diffOf(a: readonly JournalEvent[], b: readonly JournalEvent[]): { diff: RunDiff; most: number } {
  const diff = createRunDiff((text) => text);
  let most = 0;
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    for (const [side, events] of [
      ['a', a],
      ['b', b],
    ] as const) {
      const event = events[i];
      if (event !== undefined) addDiffEvent(diff, side, { seq: i + 1, at: i, event });
    }
    most = Math.max(most, diff.a.size + diff.b.size);
  }
  finishDiff(diff);
  return { diff, most };
}

const calls = (count: number, output: (i: number) => number): JournalEvent[] => [
  RUN_STARTED,
  ...Array.from({ length: count }, (_, i) => [
    scheduled(`${i}`),
    started(`${i}`),
    done(`${i}`, output(i)),
  ]).flat(),
];

test('what is the same is not kept, however long the runs are', () => {
  const { diff, most } = diffOf(
    calls(5000, (i) => i),
    calls(5000, (i) => i),
  );
  expect({ same: diff.same, kept: diff.kept.length, most }).toEqual({ same: 5000, kept: 0, most: 4 });
  expect(firstDifference(diff)).toBeUndefined();
});

test('the first difference is the one that came first, not the one with the least key', () => {
  const a = [RUN_STARTED, scheduled('1'), done('1', 1), scheduled('0'), done('0', 1)];
  const b = [RUN_STARTED, scheduled('1'), done('1', 2), scheduled('0'), done('0', 2)];
  expect(firstDifference(diffOf(a, b).diff)).toMatchObject({ key: '1', aspects: ['output'] });
});

test('a call that only one has, and one that is open in one', () => {
  const a = [RUN_STARTED, scheduled('0'), done('0', 1), scheduled('1'), done('1', 1)];
  const b = [RUN_STARTED, scheduled('0')];
  const { diff } = diffOf(a, b);
  expect({ only: [diff.onlyA, diff.onlyB], different: diff.different }).toEqual({
    only: [1, 0],
    different: 1,
  });
  expect(diff.kept.map(({ key, aspects }) => [key, aspects])).toEqual([
    ['0', ['status', 'output']],
    ['1', []],
  ]);
});

test('more differences than are kept are counted', () => {
  const { diff } = diffOf(
    calls(1500, () => 1),
    calls(1500, () => 2),
  );
  expect({ different: diff.different, kept: diff.kept.length }).toEqual({ different: 1500, kept: 1000 });
});
