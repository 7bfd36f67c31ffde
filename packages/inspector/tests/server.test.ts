import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { displayStatus, openJournal, openRuntime, type JournalReader } from '@pawl/runtime';
import { defineTask, type Process } from '@pawl/sdk';
import { Hono } from 'hono';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { raw } from '../../runtime/src/store/sqlite/temp-journals.fixture.ts';
import { createInspector, type Describe } from '../src/index.ts';
import { Comparisons } from '../src/server/comparisons.ts';
import { PoolStatistics } from '../src/server/pools.ts';

/* What the page is told, over a real journal. Who may ask is the business of whoever serves it: packages/cli/tests. */

const folder = mkdtempSync(join(tmpdir(), 'pawl-inspector-'));
const path = join(folder, 'journal.db');
const LARGE = 'x'.repeat(40_000);
const HOSTILE = '</script><script>alert(1)</script>\u0000\u202E"\'`${7*7}';

const echo = defineTask({ name: 'echo', run: (value: unknown) => value });
const fails = defineTask({
  name: HOSTILE,
  run: () => {
    throw new RangeError(HOSTILE);
  },
});

const many: Process<number, number> = async (count, ctx) => {
  const all = await ctx.parallel.map(
    Array.from({ length: count }, (_, index) => index),
    (index) => ctx.task(echo, index),
  );
  return all.length;
};
const large: Process<null, unknown> = (_, ctx) => ctx.task(echo, { text: LARGE });
const hostile: Process<unknown, unknown> = (_, ctx) => ctx.task(fails);

const OPEN = { limit: 100, statuses: ['running'] } as const;

const describeBriefly: Describe = {
  run: (run) => ({ id: run.runId, process: run.process, status: displayStatus(run) }),
  why: (_, id) => ({ sentence: id }),
  waits: (of, id, leftOut) => {
    const ids = id === undefined ? of.list(OPEN, leftOut).map(({ runId }) => runId) : [id];
    return ids.flatMap((each) => of.waits(each).map((wait) => ({ ...wait })));
  },
  openTasks: (of, _, limit) => of.openTasks({ limit }),
  task: (task) => ({ ...task }),
  start: (start) => ({ ...start }),
  schedule: (schedule) => ({ ...schedule }),
  diff: () => {
    const read = { a: 0, b: 0 };
    return { add: (side, events) => (read[side] += [...events].length), end: () => read };
  },
  where: (terms) => Object.fromEntries(terms.map((term) => [term.split('=')[0], [term.split('=')[1] ?? '']])),
  place: () => undefined,
};

const closing = new AbortController();
let reader: JournalReader;
let app: Hono;

beforeAll(async () => {
  await using runtime = await openRuntime({ path, durability: 'normal' });
  for (let n = 0; n < 12; n += 1) await runtime.start(many, n % 3, { id: `small-${n}` }).result();
  await runtime.start(many, 300, { id: 'wide' }).result();
  await runtime.start(large, null, { id: 'large' }).result();
  await expect(runtime.start(hostile, { [HOSTILE]: HOSTILE }, { id: 'hostile' }).result()).rejects.toThrow();
  reader = openJournal({ path });
  app = inspector(undefined);
});

afterAll(() => {
  closing.abort();
  reader.close();
  rmSync(folder, { recursive: true, force: true });
});

function inspector(actions: Hono | undefined, over: JournalReader = reader): Hono {
  const index = { body: new TextEncoder().encode('<title>Pawl</title>'), type: 'text/html' };
  const script = { body: new TextEncoder().encode('1'), type: 'text/javascript' };
  return createInspector({
    reader: over,
    describe: describeBriefly,
    page: new Map([
      ['/index.html', index],
      ['/assets/a-1.js', script],
    ]),
    about: { journal: path, user: 'ada' },
    actions,
    closing: closing.signal,
  }).onError((error, c) => c.json({ error: { code: 'code' in error ? error.code : 'UNEXPECTED' } }, 400));
}

async function ask(url: string, of: Hono = app): Promise<Record<string, unknown>> {
  return (await (await of.request(`/api${url}`)).json()) as Record<string, unknown>;
}

function idsOf(page: Record<string, unknown>): string[] {
  return (page['runs'] as { readonly id: string }[]).map(({ id }) => id);
}

test('runs come newest first, a page at a time, and each once', async () => {
  const seen: string[] = [];
  let next: unknown;
  do {
    const page = await ask(`/runs?limit=4${typeof next === 'string' ? `&before=${next}` : ''}`);
    seen.push(...idsOf(page));
    next = page['next'];
  } while (next !== null);
  expect(seen).toEqual(reader.list({ limit: 100 }).map(({ runId }) => runId));
  expect(new Set(seen).size).toBe(15);
});

test('a run whose row is damaged is named beside the others', async () => {
  const copy = join(folder, 'damaged.db');
  reader.backup(copy);
  raw(copy, (file) => file.exec("update runs set asked = '{' where run_id = 'small-11'"));
  using damaged = openJournal({ path: copy });
  const served = inspector(undefined, damaged);
  const leftOut = [{ id: 'small-11', problem: 'its summary has a bad asked' }];
  expect(await ask('/runs?limit=2', served)).toMatchObject({
    runs: [{ id: 'hostile' }, { id: 'large' }],
    leftOut: [],
  });
  expect(await ask('/runs?limit=20', served)).toMatchObject({ leftOut });
  expect(await ask('/runs?text=small-10', served)).toMatchObject({ runs: [{ id: 'small-10' }], leftOut: [] });
  // What else is on the page goes on without it.
  expect(await ask('/processes', served)).toMatchObject({ processes: ['hostile', 'large', 'many'] });
  expect((await served.request('/api/pools')).status).toBe(200);
});

test('where an open run is damaged it is named beside what waits, and the rest of the page is told', async () => {
  const copy = join(folder, 'damaged-open.db');
  reader.backup(copy);
  raw(copy, (file) => file.exec("update runs set asked = '{', status = 'running' where run_id = 'small-11'"));
  using damaged = openJournal({ path: copy });
  const served = inspector(undefined, damaged);
  expect(await ask('/waits', served)).toMatchObject({ leftOut: [{ id: 'small-11' }] });
  expect(await ask('/counts', served)).toMatchObject({ total: 15 });
  expect(await ask('/workers', served)).toMatchObject({ workers: [] });
  expect(await ask('/graph?process=many', served)).toMatchObject({
    process: 'many',
    runs: expect.any(Number),
  });
});

test('runs are found by status, process, a part of the id, and the whole id', async () => {
  expect(idsOf(await ask('/runs?status=failed'))).toEqual(['hostile']);
  expect(idsOf(await ask('/runs?text=ALL-1'))).toEqual(['small-11', 'small-10', 'small-1']);
  expect(idsOf(await ask('/runs?text=small-1'))).toEqual(['small-1']);
  expect(await ask('/runs?text=nothing-of-that')).toMatchObject({ runs: [], next: null, scanned: 15 });
  expect(await ask('/counts')).toMatchObject({
    counts: { succeeded: 14, failed: 1 },
    total: 15,
    isPart: false,
  });
});

test.each([
  '/runs?limit=501',
  '/runs?limit=-1',
  '/runs?limit=1e2',
  '/runs?status=nice',
  '/runs?before=../../etc',
  '/runs/%2e%2e%2fetc',
  '/runs/none',
  '/runs/none/events',
  '/runs/wide/events?after=x',
  '/runs/wide/events/0',
  '/runs/wide/events/999999',
  '/runs/wide/call?key=nope',
  '/runs/wide/value?key=nope',
  '/runs/wide/value?key=0/1/0&part=all',
  '/runs/wide/value?part=context',
  '/nothing',
])('%s is refused in words', async (url) => {
  const response = await app.request(`/api${url}`);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: { code: expect.stringMatching(/^(USAGE|NOT_FOUND)$/) },
  });
});

test('of a wide group the first calls have rows, and all where they are asked for', async () => {
  const brief = (await ask('/runs/wide'))['rows'] as Record<string, unknown>[];
  expect(brief).toHaveLength(102);
  expect(brief.at(-1)).toMatchObject({ kind: 'rest', count: 200, status: 'succeeded' });
  const whole = (await ask('/runs/wide?all=1'))['rows'] as Record<string, unknown>[];
  expect(whole).toHaveLength(301);
  expect(whole[1]).toMatchObject({ name: 'echo', kind: 'task', depth: 1, status: 'succeeded' });
});

test('of a long run what is read is told at once, and the rest is read while others are answered', async () => {
  const file = join(folder, 'long.db');
  {
    await using runtime = await openRuntime({ path: file, durability: 'normal' });
    await runtime.start(many, 1500, { id: 'long' }).result();
  }
  using long = openJournal({ path: file });
  const over = inspector(undefined, long);
  const look = async (): Promise<Record<string, unknown>> =>
    (await (await over.request('/api/runs/long?all=1')).json()) as Record<string, unknown>;
  const first = await look();
  expect(first).toMatchObject({ isPart: true, read: 2000, run: { status: 'succeeded' } });
  expect((await over.request('/api/runs/long/call?key=0/1400/0')).status).toBe(400);
  const seen: unknown[] = [first];
  for (let isPart = true; isPart;) {
    await new Promise((resolve) => setImmediate(resolve));
    const next = await look();
    seen.push(next);
    isPart = next['isPart'] === true;
  }
  expect(seen.at(-1)).toMatchObject({ isPart: false, read: long.get('long').lastSeq });
  expect((seen.at(-1) as { rows: unknown[] }).rows).toHaveLength(1501);
  const { call } = (await (await over.request('/api/runs/long/call?key=0/1400/0')).json()) as {
    call: unknown;
  };
  expect(call).toMatchObject({ status: 'succeeded', output: { value: 1400 } });
});

test('a large value is cut, and given whole where it is asked for', async () => {
  const { call } = await ask('/runs/large/call?key=0');
  const cut = { cut: expect.stringMatching(/^[^]{2000}$/), size: JSON.stringify({ text: LARGE }).length };
  expect(call).toMatchObject({ input: cut, output: cut });
  expect(await ask('/runs/large')).toMatchObject({ output: cut });
  expect(await ask('/runs/large/value?key=0&part=output')).toMatchObject({ value: { text: LARGE } });
  expect(await ask('/runs/large/value?part=output')).toMatchObject({ value: { text: LARGE } });
  // What it was started with, and not what its calls were.
  expect(await ask('/runs/large/value?part=input')).toMatchObject({ value: null });
  expect(await ask('/runs/large/value?key=0')).toMatchObject({ value: { text: LARGE } });
  const events = (await ask('/runs/large/events?after=1&limit=1'))['events'] as Record<string, unknown>[];
  expect(events).toMatchObject([{ seq: 2, fields: { cut: expect.any(String) } }]);
  expect(await ask('/runs/large/events/2')).toMatchObject({ value: { type: 'TaskScheduled' } });
});

test('what users wrote is data: JSON, never markup, whatever it says', async () => {
  const response = await app.request('/api/runs/hostile');
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  expect(await response.json()).toMatchObject({
    input: { value: { [HOSTILE]: HOSTILE } },
    failure: { message: expect.stringContaining('alert(1)') },
    rows: [{ name: HOSTILE, status: 'failed' }],
  });
});

test('a path is the page, an asset is kept, and nothing else of the disk is sent', async () => {
  for (const url of ['/', '/runs/wide', '/waiting'])
    expect(await (await app.request(url)).text()).toBe('<title>Pawl</title>');
  const asset = await app.request('/assets/a-1.js');
  expect([asset.status, asset.headers.get('cache-control')]).toEqual([
    200,
    'private, max-age=31536000, immutable',
  ]);
  for (const url of ['/assets/../../package.json', '/assets/%2e%2e/index.ts', '/assets/none.js'])
    expect(await (await app.request(url)).text()).not.toContain('"name"');
});

test('without actions there is no route that writes', async () => {
  expect(await ask('/about')).toMatchObject({ readOnly: true, user: 'ada' });
  for (const url of ['/runs/wide/cancel', '/runs/wide/approve', '/runs/wide/retry', '/runs', '/anything'])
    expect((await app.request(`/api${url}`, { method: 'POST', body: '{}' })).status).toBe(400);
  const actions = new Hono().post('/runs/:id/cancel', (c) => c.json({ done: c.req.param('id') }));
  const writing = inspector(actions);
  expect(await (await writing.request('/api/runs/wide/cancel', { method: 'POST' })).json()).toEqual({
    done: 'wide',
  });
  expect(await (await writing.request('/api/about')).json()).toMatchObject({ readOnly: false });
});

test('a page is told once that it changed, and again when it did', async () => {
  const response = await app.request('/api/live');
  const lines = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await lines?.read())?.value).toContain('event: change');
  await using runtime = await openRuntime({ path, durability: 'normal' });
  await runtime.start(many, 1, { id: 'later' }).result();
  expect((await lines?.read())?.value).toContain('event: change');
  expect(await ask('/runs/later')).toMatchObject({ run: { status: 'succeeded' } });
  await lines?.cancel();
});

test('whoever asks what a long run must be read for does not keep others waiting', async () => {
  const file = join(folder, 'longer.db');
  {
    await using runtime = await openRuntime({ path: file, durability: 'normal' });
    for (const id of ['one', 'other']) await runtime.start(many, 300, { id }).result();
  }
  using long = openJournal({ path: file });
  const over = inspector(undefined, long);
  const dear = ['/runs/one/compare/other', '/runs/one/plan?at=0', '/pools', '/graph?process=many'];
  for (const url of dear) {
    const order: string[] = [];
    const look = async (asked: string): Promise<unknown> => {
      const response = await over.request(`/api${asked}`);
      order.push(asked);
      return await response.json();
    };
    const [found] = await Promise.all([look(url), look('/counts')]);
    expect([found, order]).toMatchObject([{ version: 1 }, ['/counts', url]]);
  }
  const events = long.get('one').lastSeq;
  expect(await (await over.request('/api/runs/one/compare/other')).json()).toMatchObject({
    diff: { a: events, b: events },
    comparedTo: null,
  });
});

test('what is too long to be compared is compared to a place, and said to be', async () => {
  const comparisons = new Comparisons({ reader, closing: closing.signal }, describeBriefly, 600);
  expect(await comparisons.of('wide', 'small-1')).toMatchObject({
    diff: { a: 600, b: reader.get('small-1').lastSeq },
    comparedTo: 600,
  });
  const ended = AbortSignal.abort();
  const late = new Comparisons({ reader, closing: ended }, describeBriefly);
  await expect(late.of('wide', 'small-1')).rejects.toMatchObject({
    code: 'STOPPED',
    hint: expect.any(String),
  });
});

test('pools tell of the newest runs, and what was read of one goes on behind its last event', async () => {
  const file = join(folder, 'pools.db');
  await using runtime = await openRuntime({ path: file, durability: 'normal' });
  await runtime.start(many, 3, { id: 'p-1' }).result();
  using reads = openJournal({ path: file });
  const pools = new PoolStatistics({ reader: reads, closing: closing.signal });
  const [first] = await pools.statuses();
  expect(first?.stats).toMatchObject({ started: 3, completed: 3 });
  await runtime.start(many, 4, { id: 'p-2' }).result();
  const [[second], [same]] = await Promise.all([pools.statuses(), pools.statuses()]);
  expect(second?.stats).toMatchObject({ started: 7, completed: 7, wait: { count: 7 }, run: { count: 7 } });
  expect(same?.stats).toEqual(second?.stats);
  expect(second?.stats).toEqual(reads.pools(20)[0]?.stats);
});
