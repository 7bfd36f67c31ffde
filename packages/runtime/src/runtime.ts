import type { ProcessDefinition } from '@pawl/sdk';
import type { CallKey } from './journal/call-key.ts';
import { isRunId, type RunId } from './journal/ids.ts';
import type { JournalStore, RunQuery, RunRecord } from './ports/journal-store.ts';
import type { Answer } from './engine/answer.ts';
import { definitionOf, NAMELESS, type AnyProcess } from './process/definition.ts';
import { Engine } from './engine/engine.ts';
import { engineOptions } from './engine-options.ts';
import { replayRun, type ReplayReport } from './engine/replay-run.ts';
import { CopyDesk } from './copies/copy-desk.ts';
import { resumedPlan } from './engine/resumed-plan.ts';
import type { EnqueueOptions } from './engine/start-options.ts';
import type { Worker } from './engine/worker.ts';
import { processWatch } from './guard/process-watch.ts';
import { Queue, type Enqueued, type WorkOptions } from './queue.ts';
import { Schedules } from './schedules.ts';
import { Messenger, type Ack, type Cancelled, type SendOptions } from './engine/messenger.ts';
import type { Response } from './engine/response.ts';
import type { RuntimeEvent } from './engine/observer.ts';
import { Observers, type ObserveOptions } from './engine/observers.ts';
import { allLeft, firstCommit, lastOf, stopAll } from './engine/run-chain.ts';
import { RunHandle, type HandleDeps } from './engine/run-handle.ts';
import { TaskDesk } from './engine/task-desk.ts';
import { RuntimeError } from './errors.ts';
import { checkedQuery, viewOf, type RunView } from './run-query.ts';
import type { CancelOptions, ResumeOptions, RuntimeOptions, StartOptions } from './runtime-options.ts';
import { openStore } from './open-store.ts';
import { runOf } from './find-run.ts';
import type { ForkAsk, ForkOptions, RetryOptions } from './fork-asks.ts';
import { forkedProcess, RunForker } from './run-forker.ts';
import { RunStarter } from './run-starter.ts';
import type { StepResult } from './engine/exec-step.ts';
import { runStep, type StepOptions } from './step-runner.ts';
import type { ForkPlan } from './views/fork-plan.ts';
import { RunChecks } from './run-checks.ts';
import type { Recorded } from './journal/event.ts';
import { PoolDesk, type PoolStatus } from './pool-reports.ts';
import { askedQuestions, type AskedQuestions } from './views/asked-questions.ts';
import { eventsOf } from './run-events.ts';
import { logsOf, type LogQuery } from './kept-logs.ts';
import type { LogLine } from './journal/log-line.ts';
import { runWaits, type OpenWait } from './run-waits.ts';

export const DEFAULT_PATH = '.pawl/journal.db';

/**
 * Runs processes over one journal.
 *
 * Owns the engine and the store. The only place where adapters are chosen.
 */
export class Runtime implements AsyncDisposable {
  readonly store: JournalStore;
  /** Starts that wait for a worker. */
  readonly queue: Queue;
  /** Starts that come again and again. */
  readonly schedules: Schedules;
  /** What others do for runs: external tasks, and the answers to them. */
  readonly tasks: TaskDesk;
  /** Runs as text, on their way to other journals and back. */
  readonly copies: CopyDesk;
  readonly #engine: Engine;
  readonly #processes = new Map<string, ProcessDefinition>();
  readonly #starter: RunStarter;
  readonly #forker: RunForker;
  readonly #observers: Observers;
  readonly #handleDeps: HandleDeps;
  readonly #messenger: Messenger;
  readonly #pools = new PoolDesk();
  readonly #unguard: (() => void) | undefined;
  readonly #checks: RunChecks | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: RuntimeOptions, store: JournalStore) {
    this.store = store;
    this.#observers = new Observers(store);
    for (const definition of options.processes ?? []) this.#processes.set(definition.name, definition);
    this.#checks = options.check === true ? new RunChecks(store, options) : undefined;
    const { keepPoolStats = true } = options;
    const committed = (runId: RunId, events: readonly Recorded[]): void => {
      if (keepPoolStats) this.#pools.committed(runId, events);
      this.#observers.committed(runId, events);
    };
    this.#engine = new Engine(engineOptions(options, store, this.#observers, committed, this.#checks?.check));
    this.#starter = new RunStarter(this.#engine, this.#processes, () => this.#refuseWhenClosed());
    this.#forker = new RunForker(this.#engine);
    this.#unguard = this.#engine.options.guard === undefined ? undefined : processWatch.use();
    this.queue = new Queue(this.#engine, this.#processes);
    this.schedules = new Schedules(this.#engine);
    this.tasks = new TaskDesk(this.#engine);
    this.copies = new CopyDesk(store, this.#engine.options.clock);
    const mustGet = (id: RunId): RunRecord => this.#mustGet(id);
    this.#messenger = new Messenger(this.#engine, mustGet, (id) => this.waits(id));
    this.#handleDeps = {
      store,
      watch: (runId, callback) => this.#observers.watch(runId, callback),
      cancel: (runId, reason) => this.cancel(runId, reason),
    };
  }

  /** Settles when no run is under way here any more: also none that another one detached. */
  readonly whenAllEnded = (): Promise<void> => allLeft(this.#engine.runs);

  /** Commits made so far by this runtime. */
  get commits(): number {
    return this.#engine.commits;
  }

  /** Whether no run can go on before something outside happens. */
  get isIdle(): boolean {
    return this.#engine.isIdle;
  }

  /**
   * Starts a run, or gives the run that has this id already.
   * @throws InvalidOptionError; ValidationError when the inputs do not match the process' schema; RuntimeError REFUSED when
   *   the id is that of a run of another process or of other inputs; RunLockedError when another owner
   *   drives it. With a schema that answers later, `result()` rejects with them.
   */
  start<Inputs, Output>(
    process: AnyProcess<Inputs, Output>,
    inputs: Inputs,
    options: StartOptions = {},
  ): RunHandle<Output> {
    this.#refuseWhenClosed();
    const { id, ended } = this.#starter.start(definitionOf(process), inputs, options);
    return new RunHandle<Output>(id, ended, this.#handleDeps);
  }

  /**
   * Goes on with a run; a run that has ended gives its recorded result.
   * @param process default: the process of that name that was started, or given to openRuntime
   * @throws RuntimeError NOT_FOUND, NEWER; RunLockedError
   */
  resume<Output = unknown>(
    id: RunId,
    process?: AnyProcess<never, Output>,
    options: ResumeOptions = {},
  ): RunHandle<Output> {
    this.#refuseWhenClosed();
    const ended = this.#starter.resume(
      id,
      process === undefined ? undefined : definitionOf(process),
      options,
    );
    return new RunHandle<Output>(id, ended, this.#handleDeps);
  }

  /**
   * Goes on from an earlier place of a run, as another run that shares what came before: the run itself stays as it is.
   * What is not kept is done again, with idempotency keys of its own; time limits begin anew.
   * @throws RuntimeError NOT_FOUND, REFUSED where it cannot begin there; ValidationError, UnserializableError
   */
  fork<Output = unknown>(id: RunId, options: ForkOptions = {}): Promise<RunHandle<Output>> {
    return this.#fork(id, { ...options, retries: false });
  }

  /**
   * Tries a run again that failed or was cancelled: a fork that begins before what failed, and takes over all that
   * succeeded. @throws as `fork`; RuntimeError REFUSED where it has not failed
   */
  retry<Output = unknown>(id: RunId, { from, ...options }: RetryOptions = {}): Promise<RunHandle<Output>> {
    return this.#fork(id, { ...options, ...(from === undefined ? {} : { at: from }), retries: true });
  }

  async #fork<Output>(
    id: RunId,
    ask: ForkOptions & { readonly retries: boolean },
  ): Promise<RunHandle<Output>> {
    this.#refuseWhenClosed();
    const definition = forkedProcess(ask, this.#processes, this.#mustGet(id));
    const forked = await this.#forker.make(id, ask, definition);
    try {
      const ended = this.#starter.driveFork(forked.id, definition);
      return new RunHandle<Output>(forked.id, ended, this.#handleDeps);
    } catch (error) {
      this.#forker.leave(forked.id);
      throw error;
    }
  }

  /**
   * Makes a fork, or a retry, and leaves it to a worker, or to whoever resumes it: its code is not needed here, and what
   * it is started with instead is not held against its schema. @throws as `fork`, and as `retry`
   */
  async leaveFork(id: RunId, ask: ForkAsk): Promise<RunId> {
    this.#refuseWhenClosed();
    const forked = await this.#forker.make(id, ask, this.#processes.get(this.#mustGet(id).process));
    this.#forker.leave(forked.id);
    return forked.id;
  }

  /** What `fork` would keep, take over and do again. @throws as `fork` */
  planFork(id: RunId, options: ForkOptions = {}): ForkPlan {
    return this.#forker.plan(id, { ...options, retries: false });
  }

  /** The same of `retry`. @throws as `retry` */
  planRetry(id: RunId, { from, ...options }: RetryOptions = {}): ForkPlan {
    return this.#forker.plan(id, { ...options, ...(from === undefined ? {} : { at: from }), retries: true });
  }

  /**
   * Does one recorded task call again, with its recorded input, as `process` has the task now. Nothing is recorded, and
   * the run stays as it is; the attempt has an idempotency key of its own.
   * @throws RuntimeError NOT_FOUND, REFUSED
   */
  async execStep(
    id: RunId,
    key: CallKey,
    process: AnyProcess<never, unknown>,
    options: StepOptions = {},
  ): Promise<StepResult> {
    this.#refuseWhenClosed();
    this.#mustGet(id);
    return runStep(this.#engine, id, key, definitionOf(process), options);
  }

  /** What a run's tasks and its process logged, the newest lines. @throws RuntimeError NOT_FOUND; InvalidOptionError */
  logs(id: RunId, query?: LogQuery): Generator<LogLine, void, void> {
    return logsOf(this.store, this.#mustGet(id).runId, query);
  }

  /** Runs that share their beginning with this one, the oldest first, up to 1,000. */
  forksOf(id: RunId): readonly RunId[] {
    return this.store.forksOf(id);
  }

  /**
   * Leaves a start for a worker: it is in the file when this resolves.
   * @throws InvalidOptionError, ValidationError, UnserializableError; RuntimeError REFUSED where the id is that of a
   *   run of another process or of other inputs
   */
  enqueue<Inputs>(
    process: AnyProcess<Inputs, unknown>,
    inputs: Inputs,
    options: EnqueueOptions = {},
  ): Promise<Enqueued> {
    this.#refuseWhenClosed();
    const definition = definitionOf(process);
    if (definition.name !== NAMELESS) this.#processes.set(definition.name, definition);
    return this.queue.enqueue(definition, inputs, options);
  }

  /** A worker over this journal, until it is drained or the runtime is closed. @throws InvalidOptionError */
  work(options: WorkOptions = {}): Worker {
    this.#refuseWhenClosed();
    return this.queue.work(options);
  }

  /** Runs the code against a recorded run: nothing is recorded, no task runs. @throws RunLockedError */
  async replay(id: RunId, process: AnyProcess<never, unknown>): Promise<ReplayReport> {
    this.#refuseWhenClosed();
    this.#mustGet(id);
    return replayRun(this.#engine, resumedPlan(this.store, id, definitionOf(process), 0));
  }

  #lastOf(record: RunRecord): RunRecord {
    return lastOf(this.store, record, this.#engine.options.clock.now());
  }

  /** Whom a message to this run is for. */
  #lastId(id: RunId): RunId {
    const record = isRunId(id) ? this.get(id) : undefined;
    return record === undefined ? id : this.#lastOf(record).runId;
  }

  get(id: RunId): RunRecord | undefined {
    return this.store.getRun(id, this.#engine.options.clock.now());
  }

  /** Newest first. @throws InvalidOptionError */
  list(query: RunQuery): readonly RunRecord[] {
    return this.store.queryRuns(checkedQuery(query), this.#engine.options.clock.now());
  }

  /** A run, or the last of those that follow it, with what it says of itself. @throws RuntimeError NOT_FOUND */
  query(id: RunId): RunView {
    return viewOf(this.store, this.#lastOf(this.#mustGet(id)));
  }

  /**
   * Every pool, by name: what is in use now by all programs of the journal, and what became of the calls
   * of this one since it was opened.
   */
  pools(): PoolStatus[] {
    return this.#pools.statuses(this.#engine);
  }

  /**
   * Sets other limits of a pool than are declared, for all programs of the journal; null = those that are
   * declared again. What is under way above a lower limit goes on, and nothing starts before it is back.
   * @param limits a number of slots, or an amount by resource; what is not named stays as declared
   * @throws InvalidOptionError
   */
  setLimits(pool: string, limits: number | Readonly<Record<string, number>> | null): void {
    this.#refuseWhenClosed();
    this.#pools.setLimits(this.#engine, pool, limits);
  }

  /** Gives a run up, whoever drives it. One that nobody drives is cancelled without its code, if no scope owes any. */
  cancel(id: RunId, reason = 'asked by the program', options: CancelOptions = {}): Cancelled {
    return this.#messenger.cancel(this.#lastId(id), reason, options.force === true);
  }

  /** Says what became of an attempt whose end is not recorded; the run's driver takes it up. */
  resolve(id: RunId, key: CallKey, as: Answer): void {
    this.#messenger.resolve(this.#lastId(id), key, as);
  }

  /**
   * Answers a question of `ctx.breakpoint`, by the key of its call. It is in the file when this resolves.
   * @param key a function is asked for it only where no answer of this id was sent before
   * @throws InvalidArgumentError, UnserializableError
   */
  async respond(id: RunId, key: CallKey | (() => CallKey), response: Response): Promise<Ack> {
    await this.#firstCommit(id);
    return this.#messenger.respond(this.#lastId(id), key, response);
  }

  /**
   * Sends a message to whoever waits for that name in a run, now or later. It is in the file when this resolves.
   * @throws UnserializableError; RuntimeError REFUSED for a secret without a key
   */
  async send(id: RunId, name: string, payload: unknown, options: SendOptions = {}): Promise<Ack> {
    await this.#firstCommit(id);
    return this.#messenger.send(this.#lastId(id), name, payload, options);
  }

  /** What a run waits for from outside, its tasks included, the oldest first. @throws RuntimeError NOT_FOUND */
  waits(id: RunId): OpenWait[] {
    return runWaits(this.store, this.#lastOf(this.#mustGet(id)));
  }

  /** What it has asked people by now. @throws RuntimeError NOT_FOUND */
  questions(id: RunId): AskedQuestions {
    return askedQuestions(eventsOf(this.store, this.#lastOf(this.#mustGet(id)).runId));
  }

  /**
   * What happens in this runtime from now on, of all runs: each event once it is committed, and what attempts
   * tell of themselves. Who reads slowly loses progress, with a count, and never an event. Ends when the
   * runtime closes.
   * @throws InvalidOptionError
   */
  events(options: ObserveOptions = {}): AsyncIterableIterator<RuntimeEvent, undefined> {
    this.#refuseWhenClosed();
    return this.#observers.observe(options);
  }

  /** Stops all runs so that they can be resumed, and closes the store. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.queue.drain();
    await this.tasks.close();
    await Promise.all([...this.#engine.runs.values(), ...this.#engine.replays].map(stopAll));
    await this.#engine.close();
    await this.#checks?.close();
    this.#unguard?.();
    this.#observers.close();
    this.store.close();
  }

  /** Stops one run so that it can be resumed. */
  async stop(id: RunId): Promise<void> {
    const run = this.#engine.runs.get(this.#lastId(id));
    if (run !== undefined) await stopAll(run);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A run that was started a moment ago is in no file yet, and so would be what is sent to it. */
  async #firstCommit(id: RunId): Promise<void> {
    const active = this.#engine.runs.get(id);
    if (active === undefined || this.get(id) !== undefined) return;
    await firstCommit(active, (runId, callback) => this.#observers.watch(runId, callback));
  }

  #mustGet(id: RunId): RunRecord {
    return runOf(this.store, id, this.#engine.options.clock.now());
  }

  #refuseWhenClosed(): void {
    if (this.#closing !== undefined)
      throw new RuntimeError('STOPPED', 'The runtime is closed.', {
        hint: 'Open another one: openRuntime(…)',
      });
  }
}

/** Opens a runtime over a database file (or the given store). */
export async function openRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  return new Runtime(options, openStore(options, DEFAULT_PATH));
}
