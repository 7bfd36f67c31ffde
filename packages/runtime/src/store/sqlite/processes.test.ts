import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { SAMPLE_EVENTS } from '../../journal/sample-events.fixture.ts';
import type { JournalStore } from '../../ports/journal-store.ts';
import {
  appendOf,
  claimOf,
  OWNER_A,
  OWNER_B,
  someEvents,
  START,
  TTL_MS,
} from '../store-conformance.fixture.ts';
import { Child } from './child.fixture.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { SqliteStoreOptions } from './sqlite-store.ts';
import { errorOf, freshPath } from './temp-journals.fixture.ts';

const { AttemptStarted, RunStarted } = SAMPLE_EVENTS;
const COMMITTED = { result: ['committed'] };
const FENCED = { result: ['fenced'] };

function open(path: string, more: Partial<SqliteStoreOptions> = {}): JournalStore {
  const store = openSqliteStore({ path, durability: 'normal', ...more });
  onTestFinished(() => store.close());
  return store;
}

/** A child that has the journal open and owns a run in it, as OWNER_A. */
async function ownerOf(path: string, runId = 'run'): Promise<Child> {
  const child = new Child();
  await child.open({ path, durability: 'full' });
  expect(await child.call('append', [appendOf(runId, 0, someEvents(3))], claimOf(OWNER_A))).toEqual(
    COMMITTED,
  );
  return child;
}

function ownerFiles(path: string): readonly string[] {
  return readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}-owner-`));
}

test('eight processes open a journal that is not there yet, all at once', async () => {
  const path = freshPath();
  const children = Array.from({ length: 8 }, () => new Child());
  // Loaded first, so that the opening itself is what happens at once.
  await Promise.all(children.map((child) => child.tell('nothing')));
  const opened = await Promise.all(children.map((child) => child.open({ path, durability: 'full' })));
  expect(opened).toEqual(children.map(() => ({})));
  const appended = await Promise.all(
    children.map((child, i) =>
      child.call('append', [appendOf(`run-${i}`, 0, [RunStarted])], claimOf(`${i}`.repeat(32))),
    ),
  );
  expect(appended).toEqual(children.map(() => COMMITTED));
  await Promise.all(children.map((child) => child.leave()));
  expect(open(path).verify()).toMatchObject({ runs: 8, events: 8, damage: [] });
});

test('of eight processes one gets the lease, whoever asks first', async () => {
  const path = freshPath();
  const store = open(path);
  store.append([appendOf('run', 0, [RunStarted])], claimOf('f'.repeat(32)));
  store.releaseLease('run', 1);
  const children = Array.from({ length: 8 }, () => new Child());
  await Promise.all(children.map((child) => child.open({ path, durability: 'normal' })));
  for (let round = 0; round < 10; round += 1) {
    const answers = await Promise.all(
      children.map((child, i) => child.call('acquireLease', 'run', claimOf(`${i}`.repeat(32)))),
    );
    const statuses = answers.map(({ result }) => (result as { status: string }).status).toSorted();
    expect(statuses).toEqual(['acquired', ...Array.from({ length: 7 }, () => 'busy')]);
    store.releaseLease('run', round + 2);
  }
});

test('a lock that another program holds is waited for, and named when that takes too long', async () => {
  const path = freshPath();
  const patient = open(path, { busyTimeoutMs: 10_000 });
  patient.append([appendOf('run', 0, [RunStarted])], claimOf(OWNER_A));
  const child = new Child();
  await child.tell('lock', path);

  child.send('unlockAfter', 150);
  expect(patient.append([appendOf('run', 1, [AttemptStarted])], claimOf(OWNER_A))).toEqual(['committed']);
  await child.answer();
  patient.close();

  const hasty = open(path, { busyTimeoutMs: 50 });
  const again = hasty.acquireLease('run', claimOf(OWNER_B));
  expect(again).toMatchObject({ status: 'acquired', lease: { epoch: 2 } });
  await child.tell('lock', path);
  const event = [appendOf('run', 2, [AttemptStarted], { epoch: 2 })];
  const error = errorOf(() => hasty.append(event, claimOf(OWNER_B)));
  expect([error.code, error.exitCode]).toEqual(['BUSY', 5]);
  expect(hasty.read('run', 0, 10)).toHaveLength(2);
  await child.kill();
  // The connection is as good as before, and the work can be tried again.
  expect(hasty.append(event, claimOf(OWNER_B))).toEqual(['committed']);
});

test('an owner that lives keeps its lease', async () => {
  const path = freshPath();
  const child = await ownerOf(path);
  const store = open(path);
  expect(store.acquireLease('run', claimOf(OWNER_B))).toEqual({ status: 'busy', until: START + TTL_MS });
  expect(store.getRun('run', START)).toMatchObject({ owner: OWNER_A, ownerAlive: true });
  const reader = openSqliteStore({ path, durability: 'normal', readOnly: true });
  expect(reader.queryRuns({ limit: 1 }, START)).toMatchObject([{ owner: OWNER_A, ownerAlive: true }]);
  expect(reader.drivers(START)).toEqual([
    {
      owner: OWNER_A,
      state: 'alive',
      runs: 1,
      lastEventAt: START + 2,
      leasedUntil: START + TTL_MS,
      since: expect.any(Number),
    },
  ]);
  expect(reader.drivers(START + TTL_MS)).toMatchObject([{ state: 'silent' }]);
  reader.close();
  expect(await child.call('append', [appendOf('run', 3, [AttemptStarted])], claimOf(OWNER_A))).toEqual(
    COMMITTED,
  );
});

test('a killed owner is found dead at once, and its file is removed', async () => {
  const path = freshPath();
  const child = await ownerOf(path);
  expect(ownerFiles(path)).toHaveLength(1);
  const store = open(path);
  await child.kill();
  // One that only reads sees it and leaves the file alone.
  const reader = new Child();
  await reader.open({ path, durability: 'full', readOnly: true });
  expect(await reader.call('getRun', 'run', START)).toMatchObject({ result: { ownerAlive: false } });
  expect(ownerFiles(path)).toHaveLength(1);

  expect(store.acquireLease('run', claimOf(OWNER_B))).toEqual({
    status: 'acquired',
    lease: { epoch: 2, until: START + TTL_MS },
  });
  expect(ownerFiles(path)).toEqual([`${basename(path)}-owner-${OWNER_B}`]);
  expect(store.verify().damage).toEqual([]);
});

test('an owner that goes in the ordinary way leaves no file and no lease to wait for', async () => {
  const path = freshPath();
  const child = await ownerOf(path);
  await child.call('close');
  expect(ownerFiles(path)).toEqual([]);
  expect(open(path).acquireLease('run', claimOf(OWNER_B)).status).toBe('acquired');
});

test('what killed processes left behind is swept by the next one that opens', async () => {
  const path = freshPath();
  const child = await ownerOf(path);
  await child.call('releaseLease', 'run', 1);
  const other = new Child();
  await other.open({ path, durability: 'full' });
  await other.call('acquireLease', 'run', claimOf(OWNER_B));
  await child.kill();
  expect(ownerFiles(path)).toHaveLength(2);
  open(path);
  expect(ownerFiles(path)).toEqual([`${basename(path)}-owner-${OWNER_B}`]);
});

test('an owner whose token is no file name is waited for', async () => {
  const path = freshPath();
  const child = new Child();
  await child.open({ path, durability: 'full' });
  await child.call('append', [appendOf('run', 0, [RunStarted])], claimOf('../../x'));
  await child.kill();
  const store = open(path);
  expect(store.acquireLease('run', claimOf(OWNER_B)).status).toBe('busy');
  expect(store.acquireLease('run', claimOf(OWNER_B, START + TTL_MS)).status).toBe('acquired');
});

test('a stopped process past its lease is overtaken, and writes nothing when it goes on', async () => {
  const path = freshPath();
  const child = await ownerOf(path);
  const store = open(path);
  child.signal('SIGSTOP');
  child.send('call', 'append', [appendOf('run', 3, [AttemptStarted])], claimOf(OWNER_A));
  expect(store.acquireLease('run', claimOf(OWNER_B)).status).toBe('busy');

  const later = START + TTL_MS;
  expect(store.acquireLease('run', claimOf(OWNER_B, later))).toMatchObject({ lease: { epoch: 2 } });
  const mine = [appendOf('run', 3, [RunStarted], { epoch: 2 })];
  expect(store.append(mine, claimOf(OWNER_B, later))).toEqual(['committed']);

  child.signal('SIGCONT');
  expect(await child.answer()).toEqual(FENCED);
  expect(await child.call('renewLease', 'run', 1, claimOf(OWNER_A, later))).toEqual({ result: false });
  await child.call('releaseLease', 'run', 1);
  expect(store.getRun('run', later)).toMatchObject({ owner: OWNER_B, ownerAlive: true, lastSeq: 4 });
});

test('of a commit over three runs the stale one is left out', async () => {
  const path = freshPath();
  const child = await ownerOf(path, 'b');
  for (const id of ['a', 'c']) await child.call('append', [appendOf(id, 0, someEvents(3))], claimOf(OWNER_A));
  const store = open(path);
  store.acquireLease('b', claimOf(OWNER_B, START + TTL_MS));
  const batch = ['a', 'b', 'c'].map((id) => appendOf(id, 3, someEvents(40).slice(3)));
  expect(await child.call('append', batch, claimOf(OWNER_A))).toEqual({
    result: ['committed', 'fenced', 'committed'],
  });
  expect(['a', 'b', 'c'].map((id) => store.getRun(id, START)?.lastSeq)).toEqual([40, 3, 40]);
  expect(store.verify().damage).toEqual([]);
});

test('another process sees a post by the change mark', async () => {
  const path = freshPath();
  const child = await ownerOf(path);
  const before = await child.call('changeMark');
  expect(await child.call('changeMark')).toEqual(before);
  open(path).post('run', { kind: 'cancel', id: 'm', reason: 'enough' }, START);
  expect(await child.call('changeMark')).not.toEqual(before);
  expect(await child.call('takeInbox', 'run')).toEqual({
    result: [{ kind: 'cancel', id: 'm', reason: 'enough' }],
  });
});

test('a process that is killed while it writes loses nothing that it acknowledged', async () => {
  const path = freshPath();
  for (let round = 0; round < 3; round += 1) {
    const child = new Child();
    await child.open({ path, durability: 'full' });
    const runId = `run-${round}`;
    await child.call('append', [appendOf(runId, 0, [RunStarted])], claimOf(OWNER_A));
    for (let seq = 1; seq < 200; seq += 1) {
      child.send('call', 'append', [appendOf(runId, seq, [AttemptStarted])], claimOf(OWNER_A));
    }
    let acknowledged = 1;
    while (acknowledged < 20 * (round + 1)) {
      expect(await child.answer()).toEqual(COMMITTED);
      acknowledged += 1;
    }
    await child.kill();
    const store = open(path);
    const found = store.getRun(runId, START)?.lastSeq ?? 0;
    expect(found).toBeGreaterThanOrEqual(acknowledged);
    expect(store.read(runId, 0, 1000)).toHaveLength(found);
    expect(store.verify().damage).toEqual([]);
    store.close();
  }
});

test('a disk that takes no more ends the connection with a typed error, and loses nothing', async () => {
  const path = freshPath();
  open(path).close();
  // A limit on file sizes instead of a full disk: the same answer of the kernel, without a mount.
  const child = new Child('trap "" XFSZ; ulimit -f 300; exec "$@"');
  await child.open({ path, durability: 'full' });
  await child.call('append', [appendOf('run', 0, [RunStarted])], claimOf(OWNER_A));
  let acknowledged = 1;
  let answer = COMMITTED as Awaited<ReturnType<typeof child.tell>>;
  while (answer.code === undefined && acknowledged < 2000) {
    const events = someEvents(30).slice(10);
    answer = await child.call('append', [appendOf('run', acknowledged, events)], claimOf(OWNER_A));
    if (answer.code === undefined) acknowledged += events.length;
  }
  expect(answer).toMatchObject({ code: 'STORAGE', message: expect.stringContaining(path) });
  expect(await child.call('read', 'run', 0, 1)).toEqual(answer);
  expect(await child.call('close')).toEqual({});
  await child.leave();
  // Nothing was tried again, not even putting the log back.
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);

  const store = open(path);
  expect(store.getRun('run', START)?.lastSeq).toBeGreaterThanOrEqual(acknowledged);
  expect(store.verify().damage).toEqual([]);
  expect(store.acquireLease('run', claimOf(OWNER_B)).status).toBe('acquired');
});

const canInject =
  spawnSync('strace', ['-qq', '-o', '/dev/null', '-e', 'inject=getpid:error=EIO', 'true']).status === 0;

test.runIf(canInject)('after a sync that failed nothing is synced or written again', async () => {
  const path = freshPath();
  open(path).close();
  const trace = `${path}.trace`;
  const watched = `-P '${path}' -P '${path}-wal' -e trace=fsync,fdatasync,pwrite64,ftruncate`;
  const child = new Child(
    `exec strace -f -qq -o '${trace}' ${watched} -e inject=fsync:error=EIO:when=4 "$@"`,
  );
  await child.open({ path, durability: 'full' });
  let acknowledged = 0;
  let answer: Awaited<ReturnType<typeof child.tell>> = {};
  while (answer.code === undefined && acknowledged < 20) {
    const event = acknowledged === 0 ? RunStarted : AttemptStarted;
    answer = await child.call('append', [appendOf('run', acknowledged, [event])], claimOf(OWNER_A));
    if (answer.code === undefined) acknowledged += 1;
  }
  expect(answer).toMatchObject({ code: 'STORAGE', message: expect.stringContaining('FSYNC') });
  await child.call('close');
  await child.leave();
  const calls = readFileSync(trace, 'utf8')
    .trim()
    .split('\n')
    .filter((line) => line.includes('('));
  expect(calls.filter((line) => line.includes('INJECTED'))).toHaveLength(1);
  expect(calls.at(-1)).toContain('INJECTED');

  const store = open(path);
  expect(store.getRun('run', START)?.lastSeq).toBeGreaterThanOrEqual(acknowledged);
  expect(store.verify().damage).toEqual([]);
});
