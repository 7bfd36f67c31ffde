/**
 * The run that is tortured: tasks side by side, a race, a retry, a state, and after each leg a wait for a message, so that
 * it can be left there and gone on with. Its result follows from its input alone, whatever happens on the way.
 */
import { defineProcess, defineTask, type Context, type TaskContext } from '@pawl/sdk';

export interface Journey {
  readonly legs: number;
  /** Characters of what a task gives. */
  readonly bytes: number;
}

/** Told of each start of a task in this program, by the key of its call. */
export const starts: { told: (key: string) => void } = { told: () => undefined };

const load = defineTask({
  name: 'load',
  run: ({ n, bytes }: { n: number; bytes: number }, { key }: TaskContext): string => {
    starts.told(key);
    return String(n % 10).repeat(bytes + n);
  },
});

const flaky = defineTask({
  name: 'flaky',
  retry: { attempts: 3, delay: 1, factor: 1 },
  run: (n: number, { key, attempt }: TaskContext): number => {
    starts.told(key);
    if (attempt === 1) throw new RangeError(`not ${n} at once`);
    return n;
  },
});

async function leg(ctx: Context, n: number, bytes: number): Promise<unknown> {
  const [sizes, again] = await ctx.parallel.all([
    () =>
      ctx.parallel.map([1, 2, 3], async (i) => (await ctx.task(load, { n: n * 10 + i, bytes })).length, {
        concurrency: 2,
      }),
    () => ctx.task(flaky, n),
  ]);
  const won = await ctx.parallel.race([1, 2].map(() => () => ctx.task(load, { n, bytes: 10 })));
  ctx.setState('leg', n);
  const word = await ctx.receive<string>(`leg ${n}`);
  return { sizes, again, won, word };
}

export const voyage = defineProcess({
  name: 'voyage',
  run: async ({ legs, bytes }: Journey, ctx): Promise<unknown> => {
    const seen: unknown[] = [];
    for (let n = 0; n < legs; n += 1) seen.push(await leg(ctx, n, bytes));
    return seen;
  },
});

/** The message that ends a leg, and its id: sent twice it counts once. */
export function messageOf(n: number): {
  readonly name: string;
  readonly payload: string;
  readonly id: string;
} {
  return { name: `leg ${n}`, payload: `go ${n}`, id: `message-${n}` };
}

/** What the voyage ends with, worked out without Pawl. */
export function expectedOf({ legs, bytes }: Journey): unknown {
  return Array.from({ length: legs }, (_, n) => ({
    sizes: [1, 2, 3].map((i) => bytes + n * 10 + i),
    again: n,
    won: String(n % 10).repeat(10 + n),
    word: `go ${n}`,
  }));
}
