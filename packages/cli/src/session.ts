/**
 * Runs that this program drives, until they end, wait for a person, or somebody stops them.
 *
 * Owns the runtime, the signal handlers and what is shown meanwhile. Talks to runs by their handles.
 * 1. A run is followed from its first event on, so that what is shown is the whole run.
 * 2. The first signal stops gracefully, the second leaves at once.
 * 3. The store is closed only when nobody reads from it any more.
 */
import {
  addEvent,
  createRunTree,
  keepHeapSmall,
  openRuntime,
  RuntimeError,
  type CallKey,
  type Encoded,
  type LogEntry,
  type RunCheck,
  type RunHandle,
  type RunId,
  type Runtime,
  type RunTree,
} from '@pawl/runtime';
import type { Executor } from '@pawl/sdk';

import { respondBy } from './config-file.ts';
import type { runtimeOptions } from './drive-options.ts';
import { SIGNAL_EXIT_CODES, type StopSignal } from './exit-codes.ts';
import type { JournalPlace } from './journal-place.ts';
import { createProgress, type Followed, type Progress } from './live/progress.ts';
import { ToldProgress } from './live/told-progress.ts';
import { clean } from './render/clean.ts';
import { jsonLine } from './render/json.ts';
import { logDocument, logLines } from './render/log.ts';
import { shellWords } from './render/next-commands.ts';
import { keepText } from './render/value.ts';
import { telemetryOf } from './telemetry.ts';
import type { Io } from './terminal.ts';
import { waitingError } from './waiting-error.ts';

/** How a run left this program. */
export type RunEnd =
  | { readonly status: 'succeeded'; readonly output: unknown; readonly encoded: Encoded | undefined }
  | { readonly status: 'left'; readonly error: unknown };

/** What was read of a run up to its end. */
interface Seen {
  /** The output as it is recorded, where the run got so far. */
  readonly encoded?: Encoded;
  /** Why it cannot be read. */
  readonly problem?: { readonly error: unknown };
}

export interface SessionOptions {
  readonly io: Io;
  readonly place: JournalPlace;
  readonly isJson: boolean;
  readonly runtime: ReturnType<typeof runtimeOptions>;
  /** Who does external tasks of the runs that are driven here, by kind. */
  readonly executors?: Readonly<Record<string, Executor>> | undefined;
}

const SIGNALS = Object.keys(SIGNAL_EXIT_CODES) as readonly StopSignal[];

export class Session {
  readonly #io: Io;
  readonly #place: JournalPlace;
  readonly #isJson: boolean;
  /** Of external tasks that are done here. */
  readonly #kinds: readonly string[];
  readonly #progress: Progress;
  readonly #trees = new Map<RunId, RunTree>();
  readonly #told = new ToldProgress();
  /** Of runs that ended here, the first first. */
  readonly checks: RunCheck[] = [];
  readonly #waiting = new Map<RunId, readonly CallKey[]>();
  readonly #onSignal = new Map<StopSignal, () => void>();
  #runtime: Runtime | undefined;
  readonly #next = new Map<RunId, RunId>();
  #stoppedBy: StopSignal | undefined;
  /** Why what was to do external tasks here cannot. */
  #broken: { readonly error: unknown } | undefined;
  readonly #stop = Promise.withResolvers<void>();

  private constructor(options: SessionOptions) {
    this.#io = options.io;
    this.#place = options.place;
    this.#isJson = options.isJson;
    this.#kinds = Object.keys(options.executors ?? {});
    const { err } = options.io;
    this.#progress = createProgress(options.io, options.isJson ? 'none' : err.isTerminal ? 'live' : 'lines');
  }

  static async open(options: SessionOptions): Promise<Session> {
    keepHeapSmall();
    const session = new Session(options);
    session.#runtime = await openRuntime({
      ...options.runtime,
      telemetry: await telemetryOf(options.io),
      path: options.place.path,
      onLog: (entry) => session.#log(entry),
      onWarning: (runId, message) => session.#warn(runId, message),
      onWaiting: (runId, keys) => session.#wait(runId, keys),
      onChecked: (check) => session.checks.push(check),
    });
    if (!options.isJson && options.io.err.isTerminal) void session.#told.follow(session.runtime.events());
    for (const [kind, executor] of Object.entries(options.executors ?? {}))
      session.runtime.tasks
        .respond({ ...respondBy(executor, options.io), kinds: [kind], runs: 'driven' })
        .finished.catch((error: unknown) => session.#breakOff(error));
    for (const signal of SIGNALS) session.#listen(signal);
    return session;
  }

  get runtime(): Runtime {
    if (this.#runtime === undefined) throw new RuntimeError('UNEXPECTED', 'the session is not open');
    return this.#runtime;
  }

  /** Settles with the first signal. */
  get stopped(): Promise<void> {
    return this.#stop.promise;
  }

  get stoppedBy(): StopSignal | undefined {
    return this.#stoppedBy;
  }

  /** The tree of a run that was driven, as far as it came. */
  treeOf(id: RunId): RunTree {
    const tree = this.#trees.get(id) ?? createRunTree(keepText);
    this.#trees.set(id, tree);
    return tree;
  }

  /** Shows the run until it leaves. */
  async drive(handle: RunHandle, name: string, historySeq: number): Promise<RunEnd> {
    const { id } = handle;
    const run: Followed = { runId: id, name, tree: this.treeOf(id), told: this.#told.of(id), historySeq };
    this.#progress.follow(run);
    const seen = this.#follow(handle, run);
    const resume = clean(shellWords('pawl', 'resume', handle.id, ...this.#place.flags));
    this.#io.unfinished.add(resume);
    try {
      const output = await handle.result();
      const { encoded, problem } = await seen;
      // An end is told as it is recorded: where that cannot be read there is none to tell.
      return problem === undefined
        ? { status: 'succeeded', output, encoded }
        : { status: 'left', error: problem.error };
    } catch (error) {
      await seen;
      return { status: 'left', error: this.#reasonOf(handle.id, error) };
    } finally {
      this.#io.unfinished.delete(resume);
    }
  }

  async #follow(handle: RunHandle, run: Followed): Promise<Seen> {
    try {
      for await (const recorded of handle.events()) {
        addEvent(run.tree, recorded);
        this.#progress.event(run, recorded);
        const { event } = recorded;
        if (event.type === 'RunSucceeded') return { encoded: event.output };
        if (event.type === 'RunContinued') return await this.#followNext(run, event.nextRunId);
      }
    } catch (error) {
      return { problem: { error } };
    }
    return {};
  }

  #followNext(run: Followed, runId: RunId): Promise<Seen> {
    this.#next.set(run.runId, runId);
    const { name } = run;
    const next: Followed = {
      runId,
      name,
      tree: this.treeOf(runId),
      told: this.#told.of(runId),
      historySeq: 0,
    };
    this.#progress.follow(next);
    return this.#follow(this.runtime.resume(runId), next);
  }

  /** The last of the runs that followed this one while it was driven. */
  lastOf(runId: RunId): RunId {
    let last = runId;
    for (let next = this.#next.get(last); next !== undefined; next = this.#next.get(last)) last = next;
    return last;
  }

  /** Why a run is left that neither failed nor was cancelled. */
  #reasonOf(runId: RunId, error: unknown): unknown {
    if (!(error instanceof RuntimeError) || error.code !== 'STOPPED') return error;
    if (this.#broken !== undefined && this.#stoppedBy === undefined) return this.#broken.error;
    const keys = this.#waiting.get(runId);
    if (keys === undefined || this.#stoppedBy !== undefined) return error;
    const node = this.#trees.get(runId)?.byKey.get(keys[0] ?? '');
    return waitingError(runId, keys, node, this.#place);
  }

  #log(entry: LogEntry): void {
    if (this.#isJson) {
      this.#io.err.line(jsonLine({ log: logDocument(entry) }));
      return;
    }
    this.#progress.say(logLines(entry, entry.task ?? undefined, this.#io.err.theme));
  }

  #warn(runId: RunId, message: string): void {
    if (this.#isJson) this.#io.err.line(jsonLine({ warning: { runId, message } }));
    else this.warn(message);
  }

  warn(message: string): void {
    if (!this.#isJson) this.#progress.say([`${this.#io.err.theme.attention('!')} ${clean(message)}`]);
  }

  #wait(runId: RunId, keys: readonly CallKey[]): void {
    // What an executor does here will be told anew when it is done.
    const isDone = this.#broken === undefined && this.#kinds.length > 0;
    if (isDone && this.#runtime?.tasks.isAwaited(this.#kinds) === true) return;
    this.#waiting.set(runId, keys);
    // Not from within the turn that found it out.
    setImmediate(() => void this.#runtime?.stop(runId));
  }

  /** What waits for tasks that nobody here can do would wait for ever. */
  #breakOff(error: unknown): void {
    this.#broken ??= { error };
    for (const runId of this.#trees.keys()) void this.#runtime?.stop(runId);
  }

  #listen(signal: StopSignal): void {
    const handler = (): void => {
      if (this.#stoppedBy !== undefined) {
        this.#progress.end();
        this.#io.exit(SIGNAL_EXIT_CODES[signal]);
      }
      this.#stoppedBy = signal;
      this.#stop.resolve();
      this.#progress.stopping();
      for (const runId of this.#trees.keys()) void this.#runtime?.stop(runId);
    };
    this.#onSignal.set(signal, handler);
    process.on(signal, handler);
  }

  /** Takes the live lines away; what comes now is the end. */
  endProgress(): void {
    this.#progress.end();
  }

  /** Runs that were detached have the program to themselves until they end, or somebody stops it. */
  async close(): Promise<void> {
    this.#progress.end();
    if (this.#stoppedBy === undefined)
      await Promise.race([this.#runtime?.whenAllEnded(), this.#stop.promise]);
    for (const runId of this.#waiting.keys()) {
      if (this.#trees.has(runId)) continue;
      const show = shellWords('pawl', 'show', runId, ...this.#place.flags);
      this.warn(`Run ${runId}, which was started to go on by itself, waits: ${show}`);
    }
    for (const [signal, handler] of this.#onSignal) process.off(signal, handler);
    await this.#runtime?.close();
  }
}
