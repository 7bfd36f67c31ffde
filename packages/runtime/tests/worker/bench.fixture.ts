import type { ProcessDefinition } from '@pawl/sdk';
import { onTestFinished } from 'vitest';
import type { WorkOptions } from '../../src/queue.ts';
import type { Runtime } from '../../src/runtime.ts';
import type { RuntimeOptions } from '../../src/runtime-options.ts';
import type { Worker, WorkNote } from '../../src/engine/worker.ts';
import { openRuntime } from '../../src/runtime.ts';
import { ManualClock, MemoryStore, seededEntropy } from '../../src/testing.ts';

/** Workers in virtual time, over one store. */
export class Floor {
  readonly clock: ManualClock;
  readonly store: MemoryStore;
  readonly notes: WorkNote[] = [];
  readonly opened: Runtime[] = [];
  #seed = 0;

  constructor(start?: number, store: MemoryStore = new MemoryStore()) {
    this.clock = new ManualClock(start);
    this.store = store;
    onTestFinished(() => this.#close());
  }

  async open(processes: readonly ProcessDefinition[], more: Partial<RuntimeOptions> = {}): Promise<Runtime> {
    this.#seed += 1;
    const runtime = await openRuntime({
      store: this.store,
      clock: this.clock,
      entropy: seededEntropy(this.#seed),
      processes,
      stallMs: 1e9,
      ...more,
    });
    this.opened.push(runtime);
    return runtime;
  }

  /** A worker with its own runtime, as in a program of its own. */
  async worker(
    processes: readonly ProcessDefinition[],
    work: WorkOptions = {},
    more: Partial<RuntimeOptions> = {},
  ): Promise<{ readonly runtime: Runtime; readonly worker: Worker }> {
    const runtime = await this.open(processes, more);
    const worker = runtime.work({ onNote: (note) => this.notes.push(note), ...work });
    return { runtime, worker };
  }

  async #close(): Promise<void> {
    await Promise.all(this.opened.map((runtime) => runtime.close()));
  }

  /** What became of runs, in order: `began r`, `rested r`, … */
  get told(): string[] {
    return this.notes.map((note) => ('runId' in note ? `${note.type} ${note.runId}` : note.type));
  }

  /** Types of the events of a run. */
  events(runId: string): string[] {
    return this.store.read(runId, 0, 10_000).map(({ event }) => event.type);
  }
}
