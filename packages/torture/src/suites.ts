/** Suites of tests that are there already, at the length of a tier: each says itself how to repeat what it finds. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, execPath } from 'node:process';

import { Folder } from './folder.ts';
import { count, type Part, type PartContext } from './part.ts';

const ROOT = join(import.meta.dirname, '../../..');

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

interface Suite extends Pick<Part, 'name' | 'what' | 'rounds' | 'budgetSeconds'> {
  readonly files: readonly string[];
  /** What tells its tests how long the torture is. */
  readonly lengthOf: (rounds: number) => Readonly<Record<string, string>>;
  /** Tests that pass at least. */
  readonly least: number;
}

function suite({ files, lengthOf, least, ...part }: Suite): Part {
  return {
    ...part,
    floors: {},
    run: (context) => {
      runTests(files, lengthOf(context.rounds), least, context);
      return Promise.resolve();
    },
  };
}

function runTests(
  files: readonly string[],
  length: Readonly<Record<string, string>>,
  least: number,
  { figures, violated }: PartContext,
): void {
  using folder = new Folder('suite');
  const output = join(folder.path, 'report.json');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const flags = ['--no-typecheck', '--testTimeout=7200000', '--reporter=json', `--outputFile=${output}`];
  spawnSync(execPath, [vitest, 'run', ...files, ...flags], {
    cwd: ROOT,
    env: { ...env, ...length },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const { testResults } = JSON.parse(readFileSync(output, 'utf8')) as Report;
  for (const { status, fullName, failureMessages = [] } of testResults.flatMap(
    (file) => file.assertionResults,
  )) {
    count(figures, `tests that ${status === 'passed' ? 'passed' : `are ${status}`}`);
    if (status === 'failed') violated(0, `${fullName}: ${failureMessages.join('\n').slice(0, 4000)}`);
  }
  const passed = figures.get('tests that passed') ?? 0;
  if (passed < least) violated(0, `only ${passed} tests passed, of ${least} at least`);
}

export const SUITES: readonly Part[] = [
  suite({
    name: 'simulation',
    what: 'random programs on a virtual clock against a model of their own, with faults of the store',
    rounds: { ci: 20_000, night: 500_000 },
    budgetSeconds: { ci: 900, night: 25_000 },
    files: ['packages/runtime/tests/simulation/simulation'],
    lengthOf: (rounds) => ({ PAWL_SIM_SEEDS: String(rounds) }),
    least: 3,
  }),
  suite({
    name: 'security',
    what: 'hostile command lines, requests and texts',
    rounds: { ci: 500, night: 5000 },
    budgetSeconds: { ci: 90, night: 900 },
    files: ['packages/cli/tests/hostile'],
    lengthOf: (rounds) => ({ PAWL_TORTURE_ROUNDS: String(rounds), PAWL_TORTURE: '1' }),
    least: 10,
  }),
  suite({
    name: 'reliability',
    what: 'programs that are killed, stopped, overtaken; full disks, locks, readers beside writers',
    rounds: { ci: 0, night: 1 },
    budgetSeconds: { ci: 300, night: 7200 },
    files: ['packages/runtime/tests/reliability'],
    lengthOf: (rounds) => (rounds > 0 ? { PAWL_TORTURE: '1' } : {}),
    least: 100,
  }),
];
