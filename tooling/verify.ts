import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { addCount, closingLine, NO_TESTS } from './test-counts.ts';
import type { TestCounts } from './test-counts.ts';

// What CI runs: each check, then the tests. One that fails does not hide the next; the last line counts them all.

const CHECKS = ['check:types', 'check:lint', 'check:format', 'check:dead', 'check:packages'] as const;

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, '..');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

const failed = CHECKS.filter((name) => !passes(name));
const tests = runTests();
const counts = failed.reduce((sum) => addCount(sum, 'failed'), tests);

if (failed.length > 0) console.log(`\nfailed: ${failed.join(', ')}  (each runs alone: pnpm run <name>)`);
console.log(`\n${closingLine(counts)}`);
process.exitCode = counts.failed > 0 ? 1 : 0;

function passes(name: string): boolean {
  console.log(`\n> ${name}`);
  return run(name, {}) === 0;
}

function runTests(): TestCounts {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-verify-'));
  const file = join(folder, 'counts.json');
  try {
    console.log('\n> test:unit');
    const status = run('test:unit', { PAWL_TEST_COUNTS: file });
    const counts = readCounts(file);
    return status !== 0 && counts.failed === 0 ? addCount(counts, 'failed') : counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** No file: the test runner died before it could report, and its exit code speaks alone. */
function readCounts(file: string): TestCounts {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as TestCounts;
  } catch {
    return addCount(NO_TESTS, 'failed');
  }
}

/** Runs a script of the root package.json by the shell, with the tools and the Node of the workspace first in PATH. */
function run(name: string, env: Readonly<Record<string, string>>): number {
  const path = [join(root, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(
    process.platform === 'win32' ? ';' : ':',
  );
  const { status } = spawnSync(scripts[name] ?? 'false', {
    cwd: root,
    shell: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env, PATH: path },
  });
  return status ?? 1;
}
