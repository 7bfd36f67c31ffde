/** Work for the processors in worker threads, and what it does to a run that goes on meanwhile. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

import { defineProcess, threadTask } from '@pawl/sdk';

import { benchFolder } from '../bench-folder.ts';
import type { Order } from '../order.ts';
import { peakRss, Probe } from '../probe.ts';
import type { Sample } from '../sample.ts';
import { ownModule } from '../spawn.ts';
import { Stand } from '../stand.ts';
import { sequence } from './work.ts';

/** Tens of milliseconds each. */
const ROUNDS = 60_000_000;
const STEPS_BESIDE = 300;

const burnTask = threadTask<number, number>({
  name: 'burn',
  module: ownModule('./programs/burn'),
  export: 'burn',
});

const burnAll = defineProcess({
  name: 'burnAll',
  run: async (tasks: number, ctx) => {
    const results = await ctx.parallel.map(Array.from({ length: tasks }), () => ctx.task(burnTask, ROUNDS));
    return results.length;
  },
});

export async function threads(asked: Order): Promise<Sample> {
  const cores = availableParallelism();
  const alone = await burned(asked, 1);
  const all = await burned(asked, cores);
  const { aloneMs, besideMs } = await pace(asked, cores);
  const counts = { ...all.counts, speedUp: alone.ms / all.ms, aloneMs, besideMs };
  return { ...all, note: `${asked.steps} tasks, ${cores} workers against one`, counts };
}

async function burned(asked: Order, workers: number): Promise<Sample> {
  const stand = await Stand.open(asked, { threads: workers });
  // Threads are started by their first task.
  await stand.runtime.start(burnAll, workers, { id: `warm-up-${workers}` }).result();
  return stand.measure(async () => {
    await stand.runtime.start(burnAll, asked.steps, { id: `measured-${workers}` }).result();
    return { steps: asked.steps, note: '', counts: {} };
  });
}

/** The same steps alone, and while all workers burn. */
async function pace(asked: Order, workers: number): Promise<{ aloneMs: number; besideMs: number }> {
  const stand = await Stand.open(asked, { threads: workers });
  const timed = async (id: string): Promise<number> => {
    const startedAt = performance.now();
    await stand.runtime.start(sequence, STEPS_BESIDE, { id }).result();
    return performance.now() - startedAt;
  };
  await timed('pace-warm-up');
  const aloneMs = await timed('pace-alone');
  const burning = stand.runtime.start(burnAll, asked.steps * 4, { id: 'beside' });
  const besideMs = await timed('pace-beside');
  burning.cancel();
  await burning.result().catch(() => undefined);
  await stand.runtime.close();
  return { aloneMs, besideMs };
}

/** The same work in bare workers. */
export async function rawThreads(asked: Order): Promise<Sample> {
  const cores = availableParallelism();
  const aloneMs = await burnedRaw(asked.steps, 1);
  const probe = new Probe(benchFolder());
  const ms = await burnedRaw(asked.steps, cores);
  const { cpuMicros, delayP99Ms } = probe.stop();
  return {
    ms,
    steps: asked.steps,
    rssBytes: peakRss(),
    diskBytes: null,
    walBytes: null,
    durability: 'none',
    note: `${asked.steps} pieces of work in bare workers, ${cores} against one`,
    counts: { speedUp: aloneMs / ms, cpuMicros, delayP99Ms },
  };
}

async function burnedRaw(tasks: number, workers: number): Promise<number> {
  const pool = Array.from({ length: workers }, () => new Worker(ownModule('./programs/burn-main')));
  await Promise.all(pool.map(ask));
  let left = tasks;
  const startedAt = performance.now();
  const lane = async (worker: Worker): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await ask(worker);
    }
  };
  await Promise.all(pool.map(lane));
  const ms = performance.now() - startedAt;
  await Promise.all(pool.map((worker) => worker.terminate()));
  return ms;
}

function ask(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.postMessage(ROUNDS, []);
  });
}
