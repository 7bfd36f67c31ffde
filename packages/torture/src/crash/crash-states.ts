/** States that a power cut could leave of a run's journal: nothing that was acknowledged is missing in any. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { seededEntropy } from '@pawl/runtime/testing';

import { Folder } from '../folder.ts';
import { count, type Part, type PartContext } from '../part.ts';
import { compileShim, shimProblem } from '../shim/shim.ts';
import type { Journey } from '../voyage.ts';
import { Disk, type DiskState } from './disk.ts';
import { recordVoyage, type Operation } from './recording.ts';
import { digestOf, integrityOf, layOut, survey, type Wrong } from '../survey.ts';
import type { Durable, Told } from '../told.ts';

/** States of one recording, before the next is made. */
const STATES_PER_RECORDING = 1000;
const JOURNEYS: readonly Journey[] = [
  { legs: 4, bytes: 400 },
  { legs: 2, bytes: 9000 },
  { legs: 6, bytes: 50 },
];

export const crashStates: Part = {
  name: 'crash-states',
  what: 'the power goes: unsynced writes are dropped, kept, reordered, torn; names come only with their folder',
  rounds: { ci: 20_000, night: 20_000 },
  share: 1 / 10,
  budgetSeconds: { ci: 300, night: 1800 },
  floors: { 'states of their own': 0.5, 'lossy states': 0.4, 'with something acknowledged': 0.5 },
  impossible: shimProblem,
  run: async (context) => {
    await tryStates(context, 'full', (round, { kind, what }, state) => {
      const kept = mkdtempSync(join(tmpdir(), 'pawl-crash-state-'));
      layOut(state, kept);
      context.violated(round, `${kind}: ${what} (the state is kept in ${kept})`);
    });
  },
};

/** @param wrong told of each state in which something is wrong */
export async function tryStates(
  { seed, rounds, at, figures }: PartContext,
  durable: Durable,
  wrong: (round: number, what: Wrong, state: DiskState) => void,
): Promise<void> {
  using folder = new Folder('crash-states');
  const library = compileShim(folder.path);
  const seen = new Set<string>();
  for (let first = 0; first < rounds; first += STATES_PER_RECORDING) {
    const last = Math.min(rounds, first + STATES_PER_RECORDING);
    if (at !== undefined && (at < first || at >= last)) continue;
    const recording = first / STATES_PER_RECORDING;
    const journey = JOURNEYS[recording % JOURNEYS.length] ?? { legs: 4, bytes: 400 };
    const operations = recordVoyage(library, folder.fresh(), { durable, seed: seed + recording, journey });
    count(figures, 'recordings');
    count(figures, 'operations', operations.length);
    const root = join(folder.fresh(), 'disk');
    const known = new Set<string>();
    for (const { round, state, told } of statesOf(operations, seed, first, last)) {
      if (at !== undefined && round !== at) continue;
      count(figures, 'states');
      if (state.isLossy) count(figures, 'lossy states');
      if (told.length > 0) count(figures, 'with something acknowledged');
      const digest = `${digestOf(state)} ${told.length}`;
      if (seen.has(digest)) continue;
      seen.add(digest);
      count(figures, 'states of their own');
      layOut(state, root);
      const found = (await survey(root, told, journey, known)) ?? integrityOf(root);
      if (found !== undefined) wrong(round, found, state);
    }
    count(figures, 'journals that went on to their end', known.size);
  }
}

interface Cut {
  readonly round: number;
  readonly state: DiskState;
  readonly told: readonly Told[];
}

/** Cuts at places that are drawn, the later the more was told; each has its own seed. */
function* statesOf(
  operations: readonly Operation[],
  seed: number,
  first: number,
  last: number,
): Generator<Cut> {
  const cuts = Array.from({ length: last - first }, (_, i) => {
    const { random } = seededEntropy(seed * 1_000_003 + first + i);
    return { round: first + i, place: Math.floor(random() * (operations.length + 1)), random };
  }).toSorted((a, b) => a.place - b.place);
  const disk = new Disk();
  const told: Told[] = [];
  let next = 0;
  for (const { round, place, random } of cuts) {
    for (; next < place; next += 1) {
      const operation = operations[next];
      if (operation === undefined) break;
      disk.apply(operation);
      if (operation.type === 'told') told.push(operation.told);
    }
    yield { round, state: disk.afterPowerCut(random), told: [...told] };
  }
}
