import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openRuntime } from '@pawl/runtime';
import { defineProcess, defineTask } from '@pawl/sdk';

export interface MapCost {
  readonly runMs: number;
  readonly commits: number;
  readonly rows: number;
  readonly fileBytes: number;
  /** Highest resident size during the run above that before it, in bytes. */
  readonly rssGrowth: number;
  readonly replayMs: number;
}

const double = defineTask({ name: 'double', run: (n: number) => n * 2 });

/** Runs one map of trivial tasks on a fresh journal, and then replays it. */
export async function measureMap(items: number, concurrency: number): Promise<MapCost> {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-bench-'));
  const path = join(folder, 'journal.db');
  const wide = defineProcess({
    name: 'wide',
    run: async (width: number, ctx) => {
      const list = Array.from({ length: width }, (_, i) => i);
      const doubled = await ctx.parallel.map(list, (n) => ctx.task(double, n), { concurrency });
      return doubled.length;
    },
  });
  try {
    const runtime = await openRuntime({ path });
    await runtime.start(wide, 10, { id: 'warm-up' }).result();
    globalThis.gc?.();
    const before = process.memoryUsage.rss();
    let highest = before;
    const watch = setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 20);
    const commitsBefore = runtime.commits;
    const startedAt = performance.now();
    await runtime.start(wide, items, { id: 'r' }).result();
    const runMs = performance.now() - startedAt;
    clearInterval(watch);
    highest = Math.max(highest, process.memoryUsage.rss());
    const commits = runtime.commits - commitsBefore;
    const replayedAt = performance.now();
    const { events } = await runtime.replay('r', wide);
    const replayMs = performance.now() - replayedAt;
    await runtime.close();
    const fileBytes = statSync(path).size;
    return { runMs, commits, rows: events, fileBytes, rssGrowth: highest - before, replayMs };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
