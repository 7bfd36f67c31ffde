/** A worker in this program, from its start to its drain. */
import {
  keepHeapSmall,
  openRuntime,
  type LogEntry,
  type Responded,
  type Responder,
  type Runtime,
  type Worker,
  type WorkNote,
} from '@pawl/runtime';
import type { Executor } from '@pawl/sdk';

import { CodeLoader, type FolderCode } from './code-loader.ts';
import { respondBy } from './config-file.ts';
import type { runtimeOptions } from './drive-options.ts';
import { SIGNAL_EXIT_CODES, type StopSignal } from './exit-codes.ts';
import type { JournalPlace } from './journal-place.ts';
import { clean } from './render/clean.ts';
import { jsonLine } from './render/json.ts';
import { logDocument, logLines } from './render/log.ts';
import { shellWords } from './render/next-commands.ts';
import { respondedLine } from './render/tasks.ts';
import { renderWorkNote } from './render/work-note.ts';
import { respondedDocument } from './task-document.ts';
import { telemetryOf } from './telemetry.ts';
import type { Io } from './terminal.ts';

interface WorkSessionOptions {
  readonly io: Io;
  readonly place: JournalPlace;
  readonly isJson: boolean;
  readonly runtime: ReturnType<typeof runtimeOptions>;
  /** 0: nothing is driven here. */
  readonly concurrency: number;
  /** Code that is there already, by the name of its process. */
  readonly known: ReadonlyMap<string, FolderCode>;
  /** Only these are driven, and no module that a journal names is loaded. */
  readonly isOnlyKnown: boolean;
  readonly untilIdle: boolean;
  /** Who does external tasks of the runs that it works on, by kind. */
  readonly executors: Readonly<Record<string, Executor>> | undefined;
}

const SIGNALS = Object.keys(SIGNAL_EXIT_CODES) as StopSignal[];

/**
 * Owns the runtime, the worker and the signals. The first signal drains: attempts have their grace, and runs can be
 * resumed; the second one ends the program.
 */
export class WorkSession {
  readonly runtime: Runtime;
  /** Once it has been asked to stop, and nothing is under way. */
  readonly done: Promise<void>;
  readonly #onSignal = new Map<StopSignal, () => void>();

  private constructor(
    runtime: Runtime,
    worker: Worker | undefined,
    told: Teller,
    exit: (code: number) => void,
  ) {
    this.runtime = runtime;
    const asked = Promise.withResolvers<void>();
    this.done = worker === undefined ? asked.promise : worker.done.then(() => told.throwBroken());
    let isStopping = false;
    for (const signal of SIGNALS) {
      const handler = (): void => {
        if (isStopping) exit(SIGNAL_EXIT_CODES[signal]);
        isStopping = true;
        told.say('stopping: what is under way has its grace; once more ends the program at once');
        asked.resolve();
        void worker?.drain().catch(() => undefined);
      };
      this.#onSignal.set(signal, handler);
      process.on(signal, handler);
    }
  }

  static async open(options: WorkSessionOptions): Promise<WorkSession> {
    keepHeapSmall();
    const { io, place, known, isOnlyKnown, concurrency, untilIdle } = options;
    const told = new Teller(io, options.isJson, place.flags);
    const loader = new CodeLoader(io.cwd);
    const runtime = await openRuntime({
      ...options.runtime,
      telemetry: await telemetryOf(io),
      path: place.path,
      onLog: (entry) => told.log(entry),
      onWarning: (runId, message) => told.warn(runId, message),
      onChecked: (check) => {
        if ('error' in check) told.unfit(check.runId, check.error);
      },
    });
    if (concurrency === 0) return new WorkSession(runtime, undefined, told, io.exit);
    const processes = isOnlyKnown ? [...known.keys()] : undefined;
    const executors = Object.entries(options.executors ?? {});
    const ours = { runs: 'worked', processes } as const;
    const responders = new Map<string, Responder>();
    for (const [kind, executor] of executors) {
      const onResponded = (responded: Responded): void => told.responded(responded);
      const own = { ...respondBy(executor, io), ...ours, kinds: [kind], onResponded };
      const responder = runtime.tasks.respond(own);
      responders.set(kind, responder);
      responder.finished.catch((error: unknown) => {
        responders.delete(kind);
        told.broken(kind, error);
      });
    }
    const worker = runtime.work({
      concurrency,
      untilIdle,
      isBusy: () =>
        responders.values().some(({ running }) => running > 0) ||
        (responders.size > 0 &&
          runtime.tasks.claimable({ ...ours, kinds: [...responders.keys()] }).length > 0),
      onNote: (note) => told.note(note),
      ...(processes === undefined ? {} : { processes }),
      load: async (code) => await loader.load(code, known.get(code.process)),
    });
    return new WorkSession(runtime, worker, told, io.exit);
  }

  async close(): Promise<void> {
    for (const [signal, handler] of this.#onSignal) process.off(signal, handler);
    await this.runtime.close();
  }
}

/** One line for each thing, to stderr: as text, or as JSON. */
class Teller {
  readonly #io: Io;
  readonly #isJson: boolean;
  /** Of commands, where the journal is not the usual one. */
  readonly #flags: readonly string[];
  #broken: { readonly error: unknown } | undefined;

  constructor(io: Io, isJson: boolean, flags: readonly string[]) {
    this.#io = io;
    this.#flags = flags;
    this.#isJson = isJson;
  }

  say(text: string): void {
    if (!this.#isJson) this.#io.err.line(text);
  }

  /** The runs that need no such tasks go on; what ends well all the same would hide it. */
  broken(kind: string, error: unknown): void {
    this.#broken ??= { error };
    this.warn('executors', `${kind}: ${error instanceof Error ? error.message : String(error)}`);
  }

  /** The replay of a run went another way than the run: others go on, and the end says at length of the first one. */
  unfit(runId: string, error: Error): void {
    this.#broken ??= { error };
    this.warn(runId, `does not do the same again: ${shellWords('pawl', 'replay', runId, ...this.#flags)}`);
  }

  /** @throws why an executor does no tasks any more */
  throwBroken(): void {
    if (this.#broken !== undefined) throw this.#broken.error;
  }

  note(note: WorkNote): void {
    const { err, now } = this.#io;
    err.line(this.#isJson ? jsonLine({ note }) : renderWorkNote(note, now(), err.theme));
  }

  responded(responded: Responded): void {
    const { err } = this.#io;
    err.line(
      this.#isJson
        ? jsonLine({ responded: respondedDocument(responded) })
        : respondedLine(responded, err.theme),
    );
  }

  log(entry: LogEntry): void {
    if (this.#isJson) this.#io.err.line(jsonLine({ log: logDocument(entry) }));
    else this.#io.err.lines(logLines(entry, entry.runId, this.#io.err.theme));
  }

  warn(runId: string, message: string): void {
    if (this.#isJson) this.#io.err.line(jsonLine({ warning: { runId, message } }));
    else this.#io.err.line(`${this.#io.err.theme.attention('!')} ${clean(runId)}: ${clean(message)}`);
  }
}
