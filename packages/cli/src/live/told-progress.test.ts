import type { JournalEvent, RuntimeEvent } from '@pawl/runtime';
import { expect, test } from 'vitest';

import { ToldProgress } from './told-progress.ts';

const progress = (
  key: string,
  value: Extract<RuntimeEvent, { type: 'progress' }>['value'],
): RuntimeEvent => ({
  type: 'progress',
  runId: 'r',
  key,
  attempt: 1,
  value,
});
const event = (recorded: JournalEvent): RuntimeEvent => ({
  type: 'event',
  runId: 'r',
  seq: 1,
  at: 1,
  event: recorded,
});

async function told(...happenings: readonly RuntimeEvent[]): Promise<[string, string][]> {
  const progressOf = new ToldProgress();
  await progressOf.follow(
    (async function* () {
      yield* happenings;
    })(),
  );
  return [...progressOf.of('r')];
}

test('the last that each task told, as a short text', async () => {
  expect(
    await told(progress('0', 25), progress('1', { done: [1, 2] }), progress('0', '50 %'), {
      type: 'dropped',
      count: 3,
    }),
  ).toEqual([
    ['0', '50 %'],
    ['1', '{ done: [1, 2] }'],
  ]);
});

test.each<JournalEvent>([
  { type: 'TaskSucceeded', key: '0', output: 1, by: 'attempt' },
  { type: 'TaskCancelled', key: '0', reason: '' },
  { type: 'AttemptInterrupted', key: '0', attempt: 1 },
  { type: 'RunSucceeded', output: 1 },
])('is forgotten with $type', async (recorded) => {
  expect(await told(progress('0', 25), event(recorded))).toEqual([]);
});

test('is kept over what is no end', async () => {
  const item: JournalEvent = { type: 'ItemRecorded', key: '0', n: 0, attempt: 1, item: 25, cursor: null };
  expect(await told(progress('0', 25), event(item))).toEqual([['0', '25']]);
});

test('a journal that cannot be read ends it', async () => {
  const broken = new ToldProgress();
  await broken.follow(
    (async function* () {
      yield progress('0', 1);
      throw new RangeError('gone');
    })(),
  );
  expect([...broken.of('r')]).toEqual([['0', '1']]);
});
