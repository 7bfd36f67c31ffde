/** Runs journal-fixtures/<version>/every-call.ts with somebody outside who answers whatever it waits for. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ProcessDefinition } from '@pawl/sdk';

import { openRuntime } from '../src/index.ts';
import type { JournalEvent } from '../src/journal/event.ts';
import { rowOf, toText } from '../src/journal/journal-text.ts';
import type { Runtime } from '../src/runtime.ts';
import { ManualClock, MemoryStore, seededEntropy } from '../src/testing.ts';

export const EVERY_CALL = 'every-call';
const ID = 'every-call-1';
const FIXTURES = join(import.meta.dirname, '..', '..', '..', 'journal-fixtures');

type EveryCall = ProcessDefinition<{ readonly rounds: number }>;

export async function everyCallOf(version: string): Promise<EveryCall> {
  const path = join(FIXTURES, version, `${EVERY_CALL}.ts`);
  return ((await import(pathToFileURL(path).href)) as { readonly default: EveryCall }).default;
}

/** Answers what was just recorded to be waited for. */
function answer(runtime: Runtime, runId: string, event: JournalEvent): void {
  switch (event.type) {
    case 'SignalAwaited':
      if (event.name === 'go') void runtime.send(runId, 'go', { word: 'go' }, { id: `${runId} go` });
      return;
    case 'TaskSignalAwaited':
      void runtime.send(runId, 'word', 'a word', { id: `${runId} word` });
      return;
    case 'BreakpointOpened':
      if (event.title === 'ship')
        void runtime.respond(runId, event.key, { approved: true, option: 'now', by: 'ada' });
      return;
    case 'TaskOffered':
      for (const { id } of runtime.tasks.list({ runId })) runtime.tasks.complete(id, 20);
      return;
    default:
  }
}

/** Drives it to its end, and what follows it and what it started. */
export async function driveEveryCall(
  process: EveryCall,
  runId: string,
  from: MemoryStore = new MemoryStore(),
): Promise<MemoryStore> {
  const clock = new ManualClock(
    Math.max(0, ...from.queryRuns({ limit: 100 }, 0).map(({ updatedAt }) => updatedAt)) || undefined,
  );
  const told: (() => void)[] = [];
  const store = MemoryStore.from(from.snapshot(), {
    afterAppend: (batch) => {
      clock.jumpWall(5);
      for (const { runId: id, events } of batch)
        for (const { event } of events) told.push(() => answer(runtime, id, event));
    },
  });
  const runtime = await openRuntime({ store, clock, entropy: seededEntropy(3), limits: { inFlight: 4 } });
  // Whoever was asked before the crash may not have answered.
  for (const { event } of store.read(runId, 0, 1_000_000)) told.push(() => answer(runtime, runId, event));
  const limit = Error.stackTraceLimit;
  // Stacks tell where on this machine they were made.
  Error.stackTraceLimit = 0;
  try {
    const handle =
      runtime.get(runId) === undefined
        ? runtime.start(process, { rounds: 2 }, { id: runId, module: `${EVERY_CALL}.ts` })
        : runtime.resume(runId, process);
    const run = { isOver: false };
    const ended = handle.result().finally(() => (run.isOver = true));
    ended.catch(() => undefined);
    while (!run.isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const tell of told.splice(0)) tell();
      if (runtime.isIdle) await clock.advance(500);
    }
    await ended;
    await runtime.whenAllEnded();
    await runtime.close();
  } finally {
    Error.stackTraceLimit = limit;
  }
  return store;
}

/** As files of journal-fixtures. */
export async function everyCallJournals(version: string): Promise<ReadonlyMap<string, string>> {
  const store = await driveEveryCall(await everyCallOf(version), ID);
  const runs = store.queryRuns({ limit: 100, statuses: ['continued', 'succeeded'] }, 0);
  return new Map(
    runs
      .filter(({ process }) => process === 'everyCall')
      .toReversed()
      .map(({ runId }, place) => [
        `${EVERY_CALL}.${place + 1}.txt`,
        toText({ runId, rows: store.read(runId, 0, 1_000_000).map(rowOf) }),
      ]),
  );
}
