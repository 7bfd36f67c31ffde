import type { Process } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import { toErrorRecord } from '../journal/error-record.ts';
import { isOutcome, isTerminal, type Recorded, type TerminalEvent } from '../journal/event.ts';
import type { Epoch, Millis, RunId } from '../journal/ids.ts';
import { assert, unreachable } from '../journal/invariant.ts';
import { decide } from '../kernel/decide.ts';
import { evolve } from '../kernel/evolve.ts';
import type { Command, Effect, Report, RunResult } from '../kernel/input.ts';
import { pendingWithin } from '../kernel/resume.ts';
import type { RunState } from '../kernel/state.ts';
import type { AppendRun, InboxMessage, NewEvent } from '../ports/journal-store.ts';
import { RuntimeError } from '../errors.ts';
import { createContext, encodePayload } from '../process/context.ts';
import { ProcessHost } from '../process/host.ts';
import type { Engine } from './engine.ts';
import type { SlotTaker } from './dispatcher.ts';
import { Replay } from './replay.ts';
import { RunAttempts } from './run-attempts.ts';
import { Timers } from './timers.ts';
import type { Turnable } from './turn-loop.ts';

export interface RunPlan {
  readonly runId: RunId;
  readonly epoch: Epoch;
  readonly run: Process;
  readonly inputs: unknown;
  /** Folded from the journal; fresh for a new run. */
  readonly state: RunState;
  /** Given for a new run. */
  readonly start: Extract<Command, { type: 'StartRun' }> | undefined;
  /** Compares only: nothing is recorded or started, and the driver leaves at the journal's head. */
  readonly replayOnly: boolean;
}

/** How a run left this runtime. */
export type RunExit =
  | { readonly status: 'ended'; readonly event: TerminalEvent }
  /** A replay-only drive came to the end of an ended run, or to the head of one that goes on. */
  | { readonly status: 'replayed'; readonly reached: 'end' | 'head' }
  /** Stopped here; its journal is as it was, and it can be resumed. */
  | { readonly status: 'left'; readonly error: unknown };

type Phase = 'fresh' | 'replaying' | 'live' | 'ending' | 'stopping' | 'left';

/**
 * Drives one run: replay, then turns at the head, then its end.
 *
 * Owns the run's state, its buffer of uncommitted events and its timers. Talks to the host (process),
 * the engine (commits, slots) and its attempts.
 * Invariants: P2 one report is decided and delivered per turn; E1 effects wait for their commit;
 * nothing is buffered before the replay has reached the head.
 */
export class RunDriver implements Turnable, SlotTaker {
  readonly runId: RunId;
  readonly exit: Promise<RunExit>;
  readonly host: ProcessHost;
  readonly state: RunState;
  readonly #plan: RunPlan;
  readonly #engine: Engine;
  readonly #timers: Timers;
  readonly #attempts: RunAttempts;
  readonly #replay: Replay;
  readonly #settleExit: (exit: RunExit) => void;
  readonly #reports: { report: Report; messageId: string | undefined }[] = [];
  /** Cancellations of fenced calls go before everything else, one a turn. */
  readonly #cancels: Report[] = [];
  readonly #seenMessages = new Set<string>();
  #phase: Phase = 'fresh';
  #buffer: Recorded[] = [];
  #effects: Effect[] = [];
  #logs: (readonly unknown[])[] = [];
  #consumed: string[] = [];
  #committedSeq: number;
  #toldWaiting = false;
  #leaseProvenAt: Millis;
  #terminal: TerminalEvent | undefined;

  constructor(engine: Engine, plan: RunPlan) {
    const { clock, store, digest, limits, strict, stallMs, sink } = engine.options;
    this.#engine = engine;
    this.#plan = plan;
    this.runId = plan.runId;
    this.state = plan.state;
    this.#committedSeq = plan.state.seq;
    this.#leaseProvenAt = clock.monotonic();
    this.#timers = new Timers(clock);
    this.host = new ProcessHost(
      plan.runId,
      {
        recorded: (key) => this.state.calls.get(key),
        changed: () => this.#wake(),
        signalAborted: (key, reason) => this.report({ type: 'SignalAborted', key, reason }),
        log: (values) => this.#logWhenCommitted(values),
        warn: (message) => sink.warn(plan.runId, message),
        digest,
      },
      limits,
      strict,
    );
    this.#attempts = new RunAttempts(engine, this);
    this.#replay = new Replay({ runId: plan.runId, store, state: plan.state, host: this.host, clock, stallMs });
    const { promise, resolve } = Promise.withResolvers<RunExit>();
    this.exit = promise;
    this.#settleExit = resolve;
  }

  get isReady(): boolean {
    switch (this.#phase) {
      case 'fresh':
        return true;
      case 'replaying':
        return this.#replay.isImpatient;
      case 'live':
      case 'ending':
      case 'stopping':
        return this.#cancels.length > 0 || this.#reports.length > 0 || this.host.hasCommands;
      case 'left':
        return false;
      default:
        return unreachable(this.#phase);
    }
  }

  get isBursting(): boolean {
    return this.#phase !== 'replaying' && this.#phase !== 'fresh' && this.isReady && this.#buffer.length < this.#engine.options.limits.burstEvents;
  }

  get hasUncommitted(): boolean {
    return this.#buffer.length > 0;
  }

  /** What the world tells; it is decided in a turn of its own. */
  report(report: Report, messageId?: string): void {
    if (this.#phase === 'left' || this.#terminal !== undefined) return;
    this.#reports.push({ report, messageId });
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
        // What was asked for since the last turn was asked for before the next outcome.
        this.#absorb();
        this.host.beginTurn();
        this.#deliverNext();
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
      this.host.takeCommands();
      this.#judgeReplay();
    } else if (this.#phase !== 'left') {
      this.#absorb();
      this.#checkEnd();
    }
  }

  #begin(): void {
    const { run, inputs, start } = this.#plan;
    this.host.seed = start?.seed ?? this.state.seed;
    if (start !== undefined) {
      this.#phase = 'live';
      this.host.goLive();
      this.#decide(start);
    } else {
      this.#phase = 'replaying';
      this.host.foreign.watch();
    }
    const startedAt = start === undefined ? this.#startedAt() : this.state.lastAt;
    this.host.start(run, inputs, createContext(this.host), startedAt);
  }

  #startedAt(): Millis {
    return this.#engine.options.store.read(this.runId, 0, 1)[0]?.at ?? 0;
  }

  #stepReplay(): void {
    const step = this.#replay.step();
    if (step === 'finished') this.#leave({ status: 'replayed', reached: 'end' });
    if (step !== 'head') return;
    if (this.#plan.replayOnly) {
      this.#leave({ status: 'replayed', reached: 'head' });
      return;
    }
    // The calls that are pending now go on; those that goLive asks for are new.
    this.#phase = 'live';
    this.#decide({ type: 'HeadReached' });
    this.host.takeCommands();
    this.host.goLive();
    this.readInbox();
  }

  #judgeReplay(): void {
    this.#replay.judge();
    if (this.#replay.isImpatient) return;
    this.#timers.set('stall', this.#replay.remainingMs, () => this.#wake());
  }

  /** Decides reports until one of them is an outcome, and delivers that. */
  #deliverNext(): void {
    for (;;) {
      const cancel = this.#cancels.shift();
      const next = cancel === undefined ? this.#reports.shift() : { report: cancel, messageId: undefined };
      if (next === undefined) return;
      if (next.messageId !== undefined) this.#consumed.push(next.messageId);
      const outcome = this.#decide(next.report).find((recorded) => isOutcome(recorded.event));
      if (outcome === undefined) continue;
      const { event } = outcome;
      if (isOutcome(event)) this.host.deliver({ ...outcome, event });
      return;
    }
  }

  #decide(input: Command | Report): Recorded[] {
    const now = Math.max(this.#engine.options.clock.now(), this.state.lastAt);
    const { events, effects } = decide(this.state, input, now);
    const recorded = events.map((event): Recorded => {
      const fact = { seq: this.state.seq + 1, at: now, event };
      evolve(this.state, fact);
      if (event.type === 'AttemptFailed') this.host.noteFailure(event.key, event.error);
      return fact;
    });
    this.#buffer.push(...recorded);
    this.#engine.touch(this);
    for (const effect of effects) this.#arrange(effect);
    return recorded;
  }

  /** Waiting for a slot and cancelling are bookkeeping; all else waits for the commit. */
  #arrange(effect: Effect): void {
    switch (effect.type) {
      case 'QueueAttempt':
        this.#attempts.enqueue(effect.key);
        return;
      case 'CancelWithin':
        for (const key of pendingWithin(this.state, effect.scope)) {
          this.#cancels.push({ type: 'CancelCall', key, reason: effect.reason });
        }
        return;
      default:
        this.#effects.push(effect);
    }
  }

  #absorb(): void {
    for (const command of this.host.takeCommands()) this.#decide(command);
  }

  /** Called when a burst is about to be committed. */
  grantSlot(key: CallKey): boolean {
    if (this.#phase === 'stopping' || this.#phase === 'left' || this.#terminal !== undefined) return false;
    if (!this.#proveLease()) return false;
    return this.#decide({ type: 'SlotGranted', key }).length > 0;
  }

  takeBatch(): AppendRun {
    const events: NewEvent[] = this.#buffer.map(({ at, event }) => ({ at, event }));
    return {
      runId: this.runId,
      epoch: this.#plan.epoch,
      afterSeq: this.#committedSeq,
      events,
      consumed: this.#consumed,
    };
  }

  committed(): void {
    const events = this.#buffer;
    this.#buffer = [];
    this.#consumed = [];
    this.#committedSeq = this.state.seq;
    this.#leaseProvenAt = this.#engine.options.clock.monotonic();
    this.afterBurst();
    this.#engine.options.sink.committed(this.runId, events);
    if (this.#terminal !== undefined) this.#leave({ status: 'ended', event: this.#terminal });
  }

  /** What waited for the commit: effects start, and log output is told. */
  afterBurst(): void {
    const effects = this.#effects;
    const logs = this.#logs;
    this.#effects = [];
    this.#logs = [];
    for (const values of logs) this.#engine.options.sink.log({ runId: this.runId, key: null, values });
    for (const effect of effects) this.#perform(effect);
  }

  /** Another owner took the run: nothing of the buffer was written. */
  fenced(): void {
    this.fail(
      new RuntimeError('FENCED', `Run ${this.runId} was taken over by another owner; this one writes nothing any more.`, {
        hint: `See how it goes on: pawl show ${this.runId}`,
        data: { runId: this.runId },
      }),
    );
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'StartAttempt':
        this.#attempts.start(effect.key, effect.attempt);
        return;
      case 'AbortAttempt':
        this.#attempts.abort(effect.key, effect.reason);
        return;
      case 'RunCheck':
        this.#attempts.check(effect.key, effect.attempt);
        return;
      case 'SetTimer': {
        const { report } = effect;
        this.#timers.set(`${report.type} ${report.key}`, effect.delayMs, () => this.report(report));
        return;
      }
      case 'ClearTimers':
        for (const type of ['RetryDue', 'DeadlinePassed', 'TimerDue', 'ScopeDue']) this.#timers.clear(`${type} ${effect.key}`);
        return;
      case 'QueueAttempt':
      case 'CancelWithin':
        return;
      default:
        unreachable(effect);
    }
  }

  #logWhenCommitted(values: readonly unknown[]): void {
    this.#logs.push(values);
    this.#engine.touch(this);
  }

  /** An attempt ended, or was given up on: its slot is free. */
  attemptGone(): void {
    if (this.#phase !== 'left') this.#wake();
  }

  /** Law 12: nothing is left open. The end waits for aborted attempts, up to their grace. */
  #checkEnd(): void {
    if (this.#cancels.length > 0 || this.#reports.length > 0 || this.#terminal !== undefined) return;
    if (this.#phase === 'stopping') {
      if (this.#attempts.running === 0 && this.#buffer.length === 0) this.#leaveStopped();
      return;
    }
    const { result } = this.host;
    const cancelled = this.state.phase.status === 'cancelling' ? this.state.phase.reason : undefined;
    if (result === undefined && cancelled === undefined) {
      this.#tellWaiting();
      return;
    }
    this.host.closeRoot();
    if (this.state.pending.size > 0) {
      if (this.state.phase.status !== 'running' || result === undefined) return;
      const outcome = result.ok ? 'fulfilled' : 'rejected';
      this.#decide({ type: 'CloseScope', key: '', decided: { outcome, winner: null } });
      return;
    }
    this.#phase = 'ending';
    if (this.#attempts.running > 0) return;
    const ended: RunResult = cancelled === undefined ? this.#runResult() : { status: 'cancelled', reason: cancelled };
    const [recorded] = this.#decide({ type: 'RunEnded', result: ended });
    assert(recorded !== undefined && isTerminal(recorded.event), 'J6', 'the end of a run is an event');
    this.#terminal = recorded.event;
    this.#timers.clearAll();
  }

  #runResult(): RunResult {
    const { result } = this.host;
    if (result === undefined) return { status: 'cancelled', reason: '' };
    if (!result.ok) return { status: 'failed', error: toErrorRecord(result.error) };
    try {
      return { status: 'succeeded', output: encodePayload('The output of the process', result.value, this.#engine.options.limits.payloadBytes) };
    } catch (error) {
      return { status: 'failed', error: toErrorRecord(error) };
    }
  }

  /** Told once when nothing can go on before a person answers. */
  #tellWaiting(): void {
    const { pending, calls } = this.state;
    if (this.#toldWaiting || pending.size === 0 || this.#buffer.length > 0) return;
    for (const key of pending) {
      const call = calls.get(key);
      if (call?.kind !== 'task' || call.phase !== 'asked') return;
    }
    this.#toldWaiting = true;
    this.#engine.options.sink.waiting(this.runId, [...pending]);
  }

  /** Looks for what other programs sent. */
  readInbox(): void {
    if (this.#phase !== 'live') return;
    for (const message of this.#engine.options.store.takeInbox(this.runId)) this.receive(message);
  }

  receive(message: InboxMessage): void {
    if (this.#seenMessages.has(message.id)) return;
    this.#seenMessages.add(message.id);
    switch (message.kind) {
      case 'cancel':
        this.report({ type: 'CancelRun', reason: message.reason }, message.id);
        return;
      case 'resolve':
        this.#toldWaiting = false;
        this.report({ type: 'OutcomeResolved', key: message.key, by: 'person', answer: answerOf(message) }, message.id);
        return;
      default:
        unreachable(message);
    }
  }

  /** Renews the lease in good time. */
  keepLease(): void {
    const { leaseMs, clock } = this.#engine.options;
    if (this.#phase === 'left' || this.#committedSeq === 0 || this.#plan.replayOnly) return;
    if (clock.monotonic() - this.#leaseProvenAt > leaseMs / 3) this.#renewLease();
  }

  /** Before an attempt starts: the lease was proven well within its time, or is proven now. */
  #proveLease(): boolean {
    const { leaseMs, clock } = this.#engine.options;
    if (this.#committedSeq === 0 || clock.monotonic() - this.#leaseProvenAt < leaseMs / 2) return true;
    return this.#renewLease();
  }

  #renewLease(): boolean {
    const { store, clock } = this.#engine.options;
    if (!store.renewLease(this.runId, this.#plan.epoch, this.#engine.claim)) {
      this.fenced();
      return false;
    }
    this.#leaseProvenAt = clock.monotonic();
    return true;
  }

  /** Graceful stop: running attempts are aborted, what they answer is recorded, the run stays resumable. */
  stop(): void {
    if (this.#phase === 'left' || this.#phase === 'stopping' || this.#terminal !== undefined) return;
    const wasLive = this.#phase === 'live' || this.#phase === 'ending';
    this.#phase = wasLive ? 'stopping' : this.#phase;
    if (!wasLive) {
      this.#leaveStopped();
      return;
    }
    this.#timers.clearAll();
    this.#attempts.abortAll('the program was asked to stop');
    this.#wake();
  }

  #leaveStopped(): void {
    this.#leave({
      status: 'left',
      error: new RuntimeError('STOPPED', `Run ${this.runId} was stopped before its end; nothing that was finished is lost.`, {
        hint: `Go on: pawl resume ${this.runId}`,
        data: { runId: this.runId },
      }),
    });
  }

  /** Leaves the run as its journal has it. */
  fail(error: unknown): void {
    this.#leave({ status: 'left', error });
  }

  #leave(exit: RunExit): void {
    if (this.#phase === 'left') return;
    this.#phase = 'left';
    this.#timers.clearAll();
    this.#attempts.abortAll('the run was stopped');
    this.host.stop();
    this.#engine.remove(this);
    this.#releaseLease();
    this.#settleExit(exit);
  }

  #releaseLease(): void {
    try {
      if (this.#committedSeq > 0 && !this.#plan.replayOnly) this.#engine.options.store.releaseLease(this.runId, this.#plan.epoch);
    } catch {
      // The store is closed or broken; the lease ends by itself.
    }
  }

  #wake(): void {
    this.#engine.loop.wake(this);
  }
}

function answerOf(message: Extract<InboxMessage, { kind: 'resolve' }>): Extract<Report, { type: 'OutcomeResolved' }>['answer'] {
  const { as } = message;
  if (as.status === 'failed') return { status: 'failed', error: { name: 'Error', message: as.message } };
  return as;
}
