import type { ProcessDefinition } from '@pawl/sdk';
import { NEVER, type Millis, type RunId } from '../journal/ids.ts';
import type { QueuedStart, RunLease } from '../ports/work-store.ts';
import { RuntimeError } from '../errors.ts';
import { parentOf, topmostOpen } from './child-run.ts';
import type { Engine } from './engine.ts';
import { isBusy } from './patience.ts';
import { resumedPlan } from './resumed-plan.ts';
import { stopAll } from './run-chain.ts';
import { RunDriver } from './run-driver.ts';
import type { FinalEvent, RunPlan } from './run-plan.ts';
import { problemOf } from './run-exits.ts';
import { fireSchedules } from './schedules.ts';

/** Where the code of a run is, as it was recorded. */
export interface CodePlace {
  readonly runId: RunId;
  readonly process: string;
  readonly module: string | null;
  /** What a run is pinned to. A start begins with the code as it is by now. */
  readonly codeHash: string | null;
  /** It is a run, and no start. */
  readonly isBegun: boolean;
}

export interface LoadedCode {
  readonly definition: ProcessDefinition;
  /** Of the module that was loaded; null where nobody knows. A run that is pinned to another is not driven with it. */
  readonly codeHash: string | null;
}

/** What a worker tells of what it does. */
export type WorkNote =
  | { readonly type: 'began' | 'wentOn'; readonly runId: RunId; readonly process: string }
  | {
      readonly type: 'ended';
      readonly runId: RunId;
      readonly process: string;
      readonly by: FinalEvent['type'];
    }
  /** Put down until then: NEVER, where it waits for somebody. */
  | { readonly type: 'rested'; readonly runId: RunId; readonly process: string; readonly wakeAt: Millis }
  | { readonly type: 'stopped'; readonly runId: RunId; readonly process: string }
  /** It could not go on, and is tried again later. */
  | { readonly type: 'setBack'; readonly runId: RunId; readonly process: string; readonly problem: string }
  /** Runs of programs that died. */
  | { readonly type: 'freed'; readonly count: number }
  | { readonly type: 'fired'; readonly schedule: string; readonly runId: RunId | null };

export interface WorkerPlan {
  /** Runs at once. */
  readonly concurrency: number;
  readonly pollMs: number;
  readonly restAfterMs: number;
  /** Only of these processes, as they are known now; undefined = of any. */
  readonly processes: () => readonly string[] | undefined;
  /** Ends by itself once nothing can go on now. */
  readonly untilIdle: boolean;
  /** Something else of this program is under way, by which runs may go on: it does not end by itself meanwhile. */
  readonly isBusy: () => boolean;
  /** What it throws sets the run back. */
  readonly load: (place: CodePlace) => Promise<LoadedCode>;
  readonly note: (note: WorkNote) => void;
}

/** How often it is looked for programs that died. */
const REAP_MS = 500;
/** More than these are told again. */
const MOST_TOLD = 10_000;

/**
 * Drives what can go on in a journal: runs that nobody drives, and starts that wait.
 *
 * Owns which runs are under way for it. Talks to the store, and to the engine, which drives them.
 * Invariants: a run is ours by its lease before its code is loaded, and a start is ours by the commit that made it a
 * run; what cannot go on is set back, and neither lost nor tried without pause; no run is taken after `drain`.
 */
export class Worker {
  /** Settles once it has been drained; rejects where the journal can be used no more. */
  readonly done: Promise<void>;
  readonly #engine: Engine;
  readonly #plan: WorkerPlan;
  /** Undefined while its code is loaded. */
  readonly #active = new Map<RunId, RunDriver | undefined>();
  /** Why runs could not be taken up, as it was told: it is tried again and again, and told once. */
  readonly #told = new Map<RunId, string>();
  readonly #settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void };
  #cancelPoll: () => void = () => undefined;
  #reapAt: Millis = -Infinity;
  #isDraining = false;
  #failure: unknown;

  constructor(engine: Engine, plan: WorkerPlan) {
    this.#engine = engine;
    this.#plan = plan;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.done.catch(() => undefined);
    this.#settle = { resolve, reject };
    this.#poll(0);
  }

  /** Runs that it has under way. */
  get active(): number {
    return this.#active.size;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Takes nothing more, and stops what is under way: attempts have their grace, and the runs can be resumed. */
  drain(): Promise<void> {
    if (!this.#isDraining) {
      this.#isDraining = true;
      this.#cancelPoll();
      for (const driver of this.#active.values()) if (driver !== undefined) void stopAll(driver);
      this.#settleWhenDone();
    }
    return this.done;
  }

  #settleWhenDone(): void {
    if (!this.#isDraining || this.#active.size > 0) return;
    if (this.#failure === undefined) this.#settle.resolve();
    else this.#settle.reject(this.#failure);
  }

  #poll(delayMs: number): void {
    this.#cancelPoll = this.#engine.options.clock.after(delayMs, () => {
      this.#patiently(() => this.#look());
      if (!this.#isDraining) this.#poll(this.#plan.pollMs);
    });
  }

  /** While another program has the journal locked it is tried again; else nothing works any more. */
  #patiently(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!isBusy(error)) this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    void this.drain().catch(() => undefined);
  }

  #look(): void {
    const { store, clock } = this.#engine.options;
    const { work } = store;
    if (clock.monotonic() >= this.#reapAt) {
      this.#reapAt = clock.monotonic() + Math.min(REAP_MS, this.#engine.options.leaseMs / 3);
      const count = work.reap(this.#engine.claim);
      if (count > 0) this.#plan.note({ type: 'freed', count });
    }
    fireSchedules(this.#engine, (schedule, runId) => this.#plan.note({ type: 'fired', schedule, runId }));
    const processes = this.#plan.processes();
    // What was begun is ended first.
    const due = work.takeDue(this.#engine.claim, this.#free, processes);
    for (const lease of due) void this.#goOn(lease);
    if (this.#free === 0) return;
    // Those whose code is being loaded are found again.
    const limit = this.#free + this.#active.size;
    for (const start of work.readyStarts(clock.now(), limit, processes)) {
      if (this.#free > 0 && !this.#active.has(start.runId)) void this.#begin(start);
    }
    if (this.#plan.untilIdle && this.#active.size === 0 && !this.#plan.isBusy())
      void this.drain().catch(() => undefined);
  }

  get #free(): number {
    return Math.max(0, this.#plan.concurrency - this.#active.size);
  }

  async #goOn(lease: RunLease): Promise<void> {
    const { runId } = lease;
    const { store, clock } = this.#engine.options;
    const { work } = store;
    this.#active.set(runId, undefined);
    let process = '';
    try {
      const record = store.getRun(runId, clock.now());
      process = record?.process ?? '';
      if (record?.status !== 'running' || this.#leaveToParent(lease)) {
        if (record?.status !== 'running') store.releaseLease(runId, lease.epoch);
        return;
      }
      const { module, codeHash } = record;
      const code = await this.#plan.load({ runId, process, module, codeHash, isBegun: true });
      if (codeHash !== null && code.codeHash !== null && codeHash !== code.codeHash) throw otherCode(runId);
      if (this.#isDraining) {
        store.releaseLease(runId, lease.epoch);
        return;
      }
      this.#told.delete(runId);
      this.#plan.note({ type: 'wentOn', runId, process });
      await this.#drive(process, resumedPlan(store, runId, named(code.definition, process), lease.epoch));
    } catch (error) {
      this.#setBack(runId, process, error, (problem) => {
        work.setBack(lease, clock.now(), problem, 'code');
        this.#wakeStarter(runId);
      });
    } finally {
      this.#left(runId);
    }
  }

  /**
   * A run that another one started goes on with that one, whose code knows it: that one is woken first, so that a
   * crash between the two wakes this one again.
   */
  #leaveToParent({ runId, epoch }: RunLease): boolean {
    const { store, clock } = this.#engine.options;
    const top = topmostOpen(store, runId, clock.now());
    if (top === runId) return false;
    store.work.wake(top, clock.now());
    const known = new Set(store.takeInbox(runId).map(({ id }) => id));
    store.releaseLease(runId, epoch, { wakeAt: NEVER, known, awaited: [] });
    // Its call may have been given up meanwhile.
    if (topmostOpen(store, runId, clock.now()) === runId) store.work.wake(runId, clock.now());
    return true;
  }

  /**
   * A run that is on its own and whose code is not known here: who started it, where it has not ended, goes on with it
   * in its replay.
   */
  #wakeStarter(runId: RunId): void {
    const { store, clock } = this.#engine.options;
    const above = parentOf(store, runId);
    if (above?.detached === true || above?.onParentCancel === 'abandon')
      store.work.wake(above.parentRunId, clock.now());
  }

  async #begin(start: QueuedStart): Promise<void> {
    const { runId, process } = start;
    const { store, clock, entropy, version: engine } = this.#engine.options;
    const { work } = store;
    this.#active.set(runId, undefined);
    try {
      if (!start.isWhole) throw damaged(runId);
      const { module, inputs, inputsHash } = start;
      const place = { runId, process, module, codeHash: start.codeHash, isBegun: false };
      const { definition, codeHash } = await this.#plan.load(place);
      if (this.#isDraining) return;
      const facts = { process, module, codeHash, inputs, inputsHash, seed: entropy.token(), engine };
      const begun = work.begin(start, { type: 'RunStarted', ...facts }, this.#engine.claim);
      if (begun !== 'begun') return;
      this.#told.delete(runId);
      this.#plan.note({ type: 'began', runId, process });
      await this.#drive(process, resumedPlan(store, runId, named(definition, process), 1));
    } catch (error) {
      this.#setBack(runId, process, error, (problem) => work.setBackStart(start, clock.now(), problem));
    } finally {
      this.#left(runId);
    }
  }

  async #drive(process: string, plan: RunPlan): Promise<void> {
    let driver = new RunDriver(this.#engine, { ...plan, restAfterMs: this.#plan.restAfterMs });
    this.#active.set(plan.runId, driver);
    this.#engine.add(driver);
    for (;;) {
      const exit = await driver.exit;
      const { runId } = driver;
      switch (exit.status) {
        case 'continued':
          driver = exit.next;
          this.#active.set(plan.runId, driver);
          break;
        case 'ended':
          this.#plan.note({ type: 'ended', runId, process, by: exit.event.type });
          return;
        case 'rested':
          this.#plan.note({ type: 'rested', runId, process, wakeAt: exit.rest.wakeAt });
          return;
        case 'left':
          this.#noteLeft(runId, process, exit.error);
          return;
        default:
          return;
      }
    }
  }

  /** It was given back, or set back, as it left. */
  #noteLeft(runId: RunId, process: string, error: unknown): void {
    const problem = problemOf(error);
    if (problem !== undefined) this.#plan.note({ type: 'setBack', runId, process, problem });
    else if (error instanceof RuntimeError && error.code === 'STORAGE') this.#fail(error);
    else this.#plan.note({ type: 'stopped', runId, process });
  }

  #setBack(runId: RunId, process: string, error: unknown, put: (problem: string) => void): void {
    const problem = problemOf(error);
    if (problem === undefined) {
      this.#fail(error);
      return;
    }
    this.#patiently(() => put(problem));
    if (this.#told.get(runId) === problem) return;
    if (this.#told.size >= MOST_TOLD) this.#told.clear();
    this.#told.set(runId, problem);
    this.#plan.note({ type: 'setBack', runId, process, problem });
  }

  #left(runId: RunId): void {
    this.#active.delete(runId);
    this.#settleWhenDone();
    // Its place is for the next one, at once.
    if (this.#isDraining) return;
    this.#cancelPoll();
    this.#poll(0);
  }
}

/** The name that was recorded is the run's, whatever its module says now. */
function named(definition: ProcessDefinition, process: string): ProcessDefinition {
  return { ...definition, name: process };
}

function otherCode(runId: RunId): RuntimeError {
  return new RuntimeError('REFUSED', `The code of run ${runId} has changed since it was pinned.`, {
    hint: `See whether it fits, and accept it: pawl resume ${runId} --accept-code-change`,
  });
}

function damaged(runId: RunId): RuntimeError {
  return new RuntimeError('CORRUPT', `The start of run ${runId} was changed from outside.`, {
    hint: `Remove it: pawl queue remove ${runId}`,
  });
}
