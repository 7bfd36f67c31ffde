/** How `pnpm coverage` measures: the tests of `vitest.config.ts`, and the rooms that everything else relies on. */
import { defineConfig } from 'vitest/config';

import tests from '../vitest.config.ts';

export default defineConfig({
  ...tests,
  test: {
    ...tests.test,
    reporters: ['dot'],
    coverage: {
      provider: 'v8',
      include: [
        'packages/runtime/src/{journal,kernel}/**/*.ts',
        'packages/runtime/src/engine/run-lease.ts',
        'packages/runtime/src/store/sqlite/lease.ts',
      ],
      exclude: ['**/*.test.ts', '**/*.fixture.ts'],
      reporter: ['json'],
    },
  },
});
