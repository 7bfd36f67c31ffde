import { copyFileSync } from 'node:fs';
import { join } from 'node:path';

import { openRuntime } from '@pawl/runtime';
import { externalTask } from '@pawl/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { raw } from '../../runtime/src/store/sqlite/temp-journals.fixture.ts';
import { attempt, scheduled, START, started, succeeded } from '../src/render/run.fixture.ts';
import { freshFolder, writeRun } from './in-process.fixture.ts';
import { printed, type Printed } from './printed.fixture.ts';

// A row of a run that is damaged is that run's damage: the others are listed, and it is named.

const cwd = freshFolder(afterAll);
const db = join(cwd, 'journal.db');

beforeAll(() => {
  for (const [n, id] of ['left', 'middle', 'right'].entries())
    writeRun(db, id, START + n, [
      started(0),
      scheduled(1, '0', 'store', n),
      attempt(1, '0'),
      succeeded(2, '0', { stored: n }),
      [3, { type: 'RunSucceeded', output: n }],
    ]);
  raw(db, (file) => file.exec("update runs set asked = '{' where run_id = 'middle'"));
});

async function asked(...args: readonly string[]): Promise<Printed> {
  return await printed([...args, '--db', db], { cwd, now: START + 60_000 });
}

const AWAITED = {
  type: 'SignalAwaited',
  key: '0',
  name: 'word',
  timeoutMs: null,
  prompt: null,
  data: null,
} as const;

const TOLD = [
  '✗ Run middle is left out, since its row is damaged: its summary has a bad asked.',
  `  → pawl verify middle --db ${db}`,
  '',
].join('\n');

test('the list has the others, and says which one is missing', async () => {
  const ids = await asked('list', '--output', 'ids');
  expect(ids).toEqual({ code: 8, out: 'right\nleft\n', err: TOLD });
  const table = await asked('list');
  expect(table).toMatchObject({ code: 8, err: TOLD });
  expect(table.out).toMatch(/right[^]*left/);
});

test('a page of as many as are wanted is whole', async () => {
  const { out } = await asked('list', '--limit', '2', '--output', 'ids');
  expect(out).toBe('right\nleft\n');
});

test('programs are told beside their document', async () => {
  const { code, out, err } = await asked('list', '--json');
  expect(code).toBe(8);
  expect(JSON.parse(out)).toMatchObject({ runs: [{ id: 'right' }, { id: 'left' }], hasMore: false });
  expect(JSON.parse(err)).toMatchObject({
    error: {
      code: 'CORRUPT',
      hint: `pawl verify middle --db ${db}`,
      data: { leftOut: [{ runId: 'middle', seq: 0, problem: 'its summary has a bad asked' }] },
    },
  });
});

test('where more are damaged one is named, and how many there are', async () => {
  const path = join(cwd, 'two.db');
  copyFileSync(db, path);
  raw(path, (file) => file.exec("update runs set run_id = 'a b', status = 'none' where run_id = 'right'"));
  const { code, out, err } = await printed(['list', '-o', 'ids', '--db', path], { cwd, now: START });
  expect({ code, out }).toEqual({ code: 8, out: 'left\n' });
  expect(err).toBe(
    `✗ Run a b is left out (and 1 more), since its row is damaged: its summary has a\n  bad status.\n  → pawl verify --db ${path}\n`,
  );
});

test('the others are shown, and the damaged one is refused by name', async () => {
  expect(await asked('show', 'left')).toMatchObject({ code: 0, err: '' });
  expect(await asked('show', 'middle')).toMatchObject({
    code: 8,
    err: expect.stringContaining('The journal of run middle is damaged: its summary has a bad asked.'),
  });
  expect(await asked('verify', 'left')).toMatchObject({ code: 0 });
});

test('what waits is told, but of those that are damaged, in their rows or events', async () => {
  const path = join(cwd, 'waits.db');
  for (const [n, id] of ['first', 'second', 'third', 'last'].entries())
    writeRun(path, id, START + n, [started(0), [1, AWAITED]]);
  raw(path, (file) => {
    file.exec("update runs set asked = '{' where run_id = 'second'");
    file.exec(
      "update events set payload = '[]' where seq = 2 and run = (select id from runs where run_id = 'third')",
    );
  });
  const given = { cwd, now: START + 60_000 };
  const { code, out, err } = await printed(['waiting', '--json', '--db', path], given);
  const { waits } = JSON.parse(out) as { readonly waits: readonly { readonly runId: string }[] };
  expect(waits.map(({ runId }) => runId)).toEqual(['last', 'first']);
  expect(code).toBe(8);
  expect(JSON.parse(err)).toMatchObject({
    error: {
      code: 'CORRUPT',
      data: {
        leftOut: [
          { runId: 'second', seq: 0 },
          { runId: 'third', seq: 2 },
        ],
      },
    },
  });
  // Who asks of one is refused it.
  expect(await printed(['waiting', 'third', '--db', path], given)).toMatchObject({
    code: 8,
    err: expect.stringContaining('Event 2 of run third is damaged'),
  });
  expect(await printed(['waiting', 'first', '--db', path], given)).toMatchObject({ code: 0, err: '' });
});

test('tasks of others are told, but of runs that are damaged, and a run whose id is none is damaged', async () => {
  const path = join(cwd, 'tasks.db');
  await using runtime = await openRuntime({ path, durability: 'normal' });
  const review = externalTask({ name: 'review', kind: 'person' });
  for (const id of ['first', 'second', 'third']) runtime.start((_, ctx) => ctx.task(review), null, { id });
  runtime.start((_, ctx) => ctx.receive('word'), null, { id: 'none' });
  await expect.poll(() => runtime.list({ limit: 9 }).filter((run) => run.asked.length > 0).length).toBe(4);
  await runtime.close();
  raw(path, (file) => {
    file.exec(
      "update events set payload = '[]' where seq = 2 and run = (select id from runs where run_id = 'second')",
    );
    file.exec("update runs set run_id = 'n o n e' where run_id = 'none'");
  });
  const { code, out, err } = await printed(['waiting', '--db', path], { cwd, now: START + 60_000 });
  expect({ code, out }).toEqual({
    code: 8,
    out: `external tasks that are open: 2. See them: pawl tasks --db ${path}\n`,
  });
  expect(err).toContain('Run n o n e is left out (and 1 more), since its row is damaged: its id is');
});

test('who names no run that is there is told so, whatever is damaged', async () => {
  const { code, err } = await asked('show', 'lift');
  expect(code).toBe(4);
  expect(err).toContain('left');
});

test('a parent whose row is damaged hinders neither its child nor others', async () => {
  const path = join(cwd, 'parent.db');
  writeRun(path, 'parent', START, [started(0)]);
  writeRun(path, 'child', START + 1, [
    started(0),
    [0, { type: 'ParentRecorded', parentRunId: 'parent', parentKey: '0', depth: 1 }],
    scheduled(1, '0', 'store', null),
    attempt(1, '0'),
    [2, { type: 'OutcomeAsked', key: '0', attempt: 1 }],
  ]);
  writeRun(path, 'other', START + 2, [started(0)]);
  raw(path, (file) => file.exec(`update runs set last_seq = ${2n ** 63n - 1n} where run_id = 'parent'`));
  const { code, out } = await printed(['list', '-o', 'ids', '--db', path], { cwd, now: START });
  expect({ code, out }).toEqual({ code: 8, out: 'other\nchild\n' });
  for (const id of ['other', 'child'])
    expect(await printed(['show', id, '--db', path], { cwd, now: START })).toMatchObject({
      code: 0,
      err: '',
    });
});

test('an end whose events cannot be read is no result', async () => {
  const copy = join(cwd, 'changed.db');
  copyFileSync(db, copy);
  raw(copy, (file) =>
    file.exec(
      "update events set payload = replace(payload, 'stored', 'stoled') where seq = 4 and run = (select id from runs where run_id = 'left')",
    ),
  );
  for (const more of [[], ['--json']]) {
    const told = await printed(['resume', 'left', ...more, '--db', copy], { cwd, now: START + 60_000 });
    expect(told).toMatchObject({ code: 8, out: '' });
    expect(told.err).toContain('Event 4 of run left is damaged');
  }
});
