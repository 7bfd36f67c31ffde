/**
 * A quality gate: reads every source file of a project and runs its checks (types, lint, fast tests)
 * side by side, then joins all of it into one report, `.pawl/quality-report.md`.
 *
 *     pawl run processes/quality-gate.ts
 *     pawl run processes/quality-gate.ts --input '{ "root": "../shop", "checks": { "tests": "npm test" } }'
 *
 * A check that fails is a finding and no accident: the run ends well, its result says `passed: false`,
 * and the report shows the end of what the check printed. With `strict` the run fails instead (exit
 * code 3), after the report is written. Kill it and resume it: files that were read are not read again,
 * checks that ended are not run again.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join, posix, resolve } from 'node:path';
import { env } from 'node:process';

import { defineProcess, defineTask, isPawlError } from '@pawl/sdk';
import { z } from 'zod';

import { reportOf, toMarkdown, type Check, type Report, type Source } from './quality-gate/report.ts';

const SOURCE = /\.([cm]?[jt]sx?|json|md|ya?ml|sql)$/;
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', 'dist', 'coverage']);
const FAST_TESTS = [
  'packages/sdk/src/errors',
  'packages/runtime/src/journal/stored-event',
  'tooling/test-counts',
];

const input = z
  .strictObject({
    /** The project, relative to the folder the program runs in. */
    root: z.string().min(1).default('.'),
    /** What of the tests the default checks run. */
    tests: z.array(z.string()).min(1).default(FAST_TESTS),
    /** Commands by name instead of the default checks: a line for the shell, or a program and its arguments. */
    checks: z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1)])).optional(),
    strict: z.boolean().default(false),
  })
  .prefault({});

const listSources = defineTask({
  name: 'list-sources',
  retry: { attempts: 3 }, // a folder may go while we read it
  run: async ({ root }: { root: string }) => (await walk(root, '')).toSorted(),
});

async function walk(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  const found = entries.map((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isFile()) return SOURCE.test(entry.name) ? [path] : [];
    const isLeftOut = !entry.isDirectory() || SKIPPED.has(entry.name) || entry.name.startsWith('.');
    return isLeftOut ? [] : walk(root, path);
  });
  return (await Promise.all(found)).flat();
}

const readSource = defineTask({
  name: 'read-source',
  /** Null for a file that is gone since it was listed. */
  run: async ({ root, path }: { root: string; path: string }): Promise<Source | null> => {
    const bytes = await readFile(join(root, path)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (bytes === null) return null;
    const lines = bytes.toString('utf8').split('\n');
    return {
      path,
      bytes: bytes.length,
      lines: lines.length - 1,
      longestLine: Math.max(...lines.map((line) => line.length)),
      todos: lines.filter((line) => /\b(TODO|FIXME)\b/.test(line)).length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    };
  },
});

const runCheck = defineTask(
  'run-check',
  ({ root, command }: { root: string; command: string | string[] }) => ({
    kind: 'shell',
    command,
    cwd: root,
    // As a script of package.json finds its tools.
    env: { PATH: [resolve(root, 'node_modules/.bin'), env['PATH']].join(delimiter), NO_COLOR: '1' },
  }),
  { pool: 'shell', timeout: '5m' },
);

const writeReport = defineTask({
  name: 'write-report',
  run: async ({ root, report }: { root: string; report: Report }) => {
    await mkdir(join(root, '.pawl'), { recursive: true, mode: 0o700 });
    await writeFile(join(root, '.pawl/quality-report.json'), `${JSON.stringify(report, null, 2)}\n`);
    await writeFile(join(root, '.pawl/quality-report.md'), toMarkdown(report));
    return posix.join(root, '.pawl/quality-report.md');
  },
});

/** What a person has to see of a check that failed: the end of its output, or why it could not run. */
function failed(name: string, error: unknown): Check {
  const cause = isPawlError(error, 'TASK_FAILED') ? error.cause : error;
  const printed = isPawlError(cause, 'SHELL') ? `${cause.stdout}\n${cause.stderr}`.trim() : '';
  const message = cause instanceof Error ? cause.message : String(cause);
  return { name, passed: false, output: `${printed}\n\n${message}`.trim() };
}

export default defineProcess({
  name: 'quality-gate',
  input,
  run: async ({ root, tests, checks, strict }, ctx) => {
    const commands = Object.entries(
      checks ?? {
        types: ['tsc', '-p', 'tsconfig.json'],
        lint: ['oxlint', '--deny-warnings'],
        tests: ['vitest', 'run', '--typecheck.enabled=false', ...tests],
      },
    );
    const paths = await ctx.task(listSources, { root });

    const [sources, outcomes] = await ctx.parallel.all([
      () =>
        ctx.parallel.map(paths, (path) => ctx.task(readSource, { root, path }), {
          concurrency: 16,
          keyBy: (path) => path,
        }),
      () =>
        ctx.parallel.map(
          commands,
          ([name, command]) =>
            ctx.task(runCheck, { root, command }).then(
              (): Check => ({ name, passed: true, output: '' }),
              (error: unknown) => failed(name, error),
            ),
          { keyBy: ([name]) => name },
        ),
    ]);

    const report = reportOf(
      sources.filter((source) => source !== null),
      outcomes,
    );
    const file = await ctx.task(writeReport, { root, report });
    const { passed, checks: results, totals } = report;
    const failures = results.filter((check) => !check.passed).map(({ name }) => name);
    const verdict = passed ? 'passed' : `failed: ${failures.join(', ')}`;
    ctx.log(`${verdict}; see ${file}`);
    if (strict && !passed) throw new Error(`The gate is closed, ${verdict}; see ${file}`);
    return { passed, failures, ...totals, report: file };
  },
});
