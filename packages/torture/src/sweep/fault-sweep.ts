/** Every call that changes the disk is made to fail in every way, one at a time. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath } from 'node:process';

import { seededEntropy } from '@pawl/runtime/testing';

import { Folder } from '../folder.ts';
import { count, type Figures, type Part, type PartContext } from '../part.ts';
import { CALLS, compileShim, shimEnvironment, shimProblem, type Fault } from '../shim/shim.ts';
import { survey } from '../survey.ts';
import type { Told } from '../told.ts';
import type { Journey } from '../voyage.ts';
import { SOURCES } from '../pawl.ts';
import type { Trial, TrialLine } from './trial.ts';

const JOURNEY: Journey = { legs: 2, bytes: 400 };

/** What becomes of calls, in ways that a disk, a full one, or a process without descriptors has. */
const DISK = CALLS.write | CALLS.sync | CALLS.truncate | CALLS.unlink;
const WAYS: readonly Omit<Fault, 'at'>[] = [
  { calls: DISK, action: 'kill', error: 'EIO' },
  { calls: DISK, action: 'short and kill', error: 'EIO' },
  { calls: DISK, action: 'once', error: 'EIO' },
  { calls: DISK, action: 'for ever', error: 'EIO' },
  { calls: DISK, action: 'once', error: 'ENOSPC' },
  { calls: DISK, action: 'for ever', error: 'ENOSPC' },
  { calls: CALLS.write, action: 'short', error: 'EIO' },
  { calls: CALLS.write | CALLS.truncate | CALLS.lock, action: 'once', error: 'EINTR' },
  { calls: CALLS.lock, action: 'once', error: 'ENOLCK' },
  { calls: CALLS.map, action: 'once', error: 'ENOMEM' },
  { calls: CALLS.map, action: 'for ever', error: 'ENOMEM' },
  { calls: CALLS.open, action: 'once', error: 'EMFILE' },
  { calls: CALLS.open, action: 'for ever', error: 'EMFILE' },
];

/** How a voyage may end that met one: done, or stopped so that it can be resumed. */
const ENDINGS: ReadonlySet<string> = new Set(['finished', 'STORAGE', 'BUSY']);

export const faultSweep: Part = {
  name: 'fault-sweep',
  what: 'each write, sync, truncation, removal, opening, lock and map fails, once or for ever, or the program dies in it',
  rounds: { ci: 400, night: 4000 },
  share: 1 / 10,
  budgetSeconds: { ci: 120, night: 1800 },
  floors: {
    'faults that struck': 0.75,
    killed: 0.1,
    'ended with code 10': 0.2,
    'finished all the same': 0.03,
  },
  impossible: shimProblem,
  run: sweep,
};

/** All that can be made to fail, in an order that is drawn, again and again. */
function faultsOf(counts: ReadonlyMap<number, number>, seed: number, rounds: number): readonly Fault[] {
  const { random } = seededEntropy(seed);
  const all = WAYS.flatMap((way) =>
    Array.from({ length: counts.get(way.calls) ?? 0 }, (_, i): Fault => ({ ...way, at: i + 1 })),
  );
  const order = all.map((fault) => ({ fault, rank: random() })).toSorted((a, b) => a.rank - b.rank);
  return Array.from({ length: rounds }, (_, i) => order[i % order.length]?.fault ?? all[0]).filter(
    (fault) => fault !== undefined,
  );
}

function isDeadly({ fault }: Trial): boolean {
  return fault.action === 'kill' || fault.action === 'short and kill';
}

/** What a program of trials said, by trial. */
class Protocol {
  readonly told: Told[] = [];
  ended: Extract<TrialLine, { at: 'ended' }> | undefined;
  wrong: Extract<TrialLine, { at: 'wrong' }> | undefined;
}

function runTrials(library: string, root: string, trials: readonly Trial[]): Map<number, Protocol> {
  const main = join(import.meta.dirname, 'sweep-main.ts');
  const { stdout } = spawnSync(execPath, [...SOURCES, main], {
    env: {
      PATH: env['PATH'],
      NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'pawl-torture-compiled'),
      ...shimEnvironment(library, root),
    },
    input: trials.map((trial) => `${JSON.stringify(trial)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const protocols = new Map<number, Protocol>();
  let current = new Protocol();
  // The last line may be cut by a kill: then it was not told.
  for (const text of stdout.split('\n').slice(0, -1)) {
    const line = JSON.parse(text) as TrialLine;
    if (line.at === 'trial') protocols.set(line.round, (current = new Protocol()));
    else if (line.at === 'ended') current.ended = line;
    else if (line.at === 'wrong') current.wrong = line;
    else current.told.push(line);
  }
  return protocols;
}

/** How many calls of each kind a voyage makes that nothing happens to. */
function callCounts(library: string, folder: Folder): Map<number, number> {
  const kinds = [...new Set(WAYS.map(({ calls }) => calls))];
  const trials = kinds.map((calls, round): Trial => {
    const fault: Fault = { calls, at: Number.MAX_SAFE_INTEGER, action: 'once', error: 'EIO' };
    return { round, root: folder.fresh(), fault, journey: JOURNEY, isResumedHere: false };
  });
  const protocols = runTrials(library, folder.path, trials);
  return new Map(kinds.map((calls, round) => [calls, protocols.get(round)?.ended?.seen ?? 0]));
}

async function sweep(context: PartContext): Promise<void> {
  const { seed, rounds, at, figures } = context;
  using folder = new Folder('fault-sweep');
  const library = compileShim(folder.path);
  const counts = callCounts(library, folder);
  for (const [calls, seen] of counts)
    if (calls === DISK) count(figures, 'calls of a voyage that change the disk', seen);
  const trials = faultsOf(counts, seed, rounds)
    .map((fault, round): Trial => ({
      round,
      root: folder.fresh(),
      fault,
      journey: JOURNEY,
      isResumedHere: round % 2 === 0,
    }))
    .filter(({ round }) => at === undefined || round === at);
  const batches = [
    trials.filter((trial) => !isDeadly(trial)),
    ...trials.filter(isDeadly).map((trial) => [trial]),
  ];
  for (const batch of batches) {
    const protocols = runTrials(library, folder.path, batch);
    for (const trial of batch) {
      await judge(trial, protocols.get(trial.round) ?? new Protocol(), context);
      rmSync(trial.root, { recursive: true });
    }
  }
}

async function judge(trial: Trial, protocol: Protocol, { figures, violated }: PartContext): Promise<void> {
  const { round, fault, root } = trial;
  const { ended, told, wrong } = protocol;
  const what = `${fault.action} ${fault.error} at call ${fault.at} of kinds ${fault.calls}`;
  count(figures, 'voyages');
  if (ended === undefined) {
    count(figures, 'faults that struck');
    if (isDeadly(trial)) count(figures, 'killed');
    else violated(round, `${what}: the program died`);
  } else countEnding(ended, figures);
  if (ended !== undefined && !ENDINGS.has(ended.code))
    violated(round, `${what}: it ended with ${ended.code}, ${ended.message}`);
  if (wrong !== undefined) violated(round, `${what}, then in the same program: ${wrong.kind}: ${wrong.what}`);
  const found = await survey(root, told, JOURNEY);
  if (found !== undefined) violated(round, `${what}: ${found.kind}: ${found.what}`);
}

function countEnding(
  { fired, code }: { readonly fired: number; readonly code: string },
  figures: Figures,
): void {
  if (fired === 0) return;
  count(figures, 'faults that struck');
  count(
    figures,
    code === 'finished' ? 'finished all the same' : `ended with code ${code === 'STORAGE' ? 10 : code}`,
  );
}
