/** Suites of tests that are there already, at the length of a tier: each says itself how to repeat what it finds. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
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

interface Suite extends Pick<
  Part,
  'name' | 'what' | 'rounds' | 'share' | 'budgetSeconds' | 'isAnyRoundThere'
> {
  readonly files: readonly string[];
  /** What tells its tests how long the torture is, which one it is, and where to add up what it met. */
  readonly lengthOf: (
    asked: Pick<PartContext, 'rounds' | 'seed' | 'at'>,
    tally: string,
  ) => Readonly<Record<string, string>>;
  /** Tests that pass at least. */
  readonly leastOf: (asked: Pick<PartContext, 'rounds' | 'at'>) => number;
  readonly floors?: Part['floors'];
}

function suite({ files, lengthOf, leastOf, floors = {}, ...part }: Suite): Part {
  return {
    ...part,
    floors,
    run: (context) => {
      using folder = new Folder('suite');
      const tally = join(folder.path, 'tally');
      runTests(files, lengthOf(context, tally), join(folder.path, 'report.json'), context);
      addTally(tally, context.figures);
      const passed = context.figures.get(PASSED) ?? 0;
      const least = leastOf(context);
      if (passed < least) context.violated(0, `only ${passed} tests passed, of ${least} at least`);
      return Promise.resolve();
    },
  };
}

const PASSED = 'tests that passed';

function runTests(
  files: readonly string[],
  length: Readonly<Record<string, string>>,
  output: string,
  { figures, violated }: PartContext,
): void {
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
    count(figures, status === 'passed' ? PASSED : `tests that are ${status}`);
    if (status !== 'failed') continue;
    const why = failureMessages.join('\n');
    const round = Number(/\b(?:Seed|round) (\d+)(?: fails|:)/.exec(why)?.[1] ?? 0);
    violated(round, `${fullName}: ${why.slice(0, 4000)}`);
  }
}

/** A line of JSON for each file of tests: what it met, and how often. */
function addTally(path: string, figures: PartContext['figures']): void {
  if (!existsSync(path)) return;
  for (const line of readFileSync(path, 'utf8').split('\n').slice(0, -1))
    for (const [what, met] of Object.entries(JSON.parse(line) as Readonly<Record<string, number>>))
      count(figures, what, met);
}

/** Of the simulation: programs of a seed of the torture, which follow those of the one before. */
const PROGRAMS_A_SEED = 1_000_000;

export const SUITES: readonly Part[] = [
  suite({
    name: 'simulation',
    what: 'random programs on a virtual clock against a model of their own, with faults of the store',
    rounds: { ci: 20_000, night: 500_000 },
    share: 1 / 8,
    budgetSeconds: { ci: 900, night: 25_000 },
    isAnyRoundThere: true,
    files: ['packages/runtime/tests/simulation/simulation'],
    lengthOf: ({ rounds, seed, at }, tally) =>
      at === undefined
        ? {
            PAWL_SIM_FIRST: String((seed - 1) * PROGRAMS_A_SEED),
            PAWL_SIM_SEEDS: String(rounds),
            PAWL_SIM_TALLY: tally,
          }
        : { PAWL_SIM_SEED: String(at) },
    leastOf: ({ rounds, at }) => (at === undefined ? Math.ceil(rounds / 500) : 1),
    // What each file of it must have met beside is in simulation.fixture.ts.
    floors: { programs: 1, lives: 3, replays: 2, crash: 0.23, takeover: 0.1, failure: 0.045 },
  }),
  suite({
    name: 'security',
    what: 'hostile command lines, requests and texts',
    rounds: { ci: 500, night: 5000 },
    budgetSeconds: { ci: 90, night: 900 },
    files: ['packages/cli/tests/hostile'],
    lengthOf: ({ rounds, seed, at }) => ({
      ...(at === undefined ? {} : { PAWL_TORTURE_AT: String(at) }),
      PAWL_TORTURE_ROUNDS: String(rounds),
      PAWL_TORTURE_SEED: String(seed),
      PAWL_TORTURE: '1',
    }),
    // A test for each 100 command lines, and those of each kind of request and text.
    leastOf: ({ rounds }) => 8 + Math.ceil(rounds / 100),
  }),
  suite({
    name: 'reliability',
    what: 'programs that are killed, stopped, overtaken; full disks, locks, readers beside writers',
    rounds: { ci: 0, night: 1 },
    budgetSeconds: { ci: 300, night: 7200 },
    isAnyRoundThere: true,
    files: ['packages/runtime/tests/reliability'],
    lengthOf: ({ rounds }): Readonly<Record<string, string>> => (rounds > 0 ? { PAWL_TORTURE: '1' } : {}),
    leastOf: () => 100,
  }),
];
