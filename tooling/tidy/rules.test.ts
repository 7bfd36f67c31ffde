import { expect, test } from 'vitest';

import { isTest, roomOf } from './rooms.ts';
import { findingsOf } from './rules.ts';
import { MAX_FILE_LINES, MAX_FUNCTION_LINES } from './shape-rules.ts';
import { parseSource } from './source-file.ts';

// Bad snippets, so that each rule is known to fail; beside each stands a good neighbour that must pass.

const KERNEL = 'packages/runtime/src/kernel/decide.ts';
const JOURNAL = 'packages/runtime/src/journal/codec.ts';
const ENGINE = 'packages/runtime/src/engine/drive-run.ts';
const PROCESS = 'packages/runtime/src/process/parallel/race.ts';
const SQLITE = 'packages/runtime/src/store/sqlite/open.ts';

function check(path: string, text: string): string[] {
  return findingsOf(parseSource(path, text)).map(({ line, message }) => `${line} ${message}`);
}

test.each([
  ['packages/sdk/src/task.ts', "import { a } from '@pawl/runtime';"],
  ['packages/sdk/src/task.ts', "import { readFile } from 'node:fs';"],
  ['packages/sdk/src/task.ts', "import { z } from 'zod';"],
  [JOURNAL, "import { durationMs } from '@pawl/sdk';"],
  [JOURNAL, "import { type Json } from '@pawl/sdk';"],
  [JOURNAL, "import { createHash } from 'node:crypto';"],
  [JOURNAL, "import { createHash } from 'crypto';"],
  [KERNEL, "import type { Host } from '../process/host.ts';"],
  [KERNEL, "export type { Host } from '../process/host.ts'; export const x = 1;"],
  [KERNEL, "export * from '../engine/drive-run.ts'; export const x = 1;"],
  [KERNEL, "type Host = import('../process/host.ts').Host;"],
  [KERNEL, "import type { Json } from '@pawl/sdk';"],
  ['packages/runtime/src/kernel/retry/backoff.ts', "import { x } from '../../engine/pools.ts';"],
  ['packages/runtime/src/views/why.ts', "import { decide } from '../kernel/decide.ts';"],
  ['packages/runtime/src/ports/clock.ts', "import type { RunState } from '../kernel/state.ts';"],
  [PROCESS, "import { readFileSync } from 'node:fs';"],
  [PROCESS, "import { x } from '../../engine/pools.ts';"],
  [ENGINE, "import { openStore } from '../store/sqlite/open.ts';"],
  [ENGINE, "import { why } from '../views/why.ts';"],
  [ENGINE, "import Database from 'better-sqlite3';"],
  [ENGINE, "const { openRuntime } = await import('../runtime.ts');"],
  ['packages/runtime/src/store/memory/memory-store.ts', "import Database from 'better-sqlite3';"],
  [SQLITE, "import { decide } from '../../kernel/decide.ts';"],
  ['packages/cli/src/main.ts', "import { openRuntime } from '../../runtime/src/index.ts';"],
  ['packages/cli/src/main.ts', "import { openRuntime } from '@pawl/runtime/src/runtime.ts';"],
  ['packages/cli/src/main.ts', "import { ManualClock } from '@pawl/runtime/testing';"],
  ['packages/cli/src/main.ts', "const sqlite = require('better-sqlite3');"],
  ['processes/quality-gate.ts', "import { openRuntime } from '@pawl/runtime';"],
  ['tooling/verify.ts', "import { durationMs } from '@pawl/sdk';"],
  ['packages/somewhere-new/src/index.ts', 'export const x = 1;'],
])('no arrow from %s by %s', (path, text) => {
  expect(check(path, text)).toHaveLength(1);
});

test.each([
  ['packages/sdk/src/task.ts', "import type { StandardSchemaV1 } from '@standard-schema/spec';"],
  [JOURNAL, "import type { Json } from '@pawl/sdk'; import stringify from 'fast-json-stable-stringify';"],
  [KERNEL, "import { parseKey } from '../journal/call-key.ts'; import { x } from './retry/backoff.ts';"],
  [PROCESS, "import { AsyncLocalStorage } from 'node:async_hooks'; import { x } from '@pawl/sdk';"],
  [ENGINE, "import { RuntimeError } from '../errors.ts'; import { execa } from 'execa';"],
  [SQLITE, "import Database from 'better-sqlite3'; import type { Clock } from '../../ports/clock.ts';"],
  ['packages/runtime/src/runtime.ts', "import { openStore } from './store/sqlite/open.ts';"],
  ['packages/runtime/src/testing/manual-clock.ts', "import { x } from '../engine/pools.ts';"],
  ['packages/cli/src/main.ts', "import { openRuntime } from '@pawl/runtime'; import { x } from '@pawl/sdk';"],
  ['processes/quality-gate.ts', "import { shellTask } from '@pawl/sdk'; import { z } from 'zod';"],
  ['packages/runtime/src/kernel/decide.test.ts', "import { openStore } from '../store/sqlite/open.ts';"],
  ['tests/crash.test.ts', "import { drive } from '../packages/runtime/src/engine/drive-run.ts';"],
])('%s may: %s', (path, text) => {
  expect(check(path, text)).toEqual([]);
});

test.each([
  'const now = Date.now();',
  "const now = Date['now']();",
  'const now = new Date();',
  'const now = Date();',
  'const clock = { now: Date.now };',
  'const n = Math.random();',
  'setTimeout(f, 1);',
  'globalThis.setTimeout(f, 1);',
  'const later = setImmediate;',
  'queueMicrotask(f);',
  'const id = crypto.randomUUID();',
  'async function f() {}',
  'const f = async () => {};',
  'class C { async f() {} }',
  'async function* f() {}',
  'console.log(1);',
])('a pure room refuses: %s', (text) => {
  for (const path of [JOURNAL, KERNEL, 'packages/runtime/src/views/why.ts']) {
    expect(check(path, text), path).not.toEqual([]);
  }
});

test('a pure room may handle a Date as a value, and names that are not the world', () => {
  const text = `
    const at = value instanceof Date ? value.getTime() : new Date(ms).getTime();
    const event = { setTimeout: 1, performance: 2 };
    interface Named { crypto: string }
    const n = event.performance + Math.max(1, 2);
  `;
  expect(check(JOURNAL, text)).toEqual([]);
});

test.each([
  'const now = Date.now();',
  'setTimeout(f, 1);',
  'const t = performance.now();',
  'const n = Math.random();',
  "import { randomUUID } from 'node:crypto';",
  "import { setTimeout as sleep } from 'node:timers/promises';",
])('the engine takes time and randomness by ports only: %s', (text) => {
  expect(check(ENGINE, text)).toHaveLength(1);
});

test('the engine may be async and take its turns of the loop', () => {
  expect(
    check(ENGINE, 'export async function turn() { await new Promise((r) => setImmediate(r)); }'),
  ).toEqual([]);
});

const statements = (count: number): string => 'f();\n'.repeat(count);

test('a file has a bounded length, and so has a function', () => {
  expect(check(ENGINE, statements(MAX_FILE_LINES))).toEqual([]);
  expect(check(ENGINE, statements(MAX_FILE_LINES + 1))).toEqual([
    '1 401 lines, more than 400: split it by its nouns',
  ]);
  expect(check(ENGINE.replace('.ts', '.test.ts'), statements(MAX_FILE_LINES + 1))).toEqual([]);

  const body = (lines: number): string => `{\n${statements(lines - 2)}}`;
  expect(check(ENGINE, `function g() ${body(MAX_FUNCTION_LINES)}`)).toEqual([]);
  for (const head of ['function g() ', 'const g = () => ', 'const g = { h() ', 'class G { h() ']) {
    const tail = head.includes('{') ? '}' : '';
    expect(check(ENGINE, head + body(MAX_FUNCTION_LINES + 1) + tail), head).toHaveLength(1);
  }
});

test('types are never any, in tests neither', () => {
  expect(check(ENGINE, 'let a: any;\nlet b: Map<string, any[]>;')).toHaveLength(2);
  expect(check('tests/crash.test.ts', 'const a = b as any;')).toHaveLength(1);
  expect(check(ENGINE, "const any = 'any'; let b: unknown;")).toEqual([]);
});

test('packages throw no bare Error', () => {
  expect(check(ENGINE, "throw new Error('no');")).toHaveLength(1);
  expect(check(ENGINE, "throw Error('no');")).toHaveLength(1);
  expect(check(ENGINE, "throw new RuntimeError('no');")).toEqual([]);
  expect(check('processes/quality-gate.ts', "throw new Error('the user may');")).toEqual([]);
});

test("no utils, and no barrel but a package's entry", () => {
  expect(check('packages/runtime/src/engine/utils.ts', 'export const x = 1;')).toHaveLength(1);
  expect(check('packages/runtime/src/kernel/index.ts', "export * from './decide.ts';")).toHaveLength(1);
  expect(check(KERNEL, "import { x } from './x.ts';\nexport { x };")).toHaveLength(1);
  expect(check('packages/sdk/src/index.ts', "export * from './task.ts';")).toEqual([]);
  expect(check(KERNEL, "export { x } from './x.ts';\nexport const y = 1;")).toEqual([]);
});

test('ports hold types only', () => {
  const path = 'packages/runtime/src/ports/clock.ts';
  expect(check(path, 'export const clock = 1;')).toHaveLength(1);
  expect(check(path, "import { parseKey } from '../journal/call-key.ts';")).not.toEqual([]);
  expect(
    check(path, "import type { A } from '../journal/ids.ts';\nexport interface Clock { now(): A }"),
  ).toEqual([]);
});

test('a file that does not parse is not passed over', () => {
  expect(() => parseSource(KERNEL, 'const = ;')).toThrow(SyntaxError);
});

test('rooms and tests are told by the path', () => {
  expect(roomOf('packages/runtime/src/store/sqlite/open.ts')?.name).toBe('store');
  expect(roomOf('packages/runtime/src/other.ts')).toBeUndefined();
  expect(isTest('packages/sdk/src/task.test-d.ts')).toBe(true);
  expect(isTest('packages/cli/tests/golden.ts')).toBe(true);
  expect(isTest('packages/runtime/src/testing/manual-clock.ts')).toBe(false);
});
