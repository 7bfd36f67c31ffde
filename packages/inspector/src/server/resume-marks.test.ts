import type { JournalEvent, Recorded } from '@pawl/runtime';
import { expect, test } from 'vitest';

import { addResumeEvent, createResumeMarks } from './resume-marks.ts';

const start = (key: string, attempt = 1) => ({ type: 'AttemptStarted', key, attempt });
const stop = (key: string) => ({ type: 'AttemptInterrupted', key, attempt: 1 });
const fail = (key: string) => ({ type: 'AttemptFailed', key, attempt: 1 });
const done = (key: string) => ({ type: 'TaskSucceeded', key });
const fork = { type: 'RunForked', parentRunId: 'p', parentSeq: 1 };

test.each<[string, readonly object[], readonly string[]]>([
  ['nothing happened', [start('0'), done('0'), start('1'), done('1')], []],
  ['a failed attempt is tried again', [start('0'), fail('0'), start('0', 2)], []],
  ['a start without an end before', [start('0'), start('1'), start('0'), start('1')], ['crash 3']],
  ['two crashes', [start('0'), start('0'), start('0')], ['crash 2', 'crash 3']],
  ['a stop in order', [start('0'), start('1'), stop('0'), stop('1'), start('0'), start('1')], ['stop 5']],
  ['a fork begins what was under way', [start('0'), fork, start('0')], []],
])('%s', (_, events, expected) => {
  const fold = createResumeMarks();
  for (const [index, event] of events.entries())
    addResumeEvent(fold, { seq: index + 1, at: index + 1, event: event as JournalEvent } as Recorded);
  expect(fold.marks.map(({ after, at }) => `${after} ${at}`)).toEqual(expected);
});
