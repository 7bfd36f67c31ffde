import type { Context, Limiter } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { journal, shape } from '../lab.fixture.ts';
import { perform, replays, resumeAt, seqOf, t, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

/** Five steps that wait for a place by themselves; the journal has how many there are. */
const waiting =
  (concurrency: number | undefined, told: number[][] = []): Program =>
  (stage) =>
  async (_, ctx: Context) => {
    const seen: number[] = [];
    told.push(seen);
    let free = 0;
    let most = 0;
    const queue: (() => void)[] = [];
    const grant = (): void => {
      for (let next = free > 0 ? queue.shift() : undefined; next !== undefined; next = queue.shift()) {
        free -= 1;
        next();
        if (free <= 0) return;
      }
    };
    const limiter: Limiter = {
      limit: (now) => {
        seen.push(now);
        free += Math.min(now, 100) - most;
        most = Math.min(now, 100);
        grant();
      },
    };
    return await ctx.parallel.map(
      [1, 2, 3, 4, 5],
      async (n) => {
        await new Promise<void>((resolve) => {
          queue.push(resolve);
          grant();
        });
        const value = await ctx.task(stage.step, t(10, n));
        free += 1;
        grant();
        return value;
      },
      { limiter, ...(concurrency === undefined ? {} : { concurrency }) },
    );
  };

it('thunks are invoked at once, and the limiter is told how many may be at work', async () => {
  const told: number[][] = [];
  const { value, stage, store } = await perform(waiting(2, told));
  expect(value).toEqual([1, 2, 3, 4, 5]);
  expect(stage.maxParallel).toBe(2);
  expect(told).toEqual([[2]]);
  expect(journal(store).find(({ event }) => event.type === 'ScopeOpened')?.event).toMatchObject({
    concurrency: 2,
  });
  await replays(store, waiting(2));
});

it('below the head it is told what was recorded, then what the code says', async () => {
  const { store } = await perform(waiting(3));
  const told: number[][] = [];
  const resumed = await resumeAt(store, seqOf(store, 'TaskSucceeded'), waiting(1, told));
  expect(resumed.value).toEqual([1, 2, 3, 4, 5]);
  expect(told).toEqual([[3, 1]]);
  expect(shape(resumed.store)).toContain('ScopeRetuned 0');
  await replays(resumed.store, waiting(1));
});
