import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { shape } from '../lab.fixture.ts';
import { brief, everywhere, f, perform, t, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

/** Takes all that a stream gives, and tells how it ended. */
async function taken<T, R>(
  stream: AsyncIterable<T>,
  what: (item: T) => R,
): Promise<(R | { readonly threw: unknown })[]> {
  const seen: (R | { readonly threw: unknown })[] = [];
  try {
    for await (const item of stream) seen.push(what(item));
  } catch (error) {
    seen.push({ threw: brief(error) });
  }
  return seen;
}

const valueOf = ({ value }: { readonly value: unknown }): unknown => value;

/** Gives numbers, each after a wait. */
async function* ticking(
  ctx: Context,
  ms: number,
  count: number,
  name: string,
  log: string[] = [],
): AsyncGenerator<string> {
  try {
    for (let i = 0; i < count; i += 1) {
      await ctx.sleep(ms);
      yield `${name}${i}`;
    }
  } finally {
    log.push(name);
  }
}

describe('merge', () => {
  it('⟲ C01 gives all items of three sources, each source in its order, each with its key', async () => {
    const program =
      (count: number): Program =>
      () =>
      async (_, ctx) => {
        const sources = {
          a: ticking(ctx, 5, count, 'a'),
          b: ticking(ctx, 7, count, 'b'),
          c: ticking(ctx, 11, count, 'c'),
        };
        const lists = new Map<string, string[]>(Object.keys(sources).map((key) => [key, []]));
        for await (const { key, index, value } of ctx.parallel.merge(sources)) {
          if (Object.keys(sources)[index] !== key) return 'wrong index';
          lists.get(key)?.push(value);
        }
        return Object.fromEntries(lists);
      };
    const list = (name: string, count: number): string[] =>
      Array.from({ length: count }, (_, i) => `${name}${i}`);
    const expected = (count: number): unknown => ({
      a: list('a', count),
      b: list('b', count),
      c: list('c', count),
    });
    await everywhere(program(4), expected(4));
    const { value, store } = await perform(program(10));
    expect(value).toEqual(expected(10));
    expect(shape(store)).toContain('TimerStarted 0/:b/9');
  });

  it('⟲ C02 ends at once where there is no source, and counts those that have not ended', async () => {
    const program: Program = () => async (_, ctx) => {
      const none = [await taken(ctx.parallel.merge(), (item) => item), await ctx.parallel.merge([]).next()];
      const merged = ctx.parallel.merge([
        ticking(ctx, 1, 1, 'a'),
        ticking(ctx, 5, 1, 'b'),
        ticking(ctx, 10, 1, 'c'),
      ]);
      const counts = [merged.activeCount];
      const watch = async (): Promise<void> => {
        while (merged.activeCount > 0) {
          await ctx.sleep(1);
          if (counts.at(-1) !== merged.activeCount) counts.push(merged.activeCount);
        }
      };
      const [values] = await ctx.parallel.all([() => taken(merged, valueOf), watch]);
      return [none, counts, values];
    };
    const end = { done: true, value: undefined };
    await everywhere(
      program,
      [
        [[], end],
        [3, 2, 1, 0],
        ['a0', 'b0', 'c0'],
      ],
      { inVirtualTime: true },
    );
  });

  it('C04 is fair to sources that are always ready', async () => {
    function* plain(): Generator<number> {
      for (;;) yield 1;
    }
    async function* later(): AsyncGenerator<number> {
      for (;;) yield 1;
    }
    const program: Program = () => async (_, ctx) => {
      const counted: number[][] = [];
      for (const sources of [
        [plain(), plain(), plain()],
        [later(), later(), later()],
        [plain(), later(), ctx.parallel.streamAll(plain(), (i) => i)],
      ]) {
        const counts = [0, 0, 0];
        let all = 0;
        for await (const { index } of ctx.parallel.merge(sources)) {
          counts[index] = (counts[index] ?? 0) + 1;
          all += 1;
          if (all === 3000) break;
        }
        counted.push(counts);
      }
      return counted;
    };
    const { value } = await perform(program);
    const [alike, others, mixed] = value as number[][];
    for (const counts of [alike, others]) expect(counts).toEqual([1000, 1000, 1000]);
    // Of kinds that differ, a few more come at the start from the one that is ready at once.
    for (const count of mixed ?? []) expect(Math.abs(count - 1000)).toBeLessThanOrEqual(3);
  });

  it('⟲ C05 throws what a source threw, after earlier items and the finally of the others', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const log: string[] = [];
      async function* broken(): AsyncGenerator<string> {
        yield* ticking(ctx, 4, 2, 'b');
        await ctx.task(stage.step, f(1, 'bad'));
      }
      async function* slowing(): AsyncGenerator<string> {
        yield* ticking(ctx, 3, 2, 'a');
        yield* ticking(ctx, 60_000, 1, 'a', log);
      }
      const merged = ctx.parallel.merge([slowing(), broken(), ticking(ctx, 60_000, 1, 'c', log)]);
      const seen = await taken(merged, valueOf);
      return [seen, log.toSorted(), await ctx.task(stage.step, t(1, 'after'))];
    };
    const { store } = await everywhere(program, [
      ['a0', 'b0', 'a1', 'b1', { threw: 'TaskError: bad' }],
      ['a', 'c'],
      'after',
    ]);
    expect(shape(store)).toContain('ScopeClosed 0');
  });

  it('⟲ C05 with envelopes gives the failure as an item, and the others go on', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      async function* broken(): AsyncGenerator<string> {
        yield* ticking(ctx, 4, 1, 'b');
        await ctx.task(stage.step, f(1, 'bad'));
      }
      const merged = ctx.parallel.merge({ a: ticking(ctx, 3, 3, 'a'), b: broken() }, { onError: 'envelope' });
      return taken(merged, (item) =>
        item.type === 'ITEM' ? [item.key, item.index, item.value] : [item.key, item.index, brief(item.error)],
      );
    };
    await everywhere(
      program,
      [
        ['a', 0, 'a0'],
        ['b', 1, 'b0'],
        ['b', 1, 'TaskError: bad'],
        ['a', 0, 'a1'],
        ['a', 0, 'a2'],
      ],
      { inVirtualTime: true },
    );
  });

  it('⟲ C06 roundRobin takes strict turns, and a source that has ended drops out', async () => {
    const program: Program = () => async (_, ctx) => {
      const merged = (...sources: Iterable<number>[]): Promise<unknown[]> =>
        taken(ctx.parallel.merge(sources, { mode: 'roundRobin' }), valueOf);
      const slow = ctx.parallel.merge([ticking(ctx, 10, 2, 'slow'), ticking(ctx, 1, 3, 'fast')], {
        mode: 'roundRobin',
      });
      return [
        await merged([1, 2, 3], [10, 20, 30]),
        await merged([1, 2, 3], [10], [100, 200]),
        await taken(slow, valueOf),
      ];
    };
    await everywhere(program, [
      [1, 10, 2, 20, 3, 30],
      [1, 10, 100, 2, 200, 3],
      ['slow0', 'fast0', 'slow1', 'fast1', 'fast2'],
    ]);
  });

  it('⟲ C08 raceRobin gives no source its next turn before each had its last', async () => {
    const program: Program = () => async (_, ctx) => {
      const sources = [ticking(ctx, 1, 5, 'fast'), ticking(ctx, 10, 3, 'slow')];
      return taken(ctx.parallel.merge(sources, { mode: 'raceRobin' }), valueOf);
    };
    await everywhere(program, ['fast0', 'slow0', 'fast1', 'slow1', 'fast2', 'slow2', 'fast3', 'fast4']);
  });

  it('⟲ concat goes through one source after the other, and zip ends with the shortest', async () => {
    const program: Program = () => async (_, ctx) => {
      const log: string[] = [];
      return [
        await taken(
          ctx.parallel.merge([ticking(ctx, 5, 2, 'a'), [], ticking(ctx, 1, 2, 'b')], { mode: 'concat' }),
          valueOf,
        ),
        await taken(
          ctx.parallel.merge([ticking(ctx, 5, 3, 'a', log), [1, 2], ticking(ctx, 1, 9, 'b', log)], {
            mode: 'zip',
          }),
          (item) => item,
        ),
        await taken(ctx.parallel.merge({ x: [1], ['__proto__']: [2] }, { mode: 'zip' }), (item) =>
          Object.entries(item),
        ),
        log.toSorted(),
      ];
    };
    await everywhere(program, [
      ['a0', 'a1', 'b0', 'b1'],
      [
        ['a0', 1, 'b0'],
        ['a1', 2, 'b1'],
      ],
      [
        [
          ['x', 1],
          ['__proto__', 2],
        ],
      ],
      ['a', 'b'],
    ]);
  });

  it('⟲ concat goes on with a list while its consumer waits', async () => {
    await everywhere(
      () => async (_, ctx) => {
        const sources = [ticking(ctx, 5, 1, 'a'), ['x', 'y'], ticking(ctx, 5, 1, 'b'), ['z']];
        return taken(ctx.parallel.merge(sources, { mode: 'concat' }), valueOf);
      },
      ['a0', 'x', 'y', 'b0', 'z'],
    );
  });

  it('concat passes over many empty sources', async () => {
    const program: Program = () => async (_, ctx) => {
      const empty = Array.from({ length: 50_000 }, () => [] as number[]);
      return taken(ctx.parallel.merge([...empty, [1]], { mode: 'concat' }), valueOf);
    };
    expect((await perform(program)).value).toEqual([1]);
  });

  it('C09 keeps nothing of what was handed over, nor for sources that stay idle', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const heapBytes = (): number => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    async function* many(): AsyncGenerator<{ readonly i: number }> {
      for (let i = 0; i < 100_000; i += 1) yield { i };
    }
    const program: Program = () => async (_, ctx) => {
      const idle = [ctx.channel<never>('a'), ctx.channel<never>('b')];
      const results = ctx.parallel.streamAll(many(), (item) => item);
      const before = heapBytes();
      let count = 0;
      let most = 0;
      for await (const { value } of ctx.parallel.merge([many(), results, many(), ...idle])) {
        count += value.i < 0 ? 0 : 1;
        if (count % 100_000 === 0) most = Math.max(most, heapBytes() - before);
        if (count === 300_000) break;
      }
      return [count, most < 10_000_000];
    };
    expect((await perform(program)).value).toEqual([300_000, true]);
  });

  it('C10 leaves the loop while a source is stuck', async () => {
    const program: Program = () => async (_, ctx) => {
      async function* stuck(): AsyncGenerator<number> {
        await new Promise(() => undefined);
        yield 1;
      }
      const seen: unknown[] = [];
      for await (const { value } of ctx.parallel.merge([stuck(), [1, 2, 3]])) {
        seen.push(value);
        if (seen.length === 2) break;
      }
      return seen;
    };
    expect((await perform(program)).value).toEqual([1, 2]);
  });

  it('⟲ streams, channels and merges feed each other', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const channel = ctx.channel<string>('words', { capacity: 2 });
      const results = ctx.parallel.streamAll([1, 2, 3], (i) => ctx.task(stage.step, t(10 * i, `t${i}`)));
      const inner = ctx.parallel.merge([results, channel]);
      const push = async (): Promise<void> => {
        for (const word of ['a', 'b', 'c', 'd']) {
          await ctx.sleep(4);
          await channel.push(word);
        }
        channel.close();
      };
      const [seen] = await ctx.parallel.all([
        () => taken(ctx.parallel.merge({ inner, list: ['x'] }), ({ key, value }) => [key, value]),
        push,
      ]);
      return seen.map((item) => JSON.stringify(item)).toSorted();
    };
    const item = (value: string, index: number): string =>
      JSON.stringify(['inner', { key: String(index), index, value }]);
    await everywhere(
      program,
      [
        ...['t1', 't2', 't3'].map((value) => item(value, 0)),
        ...['a', 'b', 'c', 'd'].map((value) => item(value, 1)),
        JSON.stringify(['list', 'x']),
      ].toSorted(),
    );
  });

  it('⟲ an abort and a timeout close all sources', async () => {
    const program: Program = () => async (_, ctx) => {
      const log: string[] = [];
      const controller = new AbortController();
      const sources = (): AsyncGenerator<string>[] => [
        ticking(ctx, 10, 1, 'a', log),
        ticking(ctx, 60_000, 1, 'b', log),
      ];
      const timedOut = await taken(ctx.parallel.merge(sources(), { timeout: 1000 }), valueOf);
      const merged = ctx.parallel.merge(sources(), { signal: controller.signal });
      const [aborted] = await ctx.parallel.all([
        () => taken(merged, valueOf),
        async () => {
          await ctx.sleep(100);
          controller.abort();
        },
      ]);
      return [timedOut, aborted, log];
    };
    await everywhere(program, [
      ['a0', { threw: 'TimeoutError' }],
      ['a0', { threw: 'CancelledError' }],
      ['a', 'b', 'a', 'b'],
    ]);
  });
});

describe('window', () => {
  it('⟲ C69 gives lists, the last one shorter', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const results = ctx.parallel.streamAll([1, 2, 3, 4, 5], (i) => ctx.task(stage.step, t(5, i)), {
        preserveOrder: true,
      });
      return [
        await taken(ctx.parallel.window([1, 2, 3, 4, 5], 2), (list) => list),
        await taken(ctx.parallel.window(results, 2), (list) => list),
        await taken(ctx.parallel.window([], 2), (list) => list),
      ];
    };
    const lists = [[1, 2], [3, 4], [5]];
    await everywhere(program, [lists, lists, []]);
  });
});

describe('a chunked pipeline', () => {
  it('⟲ C44 starts on the first chunk before the second one is read', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      async function* chunks(): AsyncGenerator<number> {
        for (let i = 0; i < 5; i += 1) {
          await ctx.task(stage.with({}, 'read'), t(50, i));
          yield i;
        }
      }
      const analyse = (i: number): Promise<unknown> => ctx.task(stage.step, t(20, i));
      return taken(ctx.parallel.streamAll(chunks(), analyse, { concurrency: 5 }), (value) => value);
    };
    const { stage } = await everywhere(program, [0, 1, 2, 3, 4]);
    expect(stage.started.slice(0, 3)).toEqual(['0/src/0', '0/0/0', '0/src/1']);
  });

  it('⟲ C45 keeps keys that were captured when a chunk was given', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      async function* chunks(): AsyncGenerator<{ key: string; ms: number }> {
        for (let i = 0; i < 5; i += 1) {
          await ctx.sleep(5);
          yield { key: `chunk_${i}`, ms: 50 - 10 * i };
        }
      }
      const seen = await taken(
        ctx.parallel.stream(chunks(), ({ key, ms }) => ctx.task(stage.step, t(ms, key)), {
          concurrency: 3,
          keyBy: ({ key }) => key,
        }),
        (entry) => [entry.key, entry.status === 'fulfilled' ? entry.value : entry.reason],
      );
      return seen.toSorted();
    };
    const { store } = await everywhere(
      program,
      [0, 1, 2, 3, 4].map((i) => [`chunk_${i}`, `chunk_${i}`]),
    );
    expect(shape(store)).toContain('TaskScheduled 0/:chunk_3/0');
  });
});
