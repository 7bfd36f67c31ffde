import { defineBatchTask, InvalidOptionError, type TaskContext, type TaskSettings } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { journal } from '../lab.fixture.ts';
import { brief, everywhere, perform, watchForLeaks, type Program, type Stage } from './stage.fixture.ts';

watchForLeaks();

interface Seen {
  readonly at: number;
  readonly items: readonly number[];
}

/** Doubles its items; keeps when which went together. 13 fails, and so does every batch with a 99 in it. */
const doubling = (
  lab: Stage,
  seen: Seen[],
  settings: TaskSettings & { maxSize?: number; ms?: number; length?: number } = {},
) => {
  const { maxSize = 10, ms = 0, length, ...rest } = settings;
  return defineBatchTask({
    name: 'doubling',
    batch: { maxSize, windowMs: 20 },
    run: async (items: readonly number[], tasks: readonly TaskContext[]) => {
      seen.push({ at: lab.clock.monotonic(), items });
      for (const task of tasks) lab.invoked.push({ task: 'doubling', key: task.key, attempt: task.attempt });
      if (ms > 0) await new Promise<void>((resolve) => lab.later(ms, resolve));
      if (items.includes(99)) throw new RangeError('all of them');
      return items.map((n) => (n === 13 ? new RangeError('unlucky') : n * 2)).slice(0, length);
    },
    ...rest,
  });
};

const every10ms =
  (seen: Seen[]): Program =>
  (lab) =>
  (_, ctx) => {
    const task = doubling(lab, seen);
    return ctx.parallel.all(
      [0, 1, 2, 3, 4].map((n) => async () => {
        await ctx.sleep(n * 10 + 1);
        return ctx.task(task, n);
      }),
    );
  };

describe('A78 a batch of window 20 ms, items every 10 ms', () => {
  it('starts at most 20 ms after its first item', async () => {
    const seen: Seen[] = [];
    const { value } = await perform(every10ms(seen));
    expect(value).toEqual([0, 2, 4, 6, 8]);
    // The third item falls due when the window of the first one ends.
    expect(seen.map(({ at }) => at)).toEqual([21, expect.any(Number)]);
    expect(seen.flatMap(({ items }) => items)).toEqual([0, 1, 2, 3, 4]);
    expect(seen[0]?.items.length).toBeGreaterThanOrEqual(2);
  });

  it('⟲ is the same everywhere', async () => {
    await everywhere(every10ms([]), [0, 2, 4, 6, 8]);
  });
});

describe('a batch', () => {
  it('starts at once when it is full, and each item is a call of its own', async () => {
    const seen: Seen[] = [];
    const { value, store } = await perform(
      (lab) => (_, ctx) =>
        ctx.parallel.map([1, 2, 3, 4, 5], (n) => ctx.task(doubling(lab, seen, { maxSize: 2 }), n)),
    );
    expect(value).toEqual([2, 4, 6, 8, 10]);
    // Each call made a definition of its own here: batches are of one definition.
    expect(seen.map(({ items }) => items.length)).toEqual([1, 1, 1, 1, 1]);
    const together: Seen[] = [];
    await perform((lab) => {
      const task = doubling(lab, together, { maxSize: 2 });
      return (_, ctx) => ctx.parallel.map([1, 2, 3, 4, 5], (n) => ctx.task(task, n));
    });
    expect(together).toEqual([
      { at: 0, items: [1, 2] },
      { at: 0, items: [3, 4] },
      { at: 20, items: [5] },
    ]);
    expect(journal(store).filter(({ event }) => event.type === 'TaskSucceeded')).toHaveLength(5);
  });

  it('is of one task, also where two share their function', async () => {
    const sizes: string[] = [];
    const run = async (items: readonly string[]): Promise<string[]> => {
      sizes.push(items.join(''));
      return [...items];
    };
    const small = defineBatchTask({ name: 'small', batch: { maxSize: 2, windowMs: 10 }, run });
    const large = defineBatchTask({ name: 'large', batch: { maxSize: 9, windowMs: 10 }, run });
    await perform(
      () => (_, ctx) =>
        Promise.all([
          ...['a', 'b', 'c'].map((name) => ctx.task(large, name)),
          ...['d', 'e', 'f'].map((name) => ctx.task(small, name)),
        ]),
    );
    expect(sizes.toSorted()).toEqual(['abc', 'de', 'f']);
  });

  it('an Error in a place fails that call alone, and is retried alone', async () => {
    const seen: Seen[] = [];
    const { value } = await perform((lab) => {
      const task = doubling(lab, seen, { retry: { attempts: 2, delay: 100 } });
      return async (_, ctx) =>
        (await ctx.parallel.allSettled([1, 13, 3].map((n) => () => ctx.task(task, n)))).map((each) =>
          each.status === 'fulfilled' ? each.value : brief(each.reason),
        );
    });
    expect(value).toEqual([2, 'TaskError: unlucky', 6]);
    expect(seen.map(({ items }) => items)).toEqual([[1, 13, 3], [13]]);
  });

  it('what is thrown, and a list of another length, fails all', async () => {
    const told = async (items: readonly number[], length?: number): Promise<unknown> => {
      const { value } = await perform((lab) => {
        const task = doubling(lab, [], length === undefined ? {} : { length });
        return async (_, ctx) =>
          (await ctx.parallel.allSettled(items.map((n) => () => ctx.task(task, n)))).map((each) =>
            each.status === 'fulfilled' ? each.value : brief(each.reason),
          );
      });
      return value;
    };
    expect(await told([1, 99])).toEqual(['TaskError: all of them', 'TaskError: all of them']);
    const wrong = 'TaskError: A batch of 3 calls got 2 results.';
    expect(await told([1, 2, 3], 2)).toEqual([wrong, wrong, wrong]);
  });

  it('an item that is given up while it waits is not in it; one given up later leaves the others alone', async () => {
    const seen: Seen[] = [];
    const { value } = await perform((lab) => {
      const task = doubling(lab, seen, { ms: 50 });
      return (_, ctx) =>
        Promise.all([
          ctx.task(task, 1),
          ctx.parallel.race([() => ctx.task(task, 2), () => ctx.sleep(10)]),
          ctx.parallel.race([() => ctx.task(task, 3), () => ctx.sleep(40)]),
        ]);
    });
    expect(value).toEqual([2, undefined, undefined]);
    expect(seen).toEqual([{ at: 20, items: [1, 3] }]);
  });

  it('whose only item is given up never runs, and leaves no timer', async () => {
    const seen: Seen[] = [];
    await perform((lab) => {
      const task = doubling(lab, seen);
      return (_, ctx) => ctx.parallel.race([() => ctx.task(task, 2), () => ctx.sleep(10)]);
    });
    expect(seen).toEqual([]);
  });

  it.each([
    [{ maxSize: 0, windowMs: 5 }, 'batch.maxSize'],
    [{ maxSize: 1.5, windowMs: 5 }, 'batch.maxSize'],
    [{ maxSize: 5, windowMs: -1 }, 'batch.windowMs'],
    [{ maxSize: 5, windowMs: '5ms' }, 'batch.windowMs'],
    [{ maxSize: 5, windowMs: 5, size: 1 }, 'batch.size'],
    [undefined, 'batch'],
  ])('%j is refused at the definition', (batch, option) => {
    expect(() => defineBatchTask({ name: 'x', batch: batch as never, run: () => [] })).toThrow(
      InvalidOptionError,
    );
    expect(() => defineBatchTask({ name: 'x', batch: batch as never, run: () => [] })).toThrow(`'${option}'`);
  });
});
