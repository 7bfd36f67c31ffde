import type { Node } from 'oxc-parser';

import { isTest, roomOf } from './rooms.ts';
import { nodesOf } from './source-file.ts';
import type { Finding, SourceFile } from './source-file.ts';

const TIMERS = ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'];
const LOOP_TURNS = ['setImmediate', 'clearImmediate', 'queueMicrotask'];
const WORLD = ['performance', 'crypto', 'fetch', 'console'];

const FORBIDDEN_IN_PURE: ReadonlySet<string> = new Set([...TIMERS, ...LOOP_TURNS, ...WORLD]);
const FORBIDDEN_BESIDE_PORTS: ReadonlySet<string> = new Set([...TIMERS, 'performance']);
const RANDOM = /^(random|getRandomValues)/;

/**
 * Clocks, randomness and timers where the room has none of its own. A Date is a value like any other (the codec
 * makes and reads them): only what reads the clock is refused, `Date.now`, `Date()` and `new Date()`.
 */
export function purityFindings(source: SourceFile): Finding[] {
  const room = roomOf(source.path);
  if (room === undefined || isTest(source.path) || !(room.pure || room.portsOnly)) return [];
  const names = room.pure ? FORBIDDEN_IN_PURE : FORBIDDEN_BESIDE_PORTS;
  const findings: Finding[] = [];
  for (const [node, parent] of nodesOf(source.program)) {
    const what = worldlyUse(node, parent, names) ?? (room.pure ? asyncUse(node) : undefined);
    if (what === undefined) continue;
    const where = room.pure
      ? `a pure room (${room.name})`
      : `${room.name}: time and randomness come by ports`;
    findings.push({
      path: source.path,
      line: source.lineOf(node.start),
      message: `${what} in ${where}`,
    });
  }
  return findings;
}

function worldlyUse(node: Node, parent: Node | undefined, names: ReadonlySet<string>): string | undefined {
  switch (node.type) {
    case 'NewExpression':
      return isNamed(node.callee, 'Date') && node.arguments.length === 0 ? 'new Date()' : undefined;
    case 'CallExpression':
      return isNamed(node.callee, 'Date') ? 'Date()' : undefined;
    case 'MemberExpression': {
      const property = propertyOf(node);
      if (isNamed(node.object, 'Date') && property === 'now') return 'Date.now';
      if (isNamed(node.object, 'Math') && property === 'random') return 'Math.random';
      if (isNamed(node.object, 'process') && property === 'hrtime') return 'process.hrtime';
      if (property !== undefined && RANDOM.test(property) && isNamed(node.object, 'crypto')) {
        return `crypto.${property}`;
      }
      return isNamed(node.object, 'globalThis') && property !== undefined && names.has(property)
        ? property
        : undefined;
    }
    case 'ImportSpecifier': {
      const name = node.imported.type === 'Literal' ? node.imported.value : node.imported.name;
      return names.has(name) || RANDOM.test(name) ? name : undefined;
    }
    case 'Identifier':
      return names.has(node.name) && isReference(node, parent) ? node.name : undefined;
    default:
      return undefined;
  }
}

function asyncUse(node: Node): string | undefined {
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return node.async ? 'async' : undefined;
    case 'AwaitExpression':
      return 'await';
    case 'ForOfStatement':
      return node.await ? 'for await' : undefined;
    default:
      return undefined;
  }
}

/** A name that stands for a value, not the name of a property, a member or an import. */
function isReference(node: Node, parent: Node | undefined): boolean {
  switch (parent?.type) {
    case 'MemberExpression':
      return parent.object === node || parent.computed;
    case 'Property':
      return parent.value === node || parent.computed;
    case 'PropertyDefinition':
    case 'MethodDefinition':
    case 'TSPropertySignature':
    case 'TSMethodSignature':
      return 'key' in parent && parent.key !== node;
    case 'ImportSpecifier':
    case 'ExportSpecifier':
      return false;
    default:
      return true;
  }
}

function propertyOf(node: Node & { readonly type: 'MemberExpression' }): string | undefined {
  if (node.property.type === 'Identifier' && !node.computed) return node.property.name;
  return node.property.type === 'Literal' ? String(node.property.value) : undefined;
}

function isNamed(node: Node, name: string): boolean {
  return node.type === 'Identifier' && node.name === name;
}
