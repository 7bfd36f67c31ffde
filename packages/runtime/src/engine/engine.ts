import { AsyncLocalStorage } from 'node:async_hooks';
import { emitWarning } from 'node:process';
import type { LogLevel, PoolOptions, PoolPlan, TaskDefinition } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { Encoded, Recorded } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import type { Clock } from '../ports/clock.ts';
import type { Digest } from '../journal/digest.ts';
import type { Entropy } from '../ports/entropy.ts';
import type { AppendRun, JournalStore, LeaseClaim } from '../ports/journal-store.ts';
import type { RemoteTasks } from '../ports/remote-tasks.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { RuntimeError } from '../errors.ts';
import type { AskedTask } from '../process/host-port.ts';
import { Dispatcher } from './dispatcher.ts';
import { Executors } from './executors/executors.ts';
import type { Guard } from './guard-port.ts';
import type { Limits } from './limits.ts';
import { plansOf } from './pools/plans.ts';
import { SharedPools } from './pools/shared-pools.ts';
import { Patience } from './patience.ts';
import type { Check } from './run-check.ts';
import type { TellOutside } from './run-notices.ts';
import type { RunDriver } from './run-driver.ts';
import type { RunExit } from './run-plan.ts';
import { RunTelemetry } from './run-telemetry.ts';
import { safely } from './safely.ts';
import { TurnLoop } from './turn-loop.ts';
import type { Vault } from './vault.ts';

export interface LogEntry {
  readonly runId: RunId;
  readonly process: string;
  /** The task call that logged, null for the process itself. */
  readonly key: CallKey | null;
  /** The task, or source, of that call, and its attempt; null for the process itself. */
  readonly task: string | null;
  readonly attempt: number | null;
  readonly level: LogLevel;
  readonly values: readonly unknown[];
}

/** What an attempt told of how far it is; the value as the journal would keep it. */
export interface ProgressEntry {
  readonly runId: RunId;
  readonly key: CallKey;
  readonly attempt: number;
  readonly value: Encoded;
}

/** What the engine tells whoever runs it. None of it is part of a run. */
export interface Sink {
  log(entry: LogEntry): void;
  progress(entry: ProgressEntry): void;
  warn(runId: RunId, message: string): void;
  committed(runId: RunId, events: readonly Recorded[], process: string): void;
  /** This program drives the run no more. */
  left(runId: RunId): void;
  /** Nothing of the run can go on before a person answers these calls. */
  waiting(runId: RunId, keys: readonly CallKey[]): void;
}

/** What a task call uses instead of what it names: the task itself, except in tests. It may refuse it. */
export type StandIn = (
  task: TaskDefinition<never, unknown>,
  asked: AskedTask,
) => TaskDefinition<never, unknown>;

export interface EngineOptions {
  readonly store: JournalStore;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly digest: Digest;
  readonly vault: Vault;
  readonly limits: Limits;
  /** By name: a number of slots, or options. */
  readonly pools: Readonly<Record<string, number | PoolOptions>>;
  readonly sink: Sink;
  /** Measures what happens here. */
  readonly telemetry: Telemetry | undefined;
  /** Tells somebody outside of waits for people. */
  readonly tell: TellOutside | undefined;
  readonly owner: string;
  /** Of this engine, recorded with the runs that it starts. */
  readonly version: string;
  readonly leaseMs: number;
  /** How long aborted attempts may go on. */
  readonly graceMs: number;
  /** Shortest bounds of a replay that waits, see replay.ts. */
  readonly stallMs: number;
  readonly strict: boolean;
  /** Whether what is logged is kept with the runs. */
  readonly keepLogs: boolean;
  readonly guard: Guard | undefined;
  readonly check: Check | undefined;
  readonly standIn: StandIn;
  /** Attempts that other programs make; undefined where this one makes all. */
  readonly remote: RemoteTasks | undefined;
}

function undisturbed(sink: Sink): Sink {
  return {
    log: safely((entry) => sink.log(entry)),
    progress: safely((entry) => sink.progress(entry)),
    warn: safely((runId, message) => sink.warn(runId, message)),
    committed: safely((runId, events, process) => sink.committed(runId, events, process)),
    left: safely((runId) => sink.left(runId)),
    waiting: safely((runId, keys) => sink.waiting(runId, keys)),
  };
}

/** How often other programs' messages are looked for, and leases are looked after: more often where one is short. */
const LONGEST_POLL_MS = 200;
/** Between two tries to commit while another program has the journal locked. */
const BUSY_PAUSE_MS = 50;

/**
 * All runs of one runtime over one store.
 *
 * Owns the turn loop, the slots, the leases' renewal and the inbox poll. Talks to the store.
 * Invariants: E1 effects start after the commit of their facts; E2 one loop owns a run; E4 one commit
 * per burst for all runs; a storage error stops everything.
 */
export class Engine {
  readonly options: EngineOptions;
  readonly dispatcher: Dispatcher;
  readonly executors: Executors;
  readonly shared: SharedPools;
  /** As the runtime was told; runs declare more. */
  readonly pools: ReadonlyMap<string, PoolPlan>;
  readonly loop: TurnLoop;
  /** Undefined where nobody measures. */
  readonly telemetry: RunTelemetry | undefined;
  readonly runs: Map<RunId, RunDriver> = new Map();
  /** Comparing only: they own no run, and several of one run are no contradiction. */
  readonly replays: Set<RunDriver> = new Set();
  /** Children that the next commit creates. */
  readonly unborn: Set<RunId> = new Set();
  readonly #dirty = new Set<RunDriver>();
  readonly #outside: (fn: () => void) => void = AsyncLocalStorage.snapshot();
  readonly #patience: Patience;
  #cancelPoll: (() => void) | undefined;
  /** Set while another program has the journal locked. */
  #cancelRetry: (() => void) | undefined;
  /** A burst is on its way to where it is kept. */
  #isUnderWay = false;
  #changeMark = -1;
  #failure: RuntimeError | undefined;
  /** Commits made so far, for tests and reports. */
  commits = 0;

  constructor(options: EngineOptions) {
    this.options = { ...options, sink: undisturbed(options.sink) };
    this.#patience = new Patience(options.clock);
    this.executors = new Executors(options.clock, options.limits);
    const { store, clock, limits, telemetry } = options;
    this.telemetry =
      telemetry === undefined ? undefined : new RunTelemetry(telemetry, store, () => clock.now());
    this.pools = plansOf(options.pools, limits);
    this.shared = new SharedPools({ store, clock, claim: () => this.claim });
    this.dispatcher = new Dispatcher({
      clock,
      pools: this.pools,
      queueLength: limits.queueLength,
      shared: this.shared,
      warn: emitWarning,
    });
    this.loop = new TurnLoop(
      () => this.#flush(),
      // The loop only knows runs of this engine.
      (run, error) => (run as RunDriver).fail(error),
    );
  }

  get #isEmpty(): boolean {
    return this.runs.size === 0 && this.replays.size === 0;
  }

  /** Whether no run can make a turn now. */
  get isIdle(): boolean {
    return this.loop.isIdle;
  }

  get claim(): LeaseClaim {
    return { owner: this.options.owner, now: this.options.clock.now(), ttlMs: this.options.leaseMs };
  }

  add(run: RunDriver): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (run.look !== undefined) this.replays.add(run);
    else this.runs.set(run.runId, run);
    this.#poll();
    this.loop.wake(run);
  }

  /** What is recorded of the run now. */
  told(run: RunDriver, events: readonly Recorded[]): void {
    this.options.sink.committed(run.runId, events, run.identity.process);
    this.telemetry?.committed(run, events);
  }

  remove(run: RunDriver, exit: RunExit): void {
    if (run.look === undefined) {
      this.runs.delete(run.runId);
      this.telemetry?.left(run, exit);
      this.options.sink.left(run.runId);
    } else this.replays.delete(run);
    this.#dirty.delete(run);
    this.loop.drop(run);
    if (!this.#isEmpty) return;
    this.dispatcher.rest();
    this.#cancelPoll?.();
    this.#cancelPoll = undefined;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }

  /** No run is left; attempts that were given up may be. */
  async close(): Promise<void> {
    await this.executors.close();
    this.dispatcher.close();
    await this.telemetry?.sink.close();
  }

  /** The run has events that wait for a commit. */
  touch(run: RunDriver): void {
    this.#dirty.add(run);
  }

  /** @returns whether there was anything to do */
  #flush(): boolean {
    // Each try holds the event loop for as long as the store waits for the lock.
    if (this.#failure !== undefined || this.#cancelRetry !== undefined || this.#isUnderWay) return false;
    try {
      if (this.dispatcher.canGrant) this.dispatcher.grant();
      if (this.#dirty.size === 0) return false;
      this.#commit();
    } catch (error) {
      this.#retryOrFail(error);
    }
    return true;
  }

  #retryOrFail(error: unknown): void {
    if (!this.#patience.allows(error)) {
      this.#failAll(error);
      return;
    }
    this.#outside(() => {
      this.#cancelRetry ??= this.options.clock.after(BUSY_PAUSE_MS, () => {
        this.#cancelRetry = undefined;
        this.#flush();
      });
    });
  }

  #commit(): void {
    const runs = [...this.#dirty];
    const writing = runs.filter((run) => run.hasUncommitted);
    // Where this throws, the runs stay dirty, and another try finds the same.
    const answers = writing.length === 0 ? [] : this.#append(writing);
    this.#dirty.clear();
    const { kept } = this.options.store;
    const follow = (): void => {
      writing.forEach((run, index) => {
        // While it was on its way the run may have been left, and nobody is told of it any more.
        if (kept !== undefined && this.runs.get(run.runId) !== run) return;
        if (answers[index] === 'committed') run.committed();
        else if (answers[index] === 'fenced') run.fenced();
      });
      for (const run of runs) if (!writing.includes(run)) run.afterBurst();
      for (const run of writing) this.#compact(run);
    };
    if (kept === undefined || writing.length === 0) follow();
    else void this.#followWhen(kept(), follow);
  }

  /** E1: what follows from a burst waits until it is kept. */
  async #followWhen(kept: Promise<void>, follow: () => void): Promise<void> {
    this.#isUnderWay = true;
    this.loop.hold();
    try {
      await kept;
      follow();
    } catch (error) {
      this.#failAll(error);
    } finally {
      this.#isUnderWay = false;
      this.loop.release();
    }
  }

  /** It can wait, and what is wrong with one run's rows is that run's error. */
  #compact(run: RunDriver): void {
    try {
      run.compact();
    } catch (error) {
      if (error instanceof RuntimeError && error.code === 'BUSY') return;
      if (error instanceof RuntimeError && error.code === 'STORAGE') throw error;
      run.fail(error);
    }
  }

  /** A batch that cannot be stored for one run's sake is stored without that run. */
  #append(runs: readonly RunDriver[]): readonly ('committed' | 'fenced' | 'failed')[] {
    const batch = runs.map((run) => run.takeBatch());
    try {
      return this.#write(batch);
    } catch (error) {
      if (error instanceof RuntimeError) throw error;
      return runs.map((run, index) => this.#appendAlone(run, batch.slice(index, index + 1)));
    }
  }

  #appendAlone(run: RunDriver, batch: readonly AppendRun[]): 'committed' | 'fenced' | 'failed' {
    try {
      return this.#write(batch)[0] ?? 'failed';
    } catch (error) {
      run.fail(error);
      return 'failed';
    }
  }

  #write(batch: readonly AppendRun[]): readonly ('committed' | 'fenced')[] {
    const answers = this.options.store.append(batch, this.claim);
    this.commits += 1;
    this.telemetry?.wrote();
    this.#patience.renew();
    return answers;
  }

  #failAll(error: unknown): void {
    this.#failure =
      error instanceof RuntimeError
        ? error
        : new RuntimeError('UNEXPECTED', `the journal could not be written: ${String(error)}`, {
            cause: error,
          });
    for (const run of [...this.runs.values(), ...this.replays]) run.fail(this.#failure);
  }

  /** Renews leases and looks for messages while there are runs. */
  #poll(): void {
    if (this.#cancelPoll !== undefined) return;
    const pollMs = Math.min(LONGEST_POLL_MS, this.options.leaseMs / 3);
    const look = (): void => {
      this.#cancelPoll = undefined;
      try {
        this.#tick();
      } catch (error) {
        this.#retryOrFail(error);
      }
      if (!this.#isEmpty) this.#poll();
    };
    this.#outside(() => {
      this.#cancelPoll = this.options.clock.after(pollMs, look, 'upkeep');
    });
  }

  #tick(): void {
    const mark = this.options.store.changeMark();
    const changed = mark !== this.#changeMark;
    this.#changeMark = mark;
    for (const run of Array.from(this.runs.values())) {
      run.keepLease();
      if (changed) run.readInbox();
    }
    this.dispatcher.tick();
  }
}
