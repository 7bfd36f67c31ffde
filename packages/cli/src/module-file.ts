import { readdirSync, readFileSync, realpathSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from 'node:path';

import { nearest, RuntimeError, type RunRecord } from '@pawl/runtime';

import { aliasesFor, BABYSITTER, NO_ALIASES, partsOfRecorded, recordedName, type Aliases } from './alias.ts';
import { codeGraph, sha256, type CodeGraph, type Renamed } from './code-graph.ts';
import { shellWords } from './render/next-commands.ts';

/** A process that may be loaded: an ordinary file with the name of a module or of a workflow. */
export interface ModuleFile {
  /** Absolute. */
  readonly path: string;
  /** As it was given, for messages. */
  readonly given: string;
  /** Its path, relative to the working folder where it lies below it, so that a project can be moved; and its aliases. */
  readonly recorded: string;
  /** Those that matter to it. */
  readonly aliases: Aliases;
  /** Its process is to be called as Babysitter would. */
  readonly isBabysitter: boolean;
  /** Of its text and of all local files that are imported from there. */
  readonly digest: string;
  /** SHA-256 of its text alone: what older versions recorded. */
  readonly ownDigest: string;
}

const MODULE = /\.[cm]?[jt]s$/;
const DECLARATION = /\.d\.[cm]?ts$/;
const WORKFLOW = /\.(ya?ml|json)$/;

function isModuleName(name: string): boolean {
  return MODULE.test(name) && !DECLARATION.test(name);
}

/** A file that describes a workflow, and holds no code. */
export function isWorkflowFile(path: string): boolean {
  return WORKFLOW.test(path);
}

/** What may be meant where nothing is named: JSON files are rarely workflows. */
function isLikely(name: string): boolean {
  return isModuleName(name) || /\.ya?ml$/.test(name);
}

/**
 * @param aliases of the packages that it may import
 * @throws RuntimeError NOT_FOUND, REFUSED
 */
export function findModule(given: string, cwd: string, aliases: Aliases = NO_ALIASES): ModuleFile {
  // One letter is a drive of Windows.
  if (/^[a-z][a-z0-9+.-]+:/i.test(given)) {
    const scheme = given.slice(0, given.indexOf(':') + 1);
    throw refused(
      `A module is named by its path; '${scheme}' is refused.`,
      'Save it as a file: pawl run <file>',
    );
  }
  const path = resolve(cwd, given);
  const stats = statOf(path, given, cwd);
  if (stats.isDirectory()) {
    const inside = modulesIn(path).slice(0, 3);
    const hint =
      inside.length === 0
        ? 'Name a file: pawl run <file>'
        : `Name a file in it: ${runCommands(given, inside)}`;
    throw refused(`${given} is a folder, not a module.`, hint);
  }
  if (!stats.isFile()) throw refused(`${given} is not an ordinary file.`, 'Name a file: pawl run <file>');
  if (!isModuleName(path) && !isWorkflowFile(path)) {
    throw refused(
      `${given} is no module: its name must end in .ts, .mts, .cts, .js, .mjs or .cjs, that of a workflow in .yaml, .yml or .json.`,
      'Name a file that Node can import, or a workflow: pawl run <file>',
    );
  }
  const { ownDigest, digest, packages, unknown } = graphOf(path, given, { aliases, cwd });
  const own = isWorkflowFile(path) ? NO_ALIASES : aliasesFor(aliases, packages, unknown.length > 0);
  return {
    path,
    given,
    recorded: recordedName(recordedPath(path, cwd), own),
    aliases: own,
    isBabysitter: packages.has(BABYSITTER) || [...own.values()].includes(BABYSITTER),
    digest,
    ownDigest,
  };
}

function refused(message: string, hint: string): RuntimeError {
  return new RuntimeError('REFUSED', message, { hint });
}

function statOf(path: string, given: string, cwd: string): Stats {
  let reason = '';
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined) return stats;
  } catch (error) {
    // A file where a folder is needed is as good as missing.
    if (codeOf(error) !== 'ENOTDIR') reason = ` (${codeOf(error)})`;
  }
  const near = nearModules(path).map((name) => join(dirname(given), name));
  const hint =
    near.length === 0
      ? `Looked in ${dirname(path) === cwd ? 'this folder' : dirname(path)}`
      : `Did you mean ${near.join(' or ')}?`;
  throw new RuntimeError('NOT_FOUND', `There is no file ${given}${reason}.`, {
    hint,
    data: { path, nearest: near },
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

function graphOf(path: string, given: string, renamed: Renamed): CodeGraph & Pick<ModuleFile, 'ownDigest'> {
  try {
    const text = readFileSync(path);
    return { ...codeGraph(path, text, renamed), ownDigest: sha256(text) };
  } catch (error) {
    throw refused(`${given} cannot be read (${codeOf(error)}).`, `See who may: ls -l ${shellWords(given)}`);
  }
}

function recordedPath(path: string, cwd: string): string {
  return isBelow(path, cwd) ? relative(cwd, path) : path;
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && !way.startsWith('..') && !isAbsolute(way);
}

/** Names of files in a folder that are modules, or workflows most likely. */
export function modulesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter(isLikely);
  } catch {
    return [];
  }
}

/** Modules beside it that may have been meant: with the ending that was left out, or a name that is close. */
function nearModules(path: string): string[] {
  const beside = modulesIn(dirname(path));
  const asked = basename(path, MODULE.test(path) || WORKFLOW.test(path) ? extname(path) : '');
  const sameName = beside.filter((name) => basename(name, extname(name)) === asked);
  return sameName.length > 0 ? sameName.slice(0, 3) : nearest(basename(path), beside);
}

function runCommands(given: string, names: readonly string[]): string {
  return names.map((name) => shellWords('pawl', 'run', join(given, name))).join(', ');
}

/**
 * The module that a journal names. A journal may come from elsewhere, and what it names is going to
 * be executed: outside the working folder only the very code that was recorded is loaded.
 * @throws RuntimeError NOT_FOUND, REFUSED
 */
export function recordedModule(
  run: Pick<RunRecord, 'runId' | 'module' | 'codeHash'>,
  cwd: string,
  isForced: boolean,
): ModuleFile {
  const { runId, module, codeHash } = run;
  const resumeWith = `pawl resume ${runId} --module <file>`;
  if (module === null) {
    throw refused(
      `Run ${runId} was started by a program, not from a module: only that program can resume it.`,
      `If you have its process as a module: ${resumeWith}`,
    );
  }
  const file = found(module, cwd, runId, resumeWith);
  const isProven = codeHash !== null && !isOtherCode(codeHash, file);
  if (!isProven && !isForced && !isBelow(realpathSync(file.path), realpathSync(cwd))) {
    throw refused(
      `Run ${runId} names a module outside this folder, ${module}, which is not the one that was recorded.`,
      `If you trust it: pawl resume ${runId} --force`,
    );
  }
  return file;
}

/** Whether it is other code than the run was started, or let go on, with. Where no digest is recorded it may be any. */
export function isOtherCode(codeHash: string | null, file: ModuleFile): boolean {
  return codeHash !== null && codeHash !== file.digest && codeHash !== file.ownDigest;
}

function found(module: string, cwd: string, runId: string, resumeWith: string): ModuleFile {
  try {
    const { path, aliases } = partsOfRecorded(module);
    return findModule(path, cwd, aliases);
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    throw new RuntimeError(error.code, `The module of run ${runId} cannot be used: ${error.message}`, {
      hint: `Run it from the folder it was started in, or name the module: ${resumeWith}`,
      data: { runId, module },
    });
  }
}
