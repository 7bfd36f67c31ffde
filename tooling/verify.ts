import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { inSeconds } from './in-seconds.ts';
import { ROOT, runCommand } from './run-command.ts';
import { addCount, closingLine, NO_TESTS } from './test-counts.ts';
import type { TestCounts } from './test-counts.ts';

// What CI runs: each check, then the tests. One that fails does not hide the next; the last line counts them all.

const CHECKS = [
  'check:types',
  'check:lint',
  'check:format',
  'check:dead',
  'check:packages',
  'check:audit',
  'check:mutants',
];

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
}

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;

/** What each took, to be seen where it is all too long. */
const times: (readonly [name: string, ms: number])[] = [];
const folder = mkdtempSync(join(tmpdir(), 'pawl-verify-'));
/** The packages as they are published: made by their check, installed by a test. */
const packed = { PAWL_TARBALLS: folder };

try {
  const failedChecks = CHECKS.filter((name) => run(name, packed) !== 0);
  const built = failedChecks.includes('check:packages') ? {} : { ...packed, PAWL_BUILT: '1' };
  const tests = runTests(built);
  // Until then it goes on with what the tests have a share of; it reads it itself.
  const rest = process.env['PAWL_TORTURE_UNTIL'] === undefined ? [] : ['torture --rest'];
  tellEnd([...failedChecks, ...rest.filter((name) => run(name, built) !== 0)], tests);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function tellEnd(failedChecks: readonly string[], tests: TestCounts): void {
  const total = failedChecks.reduce((counts) => addCount(counts, 'failed'), tests);
  console.log('\nhow long it took:');
  for (const [name, ms] of times) console.log(`  ${inSeconds(ms)}  ${name}`);
  if (failedChecks.length > 0)
    console.log(`\nfailed: ${failedChecks.join(', ')} (each runs alone: pnpm run <name>)`);
  console.log(`\n${closingLine(total)}`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}

/** @param built where the check of the packages left a build, for tests that start programs */
function runTests(built: Readonly<Record<string, string>>): TestCounts {
  const file = join(folder, 'counts.json');
  const status = run('test:unit', { ...built, PAWL_TEST_COUNTS: file });
  const counts = readCounts(file);
  return status !== 0 && counts.failed === 0 ? addCount(counts, 'failed') : counts;
}

/** No file: the test runner died before it could report, which is a failure. */
function readCounts(file: string): TestCounts {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as TestCounts;
  } catch {
    return addCount(NO_TESTS, 'failed');
  }
}

/** @param name of a script, and its arguments */
function run(name: string, env: Readonly<Record<string, string>>): number {
  const [script = '', ...args] = name.split(' ');
  const command = scripts[script];
  if (command === undefined) throw new TypeError(`package.json has no script ${script}`);
  console.log(`\n> ${name}`);
  const start = performance.now();
  const status = runCommand([command, ...args].join(' '), { env });
  times.push([name, performance.now() - start]);
  return status;
}
