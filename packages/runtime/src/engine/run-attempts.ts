import { ratePlan } from '@pawl/sdk';
import { RuntimeError } from '../errors.ts';
import type { CallKey } from '../journal/call-key.ts';
import type { Digest } from '../journal/digest.ts';
import type { Encoded } from '../journal/event.ts';
import type { AttemptOwner, AttemptPlace, AttemptSlot, LiveAttempt } from './attempt-owner.ts';
import { Attempt, type AttemptDeps } from './attempt.ts';
import type { Engine } from './engine.ts';
import { DEFAULT_POOL } from './pools/plans.ts';
import type { RatedTask } from './pools/pool-tree.ts';
import type { SlotTaker, Ticket } from './pools/pool.ts';
import type { OpenTask } from '../process/open-call.ts';
import type { RunDriver } from './run-driver.ts';
import { logText } from './log-text.ts';
import type { RunJournal } from './run-journal.ts';
import { recordedMessage } from './recorded-message.ts';
import { RemoteAttempt } from './remote-attempt.ts';
import type { RunStreams } from './run-streams.ts';
import { NO_SLOT, Slot, type SlotOwner } from './slot.ts';
import type { Report } from '../kernel/input.ts';

function ratedTask({ name, settings: { rate } }: OpenTask['definition']): RatedTask | undefined {
  return rate === undefined ? undefined : { task: name, rate: ratePlan(rate) };
}

/** What the attempts of one run need of the world. */
export function attemptDeps(engine: Engine, run: RunDriver, journal: RunJournal): AttemptDeps {
  const { clock, entropy, graceMs, limits, sink, keepLogs } = engine.options;
  const measure = engine.telemetry?.sink;
  return {
    clock,
    entropy,
    executors: engine.executors,
    payloadBytes: limits.payloadBytes,
    graceMs,
    /** What the store answers badly is the run's error, not the task's. */
    isOurs: () => {
      try {
        return run.isOurs();
      } catch (error) {
        run.fail(error);
        return false;
      }
    },
    recordedMessage: (key, name, n) => recordedMessage(engine.options.store, run, key, name, n),
    awaitMessage: (wait) => run.inbox.awaitMessage(wait),
    forgoMessage: (wait, why) => run.inbox.forgoMessage(wait, why),
    reveal: (args) => {
      try {
        return engine.options.vault.reveal(run.runId, args);
      } catch (error) {
        // A key that is missing here is no failure of the task: with the key the run goes on.
        if (error instanceof RuntimeError) run.fail(error);
        throw error;
      }
    },
    within: measure === undefined ? undefined : (place, work) => measure.within(place, work),
    log: ({ key, attempt }, task, { level, values, cut }) => {
      const { runId, identity } = run;
      if (keepLogs) journal.log(level, cut(logText(values)), { key, task, attempt });
      sink.log({ runId, process: identity.process, key, task, attempt, level, values });
    },
    progress: (key, attempt, value) => sink.progress({ runId: run.runId, key, attempt, value }),
    warn: (message) => sink.warn(run.runId, message),
  };
}

/** Where an attempt stands. Few tasks look at the idempotency key. */
class Place implements AttemptPlace {
  readonly runId: string;
  readonly key: CallKey;
  readonly attempt: number;
  readonly #seed: string;
  readonly #digest: Digest;

  constructor(runId: string, key: CallKey, attempt: number, seed: string, digest: Digest) {
    this.runId = runId;
    this.key = key;
    this.attempt = attempt;
    this.#seed = seed;
    this.#digest = digest;
  }

  get idempotencyKey(): string {
    return this.#digest(`idempotency ${this.#seed} ${this.key}`).slice(0, 32);
  }
}

/**
 * The attempts of one run that are under way, or were given up and have not ended.
 *
 * Owns them and their slots. Talks to the run by reports.
 */
export class RunAttempts implements AttemptOwner {
  readonly #engine: Engine;
  readonly #run: RunDriver;
  readonly #deps: AttemptDeps;
  readonly #streams: RunStreams;
  /** By key; an attempt that timed out can still be there beside its successor. */
  readonly #current = new Map<CallKey, LiveAttempt>();
  /** By key: those that wait for a slot, and those that have one and have not started. */
  readonly #tickets = new Map<CallKey, Ticket>();
  readonly #taker: SlotTaker;
  readonly #owner: SlotOwner;
  #running = 0;

  constructor(engine: Engine, run: RunDriver, deps: AttemptDeps, streams: RunStreams) {
    this.#engine = engine;
    this.#run = run;
    this.#deps = deps;
    this.#streams = streams;
    this.#taker = {
      grantSlot: (key) => run.grantSlot(key),
      refuseSlot: (key, name, message) =>
        run.report({
          type: 'CallRefused',
          key,
          error: { name, message },
          cause: 'queueFull',
        }),
      slotFreed: () => run.slotFreed(),
    };
    this.#owner = { isOurs: deps.isOurs, slotFreed: this.#taker.slotFreed };
  }

  /** Attempts that have neither ended nor been given up on. */
  get running(): number {
    return this.#running;
  }

  /** Whether one of a call like that is under way. */
  some(isMeant: (key: CallKey) => boolean): boolean {
    return this.#current.keys().some(isMeant);
  }

  enqueue(key: CallKey, task: OpenTask): void {
    const call = this.#run.state.calls.get(key);
    const isFirst = call?.kind === 'task' && call.phase === 'scheduled' && call.attempts === 0;
    const ticket = this.#engine.dispatcher.enqueue(this.#taker, key, {
      pool: task.pool ?? DEFAULT_POOL,
      priority: task.priority,
      cost: task.cost,
      refusable: isFirst,
      rated: ratedTask(task.definition),
    });
    this.#tickets.set(key, ticket);
    this.#engine.loop.wake(this.#run);
  }

  /** The call is over: it waits for no slot any more. */
  forget(key: CallKey): void {
    const ticket = this.#tickets.get(key);
    if (ticket === undefined || ticket.state === 'granted') return;
    this.#tickets.delete(key);
    this.#engine.dispatcher.forget(ticket);
  }

  forgetAll(): void {
    for (const key of this.#tickets.keys()) this.forget(key);
  }

  start(key: CallKey, attempt: number): void {
    const ticket = this.#takeTicket(key);
    if (ticket === undefined) return;
    const slot = new Slot(this.#engine.dispatcher, this.#owner, ticket);
    const task = this.#taskOf(key);
    if (task === undefined) slot.giveBack();
    else if (this.#isRemote(key)) this.#startRemote(key, attempt, task, slot, false);
    else this.#make(key, attempt, task, slot).start();
  }

  /** That there is a slot for its next attempt, as the rules are told. */
  granted(key: CallKey): Extract<Report, { type: 'SlotGranted' }> {
    const isRemote =
      this.#engine.options.remote !== undefined && this.#taskOf(key)?.definition.settings.remote === true;
    return isRemote ? { type: 'SlotGranted', key, remote: true } : { type: 'SlotGranted', key };
  }

  /** An attempt that an earlier program of this run asked for. It holds no slot: what it takes is taken elsewhere. */
  attend(key: CallKey, attempt: number): void {
    const task = this.#taskOf(key);
    if (task !== undefined) this.#startRemote(key, attempt, task, NO_SLOT, true);
  }

  #startRemote(key: CallKey, attempt: number, task: OpenTask, slot: AttemptSlot, isAgain: boolean): void {
    const { remote: tasks } = this.#engine.options;
    if (tasks === undefined) {
      // Nobody here could find it.
      slot.giveBack();
      this.report({ type: 'AttemptLost', key, attempt });
      return;
    }
    const { process } = this.#run.identity;
    const place = this.placeOf(key, attempt);
    const made = new RemoteAttempt(place, task, { tasks, process }, this.#deps, slot, this);
    this.#add(key, made);
    made.start(isAgain);
  }

  #isRemote(key: CallKey): boolean {
    const call = this.#run.state.calls.get(key);
    return call?.kind === 'task' && call.isRemote;
  }

  #taskOf(key: CallKey): OpenTask | undefined {
    return this.#run.host.openCalls.get(key)?.task;
  }

  /** Its slot was granted, and it will not start. */
  forgo(key: CallKey): void {
    const ticket = this.#takeTicket(key);
    if (ticket?.state === 'granted') this.#engine.dispatcher.release(ticket);
  }

  #takeTicket(key: CallKey): Ticket | undefined {
    const ticket = this.#tickets.get(key);
    this.#tickets.delete(key);
    return ticket;
  }

  /** A check holds no slot: it does none of the task's work. */
  check(key: CallKey, attempt: number): void {
    const task = this.#taskOf(key);
    if (task !== undefined) this.#make(key, attempt, task, NO_SLOT).startCheck();
  }

  /** A message that it waits for is committed. */
  hand(key: CallKey, attempt: number, n: number, payload: Encoded): void {
    const current = this.#current.get(key);
    if (current?.place.attempt === attempt) current.hand(n, payload);
  }

  #make(key: CallKey, attempt: number, task: OpenTask, slot: AttemptSlot): Attempt {
    const window = this.#streams.openWindow(key);
    const made = new Attempt(this.placeOf(key, attempt), task, this.#deps, slot, window, this);
    this.#add(key, made);
    return made;
  }

  #add(key: CallKey, made: LiveAttempt): void {
    this.#running += 1;
    this.#current.set(key, made);
  }

  report(report: Report): void {
    this.#run.report(report);
  }

  gone(attempt: LiveAttempt, slot: AttemptSlot): void {
    const { key } = attempt.place;
    this.#running -= 1;
    if (this.#current.get(key) === attempt) this.#current.delete(key);
    slot.giveBack();
    this.#run.slotFreed();
  }

  placeOf(key: CallKey, attempt: number): AttemptPlace {
    const { runId, state } = this.#run;
    return new Place(runId, key, attempt, state.effectSeed, this.#engine.options.digest);
  }

  abort(key: CallKey, reason: string): void {
    this.#current.get(key)?.abort(reason);
  }

  abortAll(reason: string): void {
    for (const attempt of this.#current.values()) attempt.leave(reason);
  }
}
