/** The tests that `pnpm mutation` asks of each mutant: those of the rooms themselves, by Vite, which sees what was mutated. */
import { defineConfig } from 'vitest/config';

import tests from '../vitest.config.ts';

export default defineConfig({
  resolve: tests.resolve ?? {},
  ssr: tests.ssr ?? {},
  test: {
    include: [
      'packages/runtime/src/{journal,kernel,views}/**/*.test.ts',
      'packages/runtime/src/engine/run-lease.test.ts',
      'packages/runtime/src/store/sqlite/{lease,sqlite-store}.test.ts',
    ],
    testTimeout: 90_000,
  },
});
