/** The code of a run that is recorded: by what its journal names, or by the module that somebody names instead. */
import { RuntimeError, type JournalReader, type RunId, type RunRecord } from '@pawl/runtime';
import type { ProcessDefinition } from '@pawl/sdk';

import { partsOfRecorded } from './alias.ts';
import { configuredAliases, loadConfig } from './config-file.ts';
import { loadProcess, loadProcessOf } from './load-process.ts';
import { findModule, recordedModule, type ModuleFile } from './module-file.ts';

export interface RunCode {
  readonly definition: ProcessDefinition;
  readonly file: ModuleFile;
  /** Digest that the run is pinned to; null where none is recorded. */
  readonly codeHash: string | null;
}

export interface RunCodeOptions {
  readonly cwd: string;
  /** A module instead of the recorded one. */
  readonly module: string | undefined;
  /** A recorded module outside the working folder is loaded although it has changed. */
  readonly force: boolean;
  readonly originOf: (run: RunRecord) => Promise<Origin | undefined> | Origin | undefined;
}

/** Of a run that another run started. */
export interface Origin {
  /** The run from a module that it was started by, itself or through others: its code may be there. */
  readonly starter: RunRecord | undefined;
  /** The topmost run above it that has not ended: who drives that one drives it, too. */
  readonly driver: RunId | undefined;
}

/** @throws RuntimeError NOT_FOUND, REFUSED */
export async function codeOfRun(run: RunRecord, options: RunCodeOptions): Promise<RunCode> {
  const { cwd, module, force } = options;
  const origin = await options.originOf(run);
  const { codeHash, ...recorded } = (module === undefined && run.module === null && origin?.starter) || run;
  const file =
    module === undefined
      ? recordedModule({ ...recorded, codeHash, runId: run.runId }, cwd, force)
      : await namedModule(run, module, cwd);
  const found = await (module === undefined && origin === undefined
    ? loadProcess(file, cwd)
    : loadProcessOf(run, file, cwd, origin));
  return { definition: { ...found, name: run.process }, file, codeHash };
}

/** The module that somebody names instead goes by the aliases of the run. */
async function namedModule(run: RunRecord, given: string, cwd: string): Promise<ModuleFile> {
  const { aliases } = partsOfRecorded(run.module ?? '');
  return findModule(given, cwd, new Map([...configuredAliases(await loadConfig(cwd)), ...aliases]));
}

export function parentOf(reader: JournalReader, id: RunId): RunId | undefined {
  for (const { event } of reader.events(id, 1))
    return event.type === 'ParentRecorded' ? event.parentRunId : undefined;
  return undefined;
}

/** Undefined for a run that nothing started. */
export function originOf(reader: JournalReader, run: RunRecord): Origin | undefined {
  const above = [...runsAbove(reader, run)];
  if (above.length === 0 && parentOf(reader, run.runId) === undefined) return undefined;
  return {
    starter: above.find(({ module }) => module !== null),
    driver: driversOf(run, above).at(-1)?.runId,
  };
}

/** The run to resume for a run to go on: the topmost above it that has not ended, else itself. */
export function drivenBy(reader: JournalReader, run: RunRecord): RunId {
  return driversOf(run, [...runsAbove(reader, run)]).at(-1)?.runId ?? run.runId;
}

/** Whether one of these goes on with it where that one does. */
export function goesOnWith(reader: JournalReader, run: RunRecord, ids: ReadonlySet<RunId>): boolean {
  return driversOf(run, [...runsAbove(reader, run)]).some(({ runId }) => ids.has(runId));
}

/** A fork of a run that was started has a module of its own, and goes on by itself. */
function driversOf(run: RunRecord, above: readonly RunRecord[]): readonly RunRecord[] {
  if (run.module !== null) return [];
  const ended = above.findIndex(({ status }) => status !== 'running');
  return ended < 0 ? above : above.slice(0, ended);
}

/** What it was started by, what that was started by, and so on: as far as one from a module, or what is known. */
function* runsAbove(reader: JournalReader, run: RunRecord): Generator<RunRecord, void, void> {
  const seen = new Set<RunId>([run.runId]);
  for (let id = parentOf(reader, run.runId); id !== undefined && !seen.has(id); id = parentOf(reader, id)) {
    seen.add(id);
    const parent = runIn(reader, id);
    if (parent === undefined) return;
    yield parent;
    if (parent.module !== null) return;
  }
}

/** A run may have been imported without the one that started it, and damage of that one is not its own. */
function runIn(reader: JournalReader, id: RunId): RunRecord | undefined {
  try {
    return reader.get(id);
  } catch (error) {
    if (error instanceof RuntimeError && ['NOT_FOUND', 'CORRUPT'].includes(error.code)) return undefined;
    throw error;
  }
}
