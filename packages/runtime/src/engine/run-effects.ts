import type { LogLevel } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { Recorded } from '../journal/event.ts';
import { unreachable } from '../journal/invariant.ts';
import type { Due, Effect, Report } from '../kernel/input.ts';
import { fencedWithin, leftWithin } from '../kernel/resume.ts';
import type { Engine, LogEntry } from './engine.ts';
import { ExitGate } from './exit-gate.ts';
import { logText } from './log-text.ts';
import { attemptDeps, RunAttempts } from './run-attempts.ts';
import { RunChildren } from './run-children.ts';
import type { RunPlan } from './run-plan.ts';
import { RunStreams } from './run-streams.ts';
import { RunTransactions } from './run-transactions.ts';
import type { RunDriver } from './run-driver.ts';
import { RunNotices } from './run-notices.ts';
import { RunGate } from './run-gate.ts';
import type { RunJournal } from './run-journal.ts';
import { Timers } from './timers.ts';

/** Before a deadline looks again into an inbox that another program has locked. */
const BUSY_PAUSE_MS = 50;

/**
 * What follows from a run's decisions.
 *
 * Owns the run's timers, its attempts, and the effects that wait for a commit. Talks to the run by
 * reports. Invariant E1: nothing here acts on the world before the commit of its fact.
 */
export class RunEffects {
  readonly attempts: RunAttempts;
  readonly streams: RunStreams;
  readonly children: RunChildren;
  readonly transactions: RunTransactions;
  readonly timers: Timers;
  /** Undefined where nobody is to be told. */
  readonly notices: RunNotices | undefined;
  readonly exits: ExitGate;
  readonly #engine: Engine;
  readonly #gate: RunGate;
  readonly #journal: RunJournal;
  readonly #run: RunDriver;
  readonly #cancel: (report: Report) => void;
  #waiting: Effect[] = [];
  /** What was due before the head, in that order, and what waits for a slot behind it. */
  #passed: Due[] = [];
  #behind: CallKey[] = [];
  #logs: LogEntry[] = [];

  /** @param cancel queues the cancellation of a fenced call, before everything else */
  constructor(
    engine: Engine,
    run: RunDriver,
    journal: RunJournal,
    driverOf: (plan: RunPlan) => RunDriver,
    cancel: (report: Report) => void,
  ) {
    this.timers = new Timers(engine.options.clock);
    const deps = attemptDeps(engine, run, journal);
    this.streams = new RunStreams(run, deps, engine.options.limits.streamItems);
    this.attempts = new RunAttempts(engine, run, deps, this.streams);
    this.children = new RunChildren(engine, run, journal, driverOf);
    const placeOf: RunAttempts['placeOf'] = (key, attempt) => this.attempts.placeOf(key, attempt);
    this.transactions = new RunTransactions(engine, run, journal, placeOf);
    const { store, clock, tell, sink } = engine.options;
    const warn = (message: string): void => sink.warn(run.runId, message);
    this.notices = tell === undefined ? undefined : new RunNotices(run, { store, clock, tell, warn });
    this.exits = new ExitGate(this.attempts, this.children, this.streams, (key) => this.#queue(key));
    this.#engine = engine;
    this.#gate = new RunGate(engine, run, journal);
    this.#journal = journal;
    this.#run = run;
    this.#cancel = cancel;
  }

  /** Attempts, sources and children that have neither ended nor been given up on. */
  get running(): number {
    return this.attempts.running + this.streams.running + this.children.running;
  }

  /** Of these, what works here and may make a turn by itself. */
  get working(): number {
    return this.attempts.running - this.#run.inbox.hearing + this.streams.working;
  }

  /** What was decided, before its effects. */
  saw(facts: readonly Recorded[]): void {
    for (const fact of facts) {
      const { event } = fact;
      // What begins is two thirds of all, and means nothing to the others.
      if (event.type === 'TaskScheduled' || event.type === 'AttemptStarted') {
        this.notices?.saw(fact);
        continue;
      }
      if (event.type === 'AttemptFailed') this.#run.host.noteFailure(event.key, event.error);
      if (event.type === 'BreakpointAnswered') this.#run.host.noteAnswer(event);
      this.notices?.saw(fact);
      this.#gate.saw(fact);
      this.#run.inbox.offers.saw(fact);
    }
  }

  /**
   * Whether an attempt may have the slot that is there for it; what settles it otherwise is reported.
   * @throws RuntimeError REFUSED where its secrets cannot be opened
   */
  admits(key: CallKey): boolean {
    const { runId, host } = this.#run;
    // Before the start is recorded: without it nothing has begun, and with the key the run goes on.
    const task = host.openCalls.get(key)?.task;
    if (task === undefined) return true;
    if (task.hasSecrets) this.#engine.options.vault.check(runId);
    const settled = this.#gate.admit(key, task);
    if (settled !== undefined) this.#run.report(settled);
    return settled === undefined;
  }

  /** Waiting for a slot and cancelling are bookkeeping; all else waits for the commit. */
  add(effect: Effect): void {
    switch (effect.type) {
      case 'QueueAttempt':
        if (this.#passed.length > 0) this.#behind.push(effect.key);
        else this.#queueUnlessHeld(effect.key);
        return;
      case 'TimerPassed':
        if (this.#passed.length === 0) this.#run.ask(() => this.#tellPassed());
        this.#passed.push(effect.report);
        return;
      case 'AttendAttempt':
        // Its start was committed by an earlier program; and what is given up next is found to be stopped.
        this.attempts.attend(effect.key, effect.attempt);
        return;
      case 'OfferMessages':
        this.#run.inbox.offer(effect.name);
        return;
      case 'CancelWithin':
        this.#cancelAll(fencedWithin(this.#run.state, effect.scope), effect.reason);
        return;
      case 'GiveUpWithin':
        this.#cancelAll(leftWithin(this.#run.state, effect.scope), effect.reason);
        return;
      case 'StartChild':
        this.children.start(effect.key);
        this.#waiting.push(effect);
        return;
      case 'CancelChild':
        this.children.giveUp(effect.key, { isForced: false, ...effect });
        this.#waiting.push(effect);
        return;
      case 'ClearTimers':
        this.attempts.forget(effect.key);
        this.transactions.forget(effect.key);
        this.#waiting.push(effect);
        return;
      default:
        this.#waiting.push(effect);
    }
  }

  /** Behind what was sent to the run meanwhile. What its time is over for is given up before it can get a slot. */
  #tellPassed(): undefined {
    const behind = this.#behind;
    for (const report of this.#passed) this.#due(report);
    this.#passed = [];
    this.#behind = [];
    this.#run.ask((): undefined => {
      for (const key of behind) this.#queueUnlessHeld(key);
    });
  }

  #queueUnlessHeld(key: CallKey): void {
    if (!this.exits.holds(key)) this.#queue(key);
  }

  #queue(key: CallKey): void {
    const task = this.#run.host.openCalls.get(key)?.task;
    const settled = task === undefined ? undefined : this.#gate.ask(key, task);
    if (settled !== undefined) this.#run.report(settled);
    else if (this.streams.has(key)) this.streams.enqueue(key);
    else if (task?.definition.transaction !== undefined) this.transactions.enqueue(key);
    else if (task !== undefined) this.attempts.enqueue(key, task);
  }

  #cancelAll(keys: readonly CallKey[], reason: string): void {
    for (const key of keys) this.#cancel({ type: 'CancelCall', key, reason });
  }

  /** Output of the process, told once what led to it is committed. */
  log(level: LogLevel, values: readonly unknown[]): void {
    const { runId, identity } = this.#run;
    const entry = { runId, process: identity.process, key: null, task: null, attempt: null, level, values };
    this.#logs.push(entry);
    if (this.#engine.options.keepLogs) this.#journal.log(level, logText(values));
  }

  /** The commit is done. */
  release(): void {
    this.streams.release();
    const effects = this.#waiting;
    this.#waiting = [];
    for (const effect of effects) this.#perform(effect);
    this.notices?.release();
    // Last: whoever is told may stop the run, and that aborts what has started.
    const logs = this.#logs;
    this.#logs = [];
    for (const entry of logs) this.#engine.options.sink.log(entry);
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'StartAttempt':
        if (this.streams.has(effect.key))
          this.streams.start(this.attempts.placeOf(effect.key, effect.attempt));
        else this.attempts.start(effect.key, effect.attempt);
        return;
      case 'AbortAttempt':
        this.attempts.abort(effect.key, effect.reason);
        this.streams.abort(effect.key, effect.reason);
        return;
      case 'RunCheck':
        this.attempts.check(effect.key, effect.attempt);
        return;
      case 'HandMessage':
        this.attempts.hand(effect.key, effect.attempt, effect.n, effect.payload);
        return;
      case 'StartChild':
      case 'DriveChild':
        this.children.drive(effect.key);
        return;
      case 'LeaveChild':
        this.children.leave(effect.key);
        return;
      case 'CancelChild':
        this.children.cancel(effect.key, { isForced: false, ...effect });
        return;
      case 'SetTimer':
        this.#setTimer(effect.delayMs, effect.report);
        return;
      case 'ClearTimers':
        if (this.timers.size === 0) return;
        for (const type of ['RetryDue', 'DeadlinePassed', 'TimerDue', 'ScopeDue', 'WaitDue']) {
          this.timers.clear(`${type} ${effect.key}`);
        }
        return;
      case 'QueueAttempt':
      case 'TimerPassed':
      case 'AttendAttempt':
      case 'OfferMessages':
      case 'CancelWithin':
      case 'GiveUpWithin':
        return;
      default:
        unreachable(effect);
    }
  }

  #setTimer(delayMs: number, report: Due): void {
    this.timers.set(`${report.type} ${report.key}`, delayMs, () => this.#due(report));
  }

  #due(report: Due): void {
    if (report.type !== 'DeadlinePassed') this.#run.report(report);
    else if (!this.#run.inbox.offers.due(report)) this.#setTimer(BUSY_PAUSE_MS, report);
  }

  /** Comes every now and then. */
  look(): void {
    this.children.look();
    if (!this.#journal.logs.look()) return;
    this.#engine.touch(this.#run);
    this.#engine.loop.wake(this.#run);
  }

  /** The run is left: nothing of it acts any more. */
  drop(): void {
    this.#keepLastLogs();
    this.attempts.forgetAll();
    // A start that was granted and never committed gives its slot back.
    for (const effect of this.#waiting)
      if (effect.type === 'StartAttempt' && !this.streams.has(effect.key)) this.attempts.forgo(effect.key);
    this.#waiting = [];
    this.timers.clearAll();
    this.children.drop();
    this.abortAll('the run was stopped');
  }

  /** Others may have the run by now, or the disk may be full: then they are lost, as they would be by a crash. */
  #keepLastLogs(): void {
    const { runId, plan } = this.#run;
    const last = this.#journal.lastLogs(runId, plan.epoch);
    this.#journal.logs.close();
    if (last === undefined) return;
    try {
      this.#engine.options.store.append([last], this.#engine.claim);
    } catch {
      // See above.
    }
  }

  abortAll(reason: string): void {
    this.notices?.stop();
    this.transactions.forgetAll();
    this.attempts.abortAll(reason);
    this.streams.abortAll(reason);
    this.children.stop();
  }
}
