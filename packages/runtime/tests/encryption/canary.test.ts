import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';

import { keyStatus, openJournal, openRuntime, rotateKey } from '../../src/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { CANARY, everything, expectClean, freshPath, KEY, OTHER_KEY } from './sealed.fixture.ts';

/** A worker looks for its work in real time. */
async function until(holds: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBe(true), { timeout: 20_000, interval: 10 });
}

test('no file beside a journal has a value of its users, at any moment', async () => {
  const path = freshPath();
  const encryption = { key: KEY };
  const runtime = await openRuntime({ path, encryption, processes: [everything] });
  const inputs = { of: CANARY };
  await runtime.enqueue(everything, inputs, { id: 'r', module: 'm.ts' });
  await runtime.send('r', 'early', { of: CANARY });
  await runtime.schedules.add(everything, inputs, { name: 's', cron: '0 9 * * 1', module: 'm.ts' });
  expectClean(path, 'queued');
  runtime
    .start(everything, inputs, { id: 'r' })
    .result()
    .catch(() => undefined);
  await until(() => runtime.waits('r').length === 2);
  expectClean(path, 'asked');
  expect(runtime.list({ limit: 9, where: { short: [CANARY] } }).map(({ runId }) => runId)).toEqual(['r']);
  expect(runtime.list({ limit: 9, where: { short: ['other'] } })).toEqual([]);
  expect(runtime.query('r').state).toEqual({ of: { of: CANARY }, short: CANARY });
  // Messages lie in the inbox until they are taken, and a fork has its own tasks and states.
  await runtime.stop('r');
  await runtime.send('r', 'word', `the word ${CANARY}`);
  await runtime.respond('r', '4/1/:ask', { approved: true, by: 'ada', option: CANARY, feedback: CANARY });
  await runtime.cancel('r', `because of ${CANARY}`);
  expectClean(path, 'sent');
  const fork = await runtime.fork('r', { afterSeq: 20, id: 'fork', process: everything, inputs });
  fork.result().catch(() => undefined);
  await until(() => runtime.waits('fork').length === 2);
  const [task] = runtime.tasks.list({ runId: 'fork' });
  runtime.tasks.fail(task?.id ?? '', CANARY);
  await until(() => runtime.get('fork')?.status === 'failed');
  runtime
    .start(everything, inputs, { id: 'done' })
    .result()
    .catch(() => undefined);
  await until(() => runtime.waits('done').length === 2);
  runtime.tasks.complete(runtime.tasks.list({ runId: 'done' })[0]?.id ?? '', CANARY);
  await runtime.send('done', 'word', CANARY);
  await runtime.respond('done', '4/1/:ask', { approved: true, by: 'ada', option: CANARY });
  await until(() => runtime.get('done~2')?.status === 'failed');
  expect(runtime.get('done~2')?.error).toBe(`Error: the end of ${CANARY}`);
  runtime
    .resume('r', everything)
    .result()
    .catch(() => undefined);
  await until(() => runtime.get('r')?.status === 'cancelled');
  expect(runtime.get('r')?.error).toBe(`because of ${CANARY}`);
  expectClean(path, 'ended');

  const text = [...runtime.copies.export('done')].join('');
  expect(text.split(CANARY).length).toBeGreaterThan(20);
  runtime.copies.backup(join(dirname(path), 'copy.db'));
  await runtime.close();
  expectClean(path, 'closed');
  const { events, values } = keyStatus({ path, encryption });
  expect({ clear: events.clear + values.clear, some: values.sealed > 5 }).toEqual({ clear: 0, some: true });
  rotateKey({ path, encryption, to: { key: OTHER_KEY } });
  expectClean(path, 'rotated');

  using copy = openJournal({ path: join(dirname(path), 'copy.db'), encryption });
  expect(copy.verify().damage).toEqual([]);
  expect([...copy.export('done')].join('')).toBe(text);
  const later = await openRuntime({ path, encryption: { key: OTHER_KEY } });
  expect(later.store.verify().damage).toEqual([]);
  await later.copies.prune({ olderThan: 0 });
  later.copies.shrink();
  expectClean(path, 'pruned');
  expect(later.get('r')).toBeUndefined();
  // What is sealed under another key is the same history, and is so in another journal.
  expect(later.copies.import({ text }).map(({ outcome }) => outcome)).toEqual(['same', 'same', 'same']);
  await later.close();
  const elsewhere = freshPath();
  const other = await openRuntime({ path: elsewhere, encryption });
  expect(other.copies.import({ text }).map(({ outcome }) => outcome)).toEqual([
    'imported',
    'imported',
    'imported',
  ]);
  expect([...other.copies.export('done')].join('')).toBe(text);
  expect(other.store.verify().damage).toEqual([]);
  await other.close();
  expectClean(elsewhere, 'imported');
});

test('why something was set back is a value', () => {
  const path = freshPath();
  const store = openSqliteStore({ path, durability: 'normal', master: () => Buffer.alloc(32, 1) });
  const claim = { owner: 'a'.repeat(32), now: 1, ttlMs: 1000 };
  const event = {
    type: 'RunStarted',
    process: 'p',
    module: null,
    codeHash: null,
    inputs: CANARY,
    inputsHash: CANARY,
    seed: 's',
    engine: '0',
  } as const;
  store.append([{ runId: 'r', epoch: 1, afterSeq: 0, events: [{ at: 1, event }], consumed: [] }], claim);
  store.work.setBack({ runId: 'r', epoch: 1 }, 2, `it said ${CANARY}`, 'error');
  const limits = { limit: null, singleton: null, debounce: null, schedule: null };
  const start = { runId: 's', process: 'p', module: null, codeHash: null, at: 1, priority: 0, ...limits };
  store.work.enqueue({ ...start, inputs: CANARY, inputsHash: CANARY }, 1);
  const [queued] = store.work.readyStarts(2, 9, undefined);
  if (queued !== undefined) store.work.setBackStart(queued, 3, `it said ${CANARY}`);
  expectClean(path, 'set back');
  expect(store.work.setBackRuns(9)).toMatchObject([{ runId: 'r', problem: `it said ${CANARY}` }]);
  expect(store.work.queuedStarts(9)).toMatchObject([{ problem: `it said ${CANARY}`, inputs: CANARY }]);
  store.close();
  expectClean(path, 'closed');
  rmSync(path);
});
