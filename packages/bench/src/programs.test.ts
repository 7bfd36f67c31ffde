/** Every program measures, at a size that takes no time: what it prints is what the tables are made of. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, onTestFinished, test } from 'vitest';

import { order, type Order } from './order.ts';
import { askPeer } from './peers.ts';
import { isSkipped, parseResult, type Sample } from './sample.ts';
import { measureIn, outputOf, type Command } from './spawn.ts';

/** What was just built starts in a fraction of the time. */
const SOURCES = process.env['PAWL_BUILT'] === '1' ? [] : ['--conditions=source'];
const LIMIT_MS = 50_000;
const SMALL: readonly Order[] = [
  order('rawCommits', 20),
  order('rawCommits', 20, { way: 'cold', durability: 'normal' }),
  order('rawBatches', 1000),
  order('rawIterate', 100),
  order('rawPages', 5, { way: 'append' }),
  order('sequential', 10, { warmUp: 5 }),
  order('sequential', 3, { slowerMs: 1 }),
  order('fanOut', 20, { concurrency: 10 }),
  order('runs', 5, { concurrency: 2 }),
  order('payload', 10),
  order('stream', 40),
  order('dispatch', 20, { warmUp: 5 }),
  order('resume', 10, { way: 'same program' }),
  order('resume', 10, { way: 'after SIGKILL' }),
  order('replayed', 10, { warmUp: 5 }),
];

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'pawl-bench-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function commandOf(given: Order): Command {
  const program = fileURLToPath(new URL('./program.ts', import.meta.url));
  return {
    who: given.program,
    args: [...SOURCES, program, JSON.stringify(given)],
    cwd: '.',
    env: {},
  };
}

test.each(SMALL.map((given) => [`${given.program} ${given.way}`, given] as const))('%s', async (_, given) => {
  const sample = await measureIn(folder(), commandOf(given), LIMIT_MS);
  if (isSkipped(sample)) expect.fail(sample.skipped);
  expect(sample.steps).toBe(given.program === 'runs' ? given.steps * 3 : given.steps);
  expect(sample.ms).toBeGreaterThan(0);
  expect(sample.rssBytes).toBeGreaterThan(2 ** 20);
});

test('a traced run and its repetition make the same commits', async () => {
  const sample = await measureIn(folder(), commandOf(order('replayed', 10, { warmUp: 5 })), LIMIT_MS);
  // One a step, and the start.
  expect(sample).toMatchObject({ counts: { commits: 11 } });
});

test.each(['growMap', 'growSteps', 'growRuns'] as const)('%s', async (program) => {
  const steps = program === 'growSteps' ? 1000 : 100;
  const output = await outputOf(folder(), commandOf(order(program, steps)), LIMIT_MS);
  const rows = JSON.parse(output ?? '[]') as Record<string, number>[];
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.flatMap((row) => Object.values(row)).every(Number.isFinite)).toBe(true);
});

function peer(main: string): { name: string; folder: string } {
  const path = folder();
  writeFileSync(join(path, 'main.mjs'), main);
  return { name: 'fake', folder: path };
}

const LINE: Omit<Sample, 'counts'> = {
  ms: 12,
  steps: 100,
  rssBytes: 1,
  diskBytes: null,
  walBytes: null,
  durability: 'fsync',
  note: '',
};
const ASKED = { name: 'sequential', steps: 100 } as const;

test('a peer is asked for a case in a folder of its own, and may print before its line', async () => {
  const main = `console.log('ready');
    console.log(JSON.stringify({ ...${JSON.stringify(LINE)}, note: process.argv.slice(2).join(' ') + (process.env.BENCH_DIR === undefined) }));`;
  expect(await askPeer(peer(main), ASKED, folder(), LIMIT_MS)).toEqual({
    ...LINE,
    note: 'sequential 100false',
    counts: {},
  });
});

test.each([
  ['cannot do it', `console.log('{"skipped":"no fan-out"}')`, /^no fan-out$/],
  ['fails', `throw new TypeError('no database')`, /no database/],
  ['says nothing', '', /no line of JSON/],
  ['says something else', `console.log('{"ms":"fast"}')`, /ms: fast/],
])('a peer that %s is told of', async (_, main, why) => {
  expect(await askPeer(peer(main), ASKED, folder(), LIMIT_MS)).toEqual({
    skipped: expect.stringMatching(why),
  });
});

test('a peer that does not end is ended, with what it started', async () => {
  const main = `import { spawn } from 'node:child_process';
    spawn('sleep', ['600'], { stdio: 'inherit' });
    setInterval(() => {}, 1000);`;
  expect(await askPeer(peer(main), ASKED, folder(), 500)).toEqual({ skipped: 'took more than 0.5 s' });
});

test('a line that lacks something is refused by name', () => {
  expect(() => parseResult('{"ms":1,"steps":1}', 'peer x')).toThrow('peer x printed rssBytes: undefined');
});
