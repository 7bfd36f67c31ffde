/**
 * What a step costs in things that can be counted: the same on every machine, however busy. A number that grows here is
 * a slower Pawl; one that shrinks is a reason to lower the bound.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openRuntime, type Runtime } from '@pawl/runtime';
import { defineProcess, defineTask, type ProcessDefinition } from '@pawl/sdk';
import { expect, onTestFinished, test } from 'vitest';

import { sizeOf } from './probe.ts';
import { addOne, fan, sequence } from './programs/work.ts';
import { traceStatements } from './trace.ts';

interface Counted {
  readonly commits: number;
  readonly rows: number;
  readonly statements: number;
  /** Of the file after a checkpoint, without what an empty one has. */
  readonly bytes: number;
}

function freshPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-counts-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'journal.db');
}

/** Tables without a row take a page each, and there are more of them with each format. */
async function emptyBytes(): Promise<number> {
  const path = freshPath();
  await (await openRuntime({ path, durability: 'normal' })).close();
  return sizeOf(path);
}

async function count(work: (runtime: Runtime) => Promise<unknown>): Promise<Counted> {
  const path = freshPath();
  const traced = traceStatements(path);
  const runtime = await openRuntime({ path, durability: 'normal' });
  const before = traced.length;
  await work(runtime);
  // How often the engine asks whether others wrote depends on how long it all takes.
  const statements = traced.slice(before).filter(({ sql }) => !sql.includes('data_version')).length;
  const rows = runtime.list({ limit: 1000 }).reduce((sum, run) => sum + run.lastSeq, 0);
  const { commits } = runtime;
  await runtime.close();
  return { commits, rows, statements, bytes: sizeOf(path) - (await emptyBytes()) };
}

function runOnce(process: ProcessDefinition<number, number>, steps: number): Promise<Counted> {
  return count((runtime) => runtime.start(process, steps).result());
}

test('a sequential step costs one commit, three rows, and no statement more than its commit needs', async () => {
  const counted = await runOnce(sequence, 1000);
  expect(counted).toMatchObject({ commits: 1001, rows: 3002 });
  // Begin, move the head (which is the fence), insert the rows, commit.
  expect(counted.statements).toBeLessThanOrEqual(1000 * 4 + 100);
  expect(counted.bytes / 1000).toBeLessThanOrEqual(260);
});

test('a sequential step writes at most four pages to the log', async () => {
  const path = freshPath();
  const sizes: number[] = [];
  const mark = defineTask({ name: 'mark', run: () => void sizes.push(sizeOf(`${path}-wal`)) });
  const marked = defineProcess({
    name: 'marked',
    run: async (steps: number, ctx) => {
      await ctx.task(mark);
      for (let n = 0; n < steps;) n = await ctx.task(addOne, n);
      await ctx.task(mark);
    },
  });
  const runtime = await openRuntime({ path });
  await runtime.start(marked, 100).result();
  await runtime.close();
  const [before = 0, after = 0] = sizes;
  const frames = (after - before) / (4096 + 24);
  expect(frames / 101).toBeGreaterThan(1);
  expect(frames / 101).toBeLessThanOrEqual(4);
});

test('a fan-out costs a commit for its batch and not for its tasks', async () => {
  const counted = await runOnce(fan(0), 1000);
  expect(counted.rows).toBe(3004);
  expect(counted.commits).toBeLessThanOrEqual(8);
  // Rows share their inserts.
  expect(counted.statements).toBeLessThanOrEqual(120);
  expect(counted.bytes / 1000).toBeLessThanOrEqual(260);
});

test('runs that go side by side share their commits', async () => {
  const counted = await count((runtime) =>
    Promise.all(Array.from({ length: 100 }, () => runtime.start(sequence, 3).result())),
  );
  expect(counted.rows).toBe(1100);
  expect(counted.commits).toBeLessThanOrEqual(8);
});

test('results of 1 KiB take at most 1.7 times their size', async () => {
  const fill = defineTask({ name: 'fill', run: async () => 'x'.repeat(1024) });
  const filled = defineProcess({
    name: 'filled',
    run: async (width: number, ctx) => {
      const items = Array.from({ length: width }, (_, i) => i);
      return (await ctx.parallel.map(items, () => ctx.task(fill))).length;
    },
  });
  const counted = await runOnce(filled, 500);
  expect(counted.bytes).toBeLessThanOrEqual(500 * 1024 * 1.7);
});

test('a stream commits many items at once', async () => {
  const streamed = defineProcess({
    name: 'streamed',
    run: async (items: number, ctx) => {
      const numbers = ctx.source('numbers', function* (cursor: number | undefined) {
        for (let n = cursor ?? 0; n < items; n += 1) yield { item: n, cursor: n + 1 };
      });
      return ctx.reduce(numbers, 0, (sum, n) => sum + n);
    },
  });
  const counted = await runOnce(streamed, 3000);
  // The default buffer is 16.
  expect(counted.commits).toBeLessThanOrEqual(3000 / 16 + 30);
});

test('a resume reads pages and not rows, and writes what is new', async () => {
  const path = freshPath();
  let stopAt = 1000;
  const recorded = defineProcess({
    name: 'recorded',
    run: async (steps: number, ctx) => {
      let n = 0;
      while (n < steps) n = await ctx.task(n === stopAt ? gate : addOne, n);
      return n;
    },
  });
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const gate = defineTask({
    name: 'addOne',
    run: (n: number, task) => {
      resolve();
      return stopAt < 0
        ? Promise.resolve(n + 1)
        : new Promise<number>((_, reject) => task.signal.addEventListener('abort', reject));
    },
  });
  const first = await openRuntime({ path, durability: 'normal' });
  first.start(recorded, 1001, { id: 'run' });
  await reached;
  await first.close();
  stopAt = -1;
  const traced = traceStatements(path);
  const second = await openRuntime({ path, durability: 'normal' });
  await second.resume('run', recorded).result();
  const { commits } = second;
  await second.close();
  expect(commits).toBe(2);
  expect(traced.filter(({ sql }) => /from events/i.test(sql)).length).toBeLessThanOrEqual(40);
});
