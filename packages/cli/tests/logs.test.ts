import { join } from 'node:path';

import type { JournalEvent } from '@pawl/runtime';
import { expect, test } from 'vitest';

import { SAMPLE_EVENTS } from '../../runtime/src/journal/sample-events.fixture.ts';
import type { LoggedLine } from '../../runtime/src/journal/log-line.ts';
import { openSqliteStore } from '../../runtime/src/store/sqlite/sqlite-store.ts';
import { freshFolder } from './in-process.fixture.ts';
import { Folder } from './here.fixture.ts';
import { documentOf, until } from './pawl.fixture.ts';
import { printed, type Printed } from './printed.fixture.ts';

const START = Date.UTC(2026, 10, 21, 12);

const line = (text: string, more: Partial<LoggedLine> = {}): LoggedLine => ({
  at: START,
  seq: 1,
  level: 'info',
  key: null,
  task: null,
  attempt: null,
  leftOut: 0,
  ...more,
  text,
});

/** A journal in which run 'r' logged these lines. */
function journalWith(lines: readonly LoggedLine[]): (...args: readonly string[]) => Promise<Printed> {
  const cwd = freshFolder();
  const db = join(cwd, 'j.db');
  const store = openSqliteStore({ path: db, durability: 'normal' });
  const event: JournalEvent = { ...SAMPLE_EVENTS.RunStarted, process: 'p' };
  const logs = { lines, mostOfRun: 100, mostOfCall: 100 };
  const begun = { runId: 'r', epoch: 1, afterSeq: 0, events: [{ at: START, event }], consumed: [] };
  store.append([lines.length === 0 ? begun : { ...begun, logs }], { owner: 'o', now: START, ttlMs: 1 });
  store.close();
  return (...args) => printed(['logs', 'r', '--db', db, ...args], { cwd, now: START });
}

/** Without what the time zone makes of it. */
const timeless = (out: string): string[] =>
  out
    .trimEnd()
    .split('\n')
    .map((text) => text.replace(/^\d\d:\d\d:\d\d\.\d{3}/, '12:00:00.000'));

const TALK = [
  line('begun'),
  line('books\n  two\u001b[2J seats', { key: '0', task: 'book', attempt: 1 }),
  line('nobody answers', { key: '0', task: 'book', attempt: 2, level: 'warn', leftOut: 1200 }),
  line('no seat', { level: 'error', at: START + 7 }),
  line('sleeps', { level: 'debug' }),
];

test('lines say when, how much it matters and whose they are, and none can be taken for one of ours', async () => {
  const logs = journalWith(TALK);
  const all = await logs();
  expect({ ...all, out: timeless(all.out) }).toEqual({
    code: 0,
    err: '',
    out: [
      '12:00:00.000  › begun',
      '12:00:00.000  › book (0): books',
      '              ›   two seats',
      '⋮ 1,200 lines left out',
      '12:00:00.000  › warn book (0) attempt 2: nobody answers',
      '12:00:00.000  › error: no seat',
      '12:00:00.000  › debug: sleeps',
    ],
  });
  expect(timeless((await logs('--level', 'warn')).out)).toHaveLength(3);
  expect(timeless((await logs('--task', 'book')).out)).toHaveLength(4);
  const [first] = (await logs('--json', '--level', 'error')).out.split('\n');
  expect(documentOf(first ?? '')).toEqual({
    version: 1,
    log: {
      runId: 'r',
      n: 1204,
      seq: 1,
      at: '2026-11-21T12:00:00.007Z',
      level: 'error',
      key: null,
      task: null,
      attempt: null,
      message: 'no seat',
      leftOut: 1200,
    },
  });
});

test('where nothing is kept it is said why, and bad input is refused', async () => {
  const logs = journalWith([]);
  expect(await logs()).toMatchObject({
    code: 0,
    out: '',
    err: expect.stringContaining('pawl logs r --replay') as string,
  });
  expect((await logs('--task', 'x')).err).toContain('keeps no such lines');
  expect(await logs('--level', 'loud')).toMatchObject({
    code: 2,
    err: expect.stringContaining('debug') as string,
  });
  expect((await logs('--follow', '--replay')).code).toBe(2);
});

test('followed, lines come while the task that logs them runs, and the last with the end', async () => {
  using folder = new Folder();
  folder.write(
    'm.ts',
    `import { defineTask } from '@pawl/sdk';
import { existsSync } from 'node:fs';
const wait = defineTask({ name: 'wait', run: async (_: null, task) => {
  task.log('waits');
  while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 20));
  task.log.error('went');
} });
export async function process(_: unknown, ctx: any) {
  await ctx.task(wait, null);
  ctx.log('over');
}
`,
  );
  const run = folder.start(['run', 'm.ts', '--id', 'a']);
  await until(() => run.stderr.includes('waits'));
  const follow = folder.start(['logs', 'a', '--follow']);
  await until(() => follow.stdout.includes('wait (0): waits'));
  folder.write('go', '');
  const { code, stdout } = await follow.ended;
  expect((await run.ended).code).toBe(0);
  expect({ code, out: timeless(stdout) }).toEqual({
    code: 0,
    out: ['12:00:00.000  › wait (0): waits', '12:00:00.000  › error wait (0): went', '12:00:00.000  › over'],
  });
});
