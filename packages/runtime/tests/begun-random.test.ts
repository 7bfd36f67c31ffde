import { setImmediate as rawTurn } from 'node:timers/promises';
import type { Context, Process } from '@pawl/sdk';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MemoryStore } from '../src/testing.ts';
import { journal, Lab } from './lab.fixture.ts';

/*
 * Random groups with a bound on how many branches run, whose waits outside ctx take other times in each of three lives:
 * every journal that comes of it is replayed with the waits of all lives. The simulation meets few of these.
 */

interface Group {
  readonly mode: 'all' | 'allSettled' | 'forkJoin' | 'forkJoinSettled' | 'some';
  readonly losers: 'cancel' | 'drain' | 'detach';
  readonly concurrency: number | undefined;
  readonly batchSize: number | undefined;
  readonly timeout: number | undefined;
  readonly toleratedFailures: number;
  readonly branches: readonly Branch[];
}

/** Waits outside ctx first, where it says so; then it does something, or nothing. */
interface Branch {
  readonly isRaw: boolean;
  readonly does: 'nothing' | 'task' | 'failure' | Group;
  readonly ms: number;
}

const branchOf = (inner: fc.Arbitrary<Group> | undefined): fc.Arbitrary<Branch> =>
  fc.record({
    isRaw: fc.boolean(),
    does: fc.oneof(
      { arbitrary: fc.constantFrom('nothing', 'task', 'failure') as fc.Arbitrary<Branch['does']>, weight: 4 },
      ...(inner === undefined ? [] : [{ arbitrary: inner, weight: 1 }]),
    ),
    ms: fc.constantFrom(1, 5, 20, 60),
  });

const groupOf = (inner: fc.Arbitrary<Group> | undefined): fc.Arbitrary<Group> =>
  fc.record({
    mode: fc.constantFrom('all', 'allSettled', 'forkJoin', 'forkJoinSettled', 'some'),
    losers: fc.constantFrom('cancel', 'drain', 'detach'),
    concurrency: fc.constantFrom(1, 2, 2, 2, 3, undefined),
    batchSize: fc.constantFrom(undefined, undefined, undefined, 2),
    timeout: fc.constantFrom(undefined, undefined, undefined, undefined, 3, 30),
    toleratedFailures: fc.constantFrom(0, 0, 1),
    branches: fc.array(branchOf(inner), { minLength: 2, maxLength: 5 }),
  });

const GROUPS = groupOf(groupOf(groupOf(undefined)));

/** How many turns a wait takes, by the life and the place of the branch. */
type Turns = (place: string) => number;

async function perform(group: Group, place: string, lab: Lab, ctx: Context, turns: Turns): Promise<void> {
  const thunks = group.branches.map(({ isRaw, does, ms }, index) => async () => {
    const here = `${place}.${index}`;
    if (isRaw) for (let i = turns(here); i > 0; i -= 1) await rawTurn();
    if (typeof does === 'object') await perform(does, here, lab, ctx, turns);
    if (does === 'task') await ctx.task(lab.work, { ms, value: here });
    if (does === 'failure') await ctx.task(lab.work, { ms, fail: 'no' });
  });
  const { mode, losers, concurrency, batchSize, timeout, toleratedFailures } = group;
  const bounds = Object.fromEntries(
    Object.entries({ concurrency, batchSize, timeout }).filter(([, value]) => value !== undefined),
  );
  const options = { losers, ...bounds };
  const enough = { ...options, completion: { toleratedFailures } };
  const { parallel } = ctx;
  const named = Object.fromEntries(thunks.map((thunk, index) => [`n${index}`, thunk]));
  const calls: Readonly<Record<Group['mode'], () => Promise<unknown>>> = {
    all: () => parallel.all(thunks, options),
    allSettled: () => parallel.allSettled(thunks, enough),
    forkJoin: () => parallel.forkJoin(named, options),
    forkJoinSettled: () => parallel.forkJoinSettled(named, enough),
    some: () => parallel.some(thunks, options),
  };
  await calls[mode]().catch(() => undefined);
}

async function replays(store: MemoryStore, process: (lab: Lab) => Process): Promise<string> {
  const lab = new Lab();
  const runtime = await lab.open(store);
  const stop = lab.clock.run(() => runtime.isIdle);
  try {
    return (await runtime.replay('r', process(lab))).reached;
  } finally {
    stop();
  }
}

it('is replayed whatever the waits outside ctx of its groups took in each life', { timeout: 120_000 }, () =>
  fc.assert(
    fc.asyncProperty(
      GROUPS,
      fc.nat(),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (group, seed, share) => {
        const turnsOf = (life: number): Turns => {
          const most = [3, 12, 7][life] ?? 1;
          return (place) =>
            Buffer.from(place).reduce((sum, byte) => (sum * 31 + byte + life) % 1009, seed % 1009) % most;
        };
        const processOf =
          (life: number) =>
          (lab: Lab): Process =>
          async (_, ctx) => {
            await perform(group, 'g', lab, ctx, turnsOf(life));
            for (let i = 0; i < 40; i += 1) await rawTurn();
            await ctx.sleep(200);
            return 'done';
          };
        let store = new MemoryStore();
        for (const life of [seed % 2, (seed + 1) % 2, 2]) {
          const events = journal(store);
          const cut = events[Math.floor(events.length * share)];
          if (cut !== undefined) store = store.prefix('r', cut.seq);
          const lab = cut === undefined ? new Lab() : Lab.at(cut.at);
          expect(await lab.drive(store, processOf(life)(lab))).toEqual({ value: 'done' });
          for (const other of [0, 1, 2]) expect(await replays(store, processOf(other))).toBe('end');
        }
      },
    ),
    { numRuns: Number(process.env['PAWL_BEGUN_RUNS'] ?? 100) },
  ),
);
