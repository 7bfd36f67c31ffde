import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, test } from 'vitest';

import { ENGINE_VERSION, openJournal, openRuntime } from '../src/index.ts';
import { ManualClock, seededEntropy } from '../src/testing.ts';
import {
  JOURNAL_FILE,
  JOURNAL_KEY,
  recordJournalFile,
  SEALED_FILE,
  SECRET_KEY,
  untilStill,
  waitingOf,
} from './journal-file.fixture.ts';

// Journals as files that released versions wrote: tables, and not events alone.

const FIXTURES = join(import.meta.dirname, '..', '..', '..', 'journal-fixtures');
const folder = mkdtempSync(join(tmpdir(), 'pawl-journal-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = readdirSync(FIXTURES).flatMap((version) =>
  [JOURNAL_FILE, SEALED_FILE]
    .filter((file) => existsSync(join(FIXTURES, version, file)))
    .map((file) => ({ version, file })),
);
let copies = 0;

/** Copied while nobody has it open. */
function copyOf(version: string, file: string): string {
  copies += 1;
  const path = join(folder, `${copies}.db`);
  cpSync(join(FIXTURES, version, file), path);
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
/** Versions before logs were kept. */
const SILENT = ['0.1.0', '0.2.0'];

const LINES = [
  [null, 'about ended'],
  ['breaking', 'it breaks'],
];

function keyOf(file: string): { readonly encryption?: { readonly key: string } } {
  return file === SEALED_FILE ? { encryption: { key: JOURNAL_KEY } } : {};
}

describe.each(files)('$file of $version', ({ version, file }) => {
  const hasForks = !UNFORKED.includes(version);
  const hasLogs = !SILENT.includes(version);
  const open = hasForks ? ['forked', 'open', 'keyed', 'queued'] : ['open', 'keyed', 'queued'];

  test('has something in each table that a program at rest leaves something in', () => {
    const db = new Database(copyOf(version, file), { readonly: true });
    const count = (table: string): unknown => db.prepare(`select count(*) from ${table}`).pluck().get();
    const forked = hasForks ? ['pawl_forks'] : [];
    const logged = hasLogs ? ['pawl_logs'] : [];
    const filled = [...FILLED, ...forked, ...logged, ...(file === SEALED_FILE ? ['pawl_data_keys'] : [])];
    expect(filled.filter((table) => count(table) === 0)).toEqual([]);
    db.close();
  });

  test('is read without a write, and is sound', () => {
    using journal = openJournal({ path: copyOf(version, file), ...keyOf(file) });
    expect(journal.verify().damage).toEqual([]);
    const runs = journal.list({ limit: 100 }).map(({ runId, status }) => `${runId} ${status}`);
    const forked = hasForks ? ['forked running'] : [];
    expect(runs.toSorted()).toEqual(['ended succeeded', ...forked, 'keyed running', 'open running']);
    expect(journal.waits('open').map(({ name }) => name)).toEqual(['ship', 'word']);
    const lines = [...journal.logs('ended')].map(({ task, text }) => [task, text]);
    expect(lines).toEqual(hasLogs ? LINES : []);
    const bytes = readFileSync(join(FIXTURES, version, file));
    expect(bytes.includes('it breaks')).toBe(hasLogs && file !== SEALED_FILE);
  });

  test('goes on: what was open ends, what waited starts, and nothing that was done is done again', async () => {
    const path = copyOf(version, file);
    const waiting = await waitingOf(version);
    const clock = new ManualClock(Date.UTC(2040, 0, 1));
    const runtime = await openRuntime({
      ...keyOf(file),
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
    using journal = openJournal({ path, ...keyOf(file) });
    expect(journal.verify().damage).toEqual([]);
  });
});

test.each([JOURNAL_FILE, SEALED_FILE])(
  'what this build leaves behind is what is kept for its version: %s',
  async (file) => {
    expect(files).toContainEqual({ version: ENGINE_VERSION, file });
    const path = join(folder, 'anew.db');
    writeFileSync(path, await recordJournalFile(ENGINE_VERSION, file));
    const [kept, anew] = [copyOf(ENGINE_VERSION, file), path].map((each) => {
      using journal = openJournal({ path: each, ...keyOf(file) });
      return journal.list({ limit: 100 }).map(({ runId }) => [...journal.events(runId)]);
    });
    expect(anew).toEqual(kept);
  },
);
