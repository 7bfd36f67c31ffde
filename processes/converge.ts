/**
 * A loop that converges by tests: writes a candidate, runs its tests, scores it from several sides at
 * once, and goes on with what it learned, until the quality is enough.
 *
 *     pawl run processes/converge.ts
 *     pawl run processes/converge.ts --input '{ "target": 0.8, "folder": "/tmp/converge" }'
 *
 * Here the improver picks from a ladder of implementations of a small function, by the first test that
 * fails; in its place you would ask a model. Kill it and resume it: the loop is plain code, it comes
 * back to where it was, and candidates that were scored are not scored again. Where the target is out
 * of reach the run fails (exit code 3) and names the tests that are left.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { execPath } from 'node:process';

import { defineTask, type Context } from '@pawl/sdk';
import { z } from 'zod';

import { LADDER, REPORTER, TESTS } from './converge/csv-line.ts';

export const input = z
  .strictObject({
    /** From 0 to 1. */
    target: z.number().min(0).max(1).default(0.95),
    maxIterations: z.int().min(1).default(10),
    /** For the candidates, relative to the folder the program runs in. */
    folder: z.string().min(1).default('.pawl/converge'),
  })
  .prefault({});

interface Feedback {
  readonly tried: readonly string[];
  readonly failing: readonly string[];
}

const improve = defineTask({
  name: 'improve',
  run: ({ tried, failing }: Feedback) => {
    const untried = LADDER.filter(({ name }) => !tried.includes(name));
    const better = untried.find(({ answers }) => answers.includes(failing[0] ?? '')) ?? untried[0];
    if (better === undefined) throw new Error(`Nothing left to try for: ${failing.join(', ')}`);
    return { name: better.name, source: better.source };
  },
});

const writeCandidate = defineTask({
  name: 'write-candidate',
  run: async ({ folder, source }: { folder: string; source: string }) => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'candidate.mjs'), source);
    await writeFile(join(folder, 'candidate.test.mjs'), TESTS);
    await writeFile(join(folder, 'reporter.mjs'), REPORTER);
  },
});

const runTests = defineTask(
  'run-tests',
  ({ folder }: { folder: string }) => ({
    kind: 'shell',
    command: [execPath, '--test', '--test-reporter=./reporter.mjs', 'candidate.test.mjs'],
    cwd: folder,
    okExitCodes: [0, 1], // 1: some test failed, which is what we want to know
  }),
  { pool: 'shell', timeout: '1m' },
);

/** How far a source is from what a linter would say nothing about: 1 is clean. */
const checkStyle = defineTask({
  name: 'check-style',
  run: async ({ folder }: { folder: string }) => {
    const source = await readFile(join(folder, 'candidate.mjs'), 'utf8');
    const sloppy = source.match(/\bvar\b|[^=!]==[^=]/g)?.length ?? 0;
    const long = source.split('\n').filter((line) => line.length > 100).length;
    return 1 / (1 + sloppy + long);
  },
});

const BUDGET_BYTES = 1024;

/** 1 within the budget, less by how far it is beyond. */
const measureSize = defineTask({
  name: 'measure-size',
  run: async ({ folder }: { folder: string }) =>
    Math.min(1, BUDGET_BYTES / (await readFile(join(folder, 'candidate.mjs'))).length),
});

interface Iteration {
  readonly folder: string;
  readonly candidate: string;
  /** Names of tests. */
  readonly failing: readonly string[];
  readonly quality: number;
}

export async function process({ target, maxIterations, folder: root }: z.output<typeof input>, ctx: Context) {
  const iterations: Iteration[] = [];
  let last: Iteration = { folder: '', candidate: '', failing: [], quality: 0 };
  while (last.quality < target && iterations.length < maxIterations) {
    const tried = iterations.map(({ candidate }) => candidate);
    const { name, source } = await ctx.task(improve, { tried, failing: last.failing });
    const folder = posix.join(root, `${tried.length + 1}-${name}`);
    await ctx.task(writeCandidate, { folder, source });

    const [tests, style, size] = await ctx.parallel.all([
      () => ctx.task(runTests, { folder }),
      () => ctx.task(checkStyle, { folder }),
      () => ctx.task(measureSize, { folder }),
    ]);

    const results = tests.stdout.split('\n').filter((line) => /^(pass|fail) /.test(line));
    const failing = results
      .filter((line) => line.startsWith('fail'))
      .map((line) => line.slice('fail '.length));
    const passed = results.length === 0 ? 0 : 1 - failing.length / results.length;
    const quality = Math.round(100 * (0.7 * passed + 0.2 * style + 0.1 * size)) / 100;
    last = { folder, candidate: name, failing, quality };
    iterations.push(last);
    ctx.log(`${name}: ${failing.length} of ${results.length} tests fail, quality ${quality}`);
  }
  const { quality, folder, failing } = last;
  if (quality >= target) return { quality, folder, iterations };
  throw new Error(
    `Quality ${quality} of ${target} after ${iterations.length}; failing: ${failing.join(', ')}`,
  );
}
