/** Journals of released versions are opened by this one, which dies or fails in any call of it: nothing is lost. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath } from 'node:process';

import { openRuntime } from '@pawl/runtime';
import { seededEntropy } from '@pawl/runtime/testing';

import { Folder } from '../folder.ts';
import { count, type Part, type PartContext } from '../part.ts';
import { CALLS, compileShim, shimEnvironment, shimProblem, type Fault } from '../shim/shim.ts';
import { SOURCES } from '../pawl.ts';
import { differenceOf, tablesOf } from './tables.ts';
import type { Upgrade, UpgradeLine } from './upgrade.ts';

const FIXTURES = join(import.meta.dirname, '../../../../journal-fixtures');
const VERSIONS = readdirSync(FIXTURES).filter((version) => existsSync(fileOf(version)));

const DISK = CALLS.write | CALLS.sync | CALLS.truncate | CALLS.unlink | CALLS.map;
const WAYS: readonly Omit<Fault, 'at'>[] = [
  { calls: DISK, action: 'kill', error: 'EIO' },
  { calls: DISK, action: 'short and kill', error: 'EIO' },
  { calls: DISK, action: 'once', error: 'EIO' },
  { calls: DISK, action: 'for ever', error: 'ENOSPC' },
];

/** Counted, and none of them fails. */
const NEVER: Fault = { calls: DISK, at: Number.MAX_SAFE_INTEGER, action: 'once', error: 'EIO' };

/** Opened all the same, or refused so that it can be opened later. */
const ENDINGS: ReadonlySet<string> = new Set(['opened', 'STORAGE', 'BUSY']);

function fileOf(version: string): string {
  return join(FIXTURES, version, 'journal.db');
}

interface Trial extends Upgrade {
  readonly version: string;
}

export const upgrades: Part = {
  name: 'upgrades',
  what: 'the program dies, or the disk fails, in each call of the upgrade of an old journal',
  rounds: { ci: 60, night: 600 },
  budgetSeconds: { ci: 90, night: 900 },
  floors: { 'faults that struck': 0.9, killed: 0.2 },
  impossible: shimProblem,
  run: async (context) => {
    using folder = new Folder('upgrades');
    const library = compileShim(folder.path);
    const expected = new Map<string, string>();
    const seen = new Map<string, number>();
    for (const version of VERSIONS) {
      const trial = trialOf(folder, version, 0, NEVER);
      seen.set(version, open(library, folder, [trial]).get(0)?.seen ?? 0);
      expected.set(version, tablesOf(trial.path));
      count(context.figures, 'calls of an upgrade that change the disk', seen.get(version));
    }
    const trials = trialsOf(folder, seen, context);
    for (const batch of [
      trials.filter((each) => !isDeadly(each)),
      ...trials.filter(isDeadly).map((each) => [each]),
    ]) {
      const told = open(library, folder, batch);
      for (const trial of batch) await judge(trial, told.get(trial.round), expected, context);
    }
  },
};

function trialOf(folder: Folder, version: string, round: number, fault: Fault): Trial {
  const path = join(folder.fresh(), 'journal.db');
  cpSync(fileOf(version), path);
  return { version, round, path, fault };
}

/** All that can be made to fail, in an order that is drawn, again and again. */
function trialsOf(
  folder: Folder,
  seen: ReadonlyMap<string, number>,
  { seed, rounds, at }: PartContext,
): readonly Trial[] {
  const { random } = seededEntropy(seed);
  const all = [...seen].flatMap(([version, calls]) =>
    WAYS.flatMap((way) =>
      Array.from({ length: calls }, (_, i) => ({ version, fault: { ...way, at: i + 1 } })),
    ),
  );
  const order = all.map((each) => ({ ...each, rank: random() })).toSorted((a, b) => a.rank - b.rank);
  return Array.from({ length: order.length === 0 ? 0 : rounds }, (_, round) => round)
    .filter((round) => at === undefined || round === at)
    .flatMap((round) => {
      const drawn = order[round % order.length];
      return drawn === undefined ? [] : [trialOf(folder, drawn.version, round, drawn.fault)];
    });
}

function isDeadly({ fault }: Trial): boolean {
  return fault.action === 'kill' || fault.action === 'short and kill';
}

function open(library: string, folder: Folder, trials: readonly Trial[]): Map<number, UpgradeLine> {
  const main = join(import.meta.dirname, 'upgrade-main.ts');
  const { stdout } = spawnSync(execPath, [...SOURCES, main], {
    env: {
      PATH: env['PATH'],
      NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'pawl-torture-compiled'),
      ...shimEnvironment(library, folder.path),
    },
    input: trials.map((trial) => `${JSON.stringify(trial)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as UpgradeLine);
  return new Map(lines.map((line) => [line.round, line]));
}

async function judge(
  trial: Trial,
  line: UpgradeLine | undefined,
  expected: ReadonlyMap<string, string>,
  { figures, violated }: PartContext,
): Promise<void> {
  const { round, version, path, fault } = trial;
  const what = `${version}: ${fault.action} ${fault.error} at call ${fault.at}`;
  count(figures, 'upgrades');
  if (line === undefined) {
    count(figures, 'faults that struck');
    if (isDeadly(trial)) count(figures, 'killed');
    else violated(round, `${what}: the program died`);
  } else {
    if (line.fired > 0) count(figures, 'faults that struck');
    count(figures, line.code === 'opened' ? 'opened all the same' : `refused with ${line.code}`);
    if (!ENDINGS.has(line.code)) violated(round, `${what}: it ended with ${line.code}, ${line.message}`);
  }
  try {
    const runtime = await openRuntime({ path, durability: 'normal' });
    await runtime.close();
  } catch (error) {
    violated(round, `${what}: it cannot be opened afterwards: ${String(error)}`);
    return;
  }
  const difference = differenceOf(tablesOf(path), expected.get(version) ?? '');
  if (difference !== undefined) violated(round, `${what}: ${difference}`);
}
