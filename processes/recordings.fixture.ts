import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chdir, cwd } from 'node:process';

import {
  ENGINE_VERSION,
  recordedOf,
  rowOf,
  toText,
  type JournalEvent,
  type JournalStore,
  type JournalText,
  type Runtime,
  openRuntime,
} from '@pawl/runtime';
import { ManualClock, MemoryStore, seededEntropy } from '@pawl/runtime/testing';

import { RECORDED_EXAMPLES, type RecordedExample } from './examples.fixture.ts';

// How the journals of journal-fixtures/ are made: real runs on the sample beside them, with a clock that
// goes on by 5 ms a commit, a seed, and one task at a time, so that they come out the same each time.

export const VERSION: string = ENGINE_VERSION;
export const FIXTURES: string = join(import.meta.dirname, '..', 'journal-fixtures');
const SAMPLE = join(FIXTURES, 'sample');

interface Recipe {
  readonly process: RecordedExample;
  readonly inputs: object;
  /** Beside the inputs: with these the run fails. */
  readonly failing: object;
  /** The last event before the crash, and the one at which the program is asked to stop. */
  readonly crashAfter: Place;
  readonly stopAt: Place;
}

/** What is in flight there, or comes later, needs no file that a task before it wrote: only journals are kept. */
type Place = readonly [type: JournalEvent['type'], key: string];

function isAt([type, key]: Place, event: JournalEvent): boolean {
  return event.type === type && 'key' in event && event.key === key;
}

const RECIPES: readonly Recipe[] = [
  {
    process: 'quality-gate',
    inputs: {
      root: 'project',
      checks: { types: 'sleep 0.2; echo no errors', tests: ['sh', '-c', 'sleep 0.2; echo 2 passed'] },
    },
    failing: { strict: true, checks: { lint: 'echo "src/greet.ts: too polite"; sleep 0.2; exit 3' } },
    crashAfter: ['AttemptStarted', '1/0/0/:src%2Fgreet.ts/0'],
    stopAt: ['TaskSucceeded', '1/0/0/:src%2Fshout.ts/0'],
  },
  {
    process: 'license-audit',
    inputs: { root: 'packages', out: 'audit', concurrency: 2 },
    failing: { deny: ['ISC', 'GPL-3.0-only'] },
    crashAfter: ['AttemptStarted', '1/4/0'],
    stopAt: ['AttemptStarted', '1/4/0'],
  },
  {
    process: 'converge',
    inputs: { folder: 'work', target: 0.6 },
    failing: { target: 0.9, maxIterations: 2 },
    crashAfter: ['AttemptStarted', '4'],
    stopAt: ['AttemptStarted', '3'],
  },
];

/** Journals by file name, of all processes or of one. */
export async function record(only?: RecordedExample): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const recipe of RECIPES.filter(({ process }) => only === undefined || process === only)) {
    const finished = await start(recipe, recipe.inputs);
    const failed = await start(recipe, { ...recipe.inputs, ...recipe.failing });
    const crashed = cut(finished, recipe.crashAfter);
    const stopped = await start(recipe, recipe.inputs, recipe.stopAt);
    const journals = { finished, failed, crashed, stopped, resumed: await goOn(recipe, crashed) };
    for (const [ending, journal] of Object.entries(journals)) {
      texts.set(`${recipe.process}.${ending}.jsonl`, toText(journal));
    }
  }
  return texts;
}

async function start({ process }: Recipe, inputs: object, stopAt?: Place): Promise<JournalText> {
  const runId = `${process}-1`;
  return inSample(async () => {
    const { store, runtime } = await openQuiet(new MemoryStore(), (event) => {
      if (stopAt !== undefined && isAt(stopAt, event)) queueMicrotask(() => void runtime.stop(runId));
    });
    const options = { id: runId, module: `processes/${process}.ts` };
    const handle = runtime.start(RECORDED_EXAMPLES[process], inputs as never, options);
    await handle.result().catch(() => undefined);
    await runtime.close();
    return exportRun(store, runId);
  });
}

function cut({ runId, rows }: JournalText, last: Place): JournalText {
  return { runId, rows: rows.slice(0, rows.findIndex((row) => isAt(last, recordedOf(row).event)) + 1) };
}

async function goOn({ process }: Recipe, journal: JournalText): Promise<JournalText> {
  return inSample(async () => {
    const { store, runtime } = await openQuiet(importRun(journal));
    await runtime.resume(journal.runId, RECORDED_EXAMPLES[process]).result();
    await runtime.close();
    return exportRun(store, journal.runId);
  });
}

async function openQuiet(
  from: MemoryStore,
  onEvent: (event: JournalEvent) => void = () => undefined,
): Promise<{ readonly store: MemoryStore; readonly runtime: Runtime }> {
  const clock = new ManualClock();
  const store = MemoryStore.from(from.snapshot(), {
    afterAppend: (batch) => {
      clock.jumpWall(5);
      for (const { event } of batch.flatMap(({ events }) => events)) onEvent(event);
    },
  });
  const limits = { inFlight: 1, shells: 1 };
  const runtime = await openRuntime({ store, clock, entropy: seededEntropy(1), limits });
  return { store, runtime };
}

/** In a copy of the sample, and with errors that do not tell where on this machine they were made. */
export async function inSample<T>(work: () => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-sample-'));
  const [before, limit] = [cwd(), Error.stackTraceLimit];
  cpSync(SAMPLE, folder, { recursive: true });
  chdir(folder);
  Error.stackTraceLimit = 0;
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = limit;
    chdir(before);
    rmSync(folder, { recursive: true, force: true });
  }
}

export function exportRun(store: JournalStore, runId: string): JournalText {
  return { runId, rows: store.read(runId, 0, 1_000_000).map(rowOf) };
}

/** A store that holds this run, or the start of it, as if its owner had just gone. */
export function importRun({ runId, rows }: JournalText, count: number = rows.length): MemoryStore {
  const store = new MemoryStore();
  const events = rows.slice(0, count).map(recordedOf);
  const now = events.at(-1)?.at ?? 0;
  store.append([{ runId, epoch: 1, afterSeq: 0, events, consumed: [] }], { owner: 'import', now, ttlMs: 1 });
  store.releaseLease(runId, 1);
  return store;
}
