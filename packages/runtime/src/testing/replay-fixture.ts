import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RuntimeError } from '../errors.ts';
import { fromText, recordedOf, type JournalText } from '../journal/journal-text.ts';
import type { RunId } from '../journal/ids.ts';
import type { AnyProcess } from '../process/definition.ts';
import type { ReplayReport } from '../engine/replay-run.ts';
import { openRuntime, type Runtime } from '../runtime.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import { statesAfter, summaryAt, type Row } from '../store/memory/rows.ts';
import { storeEvent } from '../journal/stored-event.ts';
import { testRuntime, type TestRuntime, type TestRuntimeOptions } from './test-runtime.ts';
import { VirtualTime } from './virtual-time.ts';

export interface FixtureOptions extends TestRuntimeOptions {
  /** Of the run that is recorded (default 'fixture'). */
  readonly id?: RunId;
  /** What happens around the run, such as `test.send('fixture', 'paid', 5, { after: '1h' })`; called once it was started. */
  readonly world?: (test: TestRuntime) => unknown;
}

/**
 * Replays a recorded run with this code: nothing is recorded, no task runs.
 *
 *     await assertReplays(new URL('./order.journal.txt', import.meta.url), order);
 *
 * @param journal canonical text of a run, as `toText` and `TestRuntime.journal` give it, or the path of a file that
 *   holds it; a text has a line end, and a path has none
 * @returns whether the run had ended, or the code now asks for new work, and how many events were replayed
 * @throws NonDeterminismError with the report of the divergence; RuntimeError STALLED where the code waits for something
 *   outside ctx; JournalTextRefusal for what is no journal, or one of a newer program
 */
export async function assertReplays(
  journal: string | URL,
  process: AnyProcess<never, unknown>,
): Promise<ReplayReport> {
  const text =
    typeof journal === 'string' && journal.includes('\n') ? journal : readFileSync(journal, 'utf8');
  const recorded = fromText(text);
  const at = recorded.rows.at(-1)?.at ?? 0;
  const time = new VirtualTime(at, () => runtime.isIdle, true);
  const runtime: Runtime = await openRuntime({ store: holding(recorded), clock: time.clock });
  try {
    return await runtime.replay(recorded.runId, process);
  } finally {
    time.letGo();
    await runtime.close();
    time.stop();
  }
}

/**
 * Runs a process in a test runtime to its end and writes its journal to a file, for `assertReplays`. A file that is there
 * stays as it is: what it holds must go on replaying. Delete it to record anew.
 *
 *     await recordFixture('fixtures/order.journal.txt', order, { cents: 900 }, { tasks: [mock(charge, …)] });
 *
 * @returns the journal, as the file holds it
 * @throws InvalidOptionError, InvalidArgumentError; RuntimeError, where the run does not end by its process
 */
export async function recordFixture<Inputs, Output>(
  file: string | URL,
  process: AnyProcess<Inputs, Output>,
  inputs: NoInfer<Inputs>,
  { id = 'fixture', world, ...options }: FixtureOptions = {},
): Promise<string> {
  if (existsSync(file)) return readFileSync(file, 'utf8');
  await using test = await testRuntime(options);
  const run = test.start(process, inputs, { id });
  void world?.(test);
  try {
    await run.result();
  } catch (error) {
    // That a process throws is worth a fixture, too.
    if (!(error instanceof RuntimeError && error.code === 'RUN_FAILED')) throw error;
  }
  const text = test.journal(id);
  mkdirSync(dirname(file instanceof URL ? fileURLToPath(file) : file), { recursive: true });
  writeFileSync(file, text);
  return text;
}

/** A store that holds one run as its text has it, compacted or not. */
function holding({ runId, rows }: JournalText): MemoryStore {
  const kept: Row[] = [];
  for (const row of rows) {
    const recorded = recordedOf(row);
    const { seq, at, event } = recorded;
    const last = kept.at(-1);
    const states = statesAfter(last?.states ?? new Map(), event);
    kept.push({ ...storeEvent(event), seq, at, states, shared: 0 });
  }
  const last = kept.at(-1);
  if (last === undefined) return new MemoryStore();
  const { states } = last;
  const summary = summaryAt(runId, kept, kept.length);
  const run = { rows: kept, count: kept.length, summary, states, epoch: 1, owner: null, until: 0 };
  return MemoryStore.from({ runs: new Map([[runId, { ...run, inbox: new Map() }]]), shared: [] });
}
