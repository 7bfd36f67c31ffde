import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

/** They keep nothing from one file to the next, so that a worker takes them one after the other. */
const TOGETHER = [
  'packages/runtime/tests/acceptance/**/*.test.ts',
  'packages/runtime/src/{engine,journal,kernel,process,views}/**/*.test.ts',
  'packages/sdk/src/**/*.test.ts',
];

export default defineConfig({
  resolve: {
    conditions: ['source'],
    // What `pawl run --alias` does for processes that were written for Babysitter.
    alias: { '@a5c-ai/babysitter-sdk': '@pawl/sdk/babysitter' },
  },
  ssr: {
    resolve: {
      conditions: ['source', 'node', 'import', 'default'],
      externalConditions: ['source'],
    },
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'alone',
          include: [
            'packages/*/{src,tests}/**/*.test.ts',
            'processes/**/*.test.ts',
            'tests/**/*.test.ts',
            'tooling/**/*.test.ts',
          ],
          exclude: [...configDefaults.exclude, '**/dist/**', ...TOGETHER],
          // Type tests: a wrong type is a failed test. Errors of the sources themselves are `check:types`' business.
          typecheck: {
            enabled: true,
            include: ['packages/*/{src,tests}/**/*.test-d.ts', 'tests/**/*.test-d.ts'],
            tsconfig: 'tsconfig.json',
            ignoreSourceErrors: true,
          },
        },
      },
      { extends: true, test: { name: 'together', include: TOGETHER, isolate: false } },
    ],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.test-d.ts', '**/*.fixture.ts'],
    },
    // It has sources under the condition of ours, and Node takes no types off in node_modules.
    server: { deps: { inline: [/@modelcontextprotocol\/client/, /eventsource/] } },
    // Programs that tests start would take the types off all sources and compile them, each anew.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'pawl-tests-compiled') },
    pool: 'forks',
    maxWorkers: 2,
    // A case that is crashed at every prefix takes seconds alone, and a busy machine many times that.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    reporters: ['default', './tooling/closing-line-reporter.ts'],
  },
});
