import { decode } from '../journal/codec.ts';
import type { RunStarted, TerminalEvent } from '../journal/event.ts';
import { successorOf, type Millis, type RunId } from '../journal/ids.ts';
import { assert, broken } from '../journal/invariant.ts';
import type { AppendRun } from '../ports/journal-store.ts';
import type { ProcessResult } from '../process/process-result.ts';
import type { Engine } from './engine.ts';
import { stateOf } from './child-run.ts';
import type { RunDriver } from './run-driver.ts';
import type { RunExit, RunPlan } from './run-plan.ts';

/**
 * The run that follows one by `continueAsNew`.
 *
 * Owns how it begins. Talks to the store, which creates it in the commit of the end before it (S1): the
 * one run is over and the next is there, or neither.
 */
export class Succession {
  readonly #engine: Engine;
  readonly #plan: RunPlan;
  readonly #driverOf: (plan: RunPlan) => RunDriver;
  #successor: AppendRun['successor'];

  constructor(engine: Engine, plan: RunPlan, driverOf: (plan: RunPlan) => RunDriver) {
    this.#engine = engine;
    this.#plan = plan;
    this.#driverOf = driverOf;
  }

  get successor(): AppendRun['successor'] {
    return this.#successor;
  }

  /** The first id after the run's own that no run has; empty where none follows. */
  nextId(result: ProcessResult | undefined): RunId {
    if (result?.ok !== true || result.next === undefined) return '';
    const { store, clock } = this.#engine.options;
    let next = successorOf(this.#plan.runId);
    while (store.getRun(next, clock.now()) !== undefined) next = successorOf(next);
    return next;
  }

  /** The end is decided. */
  ended(event: TerminalEvent, at: Millis): void {
    if (event.type !== 'RunContinued') return;
    const { inputs, inputsHash, nextRunId: runId } = event;
    const { process, module, codeHash } = this.#started();
    const { entropy, version: engine } = this.#engine.options;
    const facts = { process, module, codeHash, inputs, inputsHash, seed: entropy.token(), engine };
    const { parent } = this.#plan.state;
    this.#successor = {
      runId,
      at,
      event: { type: 'RunStarted', ...facts },
      ...(parent === undefined ? {} : { parent: { type: 'ParentRecorded', ...parent } }),
    };
  }

  /** As a fork may have it by now. */
  #started(): Pick<RunStarted, 'process' | 'module' | 'codeHash'> {
    const { start, runId } = this.#plan;
    if (start !== undefined) return start;
    const { store, clock } = this.#engine.options;
    return store.getRun(runId, clock.now()) ?? broken('S1', `run ${runId} is recorded`);
  }

  /** The end is committed: what follows goes on at once, and is ours from its first event on. */
  exitBy(event: TerminalEvent): RunExit {
    if (event.type !== 'RunContinued') return { status: 'ended', event };
    assert(this.#successor !== undefined, 'S1', 'a run that is continued has a successor');
    const { runId, event: first } = this.#successor;
    const state = stateOf(this.#successor);
    const again = { inputs: decode(first.inputs), state, start: undefined, replayOnly: false };
    const { recorded: _, ...plan } = this.#plan;
    const origin = this.#engine.telemetry?.sink.originIn(plan.runId);
    const next = this.#driverOf({ ...plan, ...again, runId, epoch: 1, origin });
    this.#engine.add(next);
    return { status: 'continued', next };
  }
}
