import type { CallKey } from '../journal/call-key.ts';
import type { ChildOutcome } from '../journal/child-event.ts';
import { toErrorRecord } from '../journal/error-record.ts';
import { NEVER, type Millis, type RunId } from '../journal/ids.ts';
import type { Report } from '../kernel/input.ts';
import type { NewRun } from '../ports/journal-store.ts';
import type { OpenChild } from '../process/open-call.ts';
import { RuntimeError } from '../errors.ts';
import { cancelChild } from './cancel-run.ts';
import { foldRun } from './fold-run.ts';
import {
  bornOf,
  childOutcome,
  parentOf,
  planOf,
  refusedByStart,
  refusedChild,
  stateOf,
  tooNew,
} from './child-run.ts';
import type { Engine } from './engine.ts';
import { unknownRun } from './refusals.ts';
import { finalEvent, lastOf, stopAll } from './run-chain.ts';
import type { RunDriver } from './run-driver.ts';
import type { RunJournal } from './run-journal.ts';
import type { RunExit, RunPlan } from './run-plan.ts';

/** A run that the next commit creates, with its code. */
interface Unborn {
  readonly run: NewRun;
  readonly child: OpenChild;
}

/** A run that is waited for and driven here. */
interface Driven {
  readonly driver: RunDriver;
  /** This run started it: it is stopped and cancelled with it, and not where it was only found under its id. */
  readonly isOwn: boolean;
}

interface GivenUp {
  readonly runId: RunId;
  readonly reason: string;
  /** With the exits of its scopes. */
  readonly isForced: boolean;
}

/**
 * The runs that one run started by `ctx.run`.
 *
 * Owns which of them are driven here, and whose end is looked for in the store. Talks to its run by reports,
 * and to the engine, which drives them like any run.
 * Invariants: a child is created in the commit of its ChildStarted (S1), and driven after it (E1); its end is
 * told after the commit of that end; the run does not end before children that it gave up.
 */
export class RunChildren {
  readonly #engine: Engine;
  readonly #run: RunDriver;
  readonly #journal: RunJournal;
  readonly #driverOf: (plan: RunPlan) => RunDriver;
  readonly #driven = new Map<CallKey, Driven>();
  /** Created in the next commit. */
  readonly #unborn = new Map<CallKey, Unborn>();
  /** Looked at again from time to time: mostly since other programs drive them. */
  readonly #elsewhere = new Set<CallKey>();
  /** Given up, and not told yet. */
  readonly #untold = new Map<CallKey, GivenUp>();

  /** What waits until all that were given up have ended. */
  #held: Report[] = [];
  #isStopped = false;

  constructor(engine: Engine, run: RunDriver, journal: RunJournal, driverOf: (plan: RunPlan) => RunDriver) {
    this.#engine = engine;
    this.#run = run;
    this.#journal = journal;
    this.#driverOf = driverOf;
  }

  /** What the end of the run waits for, beside its calls. */
  get running(): number {
    let running = this.#untold.size;
    for (const { isOwn } of this.#driven.values()) running += Number(isOwn);
    return running;
  }

  /** Whether one of a call like that was given up, and has not ended as far as is known here. */
  hasGivenUp(isMeant: (key: CallKey) => boolean): boolean {
    if (this.#untold.keys().some(isMeant)) return true;
    return this.#driven
      .entries()
      .some(([key, { isOwn }]) => isOwn && isMeant(key) && this.#openOf(key) === undefined);
  }

  /** The child is decided and not committed: it comes into being with that, unless there is a run of its id. */
  start(key: CallKey): void {
    const found = this.#openOf(key);
    if (found === undefined) return;
    const { child, runId } = found;
    const { store, clock, entropy, version: engine } = this.#engine.options;
    const { unborn, runs } = this.#engine;
    if (unborn.has(runId) || runs.has(runId) || store.getRun(runId, clock.now()) !== undefined) return;
    // It would be taken for that start, and have what was sent to it.
    if (refusedByStart(store, runId, child) !== undefined) return;
    const born = bornOf(this.#run, key, child, { runId, seed: entropy.token(), engine });
    unborn.add(runId);
    this.#unborn.set(key, { run: born, child });
    this.#journal.bear(born);
  }

  /** It is committed, or the run was resumed: the child goes on, or its end is looked up. */
  drive(key: CallKey): void {
    const unborn = this.#unborn.get(key);
    this.#forgetUnborn(key);
    const found = this.#openOf(key);
    if (unborn !== undefined) this.#begin(key, unborn);
    else if (found !== undefined) this.#patiently(key, () => this.#find(key, found.child, found.runId));
    else this.#goOnLeft(key);
  }

  #begin(key: CallKey, { run, child }: Unborn): void {
    const { runId, event } = run;
    const plan = planOf(runId, child, 1, { state: stateOf(run) }, event.inputs);
    const isOpen = this.#openOf(key) !== undefined;
    if (child.isDetached || this.#isLeft(key)) this.#engine.add(this.#driverOf(plan));
    else if (isOpen) this.#launch(key, plan);
    // Given up in the burst that began it: it is cancelled without its code, as one that nobody drives.
    else this.#engine.options.store.releaseLease(runId, 1);
    if (child.isDetached) this.#ended(key, { status: 'detached' });
  }

  /** The call is settled, and what it started goes on, as far as nobody else drives it. */
  #goOnLeft(key: CallKey): void {
    const child = this.#run.host.leftRuns.get(key);
    const call = this.#run.state.calls.get(key);
    if (call?.kind !== 'child' || !this.#isLeft(key)) return;
    this.#patiently(key, () => {
      const { store, clock } = this.#engine.options;
      const first = store.getRun(call.runId, clock.now());
      const record = first === undefined ? undefined : lastOf(store, first, clock.now());
      if (record?.status === 'running') {
        if (child === undefined) store.work.wake(record.runId, clock.now());
        else this.#goOnAlone(child, record.runId);
      }
      this.#run.host.leftRuns.delete(key);
    });
  }

  #goOnAlone(child: OpenChild, runId: RunId): void {
    const plan = this.#engine.runs.has(runId) ? undefined : this.#planAgain(child, runId);
    if (plan !== undefined) this.#engine.add(this.#driverOf(plan));
  }

  /** Its call was given up, and it was not. */
  leave(key: CallKey): void {
    this.#driven.delete(key);
    // A worker may have put it down, to be gone on with by this run.
    if (this.#elsewhere.delete(key)) this.#goOnLeft(key);
    this.#run.ask(() => undefined);
    this.#reportHeld();
  }

  #isLeft(key: CallKey): boolean {
    const call = this.#run.state.calls.get(key);
    return call?.kind === 'child' && call.survives && call.phase !== 'pending';
  }

  #find(key: CallKey, child: OpenChild, runId: RunId): void {
    const { store, clock } = this.#engine.options;
    const first = store.getRun(runId, clock.now());
    const why =
      first === undefined
        ? (refusedByStart(store, runId, child) ?? unknownRun(runId, []))
        : refusedChild(store, this.#run, first, child);
    if (first === undefined || why !== undefined) {
      this.#ended(key, { status: 'failed', error: toErrorRecord(why) });
      return;
    }
    const record = lastOf(store, first, clock.now());
    if (child.isDetached) {
      if (record.status === 'running') this.#goOnAlone(child, record.runId);
      this.#ended(key, { status: 'detached' });
    } else if (record.status === 'running') this.#goOn(key, child, record.runId);
    else this.#ended(key, childOutcome(finalEvent(store, record)));
  }

  /** While another program has the journal locked it is tried again; else it is an error of this run. */
  #patiently(key: CallKey, look: () => void): void {
    try {
      look();
    } catch (error) {
      if (error instanceof RuntimeError && error.code === 'BUSY') this.#elsewhere.add(key);
      else this.#run.fail(error);
    }
  }

  #goOn(key: CallKey, child: OpenChild, runId: RunId): void {
    const active = this.#engine.runs.get(runId);
    if (active !== undefined) {
      this.#waitFor(key, active);
      return;
    }
    const plan = this.#planAgain(child, runId);
    if (plan === undefined) this.#elsewhere.add(key);
    else this.#launch(key, plan);
  }

  /** Undefined where another program drives it, or ended it. */
  #planAgain(child: OpenChild, runId: RunId): RunPlan | undefined {
    const { store } = this.#engine.options;
    const answer = store.acquireLease(runId, this.#engine.claim);
    if (answer.status === 'newer') throw tooNew(runId, answer.minReader);
    if (answer.status !== 'acquired') return undefined;
    const { epoch } = answer.lease;
    try {
      const folded = foldRun(store, runId);
      const first = folded.recorded[0]?.event;
      const inputs = first?.type === 'RunStarted' ? first.inputs : null;
      if (folded.state.phase.status !== 'ended') return planOf(runId, child, epoch, folded, inputs);
    } catch (error) {
      store.releaseLease(runId, epoch);
      throw error;
    }
    // Another program ended it between the look and the lease.
    store.releaseLease(runId, epoch);
    return undefined;
  }

  #launch(key: CallKey, plan: RunPlan): void {
    const driver = this.#driverOf(plan);
    this.#engine.add(driver);
    this.#waitFor(key, driver);
  }

  /** And for those that follow it. */
  #waitFor(key: CallKey, driver: RunDriver): void {
    const { parent } = driver.state;
    const isOwn = parent?.parentRunId === this.#run.runId && parent.parentKey === key;
    this.#driven.set(key, { driver, isOwn });
    void driver.exit.then((exit) => this.#exited(key, driver, exit));
    // The stop came while it was not committed yet.
    if (this.#isStopped && isOwn) void stopAll(driver);
  }

  #exited(key: CallKey, driver: RunDriver, exit: RunExit): void {
    // It is on its own by now, and its call may be forgotten behind a mark.
    if (this.#isLeft(key) || this.#driven.get(key)?.driver !== driver) return;
    this.#driven.delete(key);
    if (exit.status === 'continued') this.#waitFor(key, exit.next);
    else if (exit.status === 'ended') this.#ended(key, childOutcome(exit.event));
    else if (exit.status === 'left') this.#left(key, exit.error);
    else if (exit.status === 'rested') this.#elsewhere.add(key);
    this.#reportHeld();
  }

  /** Without its end: taken over by another program, or stopped here, and then this run cannot go on either. */
  #left(key: CallKey, error: unknown): void {
    if (error instanceof RuntimeError && error.code === 'FENCED') this.#elsewhere.add(key);
    else if (this.#openOf(key) !== undefined && !this.#isStopped) this.#run.fail(error);
    this.#run.ask(() => undefined);
  }

  #ended(key: CallKey, outcome: ChildOutcome): void {
    this.#run.report({ type: 'ChildEnded', key, outcome });
  }

  /** Looks for the ends of those that other programs drive, and takes them over when nobody does. */
  look(): void {
    const keys = [...this.#elsewhere];
    this.#elsewhere.clear();
    for (const key of keys) {
      const untold = this.#untold.get(key);
      if (untold === undefined) this.drive(key);
      else this.cancel(key, untold);
    }
    this.#reportHeld();
  }

  /** When a child goes on by itself, could it be put down now; undefined where it cannot be. */
  wakeAt(key: CallKey): Millis | undefined {
    const driven = this.#driven.get(key);
    if (driven !== undefined) return driven.isOwn ? driven.driver.standstill.rest.wakeAt : undefined;
    // Its end wakes this run, and nothing else of it needs to.
    return this.#elsewhere.has(key) && this.#isOwn(key) ? NEVER : undefined;
  }

  /** Some that were given up have not ended, or have not been told. */
  get isGivingUp(): boolean {
    for (const [key, { isOwn }] of this.#driven) if (isOwn && this.#openOf(key) === undefined) return true;
    // Behind a mark nobody would know that it goes on by itself.
    return this.#untold.size > 0 || this.#elsewhere.values().some((key) => this.#isLeft(key));
  }

  #isOwn(key: CallKey): boolean {
    const found = this.#openOf(key);
    const parent = found === undefined ? undefined : parentOf(this.#engine.options.store, found.runId);
    return parent?.parentRunId === this.#run.runId && parent.parentKey === key;
  }

  /** Puts those down that are driven here: they go on with this run. Gives all whose end is waited for. */
  putDown(): readonly RunId[] {
    const { store, clock } = this.#engine.options;
    const awaited: RunId[] = [];
    for (const { driver } of Array.from(this.#driven.values())) {
      awaited.push(driver.runId);
      driver.standstill.rest.putDown(NEVER);
    }
    for (const key of this.#elsewhere) {
      const record = store.getRun(this.#openOf(key)?.runId ?? '', clock.now());
      if (record !== undefined) awaited.push(lastOf(store, record, clock.now()).runId);
    }
    return awaited;
  }

  /** Whether a child waits for people, and for nothing else. */
  awaitsPeople(key: CallKey): boolean {
    return this.#driven.get(key)?.driver.standstill.awaitsPeople ?? false;
  }

  /** Lets the run that started this one look at itself; false where it is not driven here. */
  tellParent(): boolean {
    const above = this.#run.state.parent;
    const parent = this.#engine.runs.get(above?.parentRunId ?? '');
    const call = parent?.state.calls.get(above?.parentKey ?? '');
    if (call?.kind !== 'child' || call.phase !== 'pending') return false;
    parent?.ask(() => undefined);
    return true;
  }

  /** Its call is given up, which is not committed yet. */
  giveUp(key: CallKey, given: GivenUp): void {
    this.#elsewhere.delete(key);
    this.#untold.set(key, given);
  }

  /** A mark forgets the children before it: after a crash behind it nobody would end one that was given up. */
  whenGone(report: Report): void {
    this.#held.push(report);
    this.#reportHeld();
  }

  #reportHeld(): void {
    if (this.isGivingUp) return;
    for (const report of this.#held.splice(0)) this.#run.report(report);
  }

  /** It is committed. */
  cancel(key: CallKey, given: GivenUp): void {
    this.#forgetUnborn(key);
    this.#patiently(key, () => {
      cancelChild(this.#engine, this.#run.runId, key, given);
      this.#untold.delete(key);
      this.#run.ask(() => undefined);
      this.#reportHeld();
    });
  }

  /** Stops those of its own so that they can be resumed. */
  stop(): void {
    this.#isStopped = true;
    for (const { driver, isOwn } of this.#driven.values()) if (isOwn) void stopAll(driver);
  }

  /** The run is left. */
  drop(): void {
    for (const key of Array.from(this.#unborn.keys())) this.#forgetUnborn(key);
    this.#elsewhere.clear();
    this.#untold.clear();
    this.#held = [];
    this.stop();
  }

  #forgetUnborn(key: CallKey): void {
    const unborn = this.#unborn.get(key);
    if (unborn !== undefined) this.#engine.unborn.delete(unborn.run.runId);
    this.#unborn.delete(key);
  }

  #openOf(key: CallKey): { readonly child: OpenChild; readonly runId: RunId } | undefined {
    const call = this.#run.state.calls.get(key);
    const child = this.#run.host.openCalls.get(key)?.child;
    if (call?.kind !== 'child' || call.phase !== 'pending' || child === undefined) return undefined;
    return { child, runId: call.runId };
  }
}
