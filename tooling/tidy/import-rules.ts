import { isBuiltin } from 'node:module';
import { posix } from 'node:path';

import type { Node } from 'oxc-parser';

import { ENTRIES, isTest, KEPT_PACKAGES, roomOf } from './rooms.ts';
import type { Room } from './rooms.ts';
import { nodesOf } from './source-file.ts';
import type { Finding, SourceFile } from './source-file.ts';

interface Import {
  readonly specifier: string;
  readonly typesOnly: boolean;
  readonly offset: number;
}

/** Holds the table of rooms: every import that it does not allow. */
export function importFindings(source: SourceFile): Finding[] {
  if (isTest(source.path)) return [];
  const room = roomOf(source.path);
  if (room === undefined) return [finding(source, 0, 'belongs to no room: a new package adds its row')];
  return importsOf(source).flatMap((each) => {
    const problem = problemOf(source.path, room, each);
    return problem === undefined ? [] : [finding(source, each.offset, problem)];
  });
}

function problemOf(path: string, room: Room, { specifier, typesOnly }: Import): string | undefined {
  if (isBuiltin(specifier)) {
    const name = specifier.replace(/^node:/, '');
    return isListed(room.builtins, name) ? undefined : `${room.name} may not import node:${name}`;
  }
  const target = targetOf(path, specifier);
  if (target === undefined) return packageProblem(path, room, specifier);

  const to = roomOf(target);
  if (to === undefined) return `${specifier} is in no room`;
  if (to === room) return undefined;
  if (specifier.startsWith('.') && packageOf(path) !== packageOf(target)) {
    return `${specifier} reaches into another package: import it by its name`;
  }
  if (isListed(room.imports, to.name)) return undefined;
  if (!room.typesFrom.includes(to.name)) return `${room.name} may not import ${to.name} (${specifier})`;
  return typesOnly ? undefined : `${room.name} may import types only from ${to.name} (${specifier})`;
}

function packageProblem(path: string, room: Room, specifier: string): string | undefined {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const kept = KEPT_PACKAGES.find((each) => each.name === name);
  if (kept !== undefined) {
    return kept.within.some((folder) => path.startsWith(folder))
      ? undefined
      : `${name} only within ${kept.within.join(', ')}`;
  }
  return isListed(room.packages, name) ? undefined : `${room.name} may not import ${specifier}`;
}

/** The file of ours that an import means, or undefined for a package of others. */
function targetOf(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier);
  if (!specifier.startsWith('@pawl/')) return undefined;
  // One that is no entry is a file of ours all the same, in no room.
  return ENTRIES[specifier] ?? specifier;
}

function packageOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'packages' ? second : first;
}

function isListed(list: readonly string[] | 'every room' | 'every builtin' | 'every package', name: string) {
  return typeof list === 'string' || list.includes(name);
}

function importsOf(source: SourceFile): Import[] {
  const imports: Import[] = [];
  for (const [node] of nodesOf(source.program)) {
    const specifier = specifierOf(node);
    if (specifier !== undefined)
      imports.push({ specifier, typesOnly: isTypesOnly(node), offset: node.start });
  }
  return imports;
}

function specifierOf(node: Node): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'TSImportType':
      return node.source.value;
    case 'ExportNamedDeclaration':
      return node.source?.value;
    case 'ImportExpression':
      return textOf(node.source);
    case 'TSExternalModuleReference':
      return node.expression.value;
    case 'CallExpression': {
      const isRequire = node.callee.type === 'Identifier' && node.callee.name === 'require';
      const [argument] = node.arguments;
      return isRequire && argument !== undefined ? textOf(argument) : undefined;
    }
    default:
      return undefined;
  }
}

function textOf(node: Node): string | undefined {
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined;
}

/** `import { type X }` is not: what is left of it at run time still loads the module. */
function isTypesOnly(node: Node): boolean {
  switch (node.type) {
    case 'ImportDeclaration':
      return node.importKind === 'type';
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
      return node.exportKind === 'type';
    case 'TSImportType':
      return true;
    default:
      return false;
  }
}

function finding(source: SourceFile, offset: number, message: string): Finding {
  return { path: source.path, line: source.lineOf(offset), message };
}
