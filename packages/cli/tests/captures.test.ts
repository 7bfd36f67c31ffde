import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { openJournal } from '@pawl/runtime';
import { beforeAll, expect, test } from 'vitest';

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
import { TopReader } from '../src/top-reader.ts';
import { freshFolder, printed, writeRun, type Printed, type Timed } from './in-process.fixture.ts';

// What a person sees of each command, as it is: each of these was looked at. The theme names colours of the terminal,
// so that it is one and the same in the dark and in the light.

const MINUTE = 60_000;
const NOW = START + 90 * MINUTE;
const cwd = freshFolder();
const db = join(cwd, 'journal.db');

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

beforeAll(() => {
  process.env['TZ'] = 'UTC';
  writeRun(db, 'done', START, DONE);
  writeRun(db, 'failed', START + 20 * MINUTE, FAILED);
  writeRun(db, 'asked', START + 40 * MINUTE, ASKED);
  writeRun(db, 'w-wide', START + 60 * MINUTE, WIDE);
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
];

async function capture(
  args: readonly string[],
  columns: number | undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<Printed> {
  const look = { cwd, now: NOW, env: { PAWL_DB: db, ...env }, ...(columns === undefined ? {} : { columns }) };
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
    for (const line of out.split('\n'))
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
