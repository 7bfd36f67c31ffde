/** Code for a worker: by the module that a run names, or out of one folder. */
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { RuntimeError, type CodePlace, type LoadedCode } from '@pawl/runtime';

import { usage } from './command.ts';
import { configuredAliases, loadConfig } from './config-file.ts';
import { loadProcess } from './load-process.ts';
import { findModule, isOtherCode, modulesIn, recordedModule, type ModuleFile } from './module-file.ts';

/** A process of a folder. */
export type FolderCode = LoadedCode & { readonly file: ModuleFile };

interface Loaded {
  readonly digest: string;
  /** With its aliases. */
  readonly recorded: string;
  readonly code: Promise<LoadedCode>;
}

/**
 * Owns the modules that were loaded: Node reads each once, so one that has changed since is not run. What is going
 * to be executed is named by the journal: see `recordedModule` for what is refused.
 */
export class CodeLoader {
  readonly #cwd: string;
  readonly #loaded = new Map<string, Loaded>();

  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  /**
   * Code that a run is not pinned to is not even loaded: it is somebody's word that it fits.
   * @param known what is there already
   * @throws RuntimeError REFUSED, NOT_FOUND
   */
  async load(place: CodePlace, known?: FolderCode): Promise<LoadedCode> {
    const file = known?.file ?? recordedModule(place, this.#cwd, false);
    const { runId, codeHash, isBegun } = place;
    if (isBegun && isOtherCode(codeHash, file)) throw otherCode(runId, file);
    const { definition, codeHash: digest } = known ?? (await this.#load(file));
    return { definition, codeHash: isBegun ? codeHash : digest };
  }

  async #load(file: ModuleFile): Promise<LoadedCode> {
    const known = this.#loaded.get(file.path);
    if (known !== undefined && known.recorded !== file.recorded) {
      throw new RuntimeError('REFUSED', `${file.given} was loaded by this worker with other aliases.`, {
        hint: 'Start another worker: each reads a module once',
      });
    }
    if (known !== undefined && known.digest !== file.digest) {
      throw new RuntimeError('REFUSED', `${file.given} has changed since this worker loaded it.`, {
        hint: 'Start the worker again',
      });
    }
    if (known !== undefined) return await known.code;
    const code = loadProcess(file, this.#cwd).then((definition) => ({ definition, codeHash: file.digest }));
    this.#loaded.set(file.path, { digest: file.digest, recorded: file.recorded, code });
    // What could not be loaded is tried again: Node may have failed on a file that was half written.
    code.catch(() => this.#loaded.delete(file.path));
    return await code;
  }

  /** All processes of a folder, by name; files in it that export none are let be. */
  async folder(given: string): Promise<ReadonlyMap<string, FolderCode>> {
    const path = resolve(this.#cwd, given);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw usage(`'${given}' is no folder, which --processes takes.`);
    const processes = new Map<string, FolderCode>();
    const aliases = configuredAliases(await loadConfig(this.#cwd));
    for (const name of modulesIn(path).filter(isNoTest).toSorted()) {
      const file = findModule(join(given, name), this.#cwd, aliases);
      const code = await this.#load(file).catch(unlessItHasNone);
      if (code === undefined) continue;
      const { name: process } = code.definition;
      const other = processes.get(process);
      if (other !== undefined)
        throw usage(`Process '${process}' is in both ${other.file.given} and ${file.given}.`);
      processes.set(process, { ...code, file });
    }
    if (processes.size === 0) {
      const files = readdirSync(path).length;
      throw usage(`No module in '${given}' exports a process (${files} files looked at).`);
    }
    return processes;
  }
}

function otherCode(runId: string, file: ModuleFile): RuntimeError {
  return new RuntimeError(
    'REFUSED',
    `${file.given}, or a local file that it imports, has changed since run ${runId} was started.`,
    { hint: `See whether it fits, and accept it: pawl resume ${runId} --accept-code-change` },
  );
}

function isNoTest(name: string): boolean {
  return !/\.(test|spec|fixture)\.[cm]?[jt]s$/.test(name);
}

function unlessItHasNone(error: unknown): undefined {
  if (error instanceof RuntimeError && 'exports' in error.data) return undefined;
  throw error;
}
