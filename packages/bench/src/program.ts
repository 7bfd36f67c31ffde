/** One measurement: `node program.js '{"program":"sequential","steps":1000}'` prints one line of JSON. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { argv, cwd, env } from 'node:process';

import { BenchFailure } from './failure.ts';
import { order, type Order, type ProgramName } from './order.ts';
import type { Sample } from './sample.ts';

type Program = (order: Order) => Promise<unknown> | Sample;

/** Loaded one by one: what a program does not need must not be in its memory. */
const PROGRAMS: Readonly<Record<ProgramName, () => Promise<Program>>> = {
  rawCommits: async () => (await import('./programs/raw.ts')).rawCommits,
  rawBatches: async () => (await import('./programs/raw.ts')).rawBatches,
  rawIterate: async () => (await import('./programs/raw.ts')).rawIterate,
  rawPages: async () => (await import('./programs/raw.ts')).rawPages,
  rawThreads: async () => (await import('./programs/threads.ts')).rawThreads,
  sequential: async () => (await import('./programs/steps.ts')).sequential,
  fanOut: async () => (await import('./programs/steps.ts')).fanOut,
  runs: async () => (await import('./programs/steps.ts')).runs,
  payload: async () => (await import('./programs/steps.ts')).payload,
  stream: async () => (await import('./programs/steps.ts')).stream,
  dispatch: async () => (await import('./programs/steps.ts')).dispatch,
  recordUntilKilled: async () => (await import('./programs/resume.ts')).recordUntilKilled,
  resume: async () => (await import('./programs/resume.ts')).resume,
  start: async () => (await import('./programs/start.ts')).startTimes,
  threads: async () => (await import('./programs/threads.ts')).threads,
  trace: async () => (await import('./programs/replayed.ts')).trace,
  replayed: async () => (await import('./programs/replayed.ts')).replayed,
  growMap: async () => (await import('./programs/growth.ts')).growMap,
  growSteps: async () => (await import('./programs/growth.ts')).growSteps,
  growRuns: async () => (await import('./programs/growth.ts')).growRuns,
};

const [, , text] = argv;
if (text === undefined) throw new BenchFailure('USAGE', 'program.js needs an order as JSON');
const asked: unknown = JSON.parse(text);
if (!isOrder(asked)) throw new BenchFailure('USAGE', `${text} has no program that there is, or no steps`);
const program = await PROGRAMS[asked.program]();
// By hand, as under a profiler, nobody has made a folder.
const own = env['BENCH_DIR'] === undefined ? mkdtempSync(join(cwd(), '.bench-')) : undefined;
if (own !== undefined) env['BENCH_DIR'] = own;
try {
  console.log(JSON.stringify(await program(order(asked.program, asked.steps, asked))));
} finally {
  if (own !== undefined) rmSync(own, { recursive: true, force: true });
}

function isOrder(value: unknown): value is Pick<Order, 'program' | 'steps'> & Partial<Order> {
  if (typeof value !== 'object' || value === null) return false;
  const name: unknown = Reflect.get(value, 'program');
  return typeof name === 'string' && name in PROGRAMS && Number.isInteger(Reflect.get(value, 'steps'));
}
