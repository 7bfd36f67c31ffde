import { join } from 'node:path';
import { build } from 'vite';

import { ROOT } from './run-command.ts';

/** What the inspector sends to browsers. */
export async function buildPage(): Promise<void> {
  await build({
    configFile: false,
    root: join(ROOT, 'packages/inspector/src/page'),
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: { outDir: join(ROOT, 'packages/inspector/dist/page'), emptyOutDir: true, modulePreload: false },
  });
}

if (import.meta.main) await buildPage();
