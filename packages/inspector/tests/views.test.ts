import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { displayStatus, openJournal, openRuntime, type JournalReader } from '@pawl/runtime';
import { defineProcess, defineTask } from '@pawl/sdk';
import type { Hono } from 'hono';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { createInspector, type Describe } from '../src/index.ts';
import { sharedRun } from '../src/server/shared-run.ts';
import { HOSTILE, recordOrders } from './views.fixture.ts';

/* What each view is told, over a real journal. */

const folder = mkdtempSync(join(tmpdir(), 'pawl-views-'));
const describeBriefly: Describe = {
  run: (run) => ({
    id: run.runId,
    process: run.process,
    status: displayStatus(run),
    lastSeq: run.lastSeq,
  }),
  why: (_, id) => ({ sentence: id }),
  waits: () => [],
  openTasks: () => [],
  task: (task) => ({ ...task }),
  start: (start) => ({ ...start }),
  schedule: (schedule) => ({ ...schedule }),
  diff: (journal, a, b) => ({
    add: () => undefined,
    end: () => ({ first: [journal.get(a).runId, journal.get(b).runId] }),
  }),
  where: (terms) =>
    Object.fromEntries(terms.map((term) => [term.split('=')[0] ?? '', [term.split('=')[1] ?? '']])),
  place: () => undefined,
};

const text = (body: string, type: string) => ({ body: new TextEncoder().encode(body), type });
const SCRIPT = `console.log('</script><!--')`;
const PAGE = new Map([
  ['/index.html', text('<script src="/assets/a.js"></script><link href="/assets/a.css">', 'text/html')],
  ['/assets/a.js', text(SCRIPT, 'text/javascript')],
  ['/assets/a.css', text('body { color: red }', 'text/css')],
]);

let reader: JournalReader;
let app: Hono;

beforeAll(async () => {
  reader = openJournal({ path: await recordOrders(folder) });
  app = createInspector({
    reader,
    describe: describeBriefly,
    page: PAGE,
    about: {},
    actions: undefined,
    closing: new AbortController().signal,
  }).onError((error, c) => c.json({ error: { code: 'code' in error ? error.code : 'UNEXPECTED' } }, 400));
});

afterAll(() => {
  reader.close();
  rmSync(folder, { recursive: true, force: true });
});

async function ask(url: string): Promise<Record<string, unknown>> {
  return (await (await app.request(`/api${url}`)).json()) as Record<string, unknown>;
}

test('what a run logged is told a page at a time', async () => {
  const { lines } = (await ask('/runs/order-3/logs?limit=1')) as { lines: { n: number }[] };
  expect(lines).toMatchObject([
    { n: 1, level: 'warn', task: 'charge', key: '1', attempt: 1, text: `asks for 90 ${HOSTILE}`, leftOut: 0 },
  ]);
  expect(await ask('/runs/order-3/logs?after=1')).toMatchObject({ lines: [{ n: 2, attempt: 2 }] });
  expect(await ask('/runs/order-1.2/logs')).toMatchObject({ lines: [] });
});

test.each([
  ['/runs?process=order', ['order-3', 'order-2', 'order-1']],
  ['/runs?process=order&status=failed', ['order-3']],
  ['/runs?process=orde', []],
  ['/runs?within=1h&process=notify', ['order-2.2', 'order-1.2']],
  ['/runs?from=2020-01-01&to=2020-01-02T00:00:00Z', []],
  ['/runs?from=2020-01-01&where=customer=ada', ['order-3', 'order-1']],
  ['/runs?where=customer=ada&before=order-3', ['order-1']],
  ['/runs?where=customer=bob', []],
  ['/runs?text=NOTIFY&limit=1', ['order-2.2']],
  ['/runs?status=interrupted&process=order', []],
])('%s', async (url, ids) => {
  const { runs } = await ask(url);
  expect((runs as { readonly id: string }[]).map(({ id }) => id)).toEqual(ids);
});

test.each([
  '/runs?within=1',
  '/runs?within=1y',
  '/runs?within=99999d',
  '/runs?from=yesterday',
  '/runs?to=2026-01-01T00:00:00',
  '/runs?from=2026-13-45',
])('%s is refused in words', async (url) => {
  expect(await ask(url)).toMatchObject({ error: { code: 'USAGE' } });
});

test('two runs are compared, and kept until either goes on', async () => {
  expect(await ask('/runs/order-1/compare/order-3')).toMatchObject({
    runA: { id: 'order-1', status: 'succeeded' },
    runB: { id: 'order-3', status: 'failed' },
    diff: { first: ['order-1', 'order-3'] },
  });
  expect(await ask('/runs/order-1/compare/none')).toMatchObject({ error: { code: 'NOT_FOUND' } });
  expect(await ask('/runs/order-1/compare/..%2F')).toMatchObject({ error: { code: 'USAGE' } });
});

test('who drives runs is told while it does, and what became of the last firing of a schedule', async () => {
  const path = join(folder, '.pawl/journal.db');
  const released = Promise.withResolvers<string>();
  const hold = defineTask({ name: 'hold', run: () => released.promise });
  const tick = defineProcess({ name: 'tick', run: (_: null, ctx) => ctx.task(hold) });
  expect(await ask('/workers')).toEqual({ version: 1, workers: [] });
  await using runtime = await openRuntime({ path, durability: 'normal' });
  await runtime.schedules.add(tick, null, { cron: '* * * * * *', overlap: 'skip' });
  expect(await ask('/schedules')).toMatchObject({ schedules: [{ name: 'tick', last: null }] });
  const worker = runtime.work({ poll: 20, load: async () => ({ definition: tick, codeHash: null }) });
  await expect
    .poll(() => ask('/workers'), { timeout: 5000 })
    .toMatchObject({
      workers: [{ state: 'alive', runs: 1, drives: [{ process: 'tick', status: 'running' }] }],
    });
  released.resolve('done');
  await expect
    .poll(() => ask('/schedules'), { timeout: 5000 })
    .toMatchObject({
      schedules: [{ last: { id: expect.stringMatching(/^tick@/), status: 'succeeded' } }],
    });
  runtime.schedules.remove('tick');
  await worker.drain();
});

test('forks are told as a tree, from wherever one looks', async () => {
  expect(await ask('/runs/order-2/lineage')).toMatchObject({ lineage: null });
  const runtime = await openRuntime({ path: join(folder, '.pawl/journal.db'), durability: 'normal' });
  await runtime.leaveFork('order-1', { retries: false, at: '1', id: 'fork-a' });
  await runtime.leaveFork('fork-a', { retries: false, id: 'fork-b' });
  await runtime.leaveFork('order-1', { retries: false, at: '2', id: 'fork-c' });
  await runtime.close();
  const tree = {
    run: { id: 'order-1' },
    behind: null,
    forks: [
      {
        run: { id: 'fork-a' },
        behind: expect.any(Number),
        forks: [{ run: { id: 'fork-b' }, behind: expect.any(Number), forks: [] }],
      },
      { run: { id: 'fork-c' }, behind: expect.any(Number), forks: [] },
    ],
  };
  for (const id of ['order-1', 'fork-b', 'fork-c'])
    expect([id, await ask(`/runs/${id}/lineage`)]).toMatchObject([id, { lineage: { tree, isPart: false } }]);
});

test('a run is one file: nothing of it is markup, and nothing runs but what the policy names', async () => {
  const response = await app.request('/api/runs/order-2/page.html');
  expect(response.headers.get('content-disposition')).toBe('attachment; filename="order-2.html"');
  const html = await response.text();
  expect(html).toContain('\\u003cimg src=x');
  expect(html).not.toContain('<img');
  const [, data = '', script = ''] =
    /<script type="application\/json" id="recorded">([^<]*)<\/script>\n<script type="module">([^<]*)<\/script>/.exec(
      html,
    ) ?? [];
  const digest = createHash('sha256').update(script).digest('base64');
  expect(html).toContain(`script-src 'sha256-${digest}'`);
  // It says the same as before.
  expect(Function(`return ${/\((.*)\)/.exec(script)?.[1] ?? ''}`)()).toBe('</script><!--');
  const { answers, leftOut } = JSON.parse(data) as {
    readonly answers: Readonly<Record<string, Record<string, unknown>>>;
    readonly leftOut: readonly string[];
  };
  expect(leftOut).toEqual(['what was logged']);
  expect(data).not.toContain('asks for');
  expect(answers['/runs/order-2']).toMatchObject({ run: { id: 'order-2' }, isDriven: false });
  expect(answers['/runs/order-2/call?key=1']).toMatchObject({ call: { name: 'charge' } });
  expect(answers['/runs/order-2.2']).toMatchObject({ run: { process: 'notify' } });
  expect(answers['/runs/order-2/events?after=0&limit=100']).toMatchObject({ last: expect.any(Number) });
  expect(await ask('/runs/none/page.html')).toMatchObject({ error: { code: 'NOT_FOUND' } });
});

test('what is too much for one file is left out, and said to be', async () => {
  const rows = Array.from({ length: 40 }, (_, n) => ({ key: String(n), kind: 'task' }));
  const detail = {
    run: { lastSeq: 9000 },
    rows: [...rows, { key: '', kind: 'rest', count: 6000 }],
    input: { cut: 'x', size: 9 },
  };
  const asked: string[] = [];
  const { answers, leftOut } = await sharedRun(
    'r',
    async (path) => {
      asked.push(path);
      if (path === '/runs/r') return detail;
      if (path.includes('/value?part=output')) return { value: 'y'.repeat(11_900_000) };
      if (path.includes('/value?')) return { value: 'y'.repeat(100_000) };
      if (path.includes('key=3&'))
        return { call: { input: { cut: 'y', size: 100_000 }, output: { cut: 'y', size: 11_900_000 } } };
      return path.includes('/call?') ? { text: 'x'.repeat(1_000_000) } : {};
    },
    {},
    0,
  );
  expect(leftOut).toEqual([
    '6,000 calls of wide groups',
    '6,000 of 9,000 events',
    'what 28 of 40 calls got and gave',
    'the rest of 1 of 2 large values',
  ]);
  expect(asked).toContain('/runs/r/value?part=input');
  expect(answers).toHaveProperty(['/runs/r/value?part=input&key=3']);
  expect(answers).not.toHaveProperty(['/runs/r/value?part=output&key=3']);
  expect(JSON.stringify(answers).length).toBeLessThan(12_500_000);
});

test('a graph is learned from runs: what follows what, how often, and what fails', async () => {
  const graph = await ask('/graph?process=order');
  expect(graph).toMatchObject({ process: 'order', isPart: false, hidden: 0 });
  const ofOrders = (await ask('/graph?process=order&runs=1')) as { readonly runs: number };
  expect(ofOrders.runs).toBe(1);
  const nodes = graph['nodes'] as readonly { id: string; calls: number; failed: number; runs: number }[];
  expect(nodes.find(({ id }) => id === 'task reserve')).toMatchObject({ failed: 0, kind: 'task' });
  expect(nodes.find(({ id }) => id === 'task charge')).toMatchObject({
    failed: 1,
    retried: 1,
    examples: expect.arrayContaining([{ runId: 'order-3', key: '1', status: 'failed' }]),
  });
  const edges = graph['edges'] as readonly { from: string; to: string; count: number }[];
  expect(edges.map(({ from, to }) => `${from} -> ${to}`).toSorted()).toEqual([
    'child notify -> end succeeded',
    'group map -> task reserve',
    'start order -> group map',
    'task charge -> child notify',
    'task charge -> end failed',
    'task reserve -> task charge',
  ]);
  expect(edges.find(({ to }) => to === 'end failed')).toMatchObject({ count: 1 });
  expect(await ask('/graph?process=none')).toMatchObject({ runs: 0, nodes: [], edges: [] });
  expect(await ask('/graph')).toMatchObject({ error: { code: 'USAGE' } });
  expect(await ask('/graph?process=order&runs=201')).toMatchObject({ error: { code: 'USAGE' } });
});
