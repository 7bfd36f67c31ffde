import type { Context, ItemStream, OpenSource, ResultStream, SourceItem } from '@pawl/sdk';
import { describe, it } from 'vitest';
import { everywhere, t, watchForLeaks, type Stage } from './stage.fixture.ts';

watchForLeaks();

/** Numbers from 1 to `count`, each after `ms`. */
function numbers(stage: Stage, count: number, ms: number): OpenSource<number, number> {
  return async function* (after, { signal }): AsyncGenerator<SourceItem<number, number>> {
    for (let n = (after ?? 0) + 1; n <= count; n += 1) {
      await new Promise<void>((resolve, reject) => {
        stage.later(ms, () => (signal.aborted ? reject(signal.reason) : resolve()));
      });
      yield { item: n, cursor: n };
    }
  };
}

async function collect<T>(items: AsyncIterable<T>, upTo = Infinity): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) {
    list.push(item);
    if (list.length === upTo) break;
  }
  return list;
}

type Opens = (
  stage: Stage,
  ctx: Context,
  count: number,
  ms: number,
) => ItemStream<number> | ResultStream<number>;

const KINDS: [string, Opens][] = [
  ['a source', (stage, ctx, count, ms) => ctx.source('numbers', numbers(stage, count, ms))],
  [
    'a stream',
    (stage, ctx, count, ms) =>
      ctx.parallel.streamAll(
        Array.from({ length: count }, (_, i) => i + 1),
        async (n) => {
          await ctx.task(stage.step, t(ms));
          return n;
        },
        { concurrency: 1, buffer: 1 },
      ),
  ],
];

const DONE = { done: true, value: undefined };

describe.each(KINDS)('%s that is read by a generator', (_kind, open) => {
  it.each([
    ['that waits for an item', 20],
    ['that has given one', 1],
  ])('⟲ is left when the stream over a generator %s is left', async (_name, ms) => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const inner = open(stage, ctx, 100, ms);
        async function* tenfold(): AsyncGenerator<number> {
          for await (const n of inner) yield n * 10;
        }
        const outer = ctx.parallel.streamAll(tenfold(), (n) => ctx.task(stage.step, t(2, n)));
        const read = await collect(outer, 2);
        await ctx.sleep(100);
        return [read, await inner.next()];
      },
      [[10, 20], DONE],
    );
  });

  it('⟲ is left through a window', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const inner = open(stage, ctx, 100, 5);
        const outer = ctx.parallel.merge([ctx.parallel.window(inner, 2)]);
        const read = await collect(outer, 2);
        await ctx.sleep(100);
        return [read.map(({ value }) => value), await inner.next()];
      },
      [
        [
          [1, 2],
          [3, 4],
        ],
        DONE,
      ],
    );
  });

  it('⟲ is left when the time of the stream over it is over', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const inner = open(stage, ctx, 100, 1000);
        async function* all(): AsyncGenerator<number> {
          for await (const n of inner) yield n;
        }
        const outer = ctx.parallel.streamAll(all(), (n) => n, { timeout: 10 });
        const failure = await collect(outer).catch((error: unknown) => (error as Error).name);
        return [failure, await inner.next()];
      },
      ['TimeoutError', DONE],
    );
  });

  it('⟲ is not left where the branch that reads the generator has lost', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const inner = open(stage, ctx, 3, 100);
        async function* all(): AsyncGenerator<number> {
          for await (const n of inner) yield n;
        }
        await ctx.parallel.race([() => collect(ctx.parallel.streamAll(all(), (n) => n)), () => ctx.sleep(5)]);
        return collect(inner);
      },
      [1, 2, 3],
    );
  });
});

describe.each<[string, (...given: Parameters<Opens>) => AsyncIterator<unknown> & AsyncDisposable]>([
  ...KINDS,
  [
    'a merge',
    (stage, ctx, count, ms) =>
      ctx.parallel.merge([ctx.source('numbers', numbers(stage, count, ms))], { mode: 'zip' }),
  ],
])('%s that is read by hand', (_kind, open) => {
  it('⟲ is left at the end of the block that it is used in', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        let items: AsyncIterator<unknown>;
        {
          await using stream = open(stage, ctx, 100, 2);
          items = stream;
          await stream.next();
        }
        return await items.next();
      },
      DONE,
    );
  });
});

describe.each(KINDS)('a loser that reads %s from outside its branch', (_kind, open) => {
  it('⟲ does not close it for who reads on', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const items = open(stage, ctx, 4, 1);
        await ctx.parallel.race([
          async () => {
            // It loses in the loop's body, and so leaves the loop.
            for await (const n of items) await ctx.sleep(n * 10_000);
          },
          () => ctx.sleep(50),
        ]);
        return collect(items);
      },
      [2, 3, 4],
    );
  });

  it('⟲ is told at the decision, in each of its strands', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const log: string[] = [];
        const items = open(stage, ctx, 1, 10_000);
        const channel = ctx.channel<number>('idle');
        const strand = async (name: string, read: AsyncIterable<number>): Promise<void> => {
          try {
            for await (const n of read) log.push(`${name} got ${n}`);
          } catch (error) {
            log.push(`${name} ${(error as Error).name}`);
          }
        };
        await ctx.parallel.race([
          () =>
            Promise.all([strand('a', items), strand('b', channel), strand('c', items), strand('d', channel)]),
          () => ctx.sleep(5),
        ]);
        await ctx.sleep(1);
        return log.toSorted();
      },
      ['a CancelledError', 'b CancelledError', 'c CancelledError', 'd CancelledError'],
    );
  });
});
