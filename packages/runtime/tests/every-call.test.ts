import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { ENGINE_VERSION } from '../src/engine-options.ts';
import { fromText, recordedOf, type JournalText } from '../src/journal/journal-text.ts';
import { Replayer } from '../src/replayer.ts';
import { ManualClock, MemoryStore } from '../src/testing.ts';
import { driveEveryCall, EVERY_CALL, everyCallJournals, everyCallOf } from './every-call.fixture.ts';
import { goneOnWith, readOnly } from './what-if.fixture.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', '..', 'journal-fixtures');

const versions = readdirSync(FIXTURES).filter((name) => existsSync(join(FIXTURES, name, `${EVERY_CALL}.ts`)));
const journals = versions.flatMap((version) =>
  readdirSync(join(FIXTURES, version))
    .filter((name) => name.startsWith(`${EVERY_CALL}.`) && name.endsWith('.txt'))
    .map((name) => ({
      version,
      name,
      journal: fromText(readFileSync(join(FIXTURES, version, name), 'utf8')),
    })),
);

/** As if its owner had just gone. */
function holding({ runId, rows }: JournalText, count: number): MemoryStore {
  const store = new MemoryStore();
  const events = rows.slice(0, count).map(recordedOf);
  const now = events.at(-1)?.at ?? 0;
  store.append([{ runId, epoch: 1, afterSeq: 0, events, consumed: [] }], { owner: 'gone', now, ttlMs: 1 });
  store.releaseLease(runId, 1);
  return store;
}

describe.each(journals)('$version/$name', ({ version, journal }) => {
  const { runId, rows } = journal;

  test('replays at each prefix, and nothing is appended', async () => {
    const process = await everyCallOf(version);
    const events = rows.map(recordedOf);
    for (let count = 1; count <= rows.length; count += 1) {
      const store = holding(journal, count);
      const replayer = new Replayer(readOnly(store), { clock: new ManualClock() });
      const { reached, asks } = await replayer.replay(runId, process);
      await replayer.close();
      expect([count, reached]).toEqual([count, count === rows.length ? 'end' : 'head']);
      expect([count, asks?.key]).toEqual([count, goneOnWith(events.slice(0, count), events.slice(count))]);
      expect(store.getRun(runId, 0)?.lastSeq).toBe(count);
    }
  });

  test('goes on from where it was cut, and repeats nothing that was done', async () => {
    const process = await everyCallOf(version);
    // From there on it waits for runs that are in journals of their own.
    const alone = rows.findIndex(({ type }) => type === 'ChildStarted');
    for (let count = 1; count < alone; count += 16) {
      const store = await driveEveryCall(process, runId, holding(journal, count));
      const after = store.read(runId, 0, 1_000_000);
      expect(after.slice(0, count)).toEqual(rows.slice(0, count).map(recordedOf));
      expect(after.at(-1)?.event.type).toBe(rows.at(-1)?.type);
      const settled = new Set(
        after.slice(0, count).flatMap(({ event }) => (event.type === 'TaskSucceeded' ? [event.key] : [])),
      );
      const again = after
        .slice(count)
        .filter(({ event }) => event.type === 'AttemptStarted' && settled.has(event.key));
      expect(again).toEqual([]);
    }
  });
});

test('what this build records is what is kept for its version', async () => {
  expect(versions).toContain(ENGINE_VERSION);
  for (const [name, text] of await everyCallJournals(ENGINE_VERSION))
    expect(text, name).toBe(readFileSync(join(FIXTURES, ENGINE_VERSION, name), 'utf8'));
});
