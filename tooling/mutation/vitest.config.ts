/** How the tests of one mutant are run, for `pnpm mutation`: which ones, it says in the environment. */
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

import tests from '../../vitest.config.ts';
import { endKeptThread, keptThread } from './kept-thread.ts';

const asked = process.env['PAWL_MUTATION_TESTS']?.split(' ') ?? [];

/** What takes seconds, the longest last: asked of those mutants only that no other test found. */
const SLOW = ['decoder', 'error-record', 'encoder', 'sqlite-store'].map((name) => `/${name}.test.ts`);

function rankOf({ moduleId }: TestSpecification): number {
  return SLOW.findIndex((ending) => moduleId.endsWith(ending));
}

class SlowLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

export default defineConfig({
  resolve: tests.resolve ?? {},
  ssr: tests.ssr ?? {},
  plugins: [
    {
      name: 'one thread for all mutants',
      // Stryker asks for a pool of Vitest's own, whatever a configuration says.
      configureVitest({ vitest, project }): void {
        project.config.pool = keptThread.name;
        project.config.poolRunner = keptThread;
        vitest.onClose(endKeptThread);
      },
    },
  ],
  test: { include: asked, isolate: false, testTimeout: 90_000, sequence: { sequencer: SlowLast } },
});
