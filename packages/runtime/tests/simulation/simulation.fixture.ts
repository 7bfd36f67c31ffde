import { appendFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { firstFailure, firstSeed, onlySeed, seedCount } from './tier.ts';
import type { Tally } from './world.ts';

const CHUNK = 500;
/** Where what was met is added up: by the torture, which has its own budget. */
const told = process.env['PAWL_SIM_TALLY'];
/** What a chunk may take where the machine is busy with other things. */
const MS_PER_SEED = told === undefined ? 200 : 7200;

/**
 * What must have happened at least, per 1,000 programs: about a third of what does. A simulation in
 * which nothing goes wrong proves nothing.
 */
const FLOORS: Readonly<Record<string, number>> = {
  lives: 3000,
  replays: 2000,
  crash: 230,
  idleCrash: 45,
  takeover: 100,
  idleTakeover: 45,
  stop: 45,
  failure: 45,
  sharedCommit: 50,
  fencedNeighbour: 2,
  ScopeRetuned: 80,
  AttemptFailed: 600,
  TaskCancelled: 1000,
  LateResult: 500,
  ScopeTimedOut: 30,
  ScopeAborted: 15,
  OutcomeAsked: 30,
  CancelRequested: 5,
  pooled: 300,
  streams: 300,
  sent: 100,
  ItemRecorded: 200,
  StreamClosed: 3,
  StreamFailed: 10,
  queueFull: 10,
  BreakpointClosed: 500,
  answered: 1000,
  TaskOffered: 500,
  'done outside': 600,
  StateSet: 50,
  ExitRegistered: 300,
  exits: 100,
};

/** The part of the seeds that one file simulates, so that each has a processor. */
export function simulateShare(share: number, shares: number): void {
  const seed = onlySeed;
  if (seed !== undefined) {
    it.runIf(share === 0)(`seed ${seed}`, { timeout: 60_000 }, async () => {
      const failure = await firstFailure([seed], new Map());
      if (failure !== undefined) expect.fail(failure);
    });
    return;
  }
  const tally: Tally = new Map();
  const first = firstSeed + Math.floor((seedCount * share) / shares);
  const last = firstSeed + Math.floor((seedCount * (share + 1)) / shares);
  afterAll(() => {
    if (told !== undefined) appendFileSync(told, `${JSON.stringify(Object.fromEntries(tally))}\n`);
  });
  describe(`random programs ${first} to ${last - 1}`, () => {
    for (let from = first; from < last; from += CHUNK) {
      const to = Math.min(last, from + CHUNK);
      it(`seeds ${from} to ${to - 1}`, { timeout: 10_000 + (to - from) * MS_PER_SEED }, async () => {
        const seeds = Array.from({ length: to - from }, (_, index) => from + index);
        const failure = await firstFailure(seeds, tally);
        if (failure !== undefined) expect.fail(failure);
      });
    }

    it.runIf(last - first >= 1000)('met enough of what can go wrong', () => {
      const thousands = (tally.get('programs') ?? 0) / 1000;
      const missed = Object.entries(FLOORS).filter(
        ([what, floor]) => (tally.get(what) ?? 0) < floor * thousands,
      );
      expect(missed, `met: ${JSON.stringify(Object.fromEntries(tally))}`).toEqual([]);
    });
  });
}
