/** Going on with a run that has many recorded steps: in the program that recorded them, and after a real SIGKILL. */
import { join } from 'node:path';

import { openRuntime, type Runtime } from '@pawl/runtime';
import { defineProcess, defineTask, type TaskContext } from '@pawl/sdk';

import { benchFolder } from '../bench-folder.ts';
import { BenchFailure } from '../failure.ts';
import { order, type Order } from '../order.ts';
import { peakRss, Probe, sizeOf } from '../probe.ts';
import { isSkipped, type Sample } from '../sample.ts';
import { exitOf, killGroup, measureWithin, programOf, start } from '../spawn.ts';
import { addOne } from './work.ts';

const RUN_ID = 'recorded';
const READY = 'ready';
const LIMIT_MS = 600_000;

/** Told when the recorded steps are over; its first attempt does not end. */
let onGate: (() => void) | undefined;

const gate = defineTask({
  name: 'gate',
  run: (_: null, task: TaskContext) =>
    onGate === undefined
      ? Promise.resolve(0)
      : new Promise<number>((_resolve, reject) => {
          onGate?.();
          task.signal.addEventListener('abort', () => reject(task.signal.reason));
        }),
});

const untilGate = defineProcess({
  name: 'untilGate',
  run: async (steps: number, ctx) => {
    let n = 0;
    while (n < steps) n = await ctx.task(addOne, n);
    return n + (await ctx.task(gate, null));
  },
});

function pathOf(): string {
  return join(benchFolder(), 'journal.db');
}

/** Recording is not measured, and its commits need not wait for the disk. */
async function record(steps: number): Promise<Runtime> {
  const runtime = await openRuntime({ path: pathOf(), durability: 'normal' });
  const reached = new Promise<void>((resolve) => {
    onGate = resolve;
  });
  const { id } = runtime.start(untilGate, steps, { id: RUN_ID });
  await reached;
  onGate = undefined;
  if (runtime.get(id) === undefined) throw new BenchFailure('PROGRAM', 'nothing was recorded');
  return runtime;
}

/** Holds the run and its lease until it is killed. */
export async function recordUntilKilled({ steps }: Order): Promise<never> {
  await record(steps);
  console.log(READY);
  return new Promise<never>(() => {});
}

/** Way: 'same program'; 'after SIGKILL'; 'now' for the second program of that. */
export function resume(asked: Order): Promise<Sample> {
  switch (asked.way) {
    case 'same program':
      return resumeHere(asked);
    case 'now':
      return resumeOpened(asked, () => openRuntime({ path: pathOf(), durability: asked.durability }));
    default:
      return resumeAfterKill(asked);
  }
}

async function resumeHere(asked: Order): Promise<Sample> {
  const recorder = await record(asked.steps);
  await recorder.stop(RUN_ID);
  await recorder.close();
  const runtime = await openRuntime({ path: pathOf(), durability: asked.durability });
  return resumeOpened(asked, () => Promise.resolve(runtime));
}

async function resumeOpened(asked: Order, open: () => Promise<Runtime>): Promise<Sample> {
  const probe = new Probe(pathOf());
  const runtime = await open();
  await runtime.resume(RUN_ID, untilGate).result();
  const { ms, cpuMicros, delayP99Ms, delayMaxMs, walBytes } = probe.stop();
  const rows = runtime.get(RUN_ID)?.lastSeq ?? 0;
  const { commits } = runtime;
  await runtime.close();
  return {
    ms,
    steps: asked.steps,
    rssBytes: peakRss(),
    diskBytes: sizeOf(pathOf()),
    walBytes,
    durability: `SQLite WAL, synchronous=${asked.durability.toUpperCase()}`,
    note: `${asked.way}; to the end of the run, one new step later`,
    counts: { commits, rows, cpuMicros, delayP99Ms, delayMaxMs },
  };
}

async function resumeAfterKill(asked: Order): Promise<Sample> {
  const recorder = start(benchFolder(), programOf({ ...asked, program: 'recordUntilKilled' }));
  await new Promise<void>((resolve, reject) => {
    recorder.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes(READY)) resolve();
    });
    recorder.once('exit', () => reject(new BenchFailure('PROGRAM', 'the recording program ended early')));
  });
  killGroup(recorder);
  await exitOf(recorder);
  const spawnedAt = performance.now();
  const second = order('resume', asked.steps, { durability: asked.durability, way: 'now' });
  const sample = await measureWithin(benchFolder(), programOf(second), LIMIT_MS);
  const sinceSpawnMs = performance.now() - spawnedAt;
  if (isSkipped(sample)) throw new BenchFailure('PROGRAM', `the second program ${sample.skipped}`);
  const note = 'after SIGKILL, the lease still held; from opening the journal to the end of the run';
  return { ...sample, note, counts: { ...sample.counts, sinceSpawnMs } };
}
