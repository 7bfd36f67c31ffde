import { getEventListeners } from 'node:events';
import { InvalidArgumentError, InvalidOptionError, type Context, type Settled } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { journal, shape } from '../lab.fixture.ts';
import {
  brief,
  everywhere,
  f,
  perform,
  replays,
  resumeAt,
  seqOf,
  t,
  watchForLeaks,
  type Program,
} from './stage.fixture.ts';

watchForLeaks();

const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + i);

/** A few different lengths, always the same. */
const jitter = (i: number, most: number): number => (i * 7919) % (most + 1);

/** Takes all that a stream gives, and tells how it ended. */
async function taken<T, R>(
  stream: AsyncIterable<T>,
  what: (item: T) => R | Promise<R>,
): Promise<(R | { readonly threw: unknown })[]> {
  const seen: (R | { readonly threw: unknown })[] = [];
  try {
    for await (const item of stream) seen.push(await what(item));
  } catch (error) {
    seen.push({ threw: brief(error) });
  }
  return seen;
}

const told = (entry: Settled<unknown>): unknown =>
  entry.status === 'fulfilled' ? entry.value : [entry.key, brief(entry.reason), entry.started];

const ordered = (values: readonly unknown[]): unknown[] => values.toSorted((a, b) => Number(a) - Number(b));

describe('stream', () => {
  it('⟲ A56 gives 10 results that come in the same tick exactly once each', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const stream = ctx.parallel.stream(range(10), (i) => ctx.task(stage.step, t(10, i)), {
        concurrency: 4,
      });
      return ordered(await taken(stream, told));
    };
    await everywhere(program, range(10));
  });

  it('⟲ A57 loses nothing where the consumer is slower than the work', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const work = (i: number): Promise<unknown> => ctx.task(stage.step, t(10 + (i % 3), i));
      const stream = ctx.parallel.stream(range(20), work, { concurrency: 5 });
      const values = await taken(stream, async (entry) => {
        await ctx.sleep(50);
        return told(entry);
      });
      return ordered(values);
    };
    const { stage } = await everywhere(program, range(20));
    expect(stage.maxParallel).toBe(5);
  });

  it.each([3, 10])('⟲ A58 goes through what a slow generator gives (concurrency %i)', async (concurrency) => {
    // Enough for every order of source and work; a hundred make the crashes quadratic, and go below.
    const program =
      (count: number): Program =>
      (stage) =>
      async (_, ctx) => {
        async function* seeds(): AsyncGenerator<number> {
          for (const i of range(count)) {
            await ctx.sleep(10);
            yield i;
          }
        }
        const work = (i: number): Promise<unknown> => ctx.task(stage.step, t(jitter(i, 100), i));
        return ordered(await taken(ctx.parallel.stream(seeds(), work, { concurrency }), told));
      };
    await everywhere(program(12), range(12));
    const { value, stage } = await perform(program(100));
    expect(value).toEqual(range(100));
    expect(stage.maxParallel).toBeLessThanOrEqual(concurrency);
  });

  it('A60 closes an infinite generator when the consumer leaves', async () => {
    let pulled = 0;
    let isClosed = false;
    const program: Program = (stage) => async (_, ctx) => {
      function* numbers(): Generator<number> {
        try {
          for (;;) yield pulled++;
        } finally {
          isClosed = true;
        }
      }
      const seen: unknown[] = [];
      for await (const entry of ctx.parallel.stream(numbers(), (i) => ctx.task(stage.step, t(10, i)))) {
        seen.push(told(entry));
        if (seen.length === 5) break;
      }
      return [seen, isClosed];
    };
    const { value } = await perform(program);
    expect(value).toEqual([range(5), true]);
    expect(pulled).toBeLessThanOrEqual(5 + 16 + 16);
  });

  it('⟲ A60 runs the finally of a generator that waits for ctx, before the loop is left', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const log: string[] = [];
      async function* numbers(): AsyncGenerator<number> {
        try {
          for (let i = 0; ; i += 1) {
            yield i;
            await ctx.sleep(i < 2 ? 1 : 60_000);
          }
        } finally {
          log.push('closed');
        }
      }
      const seen: unknown[] = [];
      const stream = ctx.parallel.stream(numbers(), (i) => ctx.task(stage.step, t(5, i)), { concurrency: 2 });
      for await (const entry of stream) {
        seen.push(told(entry));
        if (seen.length === 2) break;
      }
      return [seen, log, await ctx.task(stage.step, t(1, 'after'))];
    };
    await everywhere(program, [[0, 1], ['closed'], 'after'], { depth: 2 });
  });

  it('A61 stands still where nobody takes anything', async () => {
    let pulled = 0;
    const program: Program = (stage) => async (_, ctx) => {
      function* numbers(): Generator<number> {
        for (;;) yield pulled++;
      }
      ctx.parallel.stream(numbers(), (i) => ctx.task(stage.step, t(10, i)), { concurrency: 3, buffer: 4 });
      await ctx.sleep(10_000);
      return pulled;
    };
    const { value, stage } = await perform(program);
    expect(value).toBe(7);
    expect(stage.maxParallel).toBe(3);
  });

  it('⟲ A62 throws what the source threw after what was in flight', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      function* source(): Generator<number> {
        yield 0;
        yield 1;
        throw new Error('src');
      }
      const work = (i: number): Promise<unknown> => ctx.task(stage.step, t(50, i));
      return taken(ctx.parallel.stream(source(), work), told);
    };
    await everywhere(program, [0, 1, { threw: 'Error: src' }], { depth: 2 });
  });

  it('⟲ A64 goes on after a crash with the same results in the same order', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const work = (i: number): Promise<unknown> => ctx.task(stage.step, t(10 + jitter(i, 40), i));
      return taken(ctx.parallel.stream(range(10), work, { concurrency: 3 }), told);
    };
    const { value, store } = await perform(program);
    // What was in flight starts again, so only the results count everywhere, not their order.
    const sorted: Program = (stage) => async (inputs, ctx) =>
      ordered((await program(stage)(inputs as never, ctx)) as unknown[]);
    await everywhere(sorted, range(10));
    const fourth = journal(store).filter(({ event }) => event.type === 'TaskSucceeded')[3];
    const resumed = await resumeAt(store, fourth?.seq ?? 0, program);
    // The others were in flight, or had not started; the results that were recorded come in their order.
    const values = resumed.value as unknown[];
    expect(values.slice(0, 4)).toEqual((value as unknown[]).slice(0, 4));
    expect(ordered(values)).toEqual(range(10));
    expect(resumed.stage.invoked).toHaveLength(6);
  });

  it('⟲ A66 ends when it is aborted while it is filled, and timers go on', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const controller = new AbortController();
      let ticks = 0;
      let isClosed = false;
      async function* numbers(): AsyncGenerator<number> {
        try {
          for (let i = 0; ; i += 1) {
            await ctx.sleep(1);
            yield i;
          }
        } finally {
          isClosed = true;
        }
      }
      const [seen] = await ctx.parallel.all([
        () =>
          taken(
            ctx.parallel.stream(numbers(), () => ctx.task(stage.step, t(1000)), {
              signal: controller.signal,
            }),
            told,
          ),
        async () => {
          while (ticks < 5) {
            await ctx.sleep(2);
            ticks += 1;
            if (ticks === 3) controller.abort(new Error('enough'));
          }
        },
      ]);
      return [seen, ticks, isClosed];
    };
    await everywhere(program, [[{ threw: 'CancelledError' }], 5, true]);
  });

  it('⟲ A66 pulls nothing where the signal was aborted before', async () => {
    const program: Program = () => async (_, ctx) => {
      let pulled = 0;
      function* numbers(): Generator<number> {
        for (;;) yield pulled++;
      }
      const stream = ctx.parallel.stream(numbers(), (i) => i, { signal: AbortSignal.abort('no') });
      return [await taken(stream, told), pulled];
    };
    await everywhere(program, [[{ threw: 'CancelledError' }], 0]);
  });

  it('⟲ gives what had settled, then a TimeoutError, when its time is over', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const work = (i: number): Promise<unknown> => ctx.task(stage.step, t(i < 3 ? 10 * (i + 1) : 60_000, i));
      return taken(ctx.parallel.stream(range(6), work, { timeout: 1000 }), told);
    };
    await everywhere(program, [0, 1, 2, { threw: 'TimeoutError' }]);
  });

  it('⟲ gives entries of failures with index, key and started', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const inputs = [t(20, 'slow'), f(10, 'bad'), t(5, 'fast')];
      const stream = ctx.parallel.stream(inputs, (input) => ctx.task(stage.step, input), {
        keyBy: (_input, index) => `k${index}`,
      });
      return taken(stream, (entry) => [entry.index, entry.key, told(entry)]);
    };
    await everywhere(program, [
      [2, 'k2', 'fast'],
      [1, 'k1', ['k1', 'TaskError: bad', true]],
      [0, 'k0', 'slow'],
    ]);
  });

  it('⟲ keeps the order of the source with preserveOrder, within the bound', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      let pulled = 0;
      function* numbers(): Generator<number> {
        while (pulled < 12) yield pulled++;
      }
      const most: number[] = [];
      const work = (i: number): Promise<unknown> => ctx.task(stage.step, t(i === 0 ? 100 : 5, i));
      const options = { concurrency: 3, buffer: 2, preserveOrder: true };
      const seen = await taken(ctx.parallel.stream(numbers(), work, options), (entry) => {
        most.push(pulled);
        return told(entry);
      });
      return [seen, most[0]];
    };
    // The first one is slow: four others ran or wait behind it.
    await everywhere(program, [range(12), 6]);
  });

  it('takes thunks from a list, a set and a generator', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const thunk = (i: number) => () => ctx.task(stage.step, t(i, i));
      function* thunks(): Generator<() => Promise<unknown>> {
        yield thunk(1);
        yield thunk(2);
      }
      return [
        await taken(ctx.parallel.stream([thunk(1), thunk(2)]), told),
        await taken(ctx.parallel.stream(new Set([thunk(1), thunk(2)])), told),
        await taken(ctx.parallel.stream(thunks()), told),
        await taken(ctx.parallel.stream([]), told),
      ];
    };
    expect((await perform(program)).value).toEqual([[1, 2], [1, 2], [1, 2], []]);
  });

  it('takes a source that ends it by what is nothing to run as one that failed', async () => {
    const program: Program = () => async (_, ctx) => {
      let isClosed = false;
      function* thunks(): Generator<() => number> {
        try {
          yield () => 1;
          // @ts-expect-error what a program without types can do
          yield 'no function';
        } finally {
          isClosed = true;
        }
      }
      const twice = ctx.parallel.stream([1, 2], (i) => i, { keyBy: () => 'same' });
      return [await taken(ctx.parallel.stream(thunks()), told), isClosed, await taken(twice, told)];
    };
    expect((await perform(program)).value).toEqual([
      [1, { threw: 'InvalidArgumentError' }],
      true,
      [1, { threw: 'InvalidArgumentError' }],
    ]);
  });
});

describe('the other streams', () => {
  it('⟲ A65 streamAll throws the first failure, after what settled before it', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const inputs = [t(5, 'a'), f(20, 'bad'), t(60_000, 'never')];
      const seen = await taken(
        ctx.parallel.streamAll(inputs, (input) => ctx.task(stage.step, input)),
        (value) => value,
      );
      return [seen, await ctx.task(stage.step, t(1, 'after'))];
    };
    const { store } = await everywhere(program, [['a', { threw: 'TaskError: bad' }], 'after'], { depth: 2 });
    expect(journal(store).find(({ event }) => event.type === 'ScopeClosed')?.event).toEqual({
      type: 'ScopeClosed',
      key: '0',
      outcome: 'rejected',
      winner: 1,
    });
  });

  it('⟲ A65 streamAll gives all values where nothing fails', async () => {
    const program: Program = (stage) => async (_, ctx) =>
      taken(
        ctx.parallel.streamAll(range(3), (i) => ctx.task(stage.step, t(30 - 10 * i, i))),
        (value) => value,
      );
    await everywhere(program, [2, 1, 0]);
  });

  it('⟲ A65 streamSome leaves failures out', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const inputs = [t(30, 'a'), f(10, 'bad'), t(20, 'c'), f(5, 'worse')];
      const run = (preserveOrder: boolean): Promise<unknown[]> =>
        taken(
          ctx.parallel.streamSome(inputs, (input) => ctx.task(stage.step, input), { preserveOrder }),
          (value) => value,
        );
      return [await run(false), await run(true)];
    };
    await everywhere(program, [
      ['c', 'a'],
      ['a', 'c'],
    ]);
  });

  it('⟲ A65 streamAny gives the first success', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const inputs = [f(5, 'x'), t(300, 'slow'), t(20, 'fast')];
      return ctx.parallel.streamAny(inputs, (input) => ctx.task(stage.step, input));
    };
    const { stage } = await everywhere(program, 'fast', { depth: 2 });
    expect(stage.spans[1]).toMatchObject({ aborted: true, to: 20 });
  });

  it('⟲ A65 streamAny of failures, and of nothing, is an AggregateError', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const reasons = (error: unknown): unknown =>
        error instanceof AggregateError ? error.errors.map(brief) : brief(error);
      const work = (ms: number): Promise<unknown> => ctx.task(stage.step, f(ms, `f${ms}`));
      return [
        await ctx.parallel.streamAny([20, 5], work).catch(reasons),
        await ctx.parallel.streamAny([]).catch(reasons),
      ];
    };
    await everywhere(program, [['TaskError: f5', 'TaskError: f20'], []]);
  });

  it('⟲ A65 raceFrom gives the first to settle, and of nothing an EmptyGroupError', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const work = (ms: number): Promise<unknown> =>
        ctx.task(stage.step, ms === 5 ? f(ms, 'e') : t(ms, `v${ms}`));
      return [
        await ctx.parallel.raceFrom([40, 10, 20], work),
        await ctx.parallel.raceFrom([40, 5], work).catch(brief),
        await ctx.parallel.raceFrom([]).catch(brief),
        await ctx.parallel.raceFrom(new Set<() => 1>()).catch(brief),
      ];
    };
    await everywhere(program, ['v10', 'TaskError: e', 'EmptyGroupError', 'EmptyGroupError']);
  });
});

describe('what a process does with streams', () => {
  it('A20 leaves no listener on a signal that many streams had', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const { signal } = new AbortController();
      for (let i = 0; i < 50; i += 1) {
        const options = { signal, timeout: 1000 };
        await taken(
          ctx.parallel.stream([i], (n) => ctx.task(stage.step, t(1, n)), options),
          told,
        );
        await ctx.parallel.raceFrom([i], (n) => n, options);
        for await (const item of ctx.parallel.merge([[i], [i]], options)) if (item.index === 0) break;
      }
      const open = Array.from({ length: 20 }, () => ctx.parallel.stream([() => 1], { signal }));
      const before = getEventListeners(signal, 'abort').length;
      for (const stream of open) await stream.return();
      return [before, getEventListeners(signal, 'abort').length];
    };
    expect((await perform(program)).value).toEqual([20, 0]);
  });

  it('⟲ the consumer calls ctx between results', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const work = (i: number): Promise<unknown> => ctx.task(stage.step, t(5, i));
      const sums: unknown[] = [];
      for await (const value of ctx.parallel.streamAll(range(5), work, { concurrency: 1 }))
        sums.push([value, await ctx.task(stage.step, t(3, 'between'))]);
      return sums;
    };
    await everywhere(
      program,
      range(5).map((i) => [i, 'between']),
    );
  });

  it('⟲ a stream inside each branch of map, and a stream inside a branch of a stream', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const inner = async (outer: number): Promise<unknown[]> => {
        const work = (i: number): Promise<unknown> => ctx.task(stage.step, t(5 + outer, 10 * outer + i));
        return taken(ctx.parallel.streamAll(range(3), work, { concurrency: 2 }), (value) => value);
      };
      return [
        await ctx.parallel.map([1, 2], inner),
        await taken(ctx.parallel.streamAll([1, 2], inner, { preserveOrder: true }), (value) => value),
      ];
    };
    const each = [range(3, 10), range(3, 20)];
    await everywhere(program, [each, each]);
  });

  it('⟲ gives its tasks what they do not say themselves, also those of its source', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const flaky = (i: number): Promise<unknown> => ctx.task(stage.step, { ms: 1, value: i, failures: 2 });
      async function* numbers(): AsyncGenerator<unknown> {
        yield await flaky(1);
        yield await flaky(2);
      }
      const options = { retry: { attempts: 3, delay: 10 }, taskTimeout: 1000, priority: 5 };
      return taken(
        ctx.parallel.streamAll(numbers(), (i) => flaky(Number(i) * 10), options),
        (value) => value,
      );
    };
    const { stage } = await everywhere(program, [10, 20]);
    expect(stage.invoked).toHaveLength(12);
  });

  it('⟲ closes a ctx.source that it reads when the consumer leaves', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const open = async function* (
        after: number | undefined,
      ): AsyncGenerator<{ item: number; cursor: number }> {
        for (let n = (after ?? 0) + 1; ; n += 1) yield { item: n, cursor: n };
      };
      const seen: unknown[] = [];
      const numbers = ctx.source('numbers', open, { buffer: 2 });
      for await (const i of ctx.parallel.streamAll(numbers, (n) => ctx.task(stage.step, t(5, n)), {
        concurrency: 1,
        buffer: 0,
      })) {
        seen.push(i);
        if (i === 3) break;
      }
      for await (const { value } of ctx.parallel.merge([ctx.source('more', open), [10]])) {
        seen.push(value);
        if (seen.length === 6) break;
      }
      return [seen.slice(0, 3), seen.length, await ctx.task(stage.step, t(1, 'after'))];
    };
    const { store } = await everywhere(program, [[1, 2, 3], 6, 'after']);
    const lines = shape(store);
    expect(lines.filter((line) => line.startsWith('StreamClosed'))).toHaveLength(2);
    expect(lines.indexOf('StreamClosed 0')).toBeLessThan(lines.indexOf('ScopeOpened 3'));
  });

  it('⟲ two consumers share a stream', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const stream = ctx.parallel.streamAll(range(6), (i) => ctx.task(stage.step, t(10, i)), {
        concurrency: 2,
      });
      const consume = (): Promise<unknown[]> =>
        taken(stream, async (value) => {
          await ctx.sleep(1);
          return value;
        });
      const both = await ctx.parallel.all([consume, consume]);
      return [ordered(both.flat()), both.every((list) => list.length > 0)];
    };
    await everywhere(program, [range(6), true]);
  });

  it('⟲ one generator feeds streams in two branches', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      async function* numbers(): AsyncGenerator<number> {
        for (let i = 0; i < 6; i += 1) {
          await ctx.sleep(5);
          yield i;
        }
      }
      const source = numbers();
      const branch = (): Promise<unknown[]> =>
        taken(
          ctx.parallel.streamAll(source, (i) => ctx.task(stage.step, t(7, i)), { concurrency: 2 }),
          (value) => value,
        );
      return ordered((await ctx.parallel.all([branch, branch])).flat());
    };
    await everywhere(program, range(6));
  });

  it('⟲ a generator that calls tasks, and a failure in one of them', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      async function* pages(): AsyncGenerator<unknown> {
        for (let page = 0; page < 3; page += 1) yield await ctx.task(stage.step, t(10, `page ${page}`));
        await ctx.task(stage.step, f(1, 'no more pages'));
      }
      return taken(
        ctx.parallel.streamAll(pages(), (page) => ctx.task(stage.step, t(25, page))),
        (value) => value,
      );
    };
    const { store } = await everywhere(program, [
      'page 0',
      'page 1',
      'page 2',
      { threw: 'TaskError: no more pages' },
    ]);
    expect(shape(store)).toContain('TaskScheduled 0/src/0');
    expect(shape(store)).toContain('TaskScheduled 0/2/0');
  });

  it('⟲ waits outside ctx in the source and in the consumer', async () => {
    const outside = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 3));
    const program: Program = (stage) => async (_, ctx) => {
      async function* numbers(): AsyncGenerator<number> {
        for (let i = 0; i < 4; i += 1) {
          await outside();
          yield i;
        }
      }
      const work = (i: number): Promise<unknown> => ctx.task(stage.step, t(5, i));
      const values = await taken(
        ctx.parallel.streamAll(numbers(), work, { concurrency: 2 }),
        async (value) => {
          await outside();
          return value;
        },
      );
      return ordered(values);
    };
    const { stage } = await everywhere(program, range(4));
    expect(stage.warnings).toEqual([]);
  });

  it('⟲ leaves early after a wait outside ctx', async () => {
    const outside = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 3));
    const program: Program = (stage) => async (_, ctx) => {
      const work = (i: number): Promise<unknown> => ctx.task(stage.step, t(5, i));
      const stream = ctx.parallel.streamAll(range(6), work, { concurrency: 2 });
      await stream.next();
      await outside();
      await stream.return();
      return ctx.task(stage.step, t(1, 'after'));
    };
    await everywhere(program, 'after');
  });

  it.each<[string, number, number]>([
    ['longer', 25, 0],
    ['shorter', 0, 25],
  ])('takes the decision at its recorded place where a wait outside ctx was %s', async (_name, was, is) => {
    const program =
      (realMs: number): Program =>
      (stage) =>
      async (_, ctx) => {
        const outside = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, realMs));
        const numbers = async function* (): AsyncGenerator<number> {
          for (let i = 0; i < 3; i += 1) yield i;
          await outside();
        };
        const work = async (i: number): Promise<unknown> => {
          for (let step = 0; step < 4; step += 1) await ctx.task(stage.step, t(300, step));
          return i;
        };
        const left = ctx.parallel.streamAll([10, 11, 12, 13], work, { concurrency: 2 });
        const raced = ctx.parallel.raceFrom([() => work(20), () => outside().then(() => 'outside')]);
        const [values, winner] = await ctx.parallel.all([
          () => taken(ctx.parallel.streamAll(numbers(), work), (value) => value),
          () => raced.catch(brief),
          async () => {
            await ctx.task(stage.step, t(1));
            await outside();
            await left.return();
            await ctx.task(stage.step, t(1, 'left'));
          },
        ]);
        return [ordered(values), winner, await ctx.task(stage.step, t(1, 'after'))];
      };
    const { store, value } = await perform(program(was));
    await replays(store, program(is));
    const count = journal(store).length;
    for (let seq = 1; seq <= count; seq += 3) {
      const resumed = await resumeAt(store, seq, program(is));
      expect(resumed.value, `after a crash at seq ${seq}`).toEqual(
        seq > seqOf(store, 'ScopeClosed') ? value : expect.anything(),
      );
      await replays(resumed.store, program(was));
    }
  });

  it('⟲ what settled branches left behind goes on until the stream is closed', async () => {
    const outside = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
    const program: Program = (stage) => async (_, ctx) => {
      const log: unknown[] = [];
      const later = async (i: number): Promise<void> => {
        await (i === 2 ? outside() : ctx.sleep(4 + i));
        log.push(await ctx.task(stage.step, t(i === 3 ? 3_000_000 : 1, 10 * i)).catch(brief));
      };
      const work = async (i: number): Promise<number> => {
        if (i < 4) void later(i);
        else while (log.length < 2) await ctx.sleep(100);
        return i;
      };
      const values = await taken(ctx.parallel.streamAll([1, 2, 3, 4], work), (value) => value);
      await ctx.task(stage.step, t(1));
      return [values, log.map(String).toSorted()];
    };
    await everywhere(program, [
      [1, 2, 3, 4],
      ['10', '20', 'CancelledError'],
    ]);
  });

  it('⟲ a stream whose branch lost the race it is in', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const log: string[] = [];
      async function* numbers(): AsyncGenerator<number> {
        try {
          for (let i = 0; ; i += 1) {
            await ctx.sleep(9);
            yield i;
          }
        } finally {
          log.push('closed');
        }
      }
      const winner = await ctx.parallel.race([
        () => ctx.task(stage.step, t(20, 'winner')),
        async () => {
          const seen: unknown[] = [];
          for await (const value of ctx.parallel.streamAll(numbers(), (i) => ctx.task(stage.step, t(3, i))))
            seen.push(value);
          return seen;
        },
      ]);
      await ctx.sleep(5);
      return [winner, log];
    };
    const { store } = await everywhere(program, ['winner', ['closed']], { depth: 2 });
    expect(shape(store).filter((line) => line.startsWith('ScopeClosed'))).toEqual(['ScopeClosed 0']);
  });

  it('closes a stream that is left open when the process returns', async () => {
    let isClosed = false;
    const program: Program = (stage) => async (_, ctx) => {
      function* numbers(): Generator<number> {
        try {
          for (let i = 0; ; i += 1) yield i;
        } finally {
          isClosed = true;
        }
      }
      const stream = ctx.parallel.streamAll(numbers(), (i) => ctx.task(stage.step, t(5, i)));
      return stream.next();
    };
    expect((await perform(program)).value).toEqual({ done: false, value: 0 });
    expect(isClosed).toBe(true);
  });

  it.each<[string, (n: readonly number[]) => number[], 'streamAll' | 'streamSome', RegExp]>([
    ['fewer items', (items) => items.slice(0, 2), 'streamAll', /call 0\/2\/0/],
    ['other items', (items) => items.map((i) => i + 1), 'streamAll', /call 0\/0\/0/],
    ['another mode', (items) => [...items], 'streamSome', /recorded      parallel\.streamAll/],
  ])('D03 refuses %s after a crash', async (_name, change, mode, message) => {
    const program =
      (items: readonly number[], streamMode: 'streamAll' | 'streamSome'): Program =>
      (stage) =>
      async (_, ctx) => {
        const work = (i: number): Promise<unknown> => ctx.task(stage.step, t(10, i));
        return taken(ctx.parallel[streamMode](items, work), (value) => value);
      };
    const { store } = await perform(program([0, 1, 2], 'streamAll'));
    const changed = await resumeAt(store, journal(store).length - 2, program(change([0, 1, 2]), mode));
    expect(changed.told).toMatchObject({ error: { name: 'NonDeterminismError' } });
    expect(String(changed.value)).toMatch(message);
    expect(changed.stage.invoked).toEqual([]);
  });

  it('D04 goes on with another concurrency after a crash', async () => {
    const program =
      (concurrency: number): Program =>
      (stage) =>
      async (_, ctx) => {
        const work = (i: number): Promise<unknown> => ctx.task(stage.step, t(10, i));
        return ordered(
          await taken(ctx.parallel.streamAll(range(12), work, { concurrency }), (value) => value),
        );
      };
    const { store } = await perform(program(2));
    const second = journal(store).filter(({ event }) => event.type === 'TaskSucceeded')[1];
    const resumed = await resumeAt(store, second?.seq ?? 0, program(5));
    expect(resumed.value).toEqual(range(12));
    expect(shape(resumed.store)).toContain('ScopeRetuned 0');
    expect(resumed.stage.maxParallel).toBe(5);
    const again = await resumeAt(resumed.store, seqOf(resumed.store, 'ScopeRetuned') + 3, program(3));
    expect(again.value).toEqual(range(12));
  });
});

describe('D21 bad options and sources', () => {
  type Call = (ctx: Context) => unknown;
  const bad: Record<string, Call> = {
    'concurrency 0': (ctx) => ctx.parallel.stream([], { concurrency: 0 }),
    'concurrency 1.5': (ctx) => ctx.parallel.streamAll([], { concurrency: 1.5 }),
    'buffer -1': (ctx) => ctx.parallel.stream([], { buffer: -1 }),
    'buffer Infinity': (ctx) => ctx.parallel.stream([], { buffer: Infinity }),
    'taskTimeout 0': (ctx) => ctx.parallel.stream([], { taskTimeout: 0 }),
    'retry 0': (ctx) => ctx.parallel.stream([], { retry: { attempts: 0 } }),
    'timeout 0': (ctx) => ctx.parallel.streamSome([], { timeout: 0 }),
    // @ts-expect-error what a program without types can do
    'buffer of streamAny': (ctx) => ctx.parallel.streamAny([], { buffer: 1 }),
    // @ts-expect-error what a program without types can do
    'an option that there is not': (ctx) => ctx.parallel.stream([], (i) => i, { bufer: 1 }),
    // @ts-expect-error what a program without types can do
    'preserveOrder 1': (ctx) => ctx.parallel.stream([], { preserveOrder: 1 }),
    // @ts-expect-error what a program without types can do
    'options null': (ctx) => ctx.parallel.stream([], null),
    // @ts-expect-error what a program without types can do
    'keyBy no function': (ctx) => ctx.parallel.stream([], { keyBy: 'id' }),
    // @ts-expect-error what a program without types can do
    'signal no signal': (ctx) => ctx.parallel.raceFrom([], { signal: {} }),
    'key empty': (ctx) => ctx.parallel.stream([], { key: '' }),
    // @ts-expect-error what a program without types can do
    'mode of merge': (ctx) => ctx.parallel.merge([], { mode: 'fastest' }),
    // @ts-expect-error what a program without types can do
    'onError of merge': (ctx) => ctx.parallel.merge([], { onError: 'ignore' }),
    'envelopes of zip': (ctx) => ctx.parallel.merge([], { mode: 'zip', onError: 'envelope' }),
    'window 0': (ctx) => ctx.parallel.window([], 0),
    'capacity 0': (ctx) => ctx.channel('c', { capacity: 0 }),
    'capacity Infinity': (ctx) => ctx.channel('c', { capacity: Infinity }),
    // @ts-expect-error what a program without types can do
    'an option of a channel': (ctx) => ctx.channel('c', { size: 1 }),
  };
  const wrong: Record<string, Call> = {
    'a source that is text': (ctx) => ctx.parallel.stream('abc', (i) => i),
    // @ts-expect-error what a program without types can do
    'a source that is a function': (ctx) => ctx.parallel.streamAny(function* () {}),
    'no function before options': (ctx) =>
      // @ts-expect-error what a program without types can do
      ctx.parallel.stream([], { concurrency: 1 }, { concurrency: 2 }),
    // @ts-expect-error what a program without types can do
    'no source': (ctx) => ctx.parallel.streamAny(),
    // @ts-expect-error what a program without types can do
    'a list with what is no thunk': (ctx) => ctx.parallel.stream([() => 1, undefined]),
    // @ts-expect-error what a program without types can do
    'merge of a number': (ctx) => ctx.parallel.merge(5),
    // @ts-expect-error what a program without types can do
    'merge of a list with what is no source': (ctx) => ctx.parallel.merge([[], 5]),
    'merge of a record with what is no source': (ctx) => ctx.parallel.merge({ a: [], b: 'text' }),
    // @ts-expect-error what a program without types can do
    'window of nothing': (ctx) => ctx.parallel.window(undefined, 2),
    'a channel without a name': (ctx) => ctx.channel(''),
  };
  const refusedBy = async (call: Call): Promise<unknown> => {
    const { value, store } = await perform(() => async (_, ctx) => {
      try {
        await call(ctx);
        return 'no error';
      } catch (error) {
        return error instanceof InvalidOptionError || error instanceof InvalidArgumentError
          ? error.name
          : error;
      }
    });
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
    return value;
  };
  it.each(Object.entries(bad))('%s', async (_, call) => {
    expect(await refusedBy(call)).toBe('InvalidOptionError');
  });
  it.each(Object.entries(wrong))('%s', async (_, call) => {
    expect(await refusedBy(call)).toBe('InvalidArgumentError');
  });
});
