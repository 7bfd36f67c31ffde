import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

import { parseSync, visitorKeys } from 'oxc-parser';
import type { Node, Program } from 'oxc-parser';

export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly program: Program;
  lineOf(offset: number): number;
}

export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

const FOLDERS = ['packages', 'processes', 'tests', 'tooling'];
const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.pawl']);

/** Every source of the repository: the folders above, and the configuration files beside them. */
export function readSources(root: string): SourceFile[] {
  const beside = readdirSync(root).filter(isSource);
  const paths = [...beside, ...FOLDERS.flatMap((folder) => listSources(root, join(root, folder)))].toSorted();
  return paths.map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')));
}

function listSources(root: string, folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : listSources(root, path);
    return isSource(entry.name) ? [relative(root, path).split(sep).join('/')] : [];
  });
}

function isSource(name: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(name) && !name.endsWith('.d.ts');
}

/** @throws SyntaxError where the text does not parse: a rule that cannot read a file must not pass it. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, errors } = parseSync(path, text, { sourceType: 'module' });
  const [error] = errors;
  if (error !== undefined) throw new SyntaxError(`${path}: ${error.message}`);
  const lineStarts = [0, ...Array.from(text.matchAll(/\n/g), (match) => match.index + 1)];
  return { path, text, program, lineOf: (offset) => lineStarts.filter((start) => start <= offset).length };
}

/** Every node, outermost first, with its parent. */
export function* nodesOf(
  node: Node,
  parent: Node | undefined = undefined,
): Generator<readonly [Node, Node | undefined]> {
  yield [node, parent];
  for (const key of visitorKeys[node.type] ?? []) {
    const child: unknown = Reflect.get(node, key);
    for (const each of Array.isArray(child) ? child : [child]) {
      if (isNode(each)) yield* nodesOf(each, node);
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
