/** What a step costs as a map, a run and a file grow. */
import { join } from 'node:path';

import { openRuntime, type Runtime } from '@pawl/runtime';
import { defineProcess } from '@pawl/sdk';

import { benchFolder } from '../bench-folder.ts';
import type { Order } from '../order.ts';
import { peakRss, sizeOf } from '../probe.ts';
import { addOne, fan, sequence } from './work.ts';

/** A row of a growth table: numbers by the name of their column. */
export type GrowthRow = Readonly<Record<string, number>>;

function pathOf(): string {
  return join(benchFolder(), 'journal.db');
}

function open(asked: Order): Promise<Runtime> {
  return openRuntime({ path: pathOf(), durability: asked.durability });
}

async function timed(work: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** One map of `steps` tasks, and its replay. */
export async function growMap(asked: Order): Promise<GrowthRow[]> {
  const { steps } = asked;
  const wide = fan(asked.concurrency);
  const runtime = await open(asked);
  await runtime.start(wide, 10, { id: 'warm-up' }).result();
  const rssBefore = peakRss();
  const commitsBefore = runtime.commits;
  const runMs = await timed(() => runtime.start(wide, steps, { id: 'measured' }).result());
  const commits = runtime.commits - commitsBefore;
  const rssBytes = peakRss() - rssBefore;
  const replayMs = await timed(() => runtime.replay('measured', wide));
  const rows = runtime.get('measured')?.lastSeq ?? 0;
  await runtime.close();
  return [
    {
      items: steps,
      'µs a task': (runMs * 1000) / steps,
      commits,
      'rows a task': rows / steps,
      'bytes a task': sizeOf(pathOf()) / steps,
      'RSS growth, MiB': rssBytes / 2 ** 20,
      'replay, ms': replayMs,
      'µs a row': (replayMs * 1000) / rows,
    },
  ];
}

const PROBED_STEPS = 500;

/**
 * One run that grows to `steps`: by maps of 500, and before each mark (1,000, 10,000, …) 500 steps one after
 * another and a map of 500, which are what is measured.
 */
export async function growSteps(asked: Order): Promise<GrowthRow[]> {
  const rows: GrowthRow[] = [];
  const marks = marksUpTo(asked.steps);
  const growing = defineProcess({
    name: 'growing',
    run: async (_: null, ctx) => {
      const items = Array.from({ length: PROBED_STEPS }, (__, i) => i);
      const map = (): Promise<number[]> => ctx.parallel.map(items, (n) => ctx.task(addOne, n));
      let done = 0;
      for (const mark of marks) {
        for (; done < mark - 2 * PROBED_STEPS; done += PROBED_STEPS) await map();
        const sequentialMs = await timed(async () => {
          for (let n = 0; n < PROBED_STEPS;) n = await ctx.task(addOne, n);
        });
        const mapMs = await timed(map);
        done += 2 * PROBED_STEPS;
        rows.push({
          'steps in the run': done,
          'µs a sequential step': (sequentialMs * 1000) / PROBED_STEPS,
          'µs a step of a map': (mapMs * 1000) / PROBED_STEPS,
          'peak RSS, MiB': peakRss() / 2 ** 20,
        });
      }
    },
  });
  const runtime = await open(asked);
  await runtime.start(growing, null).result();
  await runtime.close();
  return rows;
}

const RUNS_AT_ONCE = 1000;
const LISTED = 20;
const LOOKS = 20;

/** A file that grows to `steps` runs of three steps; at each mark one more run of 500 steps, and what reads the file. */
export async function growRuns(asked: Order): Promise<GrowthRow[]> {
  const rows: GrowthRow[] = [];
  const runtime = await open(asked);
  await runtime.start(sequence, PROBED_STEPS, { id: 'warm-up' }).result();
  let count = 1;
  for (const mark of [1, 10, 100, ...marksUpTo(asked.steps)]) {
    while (count < mark) {
      const wave = Array.from({ length: Math.min(RUNS_AT_ONCE, mark - count) }, () =>
        runtime.start(sequence, 3).result(),
      );
      await Promise.all(wave);
      count += wave.length;
    }
    const id = `probe-${mark}`;
    const runMs = await timed(() => runtime.start(sequence, PROBED_STEPS, { id }).result());
    const startMs = await timed(() =>
      each(LOOKS, (i) => runtime.start(sequence, 0, { id: `${id}-${i}` }).result()),
    );
    const listMs = await timed(() => each(LOOKS, () => runtime.list({ limit: LISTED })));
    const getMs = await timed(() => each(LOOKS, () => runtime.get(id)));
    count += 1 + LOOKS;
    rows.push({
      'runs in the file': mark,
      'µs a sequential step': (runMs * 1000) / PROBED_STEPS,
      'µs an empty run': (startMs * 1000) / LOOKS,
      'µs a list of 20': (listMs * 1000) / LOOKS,
      'µs a look at a run': (getMs * 1000) / LOOKS,
      'peak RSS, MiB': peakRss() / 2 ** 20,
    });
  }
  await runtime.close();
  return rows;
}

async function each(times: number, work: (i: number) => unknown): Promise<void> {
  for (let i = 0; i < times; i += 1) await work(i);
}

/** 1,000, 10,000 … */
function marksUpTo(steps: number): number[] {
  const marks: number[] = [];
  for (let mark = 1000; mark <= steps; mark *= 10) marks.push(mark);
  return marks;
}
