/**
 * A program that serves the page over runs of which every time is given, at a time that stands still: what it shows is
 * the same today and in a year. It prints its address and token, and ends with its input.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stdin, stdout } from 'node:process';

import { PAGE_POLICY } from '@pawl/inspector';
import { openJournal, openRuntime, type JournalEvent } from '@pawl/runtime';
import { defineProcess, externalTask } from '@pawl/sdk';

import {
  attempt,
  closed,
  DONE,
  FAILED,
  opened,
  scheduled,
  START,
  started,
  STORY,
  succeeded,
  type Timed,
} from '../../cli/src/render/run.fixture.ts';
import { listen } from '../../cli/src/serve/listen.ts';
import { PageDoor } from '../../cli/src/serve/page-door.ts';
import { createUiApp } from '../../cli/src/serve/ui-app.ts';
import { openSqliteStore } from '../../runtime/src/store/sqlite/sqlite-store.ts';

const MINUTE = 60_000;
const NOW = START + 90 * MINUTE;

/** An order that waits for people. */
const QUESTION: JournalEvent = {
  type: 'BreakpointOpened',
  key: '4',
  title: 'Deploy',
  question: 'May version 1.4 go to production? It changes how totals are rounded.',
  context: { version: '1.4.0', changes: ['totals', 'rounding'], tests: { passed: 412, failed: 0 } },
  options: ['now', 'tonight'],
  expert: ['operations'],
  tags: ['production'],
  strategy: 'single',
  quorum: null,
  experts: null,
  timeoutMs: null,
  onTimeout: 'reject',
};

/** What it is told has a form. */
const ADDRESS: JournalEvent = {
  type: 'SignalAwaited',
  key: '5',
  name: 'address',
  timeoutMs: null,
  prompt: 'Where does the first box go?',
  data: null,
  schema: {
    type: 'object',
    required: ['street', 'zip', 'kind'],
    properties: {
      street: { type: 'string', minLength: 1, description: 'As on the letter box' },
      zip: { type: 'integer', minimum: 1000 },
      kind: { enum: ['home', 'office'] },
      express: { type: 'boolean' },
      notes: { type: 'array', items: { type: 'string' } },
    },
  },
};

const PICKED: readonly string[] = ['apple', 'pear', 'plum', 'fig', 'quince', 'medlar', 'sloe', 'damson'];

/** Many calls of one group, each after the other has begun. */
function* wide(): Generator<Timed, void, void> {
  yield started(0, { items: PICKED.length * 20 });
  yield opened(2, '0', 'map', PICKED.length * 20);
  for (let n = 0; n < PICKED.length * 20; n += 1) {
    const key = `0/${n}/0`;
    yield scheduled(10 + n * 40, key, `pick ${PICKED[n % PICKED.length]}`, { n });
    yield attempt(11 + n * 40, key);
    yield succeeded(35 + n * 40, key, { box: n });
  }
  yield closed(7000, '0');
  yield [7001, { type: 'RunSucceeded', output: { boxes: PICKED.length * 20 } }];
}

function named(process: string, events: Iterable<Timed>): Timed[] {
  return [...events].map(([at, event]) => [at, event.type === 'RunStarted' ? { ...event, process } : event]);
}

const review = externalTask({ name: 'review', kind: 'person' });
const audit = defineProcess({ name: 'audit', run: (_: null, ctx) => ctx.task(review) });
const nightly = defineProcess({ name: 'nightly', run: () => Promise.resolve(null) });

/** Nothing here asks for a time but by these. */
function stopTime(): void {
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...given: unknown[]) {
      super(...((given.length === 0 ? [NOW] : given) as [number]));
    }
    static override now(): number {
      return NOW;
    }
  } as DateConstructor;
}

function record(path: string, runId: string, start: number, events: readonly Timed[]): void {
  const store = openSqliteStore({ path, durability: 'normal' });
  const recorded = events.map(([afterMs, event]) => ({ at: start + afterMs, event }));
  const claim = { owner: 'somebody', now: start, ttlMs: 1 };
  store.append([{ runId, epoch: 1, afterSeq: 0, events: recorded, consumed: [] }], claim);
  store.releaseLease(runId, 1);
  store.close();
}

async function fill(path: string): Promise<void> {
  const asked: Timed[] = [
    ...STORY,
    succeeded(4100, '3', { receipt: 'r-9' }),
    [4200, QUESTION],
    [4300, ADDRESS],
  ];
  record(path, 'boxes-1', START + MINUTE, named('pack-boxes', wide()));
  for (let n = 1; n <= 9; n += 1)
    record(path, `order-${n}`, START + (5 + n * 6) * MINUTE, n % 4 === 3 ? FAILED : DONE);
  record(path, 'order-10', START + 70 * MINUTE, STORY);
  record(path, 'release-4', START + 80 * MINUTE, named('release', asked));
  await using runtime = await openRuntime({ path });
  await runtime.leaveFork('order-3', { retries: false, at: '1', id: 'order-3-again' });
  await runtime.schedules.add(nightly, null, { cron: '30 2 * * *', zone: 'UTC' });
  for (const id of ['audit-7', 'audit-8']) await runtime.enqueue(audit, null, { id });
  const handle = runtime.start(audit, null, { id: 'audit-6' });
  handle.result().catch(() => undefined);
  while (runtime.tasks.list().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

stopTime();
const folder = mkdtempSync(join(tmpdir(), 'pawl-shop-'));
const path = join(folder, 'journal.db');
await fill(path);
const reader = openJournal({ path });
const runtime = await openRuntime({ path });
const closing = new AbortController();
const door = new PageDoor(PAGE_POLICY, 'a-token-for-tests');
const app = createUiApp({
  reader,
  runtime,
  closing: closing.signal,
  cwd: '/home/me/shop',
  env: {},
  flags: [],
  journal: '/home/me/shop/.pawl/journal.db',
  user: 'ada',
  hosts: ['127.0.0.1'],
  token: door.token,
  maxBodyBytes: 1000,
  page: door,
});
const server = await listen((request) => app.fetch(request), '127.0.0.1', 0);
stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${server.port}`, token: door.token })}\n`);
stdin.resume().once('end', () => {
  closing.abort();
  server.close();
  reader.close();
  void runtime.close().then(() => rmSync(folder, { recursive: true, force: true }));
});
