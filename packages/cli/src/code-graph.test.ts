import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { codeGraph, importsOf, sha256, type CodeGraph } from './code-graph.ts';

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-graph-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

function graphOf(folder: string, name = 'main.ts'): CodeGraph & { readonly names: readonly string[] } {
  const path = join(folder, name);
  const graph = codeGraph(path, readFileSync(path));
  return { ...graph, names: graph.files.map((file) => relative(folder, file)) };
}

test('follows what is imported, in all its forms, and nothing of packages', () => {
  const folder = folderWith({
    'main.ts': `import { a } from './a.ts';
import type { T } from './types.ts';
export * from './b.js';
import data from './data.json' with { type: 'json' };
import { join } from 'node:path';
import zod from 'zod';
const late = () => import('./late.mjs');
const thread = new URL('./thread.ts', import.meta.url);
// import './comment.ts'
const text = "import './text.ts'";
`,
    'a.ts': `import './main.ts'; enum X { Y }`,
    'b.js': `const c = require('./c'); module.exports = c;`,
    'c.cjs': `module.exports = require('../outside.cjs');`,
    'data.json': '{}',
    'late.mjs': 'export default 1;',
    'thread.ts': 'export const work = (): number => 1;',
    'types.ts': 'export type T = 1;',
    'comment.ts': '',
    'text.ts': '',
    'node_modules/zod/index.js': '',
  });
  const { names, unknown } = graphOf(folder);
  expect(names.toSorted()).toEqual([
    'a.ts',
    'b.js',
    'c.cjs',
    'data.json',
    'late.mjs',
    'main.ts',
    'thread.ts',
  ]);
  expect(unknown).toEqual([]);
});

test('notes where something is imported that only running it tells', () => {
  const folder = folderWith({ 'main.ts': 'export const load = (name: string) => import(name);' });
  expect(graphOf(folder).unknown).toEqual([join(folder, 'main.ts')]);
});

test('a module by itself has the digest of its text; others that of all texts, wherever the project lies', () => {
  const alone = folderWith({ 'main.ts': 'export default 1;' });
  expect(graphOf(alone).digest).toBe(sha256('export default 1;'));
  const files = { 'main.ts': `import './lib/x.ts';`, 'lib/x.ts': 'export const x = 1;' };
  const [one, other] = [folderWith(files), folderWith(files)];
  expect(graphOf(one).digest).toBe(graphOf(other).digest);
  writeFileSync(join(other, 'lib/x.ts'), 'export const x = 2;');
  expect(graphOf(one).digest).not.toBe(graphOf(other).digest);
});

test.each([
  ['what is no TypeScript', 'main.ts', 'export const = ;'],
  ['what is no module', 'main.js', '<<<<<<< HEAD'],
  ['a file that is missing', 'main.js', `import './nowhere.js';`],
  ['a folder', 'main.js', `import './lib';`],
  ['a name that cannot be decoded', 'main.js', `import './%E0%A4%A';`],
])('%s is left to whoever loads it', (_what, name, text) => {
  const folder = folderWith({ [name]: text, 'lib/x.txt': '' });
  expect(graphOf(folder, name).names).toEqual([name]);
});

test.each([
  ['flow.yaml', 'name: flow\ntools: ./tools.ts\nsteps: []\n'],
  ['flow.yml', '# tools: ./no.ts\n"tools": "tools.ts" # beside it\n'],
  ['flow.json', '{ "steps": [{ "tools": "./no.ts" }], "tools": "./tools.ts" }'],
])('the module of the tools of a workflow is a part of it, with what that imports: %s', (name, text) => {
  const folder = folderWith({
    [name]: text,
    'tools.ts': `import { word } from './word.ts'; export const say = word;`,
    'word.ts': `export const word = 'one';`,
    'no.ts': '',
  });
  const before = graphOf(folder, name);
  expect(before.names.toSorted()).toEqual([name, 'tools.ts', 'word.ts'].toSorted());
  writeFileSync(join(folder, 'word.ts'), `export const word = 'two';`);
  expect(graphOf(folder, name).digest).not.toBe(before.digest);
});

test.each([
  'tools: [',
  'tools: 7',
  'tools: {}',
  'tools: ./nowhere.ts',
  'steps: []',
  '',
  '"',
  'a: &a [*a, *a]',
])('a workflow without tools that can be read stands for itself: %j', (text) => {
  const folder = folderWith({ 'flow.yaml': text });
  const { names, digest } = graphOf(folder, 'flow.yaml');
  expect(names).toEqual(['flow.yaml']);
  expect(digest).toBe(sha256(text));
});

test('follows an alias to a file, so that a run is pinned to what it imports by one', () => {
  const folder = folderWith({ 'lib/main.js': `import 'theirs'; import 'kept';`, 'mine.js': 'export {};' });
  const path = join(folder, 'lib/main.js');
  const aliases = new Map([
    ['theirs', './mine.js'],
    ['kept', 'other'],
  ]);
  const graph = (): CodeGraph => codeGraph(path, readFileSync(path), { aliases, cwd: folder });
  const before = graph();
  expect(before.files).toEqual([path, join(folder, 'mine.js')]);
  expect([...before.packages]).toEqual(['theirs', 'kept']);
  writeFileSync(join(folder, 'mine.js'), 'export const changed = true;');
  expect(graph().digest).not.toBe(before.digest);
});

test('of TypeScript finds what is imported once its types are off', () => {
  const ours = globSync('../../*/{src,tests}/**/*.ts', { cwd: import.meta.dirname }).map((file) =>
    readFileSync(join(import.meta.dirname, file), 'utf8'),
  );
  expect(ours.length).toBeGreaterThan(1000);
  const odd = [
    `import type, { a } from './a'; import type from './b'; import type X from './c'; import { type Y } from './d'`,
    `import typed, { b } from './e'; import type { Z } from './f'; import type * as W from './g'; export type * from './h'`,
    `export type { V } from './i'; export type U = import('./j').U; interface I { import(path: string): void }`,
    `import/**/type { T } from './k'; import\ttype\n{ S } from './l'; import type{ R }from'./m'; import*as q from './n'`,
    `const p = a!/2; import { x } from './o'; const r = <T,>(y: T) => y as unknown as T; import './p'; x!/y/g;`,
    `import type /* { */ from './q'; import { type } from './r'; export { type as default } from './s'`,
  ];
  for (const text of [...ours, ...odd])
    expect(importsOf(text, true), text.slice(0, 300)).toEqual(importsOf(stripTypeScriptTypes(text), false));
});
