import type { RunId } from './journal/ids.ts';
import type { JournalStore } from './ports/journal-store.ts';
import { Engine } from './engine/engine.ts';
import { Observers } from './engine/observers.ts';
import { unknownRun } from './engine/refusals.ts';
import { patientClock } from './engine/patient-clock.ts';
import { replayRun, type ReplayReport } from './engine/replay-run.ts';
import { recordedPlan, resumedPlan } from './engine/resumed-plan.ts';
import type { RunPlan } from './engine/run-plan.ts';
import { stopAll } from './engine/run-chain.ts';
import { engineOptions } from './engine-options.ts';
import { ReplaySteps } from './replay-steps.ts';
import { definitionOf, type AnyProcess } from './process/definition.ts';
import type { RuntimeOptions } from './runtime-options.ts';

/** As the runtime was told that recorded the runs: what is not given is the default. */
export type ReplayerOptions = Pick<
  RuntimeOptions,
  'limits' | 'pools' | 'stallMs' | 'strict' | 'onWarning' | 'clock'
> & {
  /** A debugger may hold this program: time in which nothing of it can run passes no bound (default false). */
  readonly isDebugged?: boolean;
};

/**
 * Runs code against recorded runs, several at a time if wished: nothing is written, no task runs.
 *
 * Owns an engine that drives no run. Talks to a store that may refuse every write.
 */
export class Replayer {
  readonly #store: JournalStore;
  readonly #engine: Engine;

  constructor(store: JournalStore, options: ReplayerOptions) {
    this.#store = store;
    const resolved = engineOptions(
      { ...options, guard: 'off' },
      store,
      new Observers(store),
      () => undefined,
    );
    const clock = options.isDebugged === true ? patientClock(resolved.clock) : resolved.clock;
    this.#engine = new Engine({ ...resolved, clock });
  }

  /**
   * @throws NonDeterminismError where the process asks for something else than was recorded; RuntimeError STALLED where
   *   it does not come back to a recorded call, NOT_FOUND, BUSY, CORRUPT, NEWER
   */
  async replay(id: RunId, process: AnyProcess<never, unknown>): Promise<ReplayReport> {
    if (this.#store.read(id, 0, 1).length === 0) throw unknownRun(id, []);
    return replayRun(this.#engine, resumedPlan(this.#store, id, definitionOf(process), 0));
  }

  /** Replays a recorded run with the code that it was driven by. @throws as `replay` */
  async again({ runId, run, checkInputs }: RunPlan): Promise<ReplayReport> {
    return replayRun(this.#engine, recordedPlan(this.#store, runId, { run, checkInputs }, 0));
  }

  /** Steps through a run: where does the process stand when the journal has come so far? @throws RuntimeError NOT_FOUND */
  steps(id: RunId, process: AnyProcess<never, unknown>): ReplaySteps {
    if (this.#store.read(id, 0, 1).length === 0) throw unknownRun(id, []);
    return new ReplaySteps(this.#engine, this.#store, resumedPlan(this.#store, id, definitionOf(process), 0));
  }

  /** Whether none can go on before time passes, or something outside ctx happens. */
  get isIdle(): boolean {
    return this.#engine.isIdle;
  }

  /** What is under way is given up. */
  async close(): Promise<void> {
    await Promise.all([...this.#engine.replays].map(stopAll));
    await this.#engine.close();
  }
}
