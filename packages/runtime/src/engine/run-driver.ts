import type { LogLevel } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import { isRecordedOutcome, isTerminal, type Recorded, type TerminalEvent } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import { assert, unreachable } from '../journal/invariant.ts';
import type { Command, Report } from '../kernel/input.ts';
import type { RunState } from '../kernel/state.ts';
import type { AppendRun } from '../ports/journal-store.ts';
import { createContext } from '../process/context.ts';
import { ProcessHost } from '../process/host.ts';
import { Compactor } from './compactor.ts';
import type { Engine } from './engine.ts';
import { guardPort } from './guard-port.ts';
import { HeadLook } from './head-look.ts';
import { schemaProblem } from './json-schema.ts';
import { isBusy } from './patience.ts';
import { poolPort } from './pools/plans.ts';
import { Replay } from './replay.ts';
import { whenChecked } from './run-check.ts';
import { RunEffects } from './run-effects.ts';
import { RunInbox } from './run-inbox.ts';
import { fencedError, stoppedError } from './run-exits.ts';
import type { RunExit, RunPlan } from './run-plan.ts';
import { RunJournal, type Decided } from './run-journal.ts';
import { RunLease } from './run-lease.ts';
import { RunReports } from './run-reports.ts';
import { endOf, endStage } from './run-end.ts';
import { Standstill } from './standstill.ts';
import { Succession } from './succession.ts';
import type { Turnable } from './turn-loop.ts';

type Phase = 'fresh' | 'replaying' | 'live' | 'ending' | 'stopping' | 'left';

/**
 * Drives one run: replay, then turns at the head, then its end.
 *
 * Owns the run's state, its buffer of uncommitted events and its timers. Talks to the host (process),
 * the engine (commits, slots) and its attempts.
 * Invariants: P2 one report is decided and delivered per turn; E1 effects wait for their commit;
 * nothing is buffered before the replay has reached the head.
 */
export class RunDriver implements Turnable {
  readonly runId: RunId;
  readonly exit: Promise<RunExit>;
  readonly host: ProcessHost;
  readonly state: RunState;
  readonly plan: RunPlan;
  readonly #engine: Engine;
  readonly #lease: RunLease;
  readonly #journal: RunJournal;
  readonly #effects: RunEffects;
  readonly #replay: Replay;
  /** Of one that is only replayed: undefined in one that is driven. */
  readonly look: HeadLook | undefined;
  readonly standstill: Standstill;
  readonly #compactor: Compactor;
  readonly #succession: Succession;
  readonly #settleExit: (exit: RunExit) => void;
  readonly #reports: RunReports;
  readonly inbox: RunInbox;
  #phase: Phase = 'fresh';
  #terminal: TerminalEvent | undefined;
  #stopReason: Error | undefined;
  constructor(engine: Engine, plan: RunPlan) {
    const { clock, digest, limits, strict, sink, standIn } = engine.options;
    this.#engine = engine;
    this.plan = plan;
    this.runId = plan.runId;
    this.state = plan.state;
    this.#journal = new RunJournal(plan.state, clock, limits);
    this.#lease = new RunLease(engine, plan.runId, plan.epoch, plan.start === undefined && !plan.replayOnly);
    this.host = new ProcessHost(
      plan.runId,
      {
        recorded: (key) => this.state.calls.get(key),
        isAt: (place) => this.#replay.isAt(place),
        changed: () => this.#wake(),
        signalAborted: (key, reason) => this.report({ type: 'SignalAborted', key, reason }),
        itemTaken: (key) => this.#itemTaken(key),
        foldReached: (reached) => this.#effects.children.whenGone({ type: 'FoldReached', ...reached }),
        leftBehind: (key) => this.report({ type: 'LeftBehind', key }),
        stateNames: () => this.state.stateNames,
        depth: () => this.state.parent?.depth ?? 0,
        checkInputs: plan.checkInputs,
        childAsked: (runId, process) => this.look?.childAsked(runId, process),
        log: (level, values) => this.#logWhenCommitted(level, values),
        warn: (message) => sink.warn(plan.runId, message),
        fail: (error) => this.fail(error),
        ...guardPort(engine.options, plan, this),
        ...poolPort(engine, plan.replayOnly, (error) => this.fail(error)),
        schemaProblem,
        standIn: plan.standIn ?? standIn,
        digest,
      },
      limits,
      strict,
    );
    this.#reports = new RunReports(this.host);
    this.inbox = new RunInbox(this, this.#journal, engine.options);
    const driverOf = (next: RunPlan): RunDriver => new RunDriver(engine, next);
    this.#succession = new Succession(engine, plan, driverOf);
    this.#compactor = new Compactor(engine, plan);
    this.#effects = new RunEffects(engine, this, this.#journal, driverOf, (report) =>
      this.#reports.cancel(report),
    );
    this.standstill = new Standstill(this, this.#effects, engine.options, plan.restAfterMs);
    this.look = HeadLook.of(plan, this.host, engine.options);
    this.#replay = new Replay(plan, this.host, engine.options, this.look);
    ({ promise: this.exit, resolve: this.#settleExit } = Promise.withResolvers<RunExit>());
  }

  /** Which run this is, also before its first commit. */
  get identity(): { readonly process: string; readonly inputsHash: string } {
    return this.plan.start ?? this.state;
  }

  get isReady(): boolean {
    if (this.#phase === 'left') return false;
    if (this.#phase === 'fresh') return true;
    if (this.#phase === 'replaying') return this.#replay.isImpatient;
    return this.#reports.length > 0 || this.#effects.transactions.hasOutcome || this.host.hasCommands;
  }

  get isBursting(): boolean {
    return (
      this.#phase !== 'replaying' &&
      this.#phase !== 'fresh' &&
      this.isReady &&
      this.#journal.uncommitted < this.#engine.options.limits.burstEvents
    );
  }

  /** Nothing happens in it now. */
  get isStill(): boolean {
    return this.#phase === 'live' && !this.isReady && !this.hasUncommitted;
  }

  get hasUncommitted(): boolean {
    return this.#journal.hasMore || this.#effects.transactions.isWaiting;
  }

  /** What the world tells; it is decided in a turn of its own. */
  report(report: Report): void {
    this.ask(report);
  }

  /** For a report that may be known only when its turn comes. */
  ask(report: Report | (() => Report | undefined)): void {
    if (this.#phase === 'left' || this.#terminal !== undefined) return;
    this.#reports.push(report);
    this.standstill.answered();
    this.#wake();
  }

  beginTurn(): void {
    switch (this.#phase) {
      case 'fresh':
        this.host.beginTurn();
        this.#begin();
        return;
      case 'replaying':
        this.host.beginTurn();
        this.#stepReplay();
        return;
      case 'live':
      case 'ending':
      case 'stopping':
        if (this.#effects.transactions.deliver()) return;
        // What was asked for since the last turn was asked for before the next outcome.
        this.#absorb();
        this.host.beginTurn();
        if (!this.host.tuneNext()) this.#deliverNext();
        return;
      case 'left':
        return;
      default:
        unreachable(this.#phase);
    }
  }

  endTurn(): void {
    this.host.endTurn();
    if (this.#phase === 'replaying') {
      this.#judgeReplay();
    } else if (this.#phase !== 'left') {
      this.#absorb();
      this.#checkEnd();
    }
  }

  #begin(): void {
    const { run, inputs, start, recorded } = this.plan;
    this.host.seed = start?.seed ?? this.state.seed;
    if (start !== undefined) {
      this.#phase = 'live';
      this.host.goLive();
      this.#decide(start);
    } else {
      this.#phase = 'replaying';
      // Of one that has only begun nothing is waited for, unless it is looked at where it stands.
      if (this.look !== undefined || !this.#replay.isAt(null)) this.host.foreign.watch();
    }
    const known = recorded ?? (start === undefined ? this.#engine.options.store.read(this.runId, 0, 1) : []);
    const startedAt = known[0]?.at ?? this.state.lastAt;
    this.host.start(run, inputs, createContext(this.host), startedAt);
  }

  #stepReplay(): void {
    const step = this.#replay.step();
    if (step === 'finished') this.leave({ status: 'replayed', reached: 'end', asks: null });
    if (this.#phase === 'left' || step !== 'head') return;
    // The calls that are pending now go on; the host's commands are new.
    this.#phase = 'live';
    const { codeHash } = this.plan;
    if (codeHash !== undefined) this.#decide({ type: 'CodeFits', codeHash });
    this.#decide({ type: 'HeadReached' });
    this.host.goLive();
    this.readInbox();
  }

  #judgeReplay(): void {
    const exit = this.look?.exit();
    if (exit !== undefined) this.leave(exit);
    this.#replay.judge();
    if (this.#phase === 'left' || this.#replay.isImpatient || this.#replay.isHeld) return;
    this.#effects.timers.set('stall', this.#replay.remainingMs, () => this.#wake(), 'stall');
  }

  /** Decides reports until one of them is an outcome, and delivers that. */
  #deliverNext(): void {
    for (let report = this.#reports.next(); report !== undefined; report = this.#reports.next()) {
      const outcome = this.#decide(report).find(isRecordedOutcome);
      if (outcome === undefined) continue;
      this.host.deliver(outcome);
      return;
    }
  }

  #decide(input: Command | Report): readonly Recorded[] {
    const decided = this.#journal.decide(input);
    this.#follow(decided);
    return decided.recorded;
  }

  #follow({ recorded, effects }: Decided): void {
    this.#effects.saw(recorded);
    this.#engine.touch(this);
    for (const effect of effects) this.#effects.add(effect);
  }

  #absorb(): void {
    for (const command of this.host.takeCommands()) this.#decide(command);
    if (this.#phase === 'stopping') return;
    this.#effects.exits.look();
    for (const key of this.#effects.streams.takeReady()) this.#decide({ type: 'SlotGranted', key });
  }

  /** Called when a burst is about to be committed. @throws RuntimeError BUSY */
  grantSlot(key: CallKey): boolean {
    try {
      // The commit of the start proves the lease, and `isOurs` once more before the start itself.
      if (this.#phase === 'stopping' || this.#phase === 'left' || this.#terminal !== undefined) return false;
      return this.#effects.admits(key) && this.#decide(this.#effects.attempts.granted(key)).length > 0;
    } catch (error) {
      if (isBusy(error)) throw error;
      this.fail(error);
      return false;
    }
  }

  /** Asked before each start (law 10): a run whose lease is lost is left. */
  isOurs(): boolean {
    if (this.#phase !== 'left' && !this.#lease.prove()) this.fenced();
    return this.#phase !== 'left';
  }

  takeBatch(): AppendRun {
    return this.#journal.batch(this.runId, this.plan.epoch, {
      successor: this.#succession.successor,
      transaction: this.#phase === 'stopping' ? undefined : this.#effects.transactions.next(),
    });
  }

  committed(): void {
    const done = this.#effects.transactions.accept();
    if (done !== undefined) this.#follow(done);
    const events = this.#journal.committed();
    this.#compactor.committed(events);
    this.#lease.proven();
    this.#engine.told(this, events);
    this.afterBurst();
    if (this.#terminal !== undefined) this.leave(this.#succession.exitBy(this.#terminal));
    // Nothing runs that would make the turn in which a stop, or a wait for a person, is seen.
    else if (this.#effects.working === 0) this.#wake();
  }

  /** After a commit: removes what marks have made useless. */
  compact(): void {
    if (this.#phase !== 'left' && !this.#compactor.work()) this.fenced();
  }

  /** What waited for the commit. First the effects: whoever is told may stop the run, and that aborts what has started. */
  afterBurst(): void {
    this.#effects.release();
  }

  /** Another owner took the run: nothing of the buffer was written. */
  fenced(): void {
    this.fail(fencedError(this.runId));
  }

  #logWhenCommitted(level: LogLevel, values: readonly unknown[]): void {
    this.plan.pace?.log(level, values);
    if (this.#phase === 'left' || this.plan.replayOnly) return;
    this.#effects.log(level, values);
    this.#engine.touch(this);
  }

  #itemTaken(key: CallKey): void {
    if (!this.#effects.streams.noteTaken(key)) return;
    this.#engine.touch(this);
    this.#wake();
  }

  /** An attempt ended, or was given up on, of this run or of another: what waits can start now. */
  slotFreed(): void {
    if (this.#phase !== 'left') this.#wake();
  }

  /** Law 12: nothing is left open. The end waits for aborted attempts, up to their grace. */
  #checkEnd(): void {
    if (this.#reports.length > 0 || this.#terminal !== undefined) return;
    if (this.#phase === 'stopping') {
      if (this.#effects.running === 0 && this.#journal.uncommitted === 0) this.fail(this.#stopReason);
      return;
    }
    const stage = endStage(this.host, this.state);
    if (stage.status === 'goesOn') {
      this.standstill.turned(!this.hasUncommitted && !this.isReady);
      return;
    }
    if (stage.status === 'closes') {
      this.#decide({ type: 'CloseScope', key: '', decided: stage.decided });
      return;
    }
    this.#phase = 'ending';
    if (this.#effects.running > 0) return;
    const { payloadBytes } = this.#engine.options.limits;
    const { result } = this.host;
    const ended = endOf(this.state, result, payloadBytes, this.#succession.nextId(result));
    const [recorded] = this.#decide({ type: 'RunEnded', result: ended });
    assert(recorded !== undefined && isTerminal(recorded.event), 'J6', 'the end of a run is an event');
    this.#terminal = recorded.event;
    this.#succession.ended(recorded.event, recorded.at);
    this.#effects.timers.clearAll();
  }

  /** Looks for what other programs sent. */
  readInbox(): void {
    if (this.#phase === 'live') this.inbox.read();
  }

  /** Renews the lease in good time, and looks after children elsewhere. */
  keepLease(): void {
    if (this.#phase !== 'left' && !this.#lease.keep()) this.fenced();
    else if (this.#phase === 'live' || this.#phase === 'ending') this.#effects.look();
  }

  /** Graceful stop: running attempts are aborted, what they answer is recorded, the run stays resumable. */
  stop(reason?: Error): void {
    if (this.#phase === 'left' || this.#phase === 'stopping' || this.#terminal !== undefined) return;
    const why = reason ?? stoppedError(this.runId, this.state.seq > 0);
    if (this.#phase !== 'live' && this.#phase !== 'ending') return this.fail(why);
    this.#phase = 'stopping';
    this.#stopReason = why;
    this.#effects.timers.clearAll();
    this.#effects.abortAll('the program was asked to stop');
    this.#wake();
  }

  /** Leaves the run as its journal has it. */
  fail(error: unknown): void {
    this.leave({ status: 'left', error });
  }

  leave(exit: RunExit): void {
    if (this.#phase === 'left') return;
    this.#phase = 'left';
    // First it waits for nothing more: a slot that it gives back goes to others.
    this.#engine.remove(this, exit);
    this.#effects.drop();
    this.host.stop();
    this.#lease.release(exit);
    whenChecked(this.#engine.options, this.plan, exit, () => this.#settleExit(exit));
  }

  #wake(): void {
    this.#engine.loop.wake(this);
  }
}
