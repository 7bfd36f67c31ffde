/** Runs that an engine drives: started, or gone on with, from here, and shown until they end or wait for people. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import {
  addEvent,
  createRunTree,
  displayStatus,
  RuntimeError,
  type JournalReader,
  type Recorded,
  type RunId,
  type RunTree,
  type Runtime,
} from '@pawl/runtime';
import { checkAgainst } from '@pawl/sdk';

import { givenAliases } from './alias.ts';
import { configuredAliases, loadConfig } from './config-file.ts';
import { openEngine, type EngineJournals } from './engine.ts';
import { tellEnd, type FinishOptions } from './finish.ts';
import { followRun } from './follow-run.ts';
import { createProgress, type Followed, type Progress } from './live/progress.ts';
import { loadProcess } from './load-process.ts';
import { findModule } from './module-file.ts';
import { readWhy } from './read-why.ts';
import { clean } from './render/clean.ts';
import { jsonLine } from './render/json.ts';
import { shellWords } from './render/next-commands.ts';
import { keepText } from './render/value.ts';
import type { WhyView } from './render/why.ts';
import type { RunEnd } from './session.ts';
import { listenForStop } from './stop-signals.ts';
import { waitingError } from './waiting-error.ts';

/** What a person, or another program, has to do. */
const OTHERS: ReadonlySet<string> = new Set(['outcome', 'breakpoint', 'message', 'taskMessage', 'external']);
const PROCESS_NAME = /^[a-zA-Z][a-zA-Z0-9._-]*$/;

export interface StartElsewhere {
  /** A module, or the name of a process that is deployed. */
  readonly named: string;
  readonly alias: readonly string[];
  readonly input: unknown;
  readonly id: RunId | undefined;
}

export async function startElsewhere(start: StartElsewhere, options: FinishOptions): Promise<number> {
  const { io, place } = options;
  const engine = await openEngine(place.path, options);
  const process = await processNamed(start, options);
  const runId = start.id ?? `run_${randomUUID()}`;
  const started = await engine.start(process, start.input, runId);
  if (started === 'there' && !options.isJson)
    io.err.line(`${io.err.theme.attention('!')} Run ${clean(runId)} exists already: this is it.`);
  return await follow(engine, runId, process, options);
}

export async function resumeElsewhere(runId: RunId, options: FinishOptions): Promise<number> {
  const engine = await openEngine(options.place.path, options);
  await engine.resume(runId);
  const process = await engine.read({ run: runId }, (reader) => reader.get(runId).process);
  return await follow(engine, runId, process, options);
}

/** Its module says whether the input is what it takes; without one a worker does. */
async function processNamed({ named, alias, input }: StartElsewhere, { io }: FinishOptions): Promise<string> {
  if (PROCESS_NAME.test(named) && !existsSync(resolve(io.cwd, named))) return named;
  const file = findModule(named, io.cwd, givenAliases(alias, configuredAliases(await loadConfig(io.cwd))));
  const definition = await loadProcess(file, io.cwd);
  if (definition.input !== undefined)
    await checkAgainst(definition.input, input, `The input of process '${definition.name}'`);
  return definition.name;
}

async function follow(
  engine: EngineJournals,
  runId: RunId,
  process: string,
  options: FinishOptions,
): Promise<number> {
  const stop = listenForStop();
  try {
    return await engine.look({ run: runId }, async ({ reader, runtime }) => {
      const shown = new RunElsewhere(reader, runtime, options);
      const end = await shown.until(runId, process, stop.aborted);
      shown.endProgress();
      if (end !== undefined) return tellEnd(shown, runId, end, options);
      tellLeft(shown.lastOf(runId), options);
      return stop.exitCode();
    });
  } finally {
    stop.release();
  }
}

class RunElsewhere {
  readonly runtime: Runtime;
  readonly stoppedBy = undefined;
  readonly #reader: JournalReader;
  readonly #options: FinishOptions;
  readonly #progress: Progress;
  readonly #trees = new Map<RunId, RunTree>();
  #last: RunId | undefined;
  /** Of the last event that was read. */
  #seq = 0;
  #problem = '';

  constructor(reader: JournalReader, runtime: Runtime, options: FinishOptions) {
    const { io, isJson } = options;
    this.#reader = reader;
    this.runtime = runtime;
    this.#options = options;
    this.#progress = createProgress(io, isJson ? 'none' : io.err.isTerminal ? 'live' : 'lines');
  }

  treeOf(runId: RunId): RunTree {
    const tree = this.#trees.get(runId) ?? createRunTree(keepText);
    this.#trees.set(runId, tree);
    return tree;
  }

  lastOf(first: RunId): RunId {
    return this.#last ?? first;
  }

  endProgress(): void {
    this.#progress.end();
  }

  /** How it left; undefined where nobody looks any more. */
  async until(first: RunId, name: string, signal: AbortSignal): Promise<RunEnd | undefined> {
    let run: Followed | undefined;
    for await (const { runId, recorded } of followRun(this.#reader, first, { after: 0, signal })) {
      if (recorded === undefined) {
        const error = this.#stuck(runId);
        if (error !== undefined) return { status: 'left', error };
        continue;
      }
      if (run?.runId !== runId) {
        this.#last = runId;
        run = { runId, name, tree: this.treeOf(runId), told: new Map(), historySeq: 0 };
        this.#progress.follow(run);
      }
      this.#seq = recorded.seq;
      addEvent(run.tree, recorded);
      this.#progress.event(run, recorded);
      const end = await this.#endOf(runId, recorded);
      if (end !== undefined) return end;
    }
    return signal.aborted ? undefined : { status: 'left', error: this.#killed(this.lastOf(first)) };
  }

  /** What it came to is what its handle would say of it. */
  async #endOf(runId: RunId, { event }: Recorded): Promise<RunEnd | undefined> {
    if (event.type !== 'RunSucceeded' && event.type !== 'RunFailed' && event.type !== 'RunCancelled')
      return undefined;
    try {
      const output = await this.runtime.resume(runId).result();
      return {
        status: 'succeeded',
        output,
        encoded: event.type === 'RunSucceeded' ? event.output : undefined,
      };
    } catch (error) {
      return { status: 'left', error };
    }
  }

  /** All that is recorded was read: why nothing follows from it by itself. */
  #stuck(runId: RunId): unknown {
    const start = this.#reader.start(runId);
    if (start !== undefined) {
      this.#tellOnce(start.problem);
      return undefined;
    }
    // More came since.
    if (this.#reader.get(runId).lastSeq !== this.#seq) return undefined;
    const view = readWhy(this.#reader, runId, this.#options.io.now());
    if (view.setBack !== undefined && view.run.wakeAt === null) return this.#paused(view);
    this.#tellOnce(view.setBack?.problem ?? null);
    const { why, run } = view;
    if (displayStatus(run) !== 'waiting' || run.isCancelAsked) return undefined;
    const waits = [why.wait, ...why.others.map(({ wait }) => wait)];
    if (why.state !== 'childWaits' && !waits.every((wait) => wait !== undefined && OTHERS.has(wait)))
      return undefined;
    const keys =
      why.call === undefined
        ? run.asked
        : [why.call.key, ...run.asked.filter((key) => key !== why.call?.key)];
    return waitingError(runId, keys, this.treeOf(runId).byKey.get(keys[0] ?? ''), this.#options.place, true);
  }

  #paused({ run, why, setBack }: WhyView): RuntimeError {
    const { runId } = run;
    const resume = shellWords('pawl', 'resume', runId, ...this.#options.place.flags);
    const isDiverged = why.state === 'diverged';
    return new RuntimeError(
      isDiverged ? 'NON_DETERMINISM' : 'WAITING',
      `Run ${runId} is paused: ${setBack?.problem ?? ''}`,
      {
        hint: isDiverged
          ? `Put the old code back in its workers; nothing is lost; then: ${resume}`
          : `See to it; then: ${resume}`,
        data: { runId },
      },
    );
  }

  /** Its journal has no end, and it has none coming. */
  #killed(runId: RunId): RuntimeError {
    return new RuntimeError(
      'CANCELLED',
      `Run ${runId} was given up by the engine: its invocation was killed.`,
      {
        data: { runId },
      },
    );
  }

  #tellOnce(problem: string | null): void {
    if (problem === null || problem === this.#problem || this.#options.isJson) return;
    this.#problem = problem;
    const { theme } = this.#options.io.err;
    this.#progress.say([
      `${theme.attention('!')} It cannot go on now, and is tried again: ${clean(problem)}`,
    ]);
  }
}

function tellLeft(runId: RunId, { io, place, isJson }: FinishOptions): void {
  const watch = shellWords('pawl', 'show', runId, '--watch', ...place.flags);
  if (isJson) io.err.line(jsonLine({ warning: { runId, message: `it goes on; look again: ${watch}` } }));
  else io.err.line(clean(`it goes on without you; look again: ${watch}`));
}
