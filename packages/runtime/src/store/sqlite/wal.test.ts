import { statSync } from 'node:fs';

import Database from 'better-sqlite3';
import { expect, onTestFinished, test, vi } from 'vitest';

import { SAMPLE_EVENTS } from '../../journal/sample-events.fixture.ts';
import type { JournalStore } from '../../ports/journal-store.ts';
import { appendOf, claimOf, OWNER_A, START } from '../store-conformance.fixture.ts';
import { Child } from './child.fixture.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { freshPath } from './temp-journals.fixture.ts';
import { WalKeeper } from './wal.ts';

const MIB = 1024 * 1024;

function logBytes(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

function openWithRun(path: string): JournalStore {
  const store = openSqliteStore({ path, durability: 'normal' });
  onTestFinished(() => store.close());
  store.append([appendOf('run', 0, [SAMPLE_EVENTS.RunStarted])], claimOf(OWNER_A));
  return store;
}

/** `commits` of so many bytes each; the longest log seen. */
function write(store: JournalStore, path: string, commits: number, bytes = 10_000): number {
  const output = 'x'.repeat(bytes);
  let longest = 0;
  for (let i = 0; i < commits; i += 1) {
    const afterSeq = store.getRun('run', START)?.lastSeq ?? 0;
    const event = { ...SAMPLE_EVENTS.TaskSucceeded, output };
    expect(store.append([appendOf('run', afterSeq, [event])], claimOf(OWNER_A))).toEqual(['committed']);
    longest = Math.max(longest, logBytes(path));
  }
  return longest;
}

test('the log stays short however much is written', () => {
  const path = freshPath();
  expect(write(openWithRun(path), path, 3000)).toBeLessThan(8 * MIB);
});

test.each([
  { what: 'small', bytes: 10_000, commits: 50, read: ['read', 'run', 0, 20] },
  { what: 'large', bytes: 4_500_000, commits: 1, read: ['getRun', 'run', START] },
])(
  'the log stays short beside a process that reads all the time: $what events',
  async ({ bytes, commits, read }) => {
    const path = freshPath();
    const store = openWithRun(path);
    const reader = new Child();
    await reader.open({ path, durability: 'normal', readOnly: true });
    let longest = 0;
    for (let i = 0; i < 30; i += 1) {
      for (let j = 0; j < 20; j += 1) reader.send('call', ...read);
      longest = Math.max(longest, write(store, path, commits, bytes));
      for (let j = 0; j < 20; j += 1) expect(await reader.answer()).not.toHaveProperty('code');
    }
    expect(longest).toBeLessThan(16 * MIB + 4 * bytes);
  },
);

test('a reader that holds a transaction makes the log long, and only as long as it lasts', () => {
  const path = freshPath();
  const store = openWithRun(path);
  // Through our own library, as `sqlite3` at a prompt would.
  const reader = new Database(path, { readonly: true });
  reader.exec('begin');
  reader.prepare('select count(*) from events').get();
  const asked = vi.spyOn(Database.prototype, 'pragma');
  onTestFinished(() => asked.mockRestore());
  expect(write(store, path, 3000)).toBeGreaterThan(16 * MIB);
  // It is waited for once, and then no more while it reads the same.
  expect(asked.mock.calls.filter(([sql]) => sql.includes('RESTART')).length).toBeLessThanOrEqual(2);
  reader.close();
  write(store, path, 1000);
  const length = logBytes(path);
  write(store, path, 500);
  expect(logBytes(path)).toBeLessThanOrEqual(length);
  store.close();
  expect(logBytes(path)).toBe(0);
});

/** Keepers of one long log, each reader followed by another: it gets farther, and is waited for in vain. */
function inVain({ keepers = 1, restartMs = 0, stuck = false }): {
  readonly share: number;
  readonly tries: readonly number[];
  readonly timeout: number;
} {
  let [now, log, timeout, waited] = [0, 20_000, 20, 0];
  const tries: number[] = [];
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  const db = new Database(':memory:');
  const pragma = vi.spyOn(db, 'pragma').mockImplementation((sql) => {
    const set = /^busy_timeout = (\d+)$/.exec(sql);
    if (set !== null) {
      timeout = Number(set[1]);
      return [];
    }
    const isRestart = sql.includes('RESTART');
    if (isRestart) {
      tries.push(now);
      waited += timeout;
      now += Math.max(timeout, restartMs);
    }
    log += 1;
    return [{ busy: isRestart ? 1 : 0, log, checkpointed: stuck ? 15_000 : log - 5 }];
  });
  onTestFinished(() => {
    clock.mockRestore();
    pragma.mockRestore();
    db.close();
  });
  const all = Array.from(
    { length: keepers },
    () =>
      new WalKeeper(db, (error) => {
        throw error;
      }),
  );
  while (now < 120_000) {
    now += 10;
    for (const each of all) each.grew(0, 1000 * 4096);
  }
  for (const each of all) each.stop();
  return { share: waited / now, tries, timeout };
}

test('waiting in vain takes a tenth of the time at most, and is tried again', () => {
  const { share, tries, timeout } = inVain({});
  expect(share).toBeLessThan(0.1);
  expect(tries.length).toBeGreaterThanOrEqual(20);
  expect(timeout, 'as it was before').toBe(20);
});

test('a reader that stays is waited for once', () => {
  expect(inVain({ stuck: true }).tries).toHaveLength(1);
});

test('a disk that stood still for a minute meanwhile is no reason to wait for ten', () => {
  const [first = 0, second = 0] = inVain({ restartMs: 30_000 }).tries;
  expect(second - first - 30_000).toBeLessThan(15_000);
});

test('writes that nobody knows the length of are kept short, too', () => {
  const path = freshPath();
  const store = openWithRun(path);
  let longest = 0;
  for (let i = 0; i < 600; i += 1) {
    store.post('run', { kind: 'signal', id: `m${i}`, name: 'n', payload: 'x'.repeat(100_000) }, i);
    longest = Math.max(longest, logBytes(path));
  }
  expect(longest).toBeLessThan(12 * MIB);
});

test('a post alone has the log emptied when nothing was written for a while', () => {
  const path = freshPath();
  const store = openWithRun(path);
  store.close();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const poster = openSqliteStore({ path, durability: 'normal' });
  onTestFinished(() => poster.close());
  poster.post('run', { kind: 'cancel', id: 'm', reason: 'enough' }, 1);
  expect(logBytes(path)).toBeGreaterThan(0);
  vi.advanceTimersByTime(4000);
  expect(logBytes(path)).toBe(0);
});

test('the log is emptied when nothing was written for a while', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const path = freshPath();
  const store = openWithRun(path);
  write(store, path, 50);
  expect(logBytes(path)).toBeGreaterThan(0);
  vi.advanceTimersByTime(900);
  write(store, path, 1);
  vi.advanceTimersByTime(900);
  expect(logBytes(path)).toBeGreaterThan(0);
  vi.advanceTimersByTime(2000);
  expect(logBytes(path)).toBe(0);
  // And again after the next write.
  write(store, path, 1);
  vi.advanceTimersByTime(4000);
  expect(logBytes(path)).toBe(0);
  store.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('a log that a killed process left goes into the database before anything is added', async () => {
  const path = freshPath();
  const child = new Child();
  await child.open({ path, durability: 'full' });
  const inputs = 'x'.repeat(100_000);
  const events = [{ ...SAMPLE_EVENTS.RunStarted, inputs }];
  await child.call('append', [appendOf('run', 0, events)], claimOf(OWNER_A));
  await child.kill();
  const before = statSync(path).size;
  const store = openSqliteStore({ path, durability: 'full' });
  onTestFinished(() => store.close());
  expect(statSync(path).size).toBeGreaterThan(before + 90_000);
  expect(store.getRun('run', START)?.lastSeq).toBe(1);
});
