/** Why a module could not be loaded, in one message with its place. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';

import { RuntimeError } from '@pawl/runtime';
import { isPawlError } from '@pawl/sdk';

import { standInFor } from './alias.ts';
import type { ModuleFile } from './module-file.ts';
import { OWN_FOLDERS } from './own-folders.ts';
import { relativeTo, sourcePlace } from './render/source-place.ts';

const MODULE = /\.[cm]?[jt]s$/;
/** Of the files that an error in syntax may be in. */
const MOST_CHECKED = 50;

export interface LoadPlace {
  readonly file: ModuleFile;
  readonly cwd: string;
  /** URLs or paths of the modules that were found, in that order. */
  readonly reached: ReadonlySet<string>;
}

export function loadFailure(error: unknown, place: LoadPlace): RuntimeError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (error instanceof SyntaxError) return syntaxFailure(error, code, place);
  if (error instanceof Error && code === 'ERR_MODULE_NOT_FOUND') return missingImport(error, place);
  if (
    error instanceof Error &&
    /^ERR_(UNSUPPORTED|UNKNOWN|PACKAGE|IMPORT|INVALID_(MODULE|PACKAGE))/.test(code)
  ) {
    return refused(`${place.file.given} cannot be loaded: ${error.message}`, undefined, undefined);
  }
  // What Pawl itself refuses needs no other advice.
  const isOurs = isPawlError(error);
  const where = error instanceof Error ? sourcePlace(error.stack, place.cwd, OWN_FOLDERS) : undefined;
  return refused(
    `${place.file.given} failed while it was loaded: ${thrownText(error)}`,
    where,
    isOurs ? undefined : 'A module should only declare; work belongs into tasks',
    error,
  );
}

function refused(
  message: string,
  where: string | undefined,
  hint: string | undefined,
  cause?: unknown,
): RuntimeError {
  return new RuntimeError('REFUSED', message, {
    ...(hint === undefined ? {} : { hint }),
    data: where === undefined ? {} : { where },
    ...(cause === undefined ? {} : { cause }),
  });
}

function thrownText(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : `it threw ${String(error)}`;
}

function syntaxFailure(error: SyntaxError, code: string, { file, cwd, reached }: LoadPlace): RuntimeError {
  const found = placeInStack(error.stack) ?? placeByCheck([...reached]);
  const where = found === undefined ? undefined : relativeTo(cwd, found);
  const hint =
    code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'
      ? 'Node strips types and runs the rest: use a const object instead of an enum, a field instead of a parameter property'
      : undefined;
  return refused(`${file.given} has a syntax error: ${error.message}`, where, hint, error);
}

/** Node puts `file:line`, the source line and a caret before the stack. */
function placeInStack(stack: string | undefined): string | undefined {
  const [, path = '', line = ''] = /^(.+):(\d+)(?:\r?\n|$)/.exec(stack ?? '') ?? [];
  if (path === '') return undefined;
  return `${pathOf(path)}:${line}`;
}

function pathOf(urlOrPath: string): string {
  return urlOrPath.startsWith('file:') ? fileURLToPath(urlOrPath) : urlOrPath;
}

/** An imported module's syntax error has no place; Node tells it to whoever asks with --check. */
function placeByCheck(reached: readonly string[]): string | undefined {
  // What is imported is found after what imports it, and read in about that order.
  for (const each of reached
    .filter((url) => MODULE.test(url))
    .toReversed()
    .slice(0, MOST_CHECKED)) {
    const path = pathOf(each);
    const line = existsSync(path) ? badLine(path) : undefined;
    if (line !== undefined) return `${path}:${line}`;
  }
  return undefined;
}

function badLine(path: string): string | undefined {
  try {
    const source = readFileSync(path, 'utf8');
    // Stripping leaves every character where it was.
    const input = /\.[cm]?ts$/.test(path) ? stripTypeScriptTypes(source) : source;
    const type = /\.c[jt]s$/.test(path) ? 'commonjs' : 'module';
    const args = ['--check', `--input-type=${type}`, '-'];
    const { stderr } = spawnSync(process.execPath, args, { input, encoding: 'utf8', timeout: 5000 });
    return /^\[stdin\]:(\d+)/m.exec(stderr)?.[1];
  } catch {
    return undefined;
  }
}

function missingImport(error: Error, { file, cwd }: LoadPlace): RuntimeError {
  const [, kind = 'module', target = '', from = ''] =
    /^Cannot find (module|package) '(.*?)' imported from (.*)$/.exec(error.message) ?? [];
  if (target === '') return refused(`${file.given} cannot be loaded: ${error.message}`, undefined, undefined);
  const importer = relativeTo(cwd, pathOf(from));
  if (kind === 'package') {
    return refused(
      `${importer} imports the package '${target}', which is not installed.`,
      undefined,
      standInFor(target) ?? `npm install ${target}`,
    );
  }
  const typescript = target.replace(/\.([cm]?)js$/, '.$1ts');
  const hint =
    typescript !== target && existsSync(typescript)
      ? `Name the file as it is: ${relativeTo(cwd, typescript)}`
      : ['.ts', '.js', '.mts', '.mjs'].some((ending) => existsSync(target + ending))
        ? 'Node needs the ending in the import, such as ./name.ts'
        : undefined;
  return refused(`${importer} imports ${relativeTo(cwd, target)}, which is not there.`, undefined, hint);
}
