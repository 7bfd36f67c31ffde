import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { openJournal } from '@pawl/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { columnsOf } from '../src/render/columns.ts';
import {
  ASKED,
  attempt,
  DONE,
  FAILED,
  opened,
  scheduled,
  START,
  started,
  succeeded,
} from '../src/render/run.fixture.ts';
import type { LoggedLine } from '../../runtime/src/journal/log-line.ts';
import { openSqliteStore } from '../../runtime/src/store/sqlite/sqlite-store.ts';
import { TopReader } from '../src/top-reader.ts';
import { freshFolder, writeRun, type Timed } from './in-process.fixture.ts';
import { printed, type Printed } from './printed.fixture.ts';

// What a person sees of each command, as it is: each of these was looked at. The theme names colours of the terminal,
// so that it is one and the same in the dark and in the light.

const MINUTE = 60_000;
const NOW = START + 90 * MINUTE;
const cwd = freshFolder(afterAll);
const db = join(cwd, 'journal.db');
const other = join(cwd, 'other.db');

/** Names and values that take two columns a letter, or none; and one that would turn the line around. */
const WIDE: readonly Timed[] = [
  started(0, { 顾客: '山田太郎', note: 'naïve café 👩‍👩‍👧‍👦', dir: 'abc\u202edef' }),
  opened(5, '0', 'map', 3),
  scheduled(6, '0/:東京/0', '予約する', '東京都千代田区丸の内一丁目九番一号'),
  attempt(7, '0/:東京/0'),
  scheduled(8, '0/:🎉/0', '🎉 party', 'e\u0301e\u0301e\u0301'),
  attempt(9, '0/:🎉/0'),
  succeeded(900, '0/:東京/0', { 結果: '予約済み' }),
  scheduled(910, '0/:x/0', 'x'.repeat(60), 'y'.repeat(300)),
  attempt(911, '0/:x/0'),
];

/** Code of an order, whose name is that of its file. */
const orderOf = (first: string, second: string): string => `import { defineTask } from '@pawl/sdk';
const ${first} = defineTask({ name: '${first}', run: (id: number) => 'box ' + id });
const ${second} = defineTask({ name: '${second}', run: (box: string) => box + ' shipped' });
export async function process(id: number, ctx: any) {
  const box = await ctx.task(${first}, id);
  return ctx.task(${second}, box);
}
`;

function called(afterMs: number, key: string, task: string, args: string | number): Timed {
  const [at, event] = scheduled(afterMs, key, task, args);
  return [at, { ...event, inputHash: `=${JSON.stringify(args)}` } as typeof event];
}

const PACKED: readonly Timed[] = [
  started(0, 1),
  called(1, '0', 'pack', 1),
  attempt(2, '0'),
  succeeded(30, '0', 'box 1'),
];
const SHIPPED: readonly Timed[] = [
  ...PACKED,
  called(31, '1', 'ship', 'box 1'),
  attempt(32, '1'),
  succeeded(90, '1', 'box 1 shipped'),
  [91, { type: 'RunSucceeded', output: 'box 1 shipped' }],
];

const LINES: readonly LoggedLine[] = [
  { key: null, task: null, attempt: null, level: 'info', text: 'begun with { boxes: 1 }', leftOut: 0 },
  { key: '0', task: 'pack', attempt: 1, level: 'debug', text: 'looks for a box', leftOut: 0 },
  { key: '0', task: 'pack', attempt: 2, level: 'warn', text: 'the last one\nof its size', leftOut: 1200 },
  { key: '1', task: 'ship', attempt: 1, level: 'error', text: 'Error: nobody is at the gate', leftOut: 0 },
].map((line, i) => ({ ...line, seq: i, at: START + i }) as LoggedLine);

function keepLines(runId: string): void {
  const store = openSqliteStore({ path: db, durability: 'normal' });
  const claim = { owner: 'somebody', now: START, ttlMs: 1 };
  const logs = { lines: LINES, mostOfRun: 100, mostOfCall: 100 };
  const afterSeq = store.getRun(runId, START)?.lastSeq ?? 0;
  const lease = store.acquireLease(runId, claim);
  const epoch = lease.status === 'acquired' ? lease.lease.epoch : 0;
  expect(store.append([{ runId, epoch, afterSeq, events: [], consumed: [], logs }], claim)).toEqual([
    'committed',
  ]);
  store.releaseLease(runId, epoch);
  store.close();
}

beforeAll(() => {
  process.env['TZ'] = 'UTC';
  symlinkSync(join(import.meta.dirname, '../node_modules'), join(cwd, 'node_modules'));
  writeFileSync(join(cwd, 'order.ts'), orderOf('pack', 'ship'));
  mkdirSync(join(cwd, 'new'));
  writeFileSync(join(cwd, 'new', 'order.ts'), orderOf('wrap', 'ship'));
  writeRun(other, 'shipped', START, SHIPPED);
  writeRun(other, 'packed', START + 5 * MINUTE, PACKED);
  writeRun(db, 'done', START, DONE);
  writeRun(db, 'failed', START + 20 * MINUTE, FAILED);
  writeRun(db, 'asked', START + 40 * MINUTE, ASKED);
  writeRun(db, 'w-wide', START + 60 * MINUTE, WIDE);
  keepLines('asked');
});

const COMMANDS: readonly (readonly string[])[] = [
  ['list'],
  ['show', 'done'],
  ['show', 'failed'],
  ['show', 'w-wide'],
  ['why', 'asked'],
  ['why', 'failed'],
  ['timeline', 'failed'],
  ['timeline', 'w-wide'],
  ['diff', 'done', 'failed'],
  ['stats', 'order'],
  ['waiting'],
  ['top'],
  ['events', 'w-wide'],
  ['logs', 'asked'],
  ['prune', '--older-than', '1h', '--dry-run'],
  ['sql', 'select run_id, status, process, duration_ms, error from runs order by started_at'],
  ['replay', 'shipped', '--module', 'order.ts'],
  ['replay', 'packed', '--module', 'order.ts'],
  ['replay', '--all', '--module', 'new/order.ts'],
  ['retry', 'failed', '--dry-run'],
];

/** Lines of these are whole, however long: a terminal breaks them, and a pipe must not. */
const UNBROKEN: readonly string[] = ['logs', 'export'];

async function capture(
  args: readonly string[],
  columns: number | undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<Printed> {
  const look = {
    cwd,
    now: NOW,
    env: { PAWL_DB: args[0] === 'replay' ? other : db, ...env },
    ...(columns === undefined ? {} : { columns }),
  };
  return await printed(args, look);
}

test.each(COMMANDS)('%s %s %s', async (...given) => {
  const args = given.filter((word) => word !== undefined);
  const narrow = await capture(args, 40, { NO_COLOR: '1' });
  const usual = await capture(args, 80, { NO_COLOR: '1' });
  const wide = await capture(args, 140, { NO_COLOR: '1' });
  for (const [width, { out }] of [
    [40, narrow],
    [80, usual],
    [140, wide],
  ] as const)
    for (const line of UNBROKEN.includes(args[0] ?? '') ? [] : out.split('\n'))
      // A command to copy stays in one piece.
      if (!/^ *→ .*\bpawl /.test(line))
        expect(columnsOf(line), `${width}: ${line}`).toBeLessThanOrEqual(width);
  expect(
    `40 columns\n\n${narrow.out}\n80 columns\n\n${usual.out}\n140 columns\n\n${wide.out}`,
  ).toMatchSnapshot();
  // A pipe is a terminal of 80 columns without colours; colours change nothing but colours.
  expect((await capture(args, undefined)).out).toBe(usual.out);
  const painted = (await capture(args, 80)).out;
  expect(painted).toContain('\u001b[');
  const bare = stripVTControlCharacters(painted)
    .split('\n')
    .map((line) => line.trimEnd());
  expect(bare).toEqual(usual.out.split('\n'));
});

test('an export is for programs and git: each line is an event, whole', async () => {
  const { out } = await capture(['export', 'asked'], 80);
  expect(out).toMatchSnapshot();
  expect((await capture(['export', 'asked'], 40)).out).toBe(out);
});

test('code that does not fit is refused at a resume, and the run stays as it was', async () => {
  const events = async (): Promise<string> =>
    (await capture(['events', 'packed', '--db', other], undefined)).out;
  const before = await events();
  const { code, out, err } = await capture(
    ['resume', 'packed', '--module', 'new/order.ts', '--db', other],
    undefined,
  );
  expect({ code, out }).toEqual({ code: 7, out: '' });
  expect(err).toMatchSnapshot();
  expect(await events()).toBe(before);
});

test('colours, once', async () => {
  const { out } = await capture(['show', 'failed'], 80);
  expect(out.replaceAll('\u001b', '␛')).toMatchSnapshot();
});

test('top reads of an open run only what came since it looked', () => {
  const reader = openJournal({ path: db });
  try {
    let events = 0;
    const top = new TopReader({
      ...reader,
      *events(id, afterSeq) {
        for (const recorded of reader.events(id, afterSeq)) {
          events += 1;
          yield recorded;
        }
      },
    });
    const look = { now: NOW, limit: 10, filter: '' };
    const { rows } = top.read(look);
    expect(rows.map(({ run }) => run.runId)).toEqual(['asked', 'w-wide']);
    const first = events;
    expect(first).toBeGreaterThan(0);
    top.read({ ...look, now: NOW + 1000 });
    expect(events).toBe(first);
    expect(top.read({ ...look, filter: 'WIDE' }).rows).toHaveLength(1);
  } finally {
    reader.close();
  }
});
