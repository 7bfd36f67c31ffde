import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

import { SlowFirst } from './tooling/slow-first.ts';

/** They change what a process has once, or leave what they started to the end of theirs: a worker for each. */
const ALONE = [
  'packages/runtime/tests/{guard,simulation,telemetry}/**/*.test.ts',
  'packages/runtime/tests/reliability/{endurance,leaks}.test.ts',
  'packages/restate/tests/**/*.test.ts',
  'processes/journal-fixtures.test.ts',
];

/** Most of them start programs, and wait for them by real time. They share workers of their own. */
const PROGRAMS = [
  'packages/{cli,create-pawl,inspector}/tests/**/*.test.ts',
  'packages/runtime/src/store/sqlite/**/*.test.ts',
  'packages/runtime/tests/{encryption,reliability,worker}/**/*.test.ts',
  'packages/torture/src/**/*.test.ts',
  '{processes,tests}/**/*.test.ts',
];

/** Vite reads these for Node: they replace modules, or import what Node does not find or read by itself. */
const BY_VITE = [
  'packages/cli/tests/long-run.test.ts',
  'packages/mcp/tests/**/*.test.ts',
  'packages/runtime/tests/acceptance/babysitter.test.ts',
  'packages/runtime/tests/simulation/sensitivity.test.ts',
  'packages/torture/src/data/data.test.ts',
];

/** Packages are linked into each other: their tests are found where they are. */
const NO_TESTS = [...configDefaults.exclude, '**/dist/**'];

/** Node reads the sources as it does for users, and keeps what it compiled: Vite's own way took twice the time. */
const BY_NODE = { viteModuleRunner: false, nodeLoader: false };

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
          name: 'together',
          include: [
            'packages/*/{src,tests}/**/*.test.ts',
            'processes/**/*.test.ts',
            'tests/**/*.test.ts',
            'tooling/**/*.test.ts',
          ],
          exclude: [...NO_TESTS, ...ALONE, ...PROGRAMS, ...BY_VITE],
          isolate: false,
          experimental: BY_NODE,
          // Type tests: a wrong type is a failed test. Errors of the sources themselves are `check:types`' business.
          typecheck: {
            enabled: true,
            include: ['packages/*/{src,tests}/**/*.test-d.ts', 'tests/**/*.test-d.ts'],
            tsconfig: 'tsconfig.type-tests.json',
            ignoreSourceErrors: true,
          },
        },
      },
      {
        extends: true,
        test: {
          name: 'programs',
          include: PROGRAMS,
          exclude: [...NO_TESTS, ...ALONE, ...BY_VITE],
          isolate: false,
          experimental: BY_NODE,
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, exclude: [...NO_TESTS, ...BY_VITE], experimental: BY_NODE },
      },
      { extends: true, test: { name: 'by vite', include: BY_VITE } },
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
    // One more than there are processors: many tests wait for a disk, or for programs that they started.
    maxWorkers: 3,
    sequence: { sequencer: SlowFirst },
    // A case that is crashed at every prefix, or starts programs, takes seconds alone, and a busy machine many times that.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    teardownTimeout: 10_000,
    reporters: ['default', './tooling/closing-line-reporter.ts'],
  },
});
