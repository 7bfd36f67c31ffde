/** A program that does a lot, and tells how much memory and time that takes. Run with --expose-gc. */
import { setTimeout as delay } from 'node:timers/promises';
import { defineTask, type Process } from '@pawl/sdk';
import { openRuntime, type Runtime } from '@pawl/runtime';
import { tell } from './world.fixture.ts';

const [path = '', what = '', amount = '0'] = process.argv.slice(2);
const total = Number(amount);
const MIB = 1024 * 1024;
const small = defineTask({ name: 'small', run: (n: number): number => n });
const waits = defineTask({
  name: 'waits',
  run: (ms: number, task): Promise<string> => delay(ms, 'waited', { signal: task.signal }),
});
const grown = defineTask({ name: 'grown', run: (n: number): string => String(n % 10).repeat(4 * MIB) });
const deaf = defineTask({ name: 'deaf', run: (ms: number): Promise<string> => delay(ms, 'deaf') });

function measure(done: number): void {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  tell({ at: 'memory', done, rss, heapUsed, ms: Math.round(performance.now()) });
}

const threeSteps: Process<number> = async (n, ctx) => {
  const [a, b] = await ctx.parallel.all([() => ctx.task(small, n), () => ctx.task(small, 1)]);
  return ctx.task(small, a + b);
};

async function manyRuns(runtime: Runtime): Promise<void> {
  for (let i = 0; i < total; i += 1) {
    const sum = await runtime.start(threeSteps, i, { id: `run-${i}` }).result();
    if (sum !== i + 1) throw new TypeError(`run ${i} gave ${String(sum)}`);
    if ((i + 1) % (total / 10) === 0) measure(i + 1);
  }
}

const manyTasks: Process<number> = async (tasks, ctx) => {
  let sum = 0;
  const thousands = Array.from({ length: tasks / 1000 }).keys();
  await ctx.parallel.map(
    thousands,
    async (thousand) => {
      const given = await ctx.parallel.map(Array.from({ length: 1000 }).keys(), (i) => ctx.task(small, i));
      for (const n of given) sum += n;
      // The process is pure but for this: its turns are told to the test.
      if (thousand % (tasks / 10_000) === 0) measure(thousand * 1000);
    },
    { concurrency: 1 },
  );
  return sum;
};

const wide: Process<number> = async (tasks, ctx) => {
  const given = await ctx.parallel.all(Array.from({ length: tasks }, (_, i) => () => ctx.task(small, i)));
  return given.length;
};

/** All that can leave a timer or a listener behind. */
const loose: Process<null> = async (_, ctx) => {
  await ctx.parallel.race([
    () => ctx.task(small, 1),
    () => ctx.task(waits, 1e9),
    () => ctx.sleep('60d'),
    () => ctx.task(waits, 1e9, { timeout: '1d', deadline: '2d' }),
    () => ctx.parallel.all([() => ctx.sleep(1e9)], { timeout: '30d', signal: new AbortController().signal }),
  ]);
  await ctx.task(waits, 1e9, { timeout: 5 }).catch(() => 0);
  await ctx.parallel.all([() => ctx.task(waits, 1e9)], { timeout: 5 }).catch(() => 0);
  void ctx.task(deaf, 30);
  void ctx.sleep('1d');
  return 'done';
};

/** Large values, which it lets go of. */
const large: Process<number> = async (values, ctx) => {
  let sum = 0;
  for (let n = 0; n < values; n += 1) sum += (await ctx.task(grown, n)).length;
  return sum;
};

async function drive(process: Process<number>, runtime: Runtime): Promise<void> {
  measure(0);
  await runtime.start(process, total, { id: 'r' }).result();
  measure(total);
  const from = performance.now();
  const report = await runtime.replay('r', process);
  measure(total);
  tell({ at: 'replay', ...report, ms: Math.round(performance.now() - from) });
}

const WORK: Readonly<Record<string, (runtime: Runtime) => Promise<void>>> = {
  manyRuns,
  manyTasks: (runtime) => drive(manyTasks, runtime),
  large: (runtime) => drive(large, runtime),
  wide: (runtime) => drive(wide, runtime),
  loose: async (runtime) => {
    const handle = runtime.start(loose, null, { id: 'r' });
    tell({ at: 'result', value: await handle.result() });
    const stopped = runtime.start(loose, null, { id: 'stopped' });
    stopped.result().catch(() => undefined);
    const cancelled = runtime.start(loose, null, { id: 'cancelled' });
    cancelled.result().catch(() => undefined);
    await runtime.stop('stopped');
    runtime.cancel('cancelled');
  },
};

process.on('warning', (warning) =>
  tell({ at: 'node warning', name: warning.name, message: warning.message }),
);
const runtime = await openRuntime({ path, durability: 'normal' });
await WORK[what]?.(runtime);
if (total >= 0) await runtime.close();
tell({ at: 'done', left: process.getActiveResourcesInfo(), ms: Math.round(performance.now()) });
