import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** What takes longest: begun last, one of them would go on while the other workers have nothing left to do. */
const SLOW = [
  'simulation/simulation.test.ts',
  'simulation/simulation-second-half.test.ts',
  'crash/crash-states.test.ts',
  'kills/kills.test.ts',
  'crowds/crowds.test.ts',
  'tests/docs.test.ts',
  'simulation/sensitivity.test.ts',
  'reliability/zombies.test.ts',
  'sweep/fault-sweep.test.ts',
  'chaos/chaos.test.ts',
  'tests/packages.test.ts',
  'browser/page.test.ts',
  'cli/tests/babysitter.test.ts',
  'cli/tests/agent-loop.test.ts',
  'reliability/poison.test.ts',
  'reliability/storage.test.ts',
];

/** Vitest begins with the largest files where it has not seen them run, as in CI; the longest are small ones. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const at = SLOW.findIndex((ending) => moduleId.endsWith(ending));
  return at === -1 ? SLOW.length : at;
}
