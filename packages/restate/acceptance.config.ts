import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CASES = 'packages/runtime/tests/acceptance';

/** `pnpm conformance`: the cases of the acceptance table that are tried everywhere, on SQLite and on Restate too. */
export default defineConfig({
  root: ROOT,
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'node', 'import', 'default'], externalConditions: ['source'] } },
  test: {
    include: readdirSync(join(ROOT, CASES))
      .map((name) => join(CASES, name))
      .filter(
        (path) => path.endsWith('.test.ts') && readFileSync(join(ROOT, path), 'utf8').includes('everywhere('),
      ),
    globalSetup: ['packages/restate/tests/acceptance/server.setup.ts'],
    setupFiles: ['packages/restate/tests/acceptance/engines.setup.ts'],
    testTimeout: 300_000,
    // As in the workspace's own.
    experimental: { viteModuleRunner: false, nodeLoader: false },
  },
});
