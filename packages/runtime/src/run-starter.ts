import { checkAgainst, type ProcessDefinition } from '@pawl/sdk';
import type { Engine } from './engine/engine.ts';
import { leaseOrRefuse } from './engine/lease-or-refuse.ts';
import { checkRunId, missingProcess, refuseOther, unknownRun } from './engine/refusals.ts';
import { resumedPlan } from './engine/resumed-plan.ts';
import { finalEvent, lastOf, outcomeOf } from './engine/run-chain.ts';
import { RunDriver } from './engine/run-driver.ts';
import type { FinalEvent, RunPlan } from './engine/run-plan.ts';
import { ENGINE_VERSION } from './engine-options.ts';
import { identityText } from './journal/canonical.ts';
import { decode } from './journal/codec.ts';
import type { RunId } from './journal/ids.ts';
import { initialState } from './kernel/state.ts';
import type { JournalStore, RunRecord } from './ports/journal-store.ts';
import { codeOf, NAMELESS } from './process/definition.ts';
import { checkOptionNames } from './process/option-names.ts';
import { encodePayload } from './process/payload.ts';
import { runOf } from './find-run.ts';
import type { ResumeOptions, StartOptions } from './runtime-options.ts';
import { sha256 } from './system.ts';

const START_OPTIONS: ReadonlySet<string> = new Set<keyof StartOptions>([
  'id',
  'module',
  'codeHash',
  'reuseFrom',
  'traceparent',
]);

/**
 * Begins runs, and goes on with those that began earlier. Owns which process a run of this runtime is of;
 * knows the code of every process by its name.
 */
export class RunStarter {
  readonly #engine: Engine;
  readonly #store: JournalStore;
  readonly #processes: Map<string, ProcessDefinition>;
  readonly #refuseWhenClosed: () => void;
  /** By run, those that were started here and have not ended. */
  readonly #started = new Map<RunId, ProcessDefinition>();

  constructor(engine: Engine, processes: Map<string, ProcessDefinition>, refuseWhenClosed: () => void) {
    this.#engine = engine;
    this.#store = engine.options.store;
    this.#processes = processes;
    this.#refuseWhenClosed = refuseWhenClosed;
  }

  /** As Runtime.start: its id, and its end. */
  start(
    definition: ProcessDefinition,
    inputs: unknown,
    options: StartOptions,
  ): { readonly id: RunId; readonly ended: Promise<FinalEvent> } {
    checkOptionNames(options, START_OPTIONS, 'runtime.start');
    const id = options.id ?? `run_${this.#engine.options.entropy.ulid()}`;
    checkRunId(id);
    this.#started.set(id, definition);
    // One without a name of its own cannot be told from others.
    if (definition.name !== NAMELESS) this.#processes.set(definition.name, definition);
    const checked =
      definition.input === undefined
        ? inputs
        : checkAgainst(definition.input, inputs, `The input of process '${definition.name}'`);
    const ended =
      checked instanceof Promise
        ? checked.then((value: unknown) => this.#launch(id, definition, value, options))
        : this.#launch(id, definition, checked, options);
    return { id, ended };
  }

  #launch(
    id: RunId,
    definition: ProcessDefinition,
    inputs: unknown,
    options: StartOptions,
  ): Promise<FinalEvent> {
    const encoded = encodePayload(
      'The input of the process',
      inputs,
      this.#engine.options.limits.payloadBytes,
    );
    const inputsHash = sha256(identityText(encoded));
    this.#refuseWhenClosed();
    const active = this.#engine.runs.get(id);
    const isNew = options.id === undefined;
    const known =
      active?.identity ?? (isNew ? undefined : this.#store.getRun(id, this.#engine.options.clock.now()));
    const first = known ?? (isNew ? undefined : this.#store.work.queuedStart(id));
    if (first !== undefined) refuseOther(id, first, definition.name, inputsHash);
    if (active !== undefined) return outcomeOf(active);
    if (known !== undefined) return this.#driveAgain(id, definition);
    return this.#drive({
      runId: id,
      epoch: 1,
      ...codeOf(definition),
      inputs: decode(encoded),
      state: initialState(),
      replayOnly: false,
      origin: this.#engine.telemetry?.sink.originHere(options.traceparent),
      start: {
        type: 'StartRun',
        process: definition.name,
        module: options.module ?? null,
        codeHash: options.codeHash ?? null,
        inputs: encoded,
        inputsHash,
        seed: this.#engine.options.entropy.token(),
        engine: ENGINE_VERSION,
        ...(options.reuseFrom === undefined ? {} : { reuseFrom: this.#last(options.reuseFrom).runId }),
      },
    });
  }

  /** As Runtime.resume. */
  resume(id: RunId, given: ProcessDefinition | undefined, options: ResumeOptions): Promise<FinalEvent> {
    const active = this.#engine.runs.get(id);
    if (active !== undefined) return outcomeOf(active);
    const record = this.#last(id);
    const definition = given ?? this.#started.get(id) ?? this.#processes.get(record.process);
    if (definition === undefined && record.status === 'running' && !this.#engine.runs.has(record.runId)) {
      throw missingProcess(id, record.process);
    }
    return this.#driveAgain(id, definition, options.codeHash);
  }

  /** A fork that was just recorded, and is owned here. */
  driveFork(id: RunId, definition: ProcessDefinition): Promise<FinalEvent> {
    this.#started.set(id, definition);
    return this.#drive(resumedPlan(this.#store, id, definition, 1));
  }

  /** That run, or the last of those that follow it. */
  #driveAgain(first: RunId, definition?: ProcessDefinition, codeHash?: string): Promise<FinalEvent> {
    const record = this.#last(first);
    const id = record.runId;
    const active = this.#engine.runs.get(id);
    if (active !== undefined) return outcomeOf(active);
    if (record.status !== 'running') return Promise.resolve(finalEvent(this.#store, record));
    const epoch = leaseOrRefuse(this.#store, id, this.#engine.claim);
    if (definition === undefined) throw unknownRun(id, []);
    try {
      const plan = { ...resumedPlan(this.#store, id, definition, epoch), codeHash };
      if (plan.state.phase.status !== 'ended') return this.#drive(plan);
      // Another program ended it between the look and the lease.
      this.#store.releaseLease(id, epoch);
      return this.#driveAgain(id, definition, codeHash);
    } catch (error) {
      this.#store.releaseLease(id, epoch);
      throw error;
    }
  }

  #drive(plan: RunPlan): Promise<FinalEvent> {
    const driver = new RunDriver(this.#engine, plan);
    this.#engine.add(driver);
    const outcome = outcomeOf(driver);
    outcome.then(
      () => this.#started.delete(plan.runId),
      () => undefined,
    );
    return outcome;
  }

  #last(id: RunId): RunRecord {
    const now = this.#engine.options.clock.now();
    return lastOf(this.#store, runOf(this.#store, id, now), now);
  }
}
