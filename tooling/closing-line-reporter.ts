import { writeFileSync } from 'node:fs';

import type { Reporter, TestCase, TestModule } from 'vitest/node';

import { inSeconds } from './in-seconds.ts';
import { addCount, closingLine, NO_TESTS } from './test-counts.ts';
import type { TestCounts } from './test-counts.ts';

/**
 * Ends a test run with the plain line `N passed, N failed[, N skipped]`. Where `PAWL_TEST_COUNTS` names a file,
 * the counts go there instead: `verify` adds its own checks and prints the line itself.
 */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let counts = NO_TESTS;
    for (const module of modules) {
      for (const test of module.children.allTests()) counts = addCount(counts, outcomeOf(test));
      // A file that does not load has no failed test to count, but it did fail.
      if (module.errors().length > 0) counts = addCount(counts, 'failed');
    }
    for (const _ of errors) counts = addCount(counts, 'failed');
    tellSlowest(modules);

    const file = process.env['PAWL_TEST_COUNTS'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
    // The default reporter writes its own summary in the same hook: ours comes after it, as the last thing of all.
    else process.once('exit', () => process.stdout.write(`${closingLine(counts)}\n`));
  }
}

const SLOWEST = 10;

/** Where to look first when the tests take too long. Part of a file says little about it: nothing is told of few. */
function tellSlowest(modules: readonly TestModule[]): void {
  if (modules.length <= SLOWEST) return;
  const times = modules.map((module) => ({ file: module.relativeModuleId, ms: msOf(module) }));
  const slowest = times.toSorted((a, b) => b.ms - a.ms).slice(0, SLOWEST);
  console.log('\nslowest files, from the start of their worker to their end:');
  for (const { file, ms } of slowest) console.log(`  ${inSeconds(ms)}  ${file}`);
}

function msOf(module: TestModule): number {
  const { environmentSetupDuration, prepareDuration, collectDuration, setupDuration, duration } =
    module.diagnostic();
  return environmentSetupDuration + prepareDuration + collectDuration + setupDuration + duration;
}

function outcomeOf(test: TestCase): keyof TestCounts {
  const { state } = test.result();
  // A test that never ended (a crashed worker) is a failure, never silence.
  return state === 'pending' ? 'failed' : state;
}
