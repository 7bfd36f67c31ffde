/**
 * `pnpm mutation [room or file …]`, or `--changed`: mutants of the rooms that everything else relies on, each of which a
 * test has to find. Prints those that none found, and the score of each file; exits with 1 where a room has less than 85 %.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { argv, execPath, stdout } from 'node:process';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = 'packages/runtime/src/';
const LEAST = 85;

/** By room: files, or folders, below the sources of the runtime. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  codec: ['journal/codec.ts', 'journal/encoder.ts', 'journal/decoder.ts', 'journal/base64.ts'],
  keys: ['journal/call-key.ts', 'journal/ids.ts'],
  lease: ['engine/run-lease.ts', 'store/sqlite/lease.ts'],
  kernel: ['kernel/*.ts'],
  journal: ['journal/*.ts'],
};

const FOUND: ReadonlySet<string> = new Set(['Killed', 'Timeout']);
const NOT_FOUND: ReadonlySet<string> = new Set(['Survived', 'NoCoverage']);

interface Report {
  readonly files: Readonly<Record<string, { readonly mutants: readonly { readonly status: string }[] }>>;
}

/** What was changed since it left `main`, of these rooms. */
function changed(): readonly string[] {
  const base = execFileSync('git', ['merge-base', 'HEAD', 'main'], { cwd: ROOT, encoding: 'utf8' }).trim();
  const names = execFileSync('git', ['diff', '--name-only', base], { cwd: ROOT, encoding: 'utf8' }).split(
    '\n',
  );
  const isOurs = /^packages\/runtime\/src\/(journal|kernel)\/|\/(run-)?lease\.ts$/;
  return names.filter(
    (name) => isOurs.test(name) && !/\.(test|fixture)\.ts$/.test(name) && existsSync(join(ROOT, name)),
  );
}

function asked(words: readonly string[]): readonly string[] {
  if (words.includes('--changed')) return changed();
  const rooms = words.length === 0 ? Object.keys(ROOMS) : words;
  return rooms.flatMap((word) => (ROOMS[word] ?? [word]).map((path) => SOURCES + path));
}

function scoreOf(mutants: Report['files'][string]['mutants']): {
  readonly found: number;
  readonly all: number;
} {
  const found = mutants.filter(({ status }) => FOUND.has(status)).length;
  return { found, all: found + mutants.filter(({ status }) => NOT_FOUND.has(status)).length };
}

function mutate(files: readonly string[]): boolean {
  const report = join(ROOT, '.stryker-tmp/report.json');
  rmSync(report, { force: true });
  const stryker = join(ROOT, 'node_modules/@stryker-mutator/core/bin/stryker.js');
  const sources = [...files, `!${SOURCES}**/*.test.ts`, `!${SOURCES}**/*.fixture.ts`].join(',');
  const { status } = spawnSync(
    execPath,
    [stryker, 'run', 'tooling/stryker.config.json', '--mutate', sources],
    {
      cwd: ROOT,
      stdio: 'inherit',
    },
  );
  if (status !== 0 || !existsSync(report)) return false;
  const results = Object.entries((JSON.parse(readFileSync(report, 'utf8')) as Report).files);
  let [found, all] = [0, 0];
  for (const [path, { mutants }] of results) {
    const score = scoreOf(mutants);
    found += score.found;
    all += score.all;
    stdout.write(`${path.replace(SOURCES, '').padEnd(32)} ${score.found} of ${score.all}\n`);
  }
  const percent = all === 0 ? 100 : (100 * found) / all;
  stdout.write(`${found} of ${all} mutants were found: ${percent.toFixed(1)} %, of ${LEAST} % at least\n`);
  return percent >= LEAST;
}

const files = asked(argv.slice(2));
if (files.length === 0) stdout.write('nothing of these rooms was changed\n');
else if (!mutate(files)) process.exitCode = 1;
