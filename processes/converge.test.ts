import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execPath } from 'node:process';

import { openRuntime } from '@pawl/runtime';
import { MemoryStore } from '@pawl/runtime/testing';
import { defineProcess } from '@pawl/sdk';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { input, process } from './converge.ts';
import { runKilled } from './killed-runs.fixture.ts';

const converge = defineProcess({ name: 'converge', input, run: process });

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pawl-converge-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function run(inputs: { target?: number; maxIterations?: number } = {}) {
  const runtime = await openRuntime({ store: new MemoryStore() });
  try {
    return await runtime.start(converge, { folder, ...inputs }).result();
  } finally {
    await runtime.close();
  }
}

/** The tests that fail, by another reporter. */
function failingIn(candidate: string): string[] {
  const args = ['--test', '--test-reporter=tap', 'candidate.test.mjs'];
  const { stdout } = spawnSync(execPath, args, { cwd: candidate, encoding: 'utf8' });
  return Array.from(stdout.matchAll(/^not ok \d+ - (.*)$/gm), (match) => String(match[1]));
}

test('it converges on an implementation that passes every test, each step measured for real', async () => {
  const { quality, folder: last, iterations } = await run();
  expect(quality).toBe(1);
  expect(failingIn(last)).toEqual([]);
  expect(iterations.map(({ candidate }) => candidate)).toEqual(['split', 'trim', 'match', 'scan', 'strict']);
  expect(iterations.map((iteration) => failingIn(iteration.folder))).toEqual(
    iterations.map(({ failing }) => failing),
  );
  const qualities = iterations.map((iteration) => iteration.quality);
  expect(qualities).toEqual(qualities.toSorted((a, b) => a - b));
});

test('it stops at the target', async () => {
  const { quality, iterations } = await run({ target: 0.8 });
  expect([quality >= 0.8, iterations.at(-1)?.candidate]).toEqual([true, 'scan']);
});

test('a target out of reach fails the run, and names the tests that are left', async () => {
  await expect(run({ maxIterations: 4 })).rejects.toMatchObject({
    code: 'RUN_FAILED',
    message: expect.stringContaining(
      'after 4; failing: refuses a quote that is never closed, refuses text after a closing quote',
    ),
  });
  expect(readdirSync(folder)).toHaveLength(4);
});

test(
  'killed three times and resumed, it scores no candidate again, with the same result',
  { timeout: 120_000 },
  async () => {
    const { repeated, settled, result } = await runKilled({
      process: 'converge',
      inputs: { folder: '.' },
      folder,
      killAt: [2, 7, 18],
      effectOf: (task, args) => {
        if (task === 'write-candidate') return `write ${args['folder']}/candidate.mjs`;
        return task === 'run-tests' ? `test ${basename(String(args['folder']))}` : undefined;
      },
    });
    expect(repeated).toEqual([]);
    expect(settled).not.toContain(null);
    expect(settled.at(-1)).toBeGreaterThan(4);
    const whole = await run();
    const relative = whole.iterations.map((each) => ({ ...each, folder: basename(each.folder) }));
    expect(result).toEqual({ ...whole, folder: basename(whole.folder), iterations: relative });
  },
);
