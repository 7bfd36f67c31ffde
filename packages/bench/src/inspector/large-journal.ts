/** A journal of many real runs: what a page over a large file is looked at with. */
import { openRuntime, type RunId, type Runtime } from '@pawl/runtime';
import { defineProcess, defineTask, type ProcessDefinition } from '@pawl/sdk';

export interface JournalSize {
  readonly runs: number;
  /** Over all runs, about. */
  readonly events: number;
}

export interface Filled {
  readonly runs: number;
  readonly events: number;
  /** The run that has the most calls, and how many. */
  readonly deep: { readonly id: RunId; readonly calls: number };
}

/** Of a task: it is scheduled, an attempt starts, it succeeds. */
const EVENTS_A_TASK = 3;
const EVENTS_A_RUN = 4;
const AT_A_TIME = 64;
const MOST_ASKING = 200;
const DEEP_CALLS = 10_000;

const step = defineTask({ name: 'step', run: (n: number) => ({ n, text: `result of ${n}` }) });
const refused = defineTask({
  name: 'charge',
  run: (): never => {
    throw new RangeError('card refused');
  },
});

interface Ask {
  readonly tasks: number;
  readonly end: 'well' | 'badly' | 'asking';
}

function processNamed(name: string): ProcessDefinition<Ask, unknown> {
  return defineProcess({
    name,
    run: async ({ tasks, end }: Ask, ctx) => {
      ctx.setState('region', `region-${tasks % 7}`);
      const items = Array.from({ length: tasks }, (_, n) => n);
      await ctx.parallel.map(items, (n) => ctx.task(step, n));
      if (end === 'badly') await ctx.task(refused);
      if (end === 'asking') await ctx.breakpoint({ title: 'Ship it?', question: 'May it go out?' });
      return { done: tasks };
    },
  });
}

const PROCESSES = ['order', 'invoice', 'shipment', 'refund', 'nightly'].map(processNamed);

export async function fillJournal(
  path: string,
  { runs, events }: JournalSize,
  onStep: (what: string) => void,
): Promise<Filled> {
  await using runtime = await openRuntime({ path, durability: 'normal' });
  const calls = Math.max(1, Math.min(DEEP_CALLS, Math.floor(events / 10 / EVENTS_A_TASK)));
  const rest = events - calls * EVENTS_A_TASK;
  const tasks = Math.max(1, Math.round((rest / runs - EVENTS_A_RUN) / EVENTS_A_TASK));
  let written = 0;
  for (let from = 1; from < runs; from += AT_A_TIME) {
    const numbers = Array.from({ length: Math.min(AT_A_TIME, runs - from) }, (_, n) => from + n);
    const last = await Promise.all(numbers.map((n) => fillRun(runtime, n, runs, tasks)));
    written += last.reduce((sum, seq) => sum + seq, 0);
    onStep(`${from + numbers.length - 1} of ${runs} runs, ${written} events`);
  }
  const deep = processOf(0);
  await runtime.start(deep, { tasks: calls, end: 'well' }, { id: 'deep' }).result();
  written += runtime.get('deep')?.lastSeq ?? 0;
  return { runs, events: written, deep: { id: 'deep', calls } };
}

function processOf(n: number): ProcessDefinition<Ask, unknown> {
  const process = PROCESSES[n % PROCESSES.length];
  if (process === undefined) throw new RangeError(`no process ${n}`);
  return process;
}

async function fillRun(runtime: Runtime, n: number, runs: number, tasks: number): Promise<number> {
  const askEvery = Math.max(20, Math.ceil(runs / MOST_ASKING));
  const end = n % askEvery === 0 ? 'asking' : n % 40 === 1 ? 'badly' : 'well';
  const id = `run-${String(n).padStart(7, '0')}`;
  const handle = runtime.start(processOf(n), { tasks, end }, { id });
  if (end === 'asking') {
    while ((runtime.get(id)?.asked.length ?? 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    // It waits on when the journal is closed.
    handle.result().catch(() => undefined);
  } else await handle.result().catch(() => undefined);
  return runtime.get(id)?.lastSeq ?? 0;
}
