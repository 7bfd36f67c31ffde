import { durationMs, InvalidOptionError, type Duration, type ProcessDefinition } from '@pawl/sdk';
import { checkInputs } from './checked-inputs.ts';
import type { Engine } from './engine/engine.ts';
import { missingProcess, refuseOther } from './engine/refusals.ts';
import { startPlan, type EnqueueOptions } from './engine/start-options.ts';
import { Worker, type CodePlace, type LoadedCode, type WorkNote } from './engine/worker.ts';
import type { RunId } from './journal/ids.ts';
import { checkOptionNames } from './process/option-names.ts';
import type { QueuedStart, SetBackRun } from './ports/work-store.ts';

/** What became of `enqueue`. */
export interface Enqueued {
  /** Of the run that it is, or becomes. */
  readonly id: RunId;
  /**
   * 'queued': it waits for a worker. 'duplicate': it was enqueued or started before. 'exists': a singleton's other
   * start or run is there. 'debounced': one that waited has these inputs now.
   */
  readonly status: 'queued' | 'duplicate' | 'exists' | 'debounced';
}

export interface WorkOptions {
  /** Runs under way at once (default 100). */
  readonly concurrency?: number;
  /** How often it looks for work (default 200 ms). */
  readonly poll?: Duration;
  /** A run that has only waited for so long is put down: it needs no memory and no place (default 2 s). */
  readonly restAfter?: Duration;
  /** It ends by itself once nothing can go on now (default false). */
  readonly untilIdle?: boolean;
  /** With `untilIdle`: whether something else of this program, by which runs may go on, is under way (default: no). */
  readonly isBusy?: () => boolean;
  /** Only of these, by name. Default: those that this program has, where it loads none. */
  readonly processes?: readonly string[];
  /** Gives the code of a run by what was recorded of it (default: the processes that this program has). */
  readonly load?: (place: CodePlace) => Promise<LoadedCode>;
  readonly onNote?: (note: WorkNote) => void;
}

type Processes = Map<string, ProcessDefinition>;

/**
 * Starts that wait for workers, and the workers of a runtime.
 *
 * Owns these workers. Talks to the store and the engine.
 */
export class Queue {
  readonly #engine: Engine;
  readonly #processes: Processes;
  readonly #workers = new Set<Worker>();

  constructor(engine: Engine, processes: Processes) {
    this.#engine = engine;
    this.#processes = processes;
  }

  enqueue(definition: ProcessDefinition, inputs: unknown, options: EnqueueOptions): Promise<Enqueued> {
    const { clock, entropy } = this.#engine.options;
    const plan = startPlan(options, definition.name, clock.now());
    const runId = options.id ?? `run_${entropy.ulid()}`;
    const { module = null, codeHash = null } = options;
    return checkInputs(this.#engine, definition, inputs, (checked) => {
      const facts = { process: definition.name, module, codeHash, ...checked };
      const answer = this.#engine.options.store.work.enqueue(
        { runId, ...facts, ...plan, schedule: null },
        clock.now(),
      );
      if (answer.status === 'other') refuseOther(runId, answer, definition.name, checked.inputsHash);
      const id = 'runId' in answer ? answer.runId : runId;
      return { id, status: answer.status === 'other' ? 'duplicate' : answer.status };
    });
  }

  /** One that waits, by the id of the run that it becomes; undefined once it is one. */
  get(id: RunId): QueuedStart | undefined {
    const { store, clock } = this.#engine.options;
    return store.getRun(id, clock.now()) === undefined ? store.work.queuedStart(id) : undefined;
  }

  /** Starts that wait, in the order of their coming. */
  list(limit: number): readonly QueuedStart[] {
    return this.#engine.options.store.work.queuedStarts(limit);
  }

  /** Runs that could not go on, and are tried again. */
  setBack(limit: number): readonly SetBackRun[] {
    return this.#engine.options.store.work.setBackRuns(limit);
  }

  /** Takes a start out; false where none of this id waits. */
  remove(id: RunId): boolean {
    return this.#engine.options.store.work.removeStart(id);
  }

  work(options: WorkOptions): Worker {
    checkOptionNames(
      options,
      new Set(['concurrency', 'poll', 'restAfter', 'untilIdle', 'isBusy', 'processes', 'load', 'onNote']),
      'work',
    );
    const { concurrency = 100, poll = 200, restAfter = 2000, untilIdle = false } = options;
    const { processes, load, onNote, isBusy = () => false } = options;
    if (typeof untilIdle !== 'boolean') throw new InvalidOptionError('untilIdle', untilIdle, 'true or false');
    if (!Number.isInteger(concurrency) || concurrency < 1)
      throw new InvalidOptionError('concurrency', concurrency, 'an integer >= 1');
    const known = (): readonly string[] => [...this.#processes.keys()];
    const worker = new Worker(this.#engine, {
      concurrency,
      pollMs: Math.max(1, durationMs(poll, 'poll')),
      restAfterMs: durationMs(restAfter, 'restAfter'),
      untilIdle,
      isBusy,
      processes: () => processes ?? (load === undefined ? known() : undefined),
      load: load ?? ((place) => this.#known(place)),
      note: (note) => onNote?.(note),
    });
    this.#workers.add(worker);
    const leave = (): void => {
      this.#workers.delete(worker);
    };
    worker.done.then(leave, leave);
    return worker;
  }

  async #known({ runId, process }: CodePlace): Promise<LoadedCode> {
    const definition = this.#processes.get(process);
    if (definition === undefined) throw missingProcess(runId, process);
    return { definition, codeHash: null };
  }

  /** All workers of this runtime take nothing more. */
  async drain(): Promise<void> {
    await Promise.allSettled([...this.#workers].map((worker) => worker.drain()));
  }
}
