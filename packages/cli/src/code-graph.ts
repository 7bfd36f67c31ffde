/**
 * The code of a process: its module, or its workflow's file and the module of that one's tools, and all local files
 * that are imported from there, found without running any of
 * it. Packages are not followed, a lock file holds those.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { initSync, parse, type ImportSpecifier } from 'es-module-lexer';
import type * as Yaml from 'yaml';

export interface CodeGraph {
  /** SHA-256 of the text of a module that imports nothing of its own; else of all paths and texts. */
  readonly digest: string;
  /** Absolute, the module first. */
  readonly files: readonly string[];
  /** Names of packages, and of what is in them, as they are imported. */
  readonly packages: ReadonlySet<string>;
  /** Files in which something is imported by a name that only running them tells. */
  readonly unknown: readonly string[];
}

/** More than this and it is no longer the code of one process: what is beyond is not looked at. */
const MOST_FILES = 5000;
const MODULE = /\.[cm]?[jt]sx?$/;
const WORKFLOW = /\.(ya?ml|json)$/;
/** More is no workflow that a person wrote. */
const LARGEST_WORKFLOW = 4 * 1024 * 1024;
const TYPESCRIPT = /\.[cm]?ts$/;
/** What `require` and import without an ending may mean. */
const ENDINGS = [
  '',
  '.js',
  '.cjs',
  '.mjs',
  '.ts',
  '.cts',
  '.mts',
  '.json',
  '/index.js',
  '/index.cjs',
  '/index.ts',
];
const REQUIRE = /\brequire\(\s*(['"])((?:\.{1,2}\/|[\w@])[^'"]*)\1\s*\)/g;
/** Imports that the compiler takes away, and others; of neither where it needs more than these words to tell. */
const TYPES_ONLY = /^(?:import|export)\s+type\s*(?:[{*]|(?!from\b)[\w$]+\s+from\b)/;
const VALUES = /^(?:import|export)(?:\s*[{*"']|\s+(?!type\b)[\w$])/;
/** In JavaScript a pattern begins there, in TypeScript it may be a division: `x! / 2`. */
const DIVIDES = /[!>]\s*\/(?![/*])/;
/** How a thread's or a process' module is named. */
const BESIDE = /\bnew URL\(\s*(['"`])(\.{1,2}\/[^'"`$]+)\1\s*,\s*import\.meta\.url\s*\)/g;

/** What is imported under these names is in another place, from this folder on. */
export interface Renamed {
  readonly aliases: ReadonlyMap<string, string>;
  readonly cwd: string;
}

/** @param text of the module, which was read already */
export function codeGraph(path: string, text: Buffer, renamed?: Renamed): CodeGraph {
  const texts = new Map<string, Buffer>([[path, text]]);
  const unknown: string[] = [];
  const packages = new Set<string>();
  for (const [file, content] of texts) {
    const isWorkflow = file === path && WORKFLOW.test(file);
    if (!isWorkflow && !MODULE.test(file)) continue;
    const { specifiers, isOpen } = isWorkflow
      ? toolsOf(content)
      : importsOf(content.toString('utf8'), TYPESCRIPT.test(file));
    if (isOpen) unknown.push(file);
    for (const specifier of specifiers) {
      if (/^[\w@]/.test(specifier)) packages.add(specifier);
      const other = renamed?.aliases.get(specifier);
      const found =
        renamed === undefined || other === undefined
          ? localFile(specifier, dirname(file))
          : localFile(other, renamed.cwd);
      if (found !== undefined && !texts.has(found.path) && texts.size < MOST_FILES)
        texts.set(found.path, found.text);
    }
  }
  const files = [...texts.keys()];
  return { digest: digestOf(path, texts), files, packages, unknown };
}

export function sha256(text: Buffer | string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Paths count from the module, so that a project can be moved. */
function digestOf(path: string, texts: ReadonlyMap<string, Buffer>): string {
  const own = texts.get(path);
  if (texts.size === 1 && own !== undefined) return sha256(own);
  const lines = [...texts].map(([file, text]) => {
    const way = relative(dirname(path), file).split(sep).join('/');
    return `${sha256(text)} ${way}\n`;
  });
  return sha256(lines.toSorted().join(''));
}

export interface Imports {
  readonly specifiers: readonly string[];
  /** A name is put together when it runs. */
  readonly isOpen: boolean;
}

export function importsOf(source: string, isTypeScript: boolean): Imports {
  const code = isTypeScript && !isPlain(source) ? stripped(source) : source;
  const specifiers: string[] = [];
  let isOpen = false;
  try {
    const imports = importedBy(code);
    for (const { n: specifier, d: dynamic, ss: start, se: end } of imports) {
      if (TYPES_ONLY.test(code.slice(start, end))) continue;
      if (specifier !== undefined) specifiers.push(specifier);
      // -2: `import.meta`.
      else if (dynamic > -2) isOpen = true;
    }
  } catch {
    // It is no module, or no JavaScript: whoever loads it says so.
  }
  for (const [, , specifier = ''] of code.matchAll(REQUIRE)) specifiers.push(specifier);
  for (const [, , specifier = ''] of code.matchAll(BESIDE)) specifiers.push(specifier);
  return { specifiers, isOpen };
}

/**
 * Whether what TypeScript imports can be told as it stands: all by static imports, which say by their first words whether
 * they are there for the compiler alone. What takes types off need not be loaded then: a fifth of a start.
 */
function isPlain(source: string): boolean {
  if ([REQUIRE, BESIDE, DIVIDES].some((pattern) => source.search(pattern) !== -1)) return false;
  try {
    return importedBy(source).every(({ d: dynamic, ss: start, se: end }) => {
      const statement = source.slice(start, end);
      return dynamic === -2 || (dynamic === -1 && (TYPES_ONLY.test(statement) || VALUES.test(statement)));
    });
  } catch {
    return false;
  }
}

/** In WebAssembly, which is there at once: the same in JavaScript takes ten times as long for the first text. */
function importedBy(code: string): readonly ImportSpecifier[] {
  initSync();
  return parse(code)[0];
}

/** What a workflow file names as its `tools`, a path with or without `./`; nothing where its text cannot be read. */
function toolsOf(content: Buffer): Imports {
  const named: unknown = content.length > LARGEST_WORKFLOW ? undefined : documentOf(content.toString('utf8'));
  const tools: unknown =
    typeof named === 'object' && named !== null ? Reflect.get(named, 'tools') : undefined;
  return {
    specifiers: typeof tools === 'string' ? [isAbsolute(tools) ? tools : `./${tools}`] : [],
    isOpen: false,
  };
}

function documentOf(text: string): unknown {
  // Only who has such a file pays for reading it.
  const { parse: parseYaml } = createRequire(import.meta.url)('yaml') as Pick<typeof Yaml, 'parse'>;
  try {
    return parseYaml(text, { logLevel: 'silent', maxAliasCount: 1000 });
  } catch {
    return undefined;
  }
}

/** Without what is there for the compiler alone: a file of types is no code. */
function stripped(source: string): string {
  try {
    return stripTypeScriptTypes(source);
  } catch {
    return source;
  }
}

function localFile(
  specifier: string,
  folder: string,
): { readonly path: string; readonly text: Buffer } | undefined {
  const base = localPath(specifier, folder);
  if (base === undefined || base.includes(`${sep}node_modules${sep}`)) return undefined;
  for (const ending of extname(base) === '' ? ENDINGS : ['']) {
    const path = ending.startsWith('/') ? join(base, ending) : `${base}${ending}`;
    try {
      if (statSync(path, { throwIfNoEntry: false })?.isFile() === true)
        return { path, text: readFileSync(path) };
    } catch {
      // One that cannot be read is no part of what is known.
    }
  }
  return undefined;
}

function localPath(specifier: string, folder: string): string | undefined {
  // What a bundler is told behind a question mark is no part of the name.
  const name = specifier.replace(/[?#].*$/, '');
  try {
    if (/^\.{1,2}(\/|$)/.test(name)) return resolve(folder, decodeURIComponent(name));
    if (name.startsWith('file:')) return fileURLToPath(name);
  } catch {
    return undefined;
  }
  return isAbsolute(name) ? name : undefined;
}
