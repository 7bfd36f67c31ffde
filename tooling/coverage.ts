/**
 * `pnpm coverage`: every branch of the journal, the kernel and the lease is taken by a test of their own neighbourhood, or
 * said below to be one that cannot be taken. Exits with 1 for any other, and for what is said and not so.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { execPath, stderr, stdout } from 'node:process';

import { UNREACHABLE } from './coverage-exceptions.ts';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = join(ROOT, 'packages/runtime/src');

/** Files of tests, by a part of their path. */
const TESTS = [
  'packages/runtime/src/journal/',
  'packages/runtime/src/kernel/',
  'packages/runtime/src/engine/',
  'packages/runtime/src/views/',
  'packages/runtime/src/store/memory/',
  'packages/runtime/src/store/sqlite/lease.test.ts',
  'packages/runtime/src/store/sqlite/sqlite-store.test.ts',
  'packages/runtime/src/store/sqlite/work.test.ts',
  'packages/runtime/src/store/sqlite/sealed-store.test.ts',
  'packages/runtime/tests/acceptance/children.test.ts',
  'packages/runtime/tests/acceptance/compaction.test.ts',
  'packages/runtime/tests/acceptance/continuing.test.ts',
  'packages/runtime/tests/acceptance/detached.test.ts',
  'packages/runtime/tests/acceptance/external-tasks.test.ts',
  'packages/runtime/tests/acceptance/folded-sources.test.ts',
  'packages/runtime/tests/acceptance/fork-kinds.test.ts',
  'packages/runtime/tests/acceptance/leaving.test.ts',
  'packages/runtime/tests/acceptance/logs.test.ts',
  'packages/runtime/tests/acceptance/merging.test.ts',
  'packages/runtime/tests/acceptance/notices.test.ts',
  'packages/runtime/tests/acceptance/reduce.test.ts',
  'packages/runtime/tests/acceptance/scopes.test.ts',
  'packages/runtime/tests/acceptance/secrets.test.ts',
  'packages/runtime/tests/acceptance/states.test.ts',
  'packages/runtime/tests/acceptance/versions.test.ts',
  'packages/runtime/tests/acceptance/waiting.test.ts',
  'packages/runtime/tests/laws.test.ts',
  'packages/runtime/tests/divergence',
  'packages/runtime/tests/every-call.test.ts',
  'packages/runtime/tests/journal-file.test.ts',
  'packages/runtime/tests/fork-everywhere.test.ts',
  'packages/runtime/tests/what-if.test.ts',
];

interface Place {
  readonly start?: { readonly line?: number };
}

interface FileCoverage {
  readonly b: Readonly<Record<string, readonly number[]>>;
  readonly branchMap: Readonly<Record<string, { readonly loc: Place; readonly locations: readonly Place[] }>>;
}

/** One way that a branch can go, by its line. */
interface Way {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly taken: boolean;
  /** No value of the types comes here. */
  readonly isTypeless: boolean;
}

function measured(): Readonly<Record<string, FileCoverage>> {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-coverage-'));
  try {
    const flags = ['--coverage', `--coverage.reportsDirectory=${folder}`, '--no-typecheck'];
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const config = join(import.meta.dirname, 'coverage.config.ts');
    const { status } = spawnSync(
      execPath,
      [vitest, 'run', '--root', ROOT, '--config', config, ...flags, ...TESTS],
      { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    if (status !== 0) throw new TypeError('a test fails: run them by themselves first (npm test)');
    return JSON.parse(readFileSync(join(folder, 'coverage-final.json'), 'utf8')) as Record<
      string,
      FileCoverage
    >;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function* waysOf(coverage: Readonly<Record<string, FileCoverage>>): Generator<Way> {
  for (const [path, { b, branchMap }] of Object.entries(coverage)) {
    const lines = readFileSync(path, 'utf8').split('\n');
    const file = relative(SOURCES, path);
    for (const [id, counts] of Object.entries(b)) {
      const branch = branchMap[id];
      for (const [i, count] of counts.entries()) {
        const line = branch?.locations[i]?.start?.line ?? branch?.loc.start?.line ?? 0;
        const text = (lines[line - 1] ?? '').trim();
        const isTypeless = text === 'default:' && /^\s*(return )?unreachable\(/.test(lines[line] ?? '');
        yield { file, line, text, taken: count > 0, isTypeless };
      }
    }
  }
}

const ways = [...waysOf(measured())].filter(({ isTypeless }) => !isTypeless);
const wrong: string[] = [];
let excepted = 0;
for (const { file, line, text, taken } of ways) {
  if (taken) continue;
  if (UNREACHABLE[file]?.some((fragment) => text.includes(fragment)) === true) excepted += 1;
  else wrong.push(`${file}:${line} is never taken: ${text}`);
}
for (const [file, fragments] of Object.entries(UNREACHABLE)) {
  for (const fragment of fragments) {
    const isThere = ways.some((way) => way.file === file && !way.taken && way.text.includes(fragment));
    if (!isThere) wrong.push(`${file}: «${fragment}» is taken, or not there: take it out of the exceptions`);
  }
}
for (const room of ['journal/', 'kernel/', 'engine/run-lease.ts', 'store/sqlite/lease.ts']) {
  const all = ways.filter(({ file }) => file.startsWith(room));
  const taken = all.filter((way) => way.taken).length;
  stdout.write(`${room.padEnd(24)} ${taken} of ${all.length} branches\n`);
}
stdout.write(`${excepted} that cannot be taken\n`);
stderr.write(wrong.map((what) => `${what}\n`).join(''));
process.exitCode = wrong.length === 0 ? 0 : 1;
