import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { openJournal, openRuntime } from '@pawl/runtime';
import { MemoryStore } from '@pawl/runtime/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import fanOut from './fan-out.ts';
import { runKilled } from './killed-runs.fixture.ts';
import { Servers } from './servers.fixture.ts';

let folder: string;
let servers: Servers;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pawl-fan-out-'));
  servers = new Servers();
});

afterEach(async () => {
  await servers[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const MAX_CONCURRENT = 6;
const PER_SECOND = 20;
const ATTEMPTS = 3;
const PAGES = 12;

/** Of each address, and how often it is asked where nothing is killed. */
interface Site {
  readonly urls: readonly string[];
  readonly times: ReadonlyMap<string, number>;
}

/** One server is fast, one slow, one is busy at first, and one has two pages that are no good. */
async function startSite(onRequest: (url: string) => void = () => undefined): Promise<Site> {
  const times = new Map<string, number>();
  const path = (name: string, n: number): string => `/${name}/${n}`;
  const serve = async (
    name: string,
    requests: number,
    answer: (nth: number, n: number) => Promise<number> | number,
  ): Promise<void> => {
    const at = await servers.start((request, reply, nth) => {
      onRequest(`${at}${request.url}`);
      const n = Number(request.url?.split('/').at(-1));
      void (async () => reply(await answer(nth, n), 'x'.repeat(n)))();
    });
    for (let n = 0; n < PAGES; n += 1) times.set(`${at}${path(name, n)}`, requests);
  };
  await serve('fast', 1, () => 200);
  await serve('slow', 1, () => wait(40, 200));
  await serve('busy', 2, (nth) => (nth < 2 ? 503 : 200));
  const bad = await servers.start((request, reply) => {
    onRequest(`${bad}${request.url}`);
    reply(request.url === '/missing' ? 404 : 503);
  });
  times.set(`${bad}/missing`, 1);
  times.set(`${bad}/broken`, ATTEMPTS);
  return { urls: [...times.keys()], times };
}

const settings = {
  maxConcurrent: MAX_CONCURRENT,
  perSecond: PER_SECOND,
  attempts: ATTEMPTS,
  delayMs: 20,
};

/** A request arrives after it was started: the k-th of all arrives no sooner than the rate lets the k-th start. */
function expectRate(since: number, perSecond: number): void {
  const arrivals = servers.seen.map(({ at }) => at).toSorted((a, b) => a - b);
  arrivals.forEach((at, k) => {
    expect(at - since, `request ${k}`).toBeGreaterThanOrEqual(Math.floor(k / perSecond) * 1000);
  });
}

function expectConcurrency(): void {
  expect(Math.max(...servers.seen.map(({ open }) => open))).toBeLessThanOrEqual(MAX_CONCURRENT);
}

test(
  'it asks each as often as it takes, and no server more than was promised',
  { timeout: 60_000 },
  async () => {
    const { urls, times } = await startSite();
    const runtime = await openRuntime({ store: new MemoryStore() });
    const out = join(folder, 'report.md');
    const since = Date.now();
    const result = await runtime.start(fanOut, { urls: [...urls], out, ...settings }).result();
    await runtime.close();

    const bad = urls.slice(-2);
    expect(result).toEqual({
      asked: urls.length,
      answered: urls.length - 2,
      bytes: 3 * ((PAGES * (PAGES - 1)) / 2),
      failed: bad,
    });
    for (const [url, requests] of times) expect(servers.count(new URL(url).pathname), url).toBe(requests);
    expectRate(since, PER_SECOND);
    expectConcurrency();
    const report = readFileSync(out, 'utf8');
    expect(report).toContain(`# ${urls.length - 2} of ${urls.length} answered`);
    expect(report).toContain(`| ${bad[0]} | **${bad[0]} answered 404** |`);
    expect(report).toContain(`| ${bad[1]} | **${bad[1]} answered 503** |`);
  },
);

test('as many as may be asked at once are', { timeout: 60_000 }, async () => {
  const held: (() => void)[] = [];
  const at = await servers.start((_, reply) => {
    held.push(() => reply(200));
    if (servers.open() === MAX_CONCURRENT) for (const release of held.splice(0)) release();
  });
  const urls = Array.from({ length: 2 * MAX_CONCURRENT }, (_, n) => `${at}/${n}`);
  const runtime = await openRuntime({ store: new MemoryStore() });
  const { answered } = await runtime
    .start(fanOut, { urls, out: join(folder, 'report.md'), ...settings })
    .result();
  await runtime.close();
  expect(answered).toBe(urls.length);
  expectConcurrency();
});

test(
  'killed twice and resumed, it asks none again that has answered, and keeps what it promised',
  { timeout: 120_000 },
  async () => {
    const effects = join(folder, 'effects.log');
    const { urls, times } = await startSite((url) => appendFileSync(effects, `get ${url}\n`));
    const { result, repeated, settled } = await runKilled({
      process: 'fan-out',
      // So slow that a start of the program takes less time than the rate does.
      inputs: { urls, out: 'report.md', ...settings, perSecond: 10 },
      folder,
      killAt: [7, 25],
      effectOf: (task, { url }) => (task === 'fetch-page' ? `get ${url}` : undefined),
    });
    expect(repeated).toEqual([]);
    expect(settled).not.toContain(null);
    expect(result).toMatchObject({ asked: urls.length, answered: urls.length - 2, failed: urls.slice(-2) });
    // What was in flight when it was killed is asked once more for each time.
    for (const [url, requests] of times)
      expect(servers.count(new URL(url).pathname), url).toBeLessThanOrEqual(requests + 2);
    expectConcurrency();
    using journal = openJournal({ path: join(folder, 'killed.db') });
    const [first] = journal.events('killed');
    expectRate(Number(first?.at), 10);
  },
);
