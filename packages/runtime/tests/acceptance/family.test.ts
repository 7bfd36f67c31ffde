import { type Context, type Settled, type TaskError } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { journal, shape } from '../lab.fixture.ts';
import {
  brief,
  everywhere,
  f,
  perform,
  t,
  watchForLeaks,
  type Program,
  type Stage,
} from './stage.fixture.ts';

/* Combinators beyond all, allSettled, any, race and map: what each decides, and what comes out. */

watchForLeaks();

const steps = (ctx: Context, stage: Stage, inputs: readonly ReturnType<typeof t>[]) =>
  inputs.map((input) => () => ctx.task(stage.step, input));

const told = (entry: Settled<unknown>): unknown =>
  entry.status === 'fulfilled'
    ? [entry.index, entry.key, entry.value]
    : [entry.index, entry.key, brief(entry.reason), entry.started];

const aggregated = (error: unknown): unknown =>
  error instanceof AggregateError
    ? error.errors.map((each: Error & { index?: number }) => [each.message, each.index])
    : brief(error);

describe('some', () => {
  it('⟲ A21 gives the values in the order in which they came, and leaves failures out', async () => {
    await everywhere(
      (stage) => (_, ctx) => ctx.parallel.some(steps(ctx, stage, [t(50, 's'), t(5, 'f'), f(20, 'x')])),
      ['f', 's'],
      { depth: 2 },
    );
  });

  it('⟲ A21 in input order where that is asked for', async () => {
    await everywhere(
      (stage) => (_, ctx) =>
        ctx.parallel.some(steps(ctx, stage, [t(50, 's'), t(5, 'f'), f(20, 'x')]), {
          preserveOrder: true,
          concurrency: 2,
        }),
      ['s', 'f'],
    );
  });

  it('⟲ A22 of nothing, and of nothing but failures', async () => {
    await everywhere(
      (stage) => async (_, ctx) => [
        await ctx.parallel.some([]),
        await ctx.parallel.some(steps(ctx, stage, [f(5, 'a'), f(9, 'b')])),
        await ctx.parallel.some(steps(ctx, stage, [f(9, 'a'), f(5, 'b')]), { min: 1 }).catch(aggregated),
        await ctx.parallel.some([], { min: 1 }).catch(aggregated),
        await ctx.parallel
          .some(steps(ctx, stage, [f(9, 'a'), t(5, 'b'), t(1, 'c')]), { min: 3 })
          .catch(aggregated),
      ],
      [
        [],
        [],
        [
          ['a', 0],
          ['b', 1],
        ],
        [],
        [['a', 0]],
      ],
    );
  });

  it('⟲ minSuccessful decides at so many values, and gives up the rest', async () => {
    const { stage, store } = await everywhere(
      (lab) => (_, ctx) =>
        ctx.parallel.some(steps(ctx, lab, [t(50, 'c'), t(5, 'a'), f(7, 'x'), t(20, 'b'), t(90, 'd')]), {
          completion: { minSuccessful: 2 },
        }),
      ['a', 'b'],
      { depth: 2 },
    );
    expect(stage.clock.monotonic()).toBe(20);
    expect(shape(store).filter((line) => line.startsWith('TaskCancelled'))).toHaveLength(2);
  });

  it('⟲ toleratedFailures ends it with what there is, or with the failures where that is too little', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const inputs = [t(5, 'a'), f(10, 'x'), f(15, 'y'), t(50, 'late')];
        return [
          await ctx.parallel.some(steps(ctx, stage, inputs), { completion: { toleratedFailures: 1 } }),
          await ctx.parallel
            .some(steps(ctx, stage, inputs), { completion: { toleratedFailures: 1 }, min: 2 })
            .catch(aggregated),
        ];
      },
      [
        ['a'],
        [
          ['x', 1],
          ['y', 2],
        ],
      ],
    );
  });

  it('⟲ is not spared by an abort or a timeout', async () => {
    await everywhere(
      (stage) => async (_, ctx) => [
        await ctx.parallel.some(steps(ctx, stage, [t(5), t(500)]), { timeout: 50 }).catch(brief),
        await ctx.parallel.some(steps(ctx, stage, [t(5)]), { signal: AbortSignal.abort() }).catch(brief),
      ],
      ['TimeoutError', 'CancelledError'],
    );
  });
});

describe('mapSettled', () => {
  it('⟲ tells what became of each item, by its key', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const entries = await ctx.parallel.mapSettled(
          ['a', 'b', 'c'],
          (name, index) => ctx.task(stage.step, name === 'b' ? f(5, name) : t(30 - 10 * index, name)),
          { keyBy: (name) => name.toUpperCase(), preserveOrder: false },
        );
        return entries.map(told);
      },
      [
        [1, 'B', 'TaskError: b', true],
        [2, 'C', 'c'],
        [0, 'A', 'a'],
      ],
      { depth: 2 },
    );
  });

  it('⟲ of nothing is nothing, and a synchronous throw is a failure', async () => {
    await everywhere(
      () => async (_, ctx) => [
        await ctx.parallel.mapSettled([], () => 1),
        (
          await ctx.parallel.mapSettled([1, 2], (n) => {
            if (n === 1) throw new RangeError('sync');
            return n;
          })
        ).map(told),
      ],
      [
        [],
        [
          [0, '0', 'RangeError', true],
          [1, '1', 2],
        ],
      ],
    );
  });

  it('⟲ a completion policy gives up the rest, and tells who had started', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const enough = await ctx.parallel.mapSettled([10, 20, 30, 40], (ms) => ctx.task(stage.step, t(ms)), {
        completion: { minSuccessful: 2 },
        concurrency: 3,
      });
      const failed = await ctx.parallel.allSettled(steps(ctx, stage, [f(5, 'a'), f(10, 'b'), t(50), t(60)]), {
        completion: { toleratedFailures: 1 },
        concurrency: 3,
        preserveOrder: false,
      });
      return [enough.map(told), failed.map(told)];
    };
    const { stage } = await everywhere(program, [
      [
        [0, '0', 10],
        [1, '1', 20],
        [2, '2', 'CancelledError', true],
        [3, '3', 'CancelledError', true],
      ],
      [
        [0, '0', 'TaskError: a', true],
        [1, '1', 'TaskError: b', true],
        [2, '2', 'CancelledError', true],
        [3, '3', 'CancelledError', true],
      ],
    ]);
    expect(stage.clock.monotonic()).toBe(30);
  });

  it('⟲ what was never started is told as such', async () => {
    const { stage } = await everywhere(
      (lab) => async (_, ctx) => {
        const entries = await ctx.parallel.mapSettled([1, 2, 3], (n) => ctx.task(lab.step, t(5, n)), {
          completion: { minSuccessful: 1 },
          concurrency: 1,
        });
        return entries.map(told);
      },
      [
        [0, '0', 1],
        [1, '1', 'CancelledError', false],
        [2, '2', 'CancelledError', false],
      ],
      { depth: 2 },
    );
    expect(stage.invoked).toHaveLength(1);
  });
});

describe('forkJoin', () => {
  it('⟲ A37 gives the values by name, all at once', async () => {
    const { stage } = await everywhere(
      (lab) => (_, ctx) => {
        const id = 'user-123';
        return ctx.parallel.forkJoin({
          user: () => ctx.task(lab.step, t(10, { id })),
          posts: () => ctx.task(lab.step, t(10, [`post of ${id}`])),
          permissions: () => ctx.task(lab.step, t(10, ['read'])),
        });
      },
      { user: { id: 'user-123' }, posts: ['post of user-123'], permissions: ['read'] },
      { depth: 2 },
    );
    expect(stage.clock.monotonic()).toBeLessThan(30);
    expect(stage.started).toEqual(['0/:user/0', '0/:posts/0', '0/:permissions/0']);
  });

  it('⟲ A38 of nothing is nothing', async () => {
    await everywhere(
      () => async (_, ctx) => [await ctx.parallel.forkJoin({}), await ctx.parallel.forkJoinSettled({})],
      [{}, {}],
      { depth: 2 },
    );
  });

  it('⟲ A40 rejects at the first failure, and cancels the others', async () => {
    const { stage, store } = await everywhere(
      (lab) => (_, ctx) =>
        ctx.parallel
          .forkJoin({
            ok: () => ctx.task(lab.step, t(300, 'ok')),
            bad: () => ctx.task(lab.step, f(5, 'Task failed')),
          })
          .catch(brief),
      'TaskError: Task failed',
      { depth: 2 },
    );
    expect(stage.spans[0]).toMatchObject({ aborted: true, to: 5 });
    expect(shape(store)).toContain('TaskCancelled 0/:ok/0');
  });

  it('⟲ A40 forkJoinSettled tells what became of each', async () => {
    await everywhere(
      (lab) => async (_, ctx) => {
        const { ok, bad } = await ctx.parallel.forkJoinSettled({
          ok: () => ctx.task(lab.step, t(30, 'ok')),
          bad: () => ctx.task(lab.step, f(5, 'Task failed')),
        });
        return [told(ok), told(bad)];
      },
      [
        [0, 'ok', 'ok'],
        [1, 'bad', 'TaskError: Task failed', true],
      ],
      { depth: 2 },
    );
  });

  it('⟲ A41 one inside another: four addresses that stay', async () => {
    const { store } = await everywhere(
      (lab) => (_, ctx) =>
        ctx.parallel.forkJoin({
          outer1: () => ctx.task(lab.step, t(10, 'o1')),
          outer2: () => ctx.task(lab.step, t(5, 'o2')),
          nested: () =>
            ctx.parallel.forkJoin({
              inner1: () => ctx.task(lab.step, t(3, 'i1')),
              inner2: () => ctx.task(lab.step, t(8, 'i2')),
            }),
        }),
      { outer1: 'o1', outer2: 'o2', nested: { inner1: 'i1', inner2: 'i2' } },
      { depth: 2 },
    );
    expect(shape(store).filter((line) => line.startsWith('TaskScheduled'))).toEqual([
      'TaskScheduled 0/:outer1/0',
      'TaskScheduled 0/:outer2/0',
      'TaskScheduled 0/:nested/0/:inner1/0',
      'TaskScheduled 0/:nested/0/:inner2/0',
    ]);
  });

  it.each(['forkJoin', 'forkJoinSettled'] as const)(
    '⟲ A42 %s: keys in the order of Object.keys, and __proto__ as any other',
    async (mode) => {
      const program: Program = (lab) => async (_, ctx) => {
        const result: object = await ctx.parallel[mode]({
          2: () => ctx.task(lab.step, t(5, 'two')),
          1: () => ctx.task(lab.step, t(5, 'one')),
          b: () => ctx.task(lab.step, t(5, 'b')),
          ['__proto__']: () => ctx.task(lab.step, t(5, 'proto')),
        });
        const own = Object.getOwnPropertyDescriptor(result, '__proto__')?.value;
        return [
          Object.keys(result),
          mode === 'forkJoin' ? own : told(own),
          Object.getPrototypeOf(result) === Object.prototype,
        ];
      };
      const { stage } = await everywhere(program, [
        ['1', '2', 'b', '__proto__'],
        mode === 'forkJoin' ? 'proto' : [3, '__proto__', 'proto'],
        true,
      ]);
      expect(stage.started).toEqual(['0/:1/0', '0/:2/0', '0/:b/0', '0/:__proto__/0']);
    },
  );

  it('takes own enumerable members only, also those of an object without a prototype', async () => {
    const { value, stage } = await perform((lab) => (_, ctx) => {
      const hidden = (): string => 'hidden';
      const members: Record<string, () => unknown> = Object.assign(Object.create({ inherited: hidden }), {
        own: () => ctx.task(lab.step, t(5, 'own')),
      });
      Object.defineProperty(members, 'hidden', { value: hidden, enumerable: false });
      const bare: Record<string, () => unknown> = Object.assign(Object.create(null), { bare: () => 1 });
      return Promise.all([ctx.parallel.forkJoin(members), ctx.parallel.forkJoin(bare)]);
    });
    expect(value).toEqual([{ own: 'own' }, { bare: 1 }]);
    expect(stage.invoked).toHaveLength(1);
  });

  it('⟲ within a concurrency, and in chunks', async () => {
    const { stage } = await everywhere(
      (lab) => (_, ctx) =>
        ctx.parallel.forkJoin(
          Object.fromEntries(['a', 'b', 'c', 'd'].map((key) => [key, () => ctx.task(lab.step, t(10, key))])),
          { concurrency: 1 },
        ),
      { a: 'a', b: 'b', c: 'c', d: 'd' },
    );
    expect(stage.maxParallel).toBe(1);
  });
});

describe('allTuple', () => {
  it('⟲ A44 gives a tuple', async () => {
    await everywhere(
      (lab) => async (_, ctx) => {
        const input = 'test-input';
        return ctx.parallel.allTuple([
          () => ctx.task(lab.step, t(9, `result-${input}`)),
          () => ctx.task(lab.step, t(3, input.length)),
          () => ctx.task(lab.step, t(6, true)),
        ]);
      },
      ['result-test-input', 10, true],
      { depth: 2 },
    );
  });

  it('⟲ A45 of nothing, and of one', async () => {
    await everywhere(
      (lab) => async (_, ctx) => [
        await ctx.parallel.allTuple([]),
        await ctx.parallel.allTuple([() => ctx.task(lab.step, t(5, 'x'))]),
        await ctx.parallel.allTupleSettled([]),
        (await ctx.parallel.allTupleSettled([() => ctx.task(lab.step, t(5, 'x'))])).map(told),
      ],
      [[], ['x'], [], [[0, '0', 'x']]],
    );
  });

  it('is recorded as all, and so is no other call on replay', async () => {
    const { store } = await perform((lab) => async (_, ctx) => [
      await ctx.parallel.allTuple([() => ctx.task(lab.step, t(5))]),
      await ctx.parallel.allTupleSettled([() => ctx.task(lab.step, t(5))]),
    ]);
    const modes = journal(store).flatMap(({ event }) => (event.type === 'ScopeOpened' ? [event.mode] : []));
    expect(modes).toEqual(['all', 'allSettled']);
  });
});

describe('a condition is an if', () => {
  const either =
    (input: string): Program =>
    (stage) =>
    async (_, ctx) => {
      const isPositive = await ctx.task(
        stage.step,
        input === 'throws' ? f(5, 'Predicate failed') : t(5, input.startsWith('positive')),
      );
      return isPositive === true
        ? ctx.task(stage.step, t(5, `true-branch-${input}`), { key: 'yes' })
        : ctx.task(stage.step, t(5, `false-branch-${input}`), { key: 'no' });
    };

  it.each(['positive-test', 'negative-test'])('⟲ A46 %s', async (input) => {
    const expected = `${input.startsWith('positive')}-branch-${input}`;
    await everywhere(either(input), expected, { depth: 2 });
  });

  it('A46 a predicate that throws: no branch is recorded', async () => {
    const { told: ended, store } = await perform(either('throws'));
    expect(ended).toMatchObject({ error: { message: 'Predicate failed' } });
    expect(shape(store).some((line) => /:yes|:no/.test(line))).toBe(false);
  });
});

describe('layers over map', () => {
  const numbers = [1, 3, 2, 5, 4, 7, 6, 9, 8];

  it('⟲ A80 filter keeps input order, whatever order the answers come in', async () => {
    const { store } = await everywhere(
      (stage) => (_, ctx) =>
        ctx.parallel.filter(numbers, (n) => ctx.task(stage.step, t(20 - n, n % 2 === 0 ? 1 : '')), {
          concurrency: 3,
        }),
      [2, 4, 6, 8],
    );
    expect(journal(store)[1]?.event).toMatchObject({ type: 'ScopeOpened', mode: 'map', concurrency: 3 });
  });

  it('⟲ A80 a predicate that fails: the original error, which carries the index', async () => {
    await everywhere(
      (stage) => (_, ctx) =>
        ctx.parallel
          .filter(numbers, (n) => ctx.task(stage.step, n === 5 ? f(5, 'five') : t(30, true)))
          .catch((error: TaskError & { index?: number }) => [error.name, error.message, error.index]),
      ['TaskError', 'five', 3],
      { depth: 2 },
    );
  });

  it('A80 a predicate that throws: the very error, frozen ones and values untouched', async () => {
    const { value } = await perform(() => async (_, ctx) => {
      const thrown = new RangeError('mine');
      const frozen = Object.freeze(new RangeError('frozen'));
      const told3 = [];
      for (const what of [thrown, frozen, 'a string']) {
        told3.push(
          await ctx.parallel
            .filter([1, 2], (n) => {
              if (n === 2) throw what;
              return true;
            })
            .catch((error: unknown) => [error === what, Reflect.get(Object(error), 'index')]),
        );
      }
      return told3;
    });
    expect(value).toEqual([
      [true, 1],
      [true, undefined],
      [true, undefined],
    ]);
  });

  it('⟲ A80 groupBy parity', async () => {
    await everywhere(
      (stage) => (_, ctx) =>
        ctx.parallel.groupBy(numbers, (n) => ctx.task(stage.step, t(n, n % 2 === 0 ? 'even' : 'odd'))),
      new Map([
        ['odd', [1, 3, 5, 7, 9]],
        ['even', [2, 4, 6, 8]],
      ]),
    );
  });

  it('⟲ groupBy takes anything as a key', async () => {
    await everywhere(
      () => (_, ctx) =>
        ctx.parallel.groupBy(['a', 'b', 'c'], (item) => (item === 'b' ? undefined : Number.NaN)),
      new Map<unknown, string[]>([
        [Number.NaN, ['a', 'c']],
        [undefined, ['b']],
      ]),
    );
  });

  it('⟲ mapReduce folds in input order, one after the other', async () => {
    await everywhere(
      (stage) => (_, ctx) =>
        ctx.parallel.mapReduce(
          ['a', 'b', 'c'],
          (name, index) => ctx.task(stage.step, t(30 - 10 * index, name)),
          async (total: string, name, index) => {
            const suffix = await ctx.task(stage.step, t(5, `${String(name)}${index}`));
            return `${total}${String(suffix)}`;
          },
          '>',
          { keyBy: (name) => name },
        ),
      '>a0b1c2',
      { depth: 2 },
    );
  });

  it('⟲ of nothing', async () => {
    await everywhere(
      () => async (_, ctx) => [
        await ctx.parallel.filter([], () => true),
        await ctx.parallel.groupBy([], () => 1),
        await ctx.parallel.mapReduce(
          [],
          () => 1,
          () => 2,
          3,
        ),
      ],
      [[], new Map(), 3],
    );
  });

  it('what fails and is not awaited ends nothing', async () => {
    const { value } = await perform((stage) => async (_, ctx) => {
      void ctx.parallel.filter([1], () => ctx.task(stage.step, f(5, 'x')));
      void ctx.parallel.groupBy([1], () => ctx.task(stage.step, f(5, 'x')));
      void ctx.parallel.mapReduce(
        [1],
        () => 1,
        () => {
          throw new Error('reduce');
        },
        0,
      );
      await ctx.sleep(50);
      return 'done';
    });
    expect(value).toBe('done');
  });
});

describe('keyBy for lists of thunks', () => {
  it.each(['all', 'allTuple', 'allSettled', 'allTupleSettled', 'any', 'race', 'some'] as const)(
    '⟲ %s names its branches',
    async (mode) => {
      const { store } = await everywhere(
        (stage) => async (_, ctx) => {
          const thunks = ['x', 'y'].map((name, index) =>
            Object.assign(() => ctx.task(stage.step, t(10 + index, name)), { label: name }),
          );
          const result: unknown = await ctx.parallel[mode](thunks, {
            keyBy: (thunk, index) => `${Reflect.get(thunk, 'label')}${index}`,
          });
          return Array.isArray(result) ? result.length : result;
        },
        mode === 'any' || mode === 'race' ? 'x' : 2,
      );
      expect(shape(store)).toEqual(
        expect.arrayContaining(['TaskScheduled 0/:x0/0', 'TaskScheduled 0/:y1/0']),
      );
    },
  );
});

describe('bounds of the others', () => {
  const thunksOf = (stage: Stage, ctx: Context): (() => Promise<unknown>)[] =>
    [f(5, 'x'), t(10), t(10), t(10), t(10), t(10)].map((step) => () => ctx.task(stage.step, step));

  it.each(['some', 'mapSettled', 'forkJoinSettled', 'allTupleSettled'] as const)(
    '⟲ A48 A50 %s runs chunk after chunk, however one fails, and no more at once than it may',
    async (mode) => {
      const { stage } = await everywhere(
        (lab) => async (_, ctx) => {
          const thunks = thunksOf(lab, ctx);
          const options = { batchSize: 3, concurrency: 2 };
          const result: object =
            mode === 'mapSettled'
              ? await ctx.parallel.mapSettled(thunks, (thunk) => thunk(), options)
              : mode === 'forkJoinSettled'
                ? await ctx.parallel.forkJoinSettled(Object.fromEntries(thunks.entries()), options)
                : await ctx.parallel[mode](thunks, options);
          return Object.keys(result).length;
        },
        mode === 'some' ? 5 : 6,
      );
      expect(stage.maxParallel).toBe(2);
      // 5 and 10, 10 behind the first; the next chunk waits for all of them.
      expect(stage.spans.map(({ from }) => from)).toEqual([0, 0, 5, 15, 15, 25]);
    },
  );

  it('⟲ A50 forkJoin that fails in its first chunk starts no other', async () => {
    const { stage } = await everywhere(
      (lab) => (_, ctx) =>
        ctx.parallel
          .forkJoin(Object.fromEntries(thunksOf(lab, ctx).entries()), { batchSize: 2 })
          .catch(brief),
      'TaskError: x',
      { depth: 2 },
    );
    expect(stage.invoked).toHaveLength(2);
  });
});

it('⟲ D16 some inside map inside forkJoin inside race: addresses are unique, and the same in two runs', async () => {
  const program: Program = (stage) => (_, ctx) =>
    ctx.parallel.race([
      () =>
        ctx.parallel.forkJoin({
          a: () =>
            ctx.parallel.map(['x', 'y'], (name) =>
              ctx.parallel.some([
                () => ctx.task(stage.step, t(3, name)),
                () => ctx.parallel.mapSettled([1], (n) => ctx.task(stage.step, t(4, n))),
              ]),
            ),
          'b/0': () => ctx.task(stage.step, t(5)),
        }),
      () => ctx.task(stage.step, t(500)),
    ]);
  const keys = (events: ReturnType<typeof journal>): string[] =>
    events.flatMap(({ event }) =>
      event.type === 'TaskScheduled' || event.type === 'ScopeOpened' ? [event.key] : [],
    );
  const one = await perform(program);
  const two = await perform(program);
  expect(keys(journal(one.store))).toEqual(keys(journal(two.store)));
  expect(new Set(keys(journal(one.store))).size).toBe(13);
  expect(keys(journal(one.store))).toContain('0/0/0/:b%2F0/0');
  await everywhere(program, one.value);
});
