/** Code against recorded runs: which runs, by which code, and what became of each. */
import {
  RuntimeError,
  type AskedAtHead,
  type JournalReader,
  type Replayer,
  type RunRecord,
} from '@pawl/runtime';
import type { ProcessDefinition } from '@pawl/sdk';

import { EXIT_CODES } from '@pawl/runtime/errors';

import { configuredAliases, loadConfig } from './config-file.ts';
import { failureOf } from './failure.ts';
import { findRuns, isMeant, type RunFilter } from './find-runs.ts';
import { loadProcess, processesIn } from './load-process.ts';
import { findModule, recordedModule } from './module-file.ts';
import type { Failure } from './render/failure.ts';
import { codeOfRun, originOf, parentOf } from './run-code.ts';

/** What a replay of one run came to. */
export type Verdict = { readonly run: RunRecord } & (
  | { readonly class: 'same'; readonly events: number }
  | { readonly class: 'needs-new-work'; readonly events: number; readonly asks: AskedAtHead }
  | { readonly class: 'diverges'; readonly failure: Failure }
  /** Its code, or its journal, cannot be read. */
  | { readonly class: 'not-replayed'; readonly failure: Failure }
  /** Of another process than the module's. */
  | { readonly class: 'skipped' }
);

export interface ReplayOptions {
  readonly reader: JournalReader;
  readonly replayer: Replayer;
  readonly cwd: string;
  readonly isDebug: boolean;
  readonly module: string | undefined;
  readonly force: boolean;
}

/** Runs that are under way at a time: each may hold its journal in memory. */
const MOST_AT_A_TIME = 16;

interface Code {
  /** False: it is another process than the module's. */
  isFor(run: RunRecord): boolean;
  /** @throws RuntimeError REFUSED, NOT_FOUND */
  of(run: RunRecord): Promise<ProcessDefinition>;
}

/** One run, and those that it started. */
export async function* replayOne(
  run: RunRecord,
  options: ReplayOptions,
): AsyncGenerator<Verdict, void, void> {
  yield* await family(run, (each) => codeByItself(each, options), options);
}

/** All runs that are meant, and those that they started; in the order of the list, whichever is done first. */
export async function* replayAll(
  filter: RunFilter,
  options: ReplayOptions,
): AsyncGenerator<Verdict, void, void> {
  const code = options.module === undefined ? recordedCode(options) : await moduleCode(filter, options);
  const underWay: Promise<readonly Verdict[]>[] = [];
  for (const run of findRuns(options.reader, filter)) {
    if (goesWithAnother(run, (parent) => isMeant(parent, filter) && code.isFor(parent), options)) continue;
    if (!code.isFor(run)) {
      yield { run, class: 'skipped' };
      continue;
    }
    underWay.push(family(run, (each) => code.of(each), options));
    if (underWay.length < MOST_AT_A_TIME) continue;
    yield* (await underWay.shift()) ?? [];
  }
  for (const verdicts of underWay) yield* await verdicts;
}

/** A run that another one started goes by the code that it is given there, where that one is replayed, too. */
function goesWithAnother(
  run: RunRecord,
  isReplayed: (parent: RunRecord) => boolean,
  { reader }: ReplayOptions,
): boolean {
  if (run.module !== null) return false;
  for (let id = parentOf(reader, run.runId); id !== undefined; id = parentOf(reader, id))
    if (isReplayed(reader.get(id))) return true;
  return false;
}

/** @throws RuntimeError REFUSED, NOT_FOUND */
export async function codeByItself(
  run: RunRecord,
  options: Pick<ReplayOptions, 'reader' | 'cwd' | 'module' | 'force'>,
): Promise<ProcessDefinition> {
  const { reader, cwd, module, force } = options;
  const found = await codeOfRun(run, { cwd, module, force, originOf: (child) => originOf(reader, child) });
  return found.definition;
}

/** Each module is looked at and loaded once. */
function recordedCode(options: ReplayOptions): Code {
  const { cwd, force } = options;
  const loaded = new Map<string, Promise<ProcessDefinition>>();
  return {
    isFor: () => true,
    of: async (run) => {
      if (run.module === null) return codeByItself(run, options);
      const name = `${run.module} ${run.codeHash ?? ''}`;
      const code = loaded.get(name) ?? loadProcess(recordedModule(run, cwd, force), cwd);
      loaded.set(name, code);
      return { ...(await code), name: run.process };
    },
  };
}

/** A module whose process is a bare function goes by its file's name: --process says which runs are meant instead. */
async function moduleCode(filter: RunFilter, { module = '', cwd }: ReplayOptions): Promise<Code> {
  const file = findModule(module, cwd, configuredAliases(await loadConfig(cwd)));
  const processes = await processesIn(file, cwd);
  const own = await loadProcess(file, cwd);
  const isSaid = processes.size === 1 && filter.process !== undefined;
  return {
    isFor: ({ process }) => processes.has(process) || isSaid,
    of: ({ process }) => Promise.resolve(processes.get(process) ?? { ...own, name: process }),
  };
}

async function family(
  run: RunRecord,
  codeOf: Code['of'],
  options: ReplayOptions,
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  const seen = new Set<string>();
  const visit = async (each: RunRecord, code: Code['of']): Promise<void> => {
    seen.add(each.runId);
    const { verdict, children } = await judge(each, code, options);
    verdicts.push(verdict);
    for (const { runId, process } of children) {
      if (seen.has(runId)) continue;
      await visit(options.reader.get(runId), () => Promise.resolve(process));
    }
  };
  await visit(run, codeOf);
  return verdicts;
}

interface Judged {
  readonly verdict: Verdict;
  readonly children: readonly { readonly runId: string; readonly process: ProcessDefinition }[];
}

async function judge(run: RunRecord, codeOf: Code['of'], options: ReplayOptions): Promise<Judged> {
  try {
    const code = await codeOf(run);
    const { events, asks, children } = await options.replayer.replay(run.runId, code);
    const verdict: Verdict =
      asks === null ? { run, class: 'same', events } : { run, class: 'needs-new-work', events, asks };
    return { verdict, children };
  } catch (error) {
    // Of the journal as a whole there is nothing more to be read.
    if (error instanceof RuntimeError && error.code === 'STORAGE') throw error;
    const failure = failureOf(error, options.cwd, options.isDebug);
    const isDivergence = failure.exitCode === EXIT_CODES.NON_DETERMINISM;
    return { verdict: { run, class: isDivergence ? 'diverges' : 'not-replayed', failure }, children: [] };
  }
}
