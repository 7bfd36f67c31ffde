import { expect, test } from 'vitest';

import type { JournalEvent } from '../src/journal/event.ts';
import { SAMPLE_EVENTS } from '../src/journal/sample-events.fixture.ts';
import { openRuntime } from '../src/runtime.ts';
import { appendOf, claimOf, OWNER_A } from '../src/store/store-conformance.fixture.ts';
import { MemoryStore } from '../src/testing.ts';

// Checksums need no key: whoever forges a journal makes them right. What the events say is all that is left to show it.

const { RunStarted, AttemptStarted, TaskSucceeded } = SAMPLE_EVENTS;

test.each<[string, readonly JournalEvent[], number]>([
  ['an end of nothing', [RunStarted, { ...TaskSucceeded, key: '7' }], 2],
  ['an attempt of nothing', [RunStarted, { ...AttemptStarted, key: '\u001b]52;c;eA==' }], 2],
  ['a second beginning', [RunStarted, RunStarted], 2],
])('%s is damage of the file, told by its place, and no bug of ours', async (_, events, seq) => {
  const store = new MemoryStore();
  store.append([appendOf('r', 0, events)], claimOf(OWNER_A));
  store.releaseLease('r', 1);
  await using runtime = await openRuntime({ store });
  const ended = (): Promise<unknown> => runtime.resume('r', async () => 1).result();
  await expect(async () => ended()).rejects.toMatchObject({
    code: 'CORRUPT',
    exitCode: 8,
    data: { runId: 'r', seq },
    hint: expect.stringContaining('pawl events r') as string,
  });
});
