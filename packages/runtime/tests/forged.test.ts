import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';

import type { JournalEvent } from '../src/journal/event.ts';
import { SAMPLE_EVENTS } from '../src/journal/sample-events.fixture.ts';
import { openJournal } from '../src/reader.ts';
import { openRuntime } from '../src/runtime.ts';
import { appendOf, claimOf, OWNER_A } from '../src/store/store-conformance.fixture.ts';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import { MemoryStore } from '../src/testing.ts';

// Checksums need no key: whoever forges a journal makes them right. What the events say is all that is left to show it.

const { RunStarted, RunContinued, AttemptStarted, TaskSucceeded } = SAMPLE_EVENTS;

/** A run that goes on as another one, in a file. */
function forgedFile(): { readonly path: string; readonly changed: (sql: string) => void } {
  const path = join(mkdtempSync(join(tmpdir(), 'pawl-forged-')), 'journal.db');
  onTestFinished(() => rmSync(dirname(path), { recursive: true }));
  const store = openSqliteStore({ path, durability: 'normal' });
  store.append([appendOf('r', 0, [RunStarted, RunContinued])], claimOf(OWNER_A));
  store.close();
  return {
    path,
    changed: (sql) => {
      const db = new Database(path);
      db.exec(sql);
      db.close();
    },
  };
}

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

test('an event that names another run, and is none, is damage to who copies it', async () => {
  const { path, changed } = forgedFile();
  changed(`update events set payload = '{}' where seq = 2`);
  using journal = openJournal({ path });
  expect(() => [...journal.export(undefined)]).toThrow(
    expect.objectContaining({
      code: 'CORRUPT',
      exitCode: 8,
      data: expect.objectContaining({ runId: 'r', seq: 2 }),
    }),
  );
  expect(() => [...journal.export(undefined, { redact: ['$.a'] })]).toThrow(
    expect.objectContaining({ code: 'CORRUPT' }),
  );
});
