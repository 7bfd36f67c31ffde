import { join } from 'node:path';

import type * as Runtime from '@pawl/runtime';
import type { JournalReader } from '@pawl/runtime';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { freshFolder, writeRun, type Timed } from './in-process.fixture.ts';
import { printed } from './printed.fixture.ts';
import { attempt, closed, opened, scheduled, START, started, succeeded } from '../src/render/run.fixture.ts';

// A long run: what is known at once is said at once. Counted, not timed.

const read = vi.hoisted(() => ({ events: 0, beforeFirst: undefined as number | undefined }));

vi.mock('@pawl/runtime', async (original) => {
  const real = await original<typeof Runtime>();
  return {
    ...real,
    // The real one, and what it reads is counted.
    openJournal: (options: { readonly path: string }): JournalReader => {
      const reader = real.openJournal(options);
      return {
        ...reader,
        *events(id, afterSeq) {
          for (const recorded of reader.events(id, afterSeq)) {
            read.events += 1;
            yield recorded;
          }
        },
      };
    },
  };
});

const EVENTS = 24_000;
const WIDTH = 5000;

function* longRun(): Generator<Timed> {
  let ms = 0;
  yield started(0);
  yield opened(1, '0', 'map', WIDTH);
  for (let i = 0; i < WIDTH; i += 1) {
    yield scheduled((ms += 1), `0/${i}/0`, 'fetch', i);
    yield attempt(ms, `0/${i}/0`);
    yield succeeded(ms + 1, `0/${i}/0`, i);
  }
  yield closed((ms += 1), '0');
  let events = 3 + 3 * WIDTH;
  for (let i = 1; events < EVENTS - 1; i += 1, events += 3) {
    yield scheduled((ms += 1), String(i), 'store', i);
    yield attempt(ms, String(i));
    yield succeeded(ms + 1, String(i), { stored: i });
  }
  yield [ms + 1, { type: 'RunSucceeded', output: 'done' }];
}

const cwd = freshFolder(afterAll);
const db = join(cwd, 'journal.db');

beforeAll(() => {
  process.env['TZ'] = 'UTC';
  writeRun(db, 'long', START, longRun());
}, 60_000);

/** The most that is read before anything is said: a page from the start, and one from the end. */
const AT_ONCE = 1000;

test.each([
  [['list']],
  [['show', 'long']],
  [['timeline', 'long']],
  [['diff', 'long', 'long']],
  [['stats', 'order']],
  [['why', 'long']],
])('%j says what is known at once', async (args) => {
  read.events = 0;
  read.beforeFirst = undefined;
  const { code, out, err } = await printed(args, {
    cwd,
    env: { PAWL_DB: db },
    now: START + 3_600_000,
    onWrite: () => (read.beforeFirst ??= read.events),
  });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(read.beforeFirst).toBeLessThanOrEqual(AT_ONCE);
  expect(out.split('\n').length).toBeLessThan(60);
  expect(out).toMatchSnapshot();
});
