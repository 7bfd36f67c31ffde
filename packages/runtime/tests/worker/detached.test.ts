import { defineProcess, type Context, type ProcessDefinition } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import { Floor } from './bench.fixture.ts';

/* Detached and abandoned runs, after the worker that drove them is gone. */

const late = defineProcess({
  name: 'late',
  run: async (n: number, ctx: Context) => {
    await ctx.sleep(60_000);
    return n;
  },
});

/** Its calls are forgotten with each mark. */
const folding = defineProcess({
  name: 'folding',
  run: async (_: unknown, ctx: Context) => {
    const start = async (sum: number, n: number): Promise<number> => {
      await ctx.run(late, n, { detached: true, id: `late-${n}` });
      return sum + n;
    };
    await ctx.reduce([1, 2, 3], 0, start, { foldEvery: 1 });
    return ctx.receive('stop');
  },
});

/** Its calls are given up, and then forgotten with each mark. */
const abandoning = defineProcess({
  name: 'abandoning',
  run: async (_: unknown, ctx: Context) => {
    const start = async (sum: number, n: number): Promise<number> => {
      await ctx.parallel.race([
        () => ctx.run(late, n, { onParentCancel: 'abandon', id: `late-${n}` }),
        () => ctx.sleep(10),
      ]);
      return sum + n;
    };
    await ctx.reduce([1, 2], 0, start, { foldEvery: 1 });
    return ctx.receive('stop');
  },
});

const waiting = defineProcess({
  name: 'waiting',
  run: async (_: unknown, ctx: Context) => ctx.run(late, 1, { onParentCancel: 'abandon', id: 'late-1' }),
});

const single = defineProcess({
  name: 'single',
  run: async (_: unknown, ctx: Context) => {
    await ctx.run(late, 1, { detached: true, id: 'late-1' });
    return ctx.receive('stop');
  },
});

/** All that one worker began, and another found when the first was gone. */
async function goneOn(starter: ProcessDefinition, known: readonly ProcessDefinition[]): Promise<Floor> {
  const first = new Floor();
  const { runtime } = await first.worker([starter, late]);
  await runtime.enqueue(starter, null as never, { id: 'r' });
  await first.clock.advance(5000);
  const store = MemoryStore.from(first.store.snapshot());
  for (const { owner } of store.queryRuns({ limit: 100 }, 0)) if (owner !== null) store.ownerDied(owner);
  const second = new Floor(first.clock.now(), store);
  // The first one's owner is another.
  await second.open([]);
  const load = async ({
    process,
  }: {
    process: string;
  }): Promise<{ definition: ProcessDefinition; codeHash: null }> => ({
    definition: known.find(({ name }) => name === process) ?? expect.fail(`there is no ${process}`),
    codeHash: null,
  });
  await second.worker([], { load });
  for (let minutes = 0; minutes < 10; minutes += 1) await second.clock.advance(60_000);
  return second;
}

function statuses(floor: Floor): Record<string, string> {
  return Object.fromEntries(
    floor.store.queryRuns({ limit: 100 }, 0).map(({ runId, status }) => [runId, status]),
  );
}

it('go on, also where the run that started them has forgotten them behind a mark', async () => {
  const ends = { 'late-1': 'succeeded', 'late-2': 'succeeded', 'late-3': 'succeeded' };
  expect(statuses(await goneOn(folding, [folding, late]))).toEqual({ ...ends, r: 'running' });
});

it.each([[[single, late]], [[single]]])('go on, by whoever has their code', async (known) => {
  expect(statuses(await goneOn(single, known))).toEqual({ 'late-1': 'succeeded', r: 'running' });
});

it.each([[[abandoning, late]], [[late]]])(
  'go on where they were abandoned, by whoever has their code',
  async (known) => {
    const ends = { 'late-1': 'succeeded', 'late-2': 'succeeded' };
    expect(statuses(await goneOn(abandoning, known))).toEqual({ ...ends, r: 'running' });
  },
);

it('go on with the run above them, while that waits for them', async () => {
  const floor = await goneOn(waiting, [waiting]);
  expect(statuses(floor)).toEqual({ 'late-1': 'succeeded', r: 'succeeded' });
  expect(floor.told).not.toContain('wentOn late-1');
});
