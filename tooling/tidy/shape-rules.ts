import { posix } from 'node:path';

import type { Node } from 'oxc-parser';

import { ENTRIES, isTest, roomOf } from './rooms.ts';
import { nodesOf } from './source-file.ts';
import type { Finding, SourceFile } from './source-file.ts';

export const MAX_FILE_LINES = 400;
export const MAX_FUNCTION_LINES = 70;

/** What a reader meets: how long, how named, how typed. Tests are held to the types only. */
export function shapeFindings(source: SourceFile): Finding[] {
  const findings = nodeFindings(source, anyType);
  if (isTest(source.path)) return findings;
  return [
    ...findings,
    ...fileFindings(source),
    ...nodeFindings(source, (node) => longFunction(node, source)),
    ...(source.path.startsWith('packages/') ? nodeFindings(source, bareError) : []),
  ];
}

function fileFindings(source: SourceFile): Finding[] {
  const findings: string[] = [];
  const lines = source.text.replace(/\n$/, '').split('\n').length;
  if (lines > MAX_FILE_LINES)
    findings.push(`${lines} lines, more than ${MAX_FILE_LINES}: split it by its nouns`);
  if (/^(utils?|helpers?|misc|common)\.[cm]?[jt]sx?$/.test(posix.basename(source.path))) {
    findings.push('a file is named by the one noun or verb inside');
  }
  if (isBarrel(source)) findings.push("only re-exports: a barrel is a package's index and nothing else");
  if (roomOf(source.path)?.name === 'ports' && !source.program.body.every(isTypeStatement)) {
    findings.push('ports holds types only');
  }
  return findings.map((message) => ({ path: source.path, line: 1, message }));
}

function nodeFindings(source: SourceFile, rule: (node: Node) => string | undefined): Finding[] {
  const findings: Finding[] = [];
  for (const [node] of nodesOf(source.program)) {
    const message = rule(node);
    if (message !== undefined) findings.push({ path: source.path, line: source.lineOf(node.start), message });
  }
  return findings;
}

function anyType(node: Node): string | undefined {
  return node.type === 'TSAnyKeyword' ? 'any: say unknown, or the type' : undefined;
}

function bareError(node: Node): string | undefined {
  if (node.type !== 'ThrowStatement') return undefined;
  const { argument } = node;
  const made = argument.type === 'NewExpression' || argument.type === 'CallExpression';
  return made && argument.callee.type === 'Identifier' && argument.callee.name === 'Error'
    ? 'throw new Error: an error has a class and a code'
    : undefined;
}

function longFunction(node: Node, source: SourceFile): string | undefined {
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression': {
      const lines = source.lineOf(node.end) - source.lineOf(node.start) + 1;
      return lines > MAX_FUNCTION_LINES
        ? `a function of ${lines} lines, more than ${MAX_FUNCTION_LINES}`
        : undefined;
    }
    default:
      return undefined;
  }
}

function isBarrel(source: SourceFile): boolean {
  if (Object.values(ENTRIES).includes(source.path)) return false;
  const { body } = source.program;
  return body.some(isReExport) && body.every((node) => isReExport(node) || isImport(node));
}

function isImport(node: Node): boolean {
  return node.type === 'ImportDeclaration';
}

/** `export … from`, and `export { … }` of what was imported or declared elsewhere. */
function isReExport(node: Node): boolean {
  if (node.type === 'ExportAllDeclaration') return true;
  return node.type === 'ExportNamedDeclaration' && node.declaration === null;
}

function isTypeStatement(node: Node): boolean {
  switch (node.type) {
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
      return true;
    case 'ImportDeclaration':
      return node.importKind === 'type';
    case 'ExportAllDeclaration':
      return node.exportKind === 'type';
    case 'ExportNamedDeclaration':
      return node.exportKind === 'type' || (node.declaration !== null && isTypeStatement(node.declaration));
    default:
      return false;
  }
}
