import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { defineProcess, externalTask, type Context } from '@pawl/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openJournal, openRuntime } from '../src/index.ts';
import { until } from './until.fixture.ts';

/* What stands beside the events is held against them: nothing of a real journal is wrong, and each change is found. */

const folder = mkdtempSync(join(tmpdir(), 'pawl-verify-'));
const original = join(folder, 'original.db');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ask = externalTask<number, string>({
  name: 'ask',
  kind: 'agent',
  timeout: '1d',
  retry: { attempts: 5, delay: 1 },
});
const asks = defineProcess({
  name: 'asks',
  run: (_: unknown, ctx: Context) => ctx.parallel.all([1, 2, 3].map((n) => () => ctx.task(ask, n))),
});
const secretive = defineProcess({
  name: 'secretive',
  run: async (_: unknown, ctx: Context) => {
    ctx.setState('step', 1);
    await ctx.receive('word', { secret: true });
    return await ctx.receive('other');
  },
});

beforeAll(async () => {
  const runtime = await openRuntime({
    path: original,
    processes: [asks, secretive],
    secretKey: Buffer.alloc(32, 3).toString('base64'),
  });
  for (const [id, process] of [
    ['a', asks],
    ['s', secretive],
    ['done', secretive],
  ] as const)
    runtime
      .start(process as never, null as never, { id })
      .result()
      .catch(() => undefined);
  await until(() => runtime.tasks.list().length === 3 && runtime.get('done')?.asked.length === 1);
  const [claimed, failed, answered] = runtime.tasks.list().map(({ id }) => id) as [string, string, string];
  runtime.tasks.claim(claimed, { worker: 'ada' });
  runtime.tasks.fail(failed, 'no');
  await until(() => runtime.tasks.get(failed)?.failures === 1);
  for (const id of ['s', 'done']) await runtime.send(id, 'word', 'x', { secret: true });
  await runtime.send('done', 'other', 1);
  await until(() => runtime.get('done')?.status === 'succeeded');
  await runtime.stop('a');
  await runtime.stop('s');
  runtime.tasks.complete(answered, 'yes');
  await runtime.send('s', 'elsewhere', 'kept');
  await runtime.enqueue(asks, null, { id: 'q' });
  await runtime.schedules.add(asks, null, { name: 'daily', cron: '0 9 * * *' });
  await runtime.close();
});

const RUN = (id: string): string => `(select id from runs where run_id = '${id}')`;

function problemsAfter(sql: string): string[] {
  const path = join(folder, 'changed.db');
  cpSync(original, path);
  const db = new Database(path);
  db.exec(`pragma foreign_keys = off; ${sql}`);
  db.close();
  const journal = openJournal({ path });
  try {
    return journal.verify().damage.map(({ runId, problem }) => `${runId}: ${problem}`);
  } finally {
    journal.close();
    for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
  }
}

test('nothing is wrong with a journal as it was written', () => {
  expect(problemsAfter('')).toEqual([]);
});

test.each([
  [
    'a run that is no fork',
    `insert into pawl_forks select max(id), min(id), 2 from runs`,
    'it is kept as a fork behind event 2',
    'its events say 0',
  ],
  [
    'a fork that is no run',
    `insert into pawl_forks select 99, id, 2 from runs limit 1`,
    'a fork (number 99)',
    'is no run',
  ],
  [
    'an offer less',
    'delete from offers where seq = (select min(seq) from offers)',
    'a: its external task',
    'is not offered',
  ],
  [
    'an offer more',
    `insert into offers select 'x.1', run, 'k', 99, task, kind, 1, null, 1, 0, 0, null, null, null, null, null from offers limit 1`,
    'a: external task x.1',
    'no event of it is open',
  ],
  [
    'another kind',
    `update offers set kind = 'person' where failures = 0 and answered_by is null`,
    'a: its external task',
    'has kind person, its events give agent',
  ],
  [
    'another time',
    `update offers set due_at = due_at + 1 where failures = 0 and answered_by is null`,
    'a: its external task',
    'has dueAt',
  ],
  [
    'fewer failures',
    'update offers set failures = 0',
    'a: its external task',
    'has failures 0, its events give 1',
  ],
  [
    'an answer that is not there',
    `update offers set answered_by = 'nothing' where answered_by is not null`,
    'a: external task',
    'by a message that is not there',
  ],
  ['no time to wake', `delete from waking where run = ${RUN('s')}`, 's: nobody drives it', 'no time to wake'],
  [
    'a time to wake with an owner',
    `update runs set owner = 'x' where run_id = 's'`,
    's: it is driven',
    'a time to wake',
  ],
  [
    'another process to wake',
    `update waking set process = 'x' where run = ${RUN('s')}`,
    's: it is to be woken as',
    'secretive',
  ],
  [
    'an end that goes on',
    `insert into waking values (${RUN('done')}, 'secretive', 0, 0, null)`,
    'done: it has ended',
    'still to go on',
  ],
  [
    'a key that was to be gone',
    `insert into run_keys values (${RUN('done')}, 'k')`,
    'done: it has ended',
    'the key of its secrets',
  ],
  [
    'a place that was to be gone',
    `insert into start_keys values (${RUN('done')}, 'limit', 'k')`,
    'done: it has ended',
    'still holds a place',
  ],
  [
    'a message that was changed',
    `update inbox set payload = replace(payload, 'kept', 'lost') where payload is not null`,
    's: message',
    'does not match its checksum',
  ],
  [
    'a start that was changed',
    `update starts set module = '/tmp/evil.ts'`,
    ': the start of run q',
    'changed from outside',
  ],
  [
    'a schedule that was changed',
    `update schedules set module = '/tmp/evil.ts'`,
    ": schedule 'daily'",
    'changed from outside',
  ],
  [
    'a state that was changed',
    `update run_state set value = '2'`,
    "s: its state 'step'",
    'its events give 1',
  ],
])('%s is found', (_, sql, where, what) => {
  const problems = problemsAfter(sql);
  expect(problems).toContainEqual(expect.stringContaining(where));
  expect(problems.join('\n')).toContain(what);
});

test.each([
  ['a claim', `update offers set worker = null, token = null, until = null`],
  ['a time to wake', 'update waking set at = 0'],
])('%s that is another by now is no damage: it is no fact', (_, sql) => {
  expect(problemsAfter(sql)).toEqual([]);
});
