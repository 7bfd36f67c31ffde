import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

import { buildPage } from './build-page.ts';
import { ROOT, runCommand } from './run-command.ts';

// What is published: types by module, and code in few files. Node opens, reads and links each module on its own:
// 410 of them were two thirds of the time that `pawl --version` took.

interface Package {
  readonly name: string;
  /** Files that are loaded by name: all stand at the top of `dist`. */
  readonly entries: Readonly<Record<string, string>>;
}

const PACKAGES: readonly Package[] = [
  { name: 'sdk', entries: { index: 'index.ts', babysitter: 'babysitter.ts' } },
  {
    name: 'runtime',
    entries: {
      index: 'index.ts',
      elsewhere: 'elsewhere.ts',
      errors: 'errors.ts',
      otel: 'otel.ts',
      testing: 'testing.ts',
      'vitest-matchers': 'testing/vitest-matchers.ts',
      'thread-main': 'engine/executors/thread-main.ts',
      'process-main': 'engine/executors/process-main.ts',
      'sql-main': 'store/sqlite/sql/sql-main.ts',
    },
  },
  { name: 'inspector', entries: { index: 'index.ts' } },
  { name: 'create-pawl', entries: { index: 'index.ts', bin: 'bin.ts' } },
  { name: 'cli', entries: { bin: 'bin.ts' } },
  { name: 'restate', entries: { index: 'index.ts', reader: 'reader.ts' } },
  { name: 'mcp', entries: { serve: 'serve.ts' } },
  { name: 'eslint-plugin-pawl', entries: { index: 'index.ts' } },
];

// From nothing: an output whose source is gone would be packed.
for (const { name } of PACKAGES)
  rmSync(join(ROOT, 'packages', name, 'dist'), { recursive: true, force: true });
const typed = runCommand('tsc -b tsconfig.build.json');
if (typed === 0) await Promise.all([...PACKAGES.map(bundle), buildPage()]);
if (typed === 0) copyDocs();
process.exitCode = typed;

async function bundle({ name, entries }: Package): Promise<void> {
  const folder = join(ROOT, 'packages', name);
  const input = Object.entries(entries).map(([entry, path]) => [entry, join(folder, 'src', path)]);
  await using build = await rolldown({
    input: Object.fromEntries(input) as Record<string, string>,
    platform: 'node',
    // What is installed beside it: its dependencies, and other packages of ours, of which there must be one copy.
    external: /^[^./]/,
    logLevel: 'warn',
  });
  await build.write({
    dir: join(folder, 'dist'),
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  });
}

function builtInto(name: string, ...path: readonly string[]): string {
  return join(ROOT, 'packages', name, 'dist', ...path);
}

/** The pages are in the package of the command line, which prints them; the map of them is in each that is imported. */
function copyDocs(): void {
  mkdirSync(builtInto('cli', 'docs'));
  for (const page of readdirSync(join(ROOT, 'docs')).filter((name) => /\.(md|svg)$/.test(name)))
    cpSync(join(ROOT, 'docs', page), builtInto('cli', 'docs', page));
  const map = readFileSync(join(ROOT, 'llms.txt'), 'utf8');
  writeFileSync(builtInto('cli', 'llms.txt'), map);
  for (const name of ['sdk', 'runtime'])
    writeFileSync(builtInto(name, 'llms.txt'), map.replaceAll('](docs/', '](../../cli/dist/docs/'));
}
