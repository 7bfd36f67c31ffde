import { defineProcess } from '@pawl/sdk';
import { expect, test } from 'vitest';

import { openRuntime } from '../src/index.ts';
import { PastQuestions } from '../src/engine/past-questions.ts';
import type { JournalEvent, Recorded } from '../src/journal/event.ts';
import type { RunId, Seq } from '../src/journal/ids.ts';
import { SAMPLE_EVENTS } from '../src/journal/sample-events.fixture.ts';
import { MemoryStore } from '../src/testing.ts';

const QUESTIONS = 200;
const START = 1_700_000_000_000;

class CountingStore extends MemoryStore {
  /** Events that were read. */
  count = 0;

  override read(runId: RunId, afterSeq: Seq, limit: number): readonly Recorded[] {
    const page = super.read(runId, afterSeq, limit);
    this.count += page.length;
    return page;
  }
}

const asks = defineProcess({
  name: 'asks',
  run: async (_: null, ctx) => {
    for (let n = 0; n < QUESTIONS; n += 1) await ctx.breakpoint({ question: `${n}?` }, { key: `q${n}` });
    await ctx.receive('end');
  },
});

test('late answers to what was settled long ago are told so, and read a journal once', async () => {
  const store = new CountingStore();
  await using runtime = await openRuntime({ store, processes: [asks] });
  const ended = runtime.start(asks, null, { id: 'r' }).result();
  const status = async (key: string, by: string): Promise<string> =>
    (await runtime.respond('r', key, { approved: true, by })).status;
  const isAsked = (key: string): boolean => store.getRun('r', Date.now())?.asked.includes(key) === true;
  let late = 0;
  for (let n = 0; n < QUESTIONS; n += 1) {
    while (!isAsked(`:q${n}`)) await new Promise(setImmediate);
    expect(await status(`:q${n}`, 'ada')).toBe('accepted');
    while (isAsked(`:q${n}`)) await new Promise(setImmediate);
    const before = store.count;
    // Somebody else, who did not see that it is settled; and a question that there never was.
    expect([await status(`:q${n}`, 'bob'), await status(`:none${n}`, 'bob')]).toEqual(['closed', 'unknown']);
    late += store.count - before;
  }
  const { lastSeq } = store.getRun('r', Date.now()) ?? { lastSeq: 0 };
  expect(lastSeq).toBeGreaterThan(3 * QUESTIONS);
  expect(late).toBeLessThanOrEqual(lastSeq);
  await runtime.send('r', 'end', null);
  await ended;
  expect(await status(':q0', 'bob')).toBe('closed');
});

test('a question that another program recorded, which took the run, is open', () => {
  const store = new MemoryStore();
  const past = new PastQuestions(store);
  const run = { runId: 'r' };
  const claim = { owner: 'o'.repeat(32), now: START, ttlMs: 1000 };
  const append = (afterSeq: Seq, ...events: readonly JournalEvent[]): void => {
    const facts = events.map((event) => ({ at: START, event }));
    store.append([{ runId: 'r', epoch: 1, afterSeq, events: facts, consumed: [] }], claim);
  };
  const { RunStarted, BreakpointOpened, BreakpointClosed } = SAMPLE_EVENTS;
  append(0, RunStarted);
  expect(past.get(run, BreakpointOpened.key)).toBeUndefined();
  append(1, BreakpointOpened);
  expect(past.get(run, BreakpointOpened.key)).toBe('open');
  append(2, { ...BreakpointClosed, key: BreakpointOpened.key });
  expect([past.get(run, BreakpointOpened.key), past.get(run, ':other')]).toEqual(['settled', undefined]);
});
