import type { Context } from '@pawl/sdk';
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
  type Stage,
} from './stage.fixture.ts';

watchForLeaks();

const items = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('reduce', () => {
  it('⟲ folds the results of each in the order of the items, and sets marks', async () => {
    const { store } = await everywhere(
      (stage) => (_, ctx) =>
        ctx.reduce(items(7), [] as unknown[], (list, result) => [...list, result], {
          each: (n) => ctx.task(stage.step, t(30 - 4 * n, n)),
          concurrency: 2,
          foldEvery: 3,
        }),
      [0, 1, 2, 3, 4, 5, 6],
    );
    const marks = journal(store).flatMap(({ event }) => (event.type === 'Folded' ? [event.n] : []));
    expect(marks).toEqual([3, 6, 7]);
  });

  it('⟲ of a step that uses ctx, without each: one item after another', async () => {
    const { stage } = await everywhere(
      (inner) => (_, ctx) =>
        ctx.reduce(
          items(5),
          { sum: 0, times: 0 },
          async ({ sum, times }, n) => {
            const value = Number(await ctx.task(inner.step, t(3, n)));
            await ctx.sleep(2);
            return { sum: sum + value, times: times + 1 };
          },
          { foldEvery: 2 },
        ),
      { sum: 10, times: 5 },
    );
    expect(stage.maxParallel).toBe(1);
  });

  it('⟲ of nothing, and of plain values: no row but its own', async () => {
    const { store } = await everywhere(
      (_stage) => async (_, ctx) => [
        await ctx.reduce([], 'nothing', () => 'something'),
        await ctx.reduce(items(3), 0, (sum, n) => sum + n),
      ],
      ['nothing', 3],
    );
    expect(shape(store)).toEqual([
      'RunStarted',
      'ScopeOpened 0',
      'ScopeClosed 0',
      'ScopeOpened 1',
      'Folded 1',
      'ScopeClosed 1',
      'RunSucceeded',
    ]);
  });
});

const caught = (error: unknown): unknown => brief(error);

/** Doubles each item, slowly. */
const doubling =
  (stage: Stage, ctx: Context) =>
  async (n: number): Promise<number> =>
    2 * Number(await ctx.task(stage.step, t(5 + (n % 3), n)));

describe('reduce that fails', () => {
  it('⟲ in the step: the first failure, what is under way is given up', async () => {
    const { store } = await everywhere(
      (stage) => (_, ctx) =>
        ctx
          .reduce(
            items(9),
            0,
            (sum, n: number) => {
              if (n === 8) throw new RangeError('not that one');
              return sum + n;
            },
            { each: doubling(stage, ctx), concurrency: 3, foldEvery: 3 },
          )
          .catch(caught),
      'RangeError',
    );
    expect(shape(store)).toContain('ScopeClosed 0');
  });

  it('⟲ in each, in the source, and by what its state is', async () => {
    function* failing(): Generator<number> {
      yield* items(4);
      throw new TypeError('no more');
    }
    await everywhere(
      (stage) => async (_, ctx) => [
        await ctx
          .reduce(items(6), 0, (sum, n) => sum + Number(n), {
            each: (n) => ctx.task(stage.step, n === 4 ? f(3, 'four') : t(5, n)),
            foldEvery: 2,
          })
          .catch(caught),
        await ctx.reduce(failing(), 0, (sum, n) => sum + n, { foldEvery: 3 }).catch(caught),
        await ctx
          .reduce(failing(), 0, (sum, n) => sum + n, { each: doubling(stage, ctx), foldEvery: 2 })
          .catch(caught),
      ],
      ['TaskError: four', 'TypeError', 'TypeError'],
    );
    await everywhere(
      (_stage) => (_, ctx) =>
        ctx
          .reduce(items(5), 0 as unknown, (_state, n) => (n === 3 ? { f: () => n } : n), { foldEvery: 2 })
          .catch(caught),
      'UnserializableError',
    );
  });

  it('with bad options or arguments: at the call, and nothing is recorded', async () => {
    const { value, store } = await perform((_stage) => (_, ctx) => {
      const tries: (() => unknown)[] = [
        () => ctx.reduce(items(1), 0, (s) => s, { concurrency: 0 }),
        () => ctx.reduce(items(1), 0, (s) => s, { concurrency: Infinity }),
        () => ctx.reduce(items(1), 0, (s) => s, { foldEvery: 1.5 }),
        () => ctx.reduce(items(1), 0, (s) => s, { buffer: -1 }),
        () => ctx.reduce(items(1), 0, (s) => s, { each: 7 as never }),
        () => ctx.reduce(items(1), 0, (s) => s, { chunk: 7 } as never),
        () => ctx.reduce(items(1), 0, (s) => s, { key: '' }),
        () => ctx.reduce(items(1), 0, (s) => s, { timeout: 0 }),
        () => ctx.reduce(items(1), 0, undefined as never),
        () => ctx.reduce('abc', 0, (s) => s),
        () => ctx.reduce(items as never, 0, (s) => s),
        () => ctx.reduce(items(1), Symbol('state') as unknown, (s) => s),
      ];
      return tries.map((attempt) => {
        try {
          attempt();
          return 'accepted';
        } catch (error) {
          return (error as Error).name;
        }
      });
    });
    expect(value).toEqual([
      ...Array.from({ length: 8 }, () => 'InvalidOptionError'),
      'InvalidArgumentError',
      'InvalidArgumentError',
      'InvalidArgumentError',
      'UnserializableError',
    ]);
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
  });

  it('⟲ where its source uses ctx', async () => {
    await everywhere(
      (stage) => (_, ctx) => {
        async function* source(): AsyncGenerator<number> {
          yield 1;
          yield Number(await ctx.task(stage.step, t(1)));
        }
        return ctx.reduce(source(), 0, (sum, n) => sum + n).catch(caught);
      },
      'InvalidArgumentError',
    );
  });

  it('⟲ by its time', async () => {
    await everywhere(
      (stage) => (_, ctx) =>
        ctx
          .reduce(items(9), 0, (sum, n) => sum + n, {
            each: doubling(stage, ctx),
            concurrency: 1,
            foldEvery: 2,
            timeout: 20,
          })
          .catch(caught),
      'TimeoutError',
    );
  });

  it('by its signal: what is under way is given up, and the source is closed', async () => {
    const closed: string[] = [];
    const program: Program = (stage) => async (_, ctx) => {
      const controller = new AbortController();
      stage.later(12, () => controller.abort('enough'));
      function* source(): Generator<number> {
        try {
          yield* items(100);
        } finally {
          closed.push('closed');
        }
      }
      return ctx
        .reduce(source(), 0, (sum, n) => sum + n, {
          each: doubling(stage, ctx),
          concurrency: 2,
          foldEvery: 2,
          signal: controller.signal,
        })
        .catch(caught);
    };
    const { value, store } = await perform(program);
    expect(value).toBe('CancelledError');
    expect(closed).toEqual(['closed']);
    expect(shape(store)).toContain('ScopeAborted 0');
    await replays(store, program);
  });
});

describe('reduce beside other work', () => {
  it('⟲ two of them, and tasks: items begin with the time of the mark before them', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const total = (key: string, count: number): Promise<number> =>
        ctx.reduce(items(count), 0, (sum, n) => sum + Number(n), {
          key,
          // An input that depends on when the item began: a replay that began it elsewhere would diverge.
          each: async (n) => {
            const began = ctx.now().getTime();
            const drawn = ctx.random();
            await ctx.task(stage.step, t(2 + (n % 4), { began, drawn }));
            return n;
          },
          concurrency: 2,
          foldEvery: 3,
        });
      const [a, b, c] = await ctx.parallel.all([
        () => total('a', 7),
        () => total('b', 5),
        async () => {
          let sum = 0;
          for (const n of items(6)) sum += Number(await ctx.task(stage.step, t(3, n)));
          return sum;
        },
      ]);
      return [a, b, c];
    };
    await everywhere(program, [21, 10, 15]);
  });

  it('⟲ one within an item of another', async () => {
    await everywhere(
      (stage) => (_, ctx) =>
        ctx.reduce(
          items(4),
          [] as number[],
          async (sums, n) => [
            ...sums,
            await ctx.reduce(items(n + 2), 0, (sum, m) => sum + Number(m), {
              each: (m) => ctx.task(stage.step, t(1 + m, m)),
              foldEvery: 2,
            }),
          ],
          { foldEvery: 2 },
        ),
      [1, 3, 6, 10],
    );
  });

  it('⟲ of an async source, with raw waits in each and in the step', async () => {
    async function* source(): AsyncGenerator<number> {
      for (const n of items(5)) {
        await Promise.resolve();
        yield n;
      }
    }
    await everywhere(
      (stage) => (_, ctx) =>
        ctx.reduce(
          source(),
          0,
          async (sum, n) => {
            await new Promise((resolve) => setImmediate(resolve));
            return sum + Number(n);
          },
          { each: (n) => ctx.task(stage.step, t(3, n)), foldEvery: 2 },
        ),
      10,
    );
  });

  it('⟲ what items leave behind is given up before the mark', async () => {
    const { store } = await everywhere(
      (stage) => (_, ctx) =>
        ctx.reduce(
          items(4),
          0,
          (sum, n) => {
            void ctx.sleep('1d');
            void ctx.parallel.all([
              () => ctx.task(stage.step, t(500, n)),
              () => new Promise(() => undefined),
            ]);
            return sum + n;
          },
          { foldEvery: 2 },
        ),
      6,
    );
    const lines = shape(store);
    expect(lines.filter((line) => line.startsWith('TaskCancelled'))).toHaveLength(8);
    expect(lines.indexOf('Folded 0')).toBeGreaterThan(lines.indexOf('TaskCancelled 0/1/0'));
  });

  it('⟲ in a branch that loses, also while it waits for its mark', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const ends: unknown[] = [];
        const winner = await ctx.parallel.race([
          async () => {
            try {
              return await ctx.reduce(items(50), 0, (sum, n) => sum + n, { foldEvery: 1 });
            } catch (error) {
              ends.push(brief(error));
              throw error;
            }
          },
          () => 'at once',
          () =>
            ctx.reduce(items(50), 0, (sum, n) => sum + Number(n), {
              each: (n) => ctx.task(stage.step, t(7, n)),
              foldEvery: 4,
            }),
        ]);
        await ctx.sleep(1);
        return [winner, ends];
      },
      ['at once', ['CancelledError']],
    );
  });
});

describe('reduce that resumes', () => {
  const program =
    (options: { concurrency?: number; foldEvery?: number; count?: number }): Program =>
    (stage) =>
    (_, ctx) => {
      const { count = 12, ...rest } = options;
      return ctx.reduce(items(count), 0, (sum, n) => sum + n, { each: doubling(stage, ctx), ...rest });
    };

  it('begins at the latest mark: nothing is called for what is folded', async () => {
    const stepped: number[] = [];
    const counted: Program = (stage) => (_, ctx) =>
      ctx.reduce(
        items(12),
        0,
        (sum, n, index) => {
          stepped.push(index);
          return sum + n;
        },
        { each: doubling(stage, ctx), foldEvery: 5 },
      );
    const { store } = await perform(counted);
    const marks = journal(store).filter(({ event }) => event.type === 'Folded');
    stepped.length = 0;
    const resumed = await resumeAt(store, marks[1]?.seq ?? 0, counted);
    expect(resumed.value).toBe(132);
    expect(stepped).toEqual([10, 11]);
    expect(resumed.stage.invoked.map(({ key }) => key)).toEqual(['0/10/0', '0/11/0']);
  });

  it('keeps its marks and its bounds as recorded, and takes a new concurrency at the head', async () => {
    const { store } = await perform(program({ concurrency: 4, foldEvery: 5 }));
    const resumed = await resumeAt(store, 20, program({ concurrency: 1, foldEvery: 2 }));
    expect(resumed.value).toBe(132);
    const lines = shape(resumed.store);
    expect(lines).toContain('ScopeRetuned 0');
    expect(lines.filter((line) => line === 'Folded 0')).toHaveLength(3);
    await replays(resumed.store, program({ concurrency: 9, foldEvery: 4 }));
  });

  it('refuses a source that has fewer items than are folded', async () => {
    const { store } = await perform(program({ foldEvery: 5 }));
    const seq = seqOf(store, 'ScopeClosed', '0');
    const resumed = await resumeAt(store, seq - 1, program({ foldEvery: 5, count: 9 }));
    expect(resumed.told).toMatchObject({
      error: { name: 'NonDeterminismError', message: expect.stringContaining('ends after 9 items') },
    });
    expect(journal(resumed.store)).toHaveLength(seq - 1);
  });
});

describe('reduce of a source', () => {
  it('⟲ takes its recorded items, across marks', async () => {
    await everywhere(
      (stage) => (_, ctx) => {
        const source = ctx.source<number, number>('numbers', async function* (cursor) {
          for (let n = (cursor ?? -1) + 1; n < 7; n += 1) {
            await stage.clock.sleep(2);
            yield { item: n, cursor: n };
          }
        });
        return ctx.reduce(source, 0, (sum, n) => sum + Number(n), {
          each: (n) => ctx.task(stage.step, t(3, n)),
          concurrency: 2,
          foldEvery: 3,
        });
      },
      21,
    );
  });
});
