import type { Context, OpenSource, SourceItem } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { journal, shape } from '../lab.fixture.ts';
import { everywhere, perform, t, watchForLeaks, type Program, type Stage } from './stage.fixture.ts';

watchForLeaks();

/** Numbers from 1 to `count`, each after `ms`. */
function numbers(stage: Stage, count: number, ms: number): OpenSource<number, number> {
  return async function* (after): AsyncGenerator<SourceItem<number, number>> {
    for (let n = (after ?? 0) + 1; n <= count; n += 1) {
      await new Promise<void>((resolve) => stage.later(ms, resolve));
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

describe('sources under streams', () => {
  const doubled = (stage: Stage, ctx: Context, count: number): AsyncIterable<unknown> =>
    ctx.parallel.streamAll(
      ctx.source('numbers', numbers(stage, count, 2)),
      (n) => ctx.task(stage.step, t(3, n * 2)),
      { concurrency: 2, preserveOrder: true },
    );

  it('⟲ a stream works on the items of a source', async () => {
    await everywhere((stage) => (_, ctx) => collect(doubled(stage, ctx, 4)), [2, 4, 6, 8]);
  });

  it('⟲ leaving the stream closes the source', async () => {
    const program: Program = (stage) => async (_, ctx) => [
      await collect(doubled(stage, ctx, 100), 2),
      await ctx.task(stage.step, t(3, 'after')),
    ];
    await everywhere(program, [[2, 4], 'after']);
    const { store } = await perform(program);
    const closed = journal(store).find(({ event }) => event.type === 'StreamClosed');
    expect(closed, shape(store).join('\n')).toBeDefined();
  });

  it('⟲ merged sources keep the order of each', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const merged = ctx.parallel.merge({
        a: ctx.source('a', numbers(stage, 3, 3)),
        b: ctx.source('b', numbers(stage, 2, 4)),
      });
      const items = await collect(merged);
      return ['a', 'b'].map((key) => items.filter((item) => item.key === key).map(({ value }) => value));
    };
    await everywhere(program, [
      [1, 2, 3],
      [1, 2],
    ]);
  });
});
