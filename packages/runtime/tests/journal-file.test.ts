import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, test } from 'vitest';

import { ENGINE_VERSION, openJournal, openRuntime } from '../src/index.ts';
import { ManualClock, seededEntropy } from '../src/testing.ts';
import {
  JOURNAL_FILE,
  recordJournalFile,
  SECRET_KEY,
  untilStill,
  waitingOf,
} from './journal-file.fixture.ts';

// Journals as files that released versions wrote: tables, and not events alone.

const FIXTURES = join(import.meta.dirname, '..', '..', '..', 'journal-fixtures');
const folder = mkdtempSync(join(tmpdir(), 'pawl-journal-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const versions = readdirSync(FIXTURES).filter((name) => existsSync(join(FIXTURES, name, JOURNAL_FILE)));
let copies = 0;

/** Copied while nobody has it open. */
function copyOf(version: string): string {
  copies += 1;
  const path = join(folder, `${copies}.db`);
  cpSync(join(FIXTURES, version, JOURNAL_FILE), path);
  return path;
}

const FILLED = [
  'runs',
  'events',
  'event_types',
  'inbox',
  'circuits',
  'kept_results',
  'run_keys',
  'waking',
  'starts',
  'start_keys',
  'start_inbox',
  'schedules',
  'offers',
  'run_state',
];

/** Versions before forks. */
const UNFORKED = ['0.1.0'];

describe.each(versions)('the file of %s', (version) => {
  const hasForks = !UNFORKED.includes(version);
  const open = hasForks ? ['forked', 'open', 'keyed', 'queued'] : ['open', 'keyed', 'queued'];

  test('has something in each table that a program at rest leaves something in', () => {
    const db = new Database(copyOf(version), { readonly: true });
    const count = (table: string): unknown => db.prepare(`select count(*) from ${table}`).pluck().get();
    const filled = hasForks ? [...FILLED, 'pawl_forks'] : FILLED;
    expect(filled.filter((table) => count(table) === 0)).toEqual([]);
    db.close();
  });

  test('is read without a write, and is sound', () => {
    using journal = openJournal({ path: copyOf(version) });
    expect(journal.verify().damage).toEqual([]);
    const runs = journal.list({ limit: 100 }).map(({ runId, status }) => `${runId} ${status}`);
    const forked = hasForks ? ['forked running'] : [];
    expect(runs.toSorted()).toEqual(['ended succeeded', ...forked, 'keyed running', 'open running']);
    expect(journal.waits('open').map(({ name }) => name)).toEqual(['ship', 'word']);
  });

  test('goes on: what was open ends, what waited starts, and nothing that was done is done again', async () => {
    const path = copyOf(version);
    const waiting = await waitingOf(version);
    const clock = new ManualClock(Date.UTC(2040, 0, 1));
    const runtime = await openRuntime({
      path,
      clock,
      entropy: seededEntropy(12),
      secretKey: SECRET_KEY,
      processes: [waiting],
      pools: { harbour: { maxConcurrent: 1 } },
    });
    const before = runtime.query('open').state;
    expect(Object.entries(before)).toEqual([['what', 'open']]);
    expect(await runtime.send('open', 'word', 'another', { id: 'open word' })).toMatchObject({
      status: 'duplicate',
    });
    const worker = runtime.work();
    await untilStill(runtime, clock);
    for (const runId of open) {
      for (const { id } of runtime.tasks.list({ runId }))
        runtime.tasks.complete(id, 'a drawing', { worker: 'grace', idempotencyKey: `${id} drawing` });
      await runtime.respond(runId, '2/1/0', { approved: true, by: 'ada' });
      await runtime.send(runId, 'word', 'go', { id: `${runId} word` });
      await untilStill(runtime, clock);
      expect(await runtime.resume(runId).result()).toEqual({
        n: 2,
        failure: expect.stringMatching(/TaskError|CircuitOpenError/),
        drawing: 'a drawing',
        approved: true,
        word: 'go',
        end: `shipped ${runId === 'forked' ? 'ended' : runId}`,
      });
    }
    await worker.drain();
    expect(runtime.schedules.list().map(({ name }) => name)).toEqual(['weekly']);
    await runtime.close();
    using journal = openJournal({ path });
    expect(journal.verify().damage).toEqual([]);
  });
});

test('what this build leaves behind is what is kept for its version', async () => {
  expect(versions).toContain(ENGINE_VERSION);
  const path = join(folder, 'anew.db');
  writeFileSync(path, await recordJournalFile(ENGINE_VERSION));
  const [kept, anew] = [copyOf(ENGINE_VERSION), path].map((file) => {
    using journal = openJournal({ path: file });
    return journal.list({ limit: 100 }).map(({ runId }) => [...journal.events(runId)]);
  });
  expect(anew).toEqual(kept);
});
