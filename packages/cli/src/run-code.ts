/** The code of a run that is recorded: by what its journal names, or by the module that somebody names instead. */
import type { JournalReader, RunId, RunRecord } from '@pawl/runtime';
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
  /** The run from a module that it was started by: its code may be there. */
  readonly starterOf: (run: RunRecord) => Promise<RunRecord | undefined> | RunRecord | undefined;
}

/** @throws RuntimeError NOT_FOUND, REFUSED */
export async function codeOfRun(run: RunRecord, options: RunCodeOptions): Promise<RunCode> {
  const { cwd, module, force } = options;
  const starter = module !== undefined || run.module !== null ? undefined : await options.starterOf(run);
  const { codeHash, ...recorded } = starter ?? run;
  const file =
    module === undefined
      ? recordedModule({ ...recorded, codeHash, runId: run.runId }, cwd, force)
      : await namedModule(run, module, cwd);
  const found = await (module === undefined && starter === undefined
    ? loadProcess(file, cwd)
    : loadProcessOf(run, file, cwd, starter));
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

/** The run from a module that a run was started by, itself or through others. */
export function starterOf(reader: JournalReader, run: RunRecord): RunRecord | undefined {
  const seen = new Set<RunId>();
  for (let id = parentOf(reader, run.runId); id !== undefined && !seen.has(id); id = parentOf(reader, id)) {
    seen.add(id);
    const parent = reader.get(id);
    if (parent.module !== null) return parent;
  }
  return undefined;
}
