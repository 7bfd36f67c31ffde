import { CancelledError, EmptyGroupError, InvalidArgumentError, type TaskError } from '@pawl/sdk';
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
  type StepInput,
} from './stage.fixture.ts';

watchForLeaks();

/** Thunks of steps. */
const steps =
  (inputs: readonly StepInput[], mode: 'all' | 'any' | 'race'): Program =>
  (stage) =>
  (_, ctx) =>
    ctx.parallel[mode](inputs.map((input) => () => ctx.task(stage.step, input)));

const reasons = (error: unknown): unknown =>
  error instanceof AggregateError ? error.errors.map(brief) : brief(error);

/** Cases marked ⟲: their result, and the invocations of the first run. */
const everywhereCases: Record<string, { program: Program; expected: unknown; invoked: number }> = {
  'A01 all([]) gives [] at once': { program: steps([], 'all'), expected: [], invoked: 0 },
  'A02 all gives values in input order': {
    program: steps([t(30, 1), t(5, 2), t(15, 3)], 'all'),
    expected: [1, 2, 3],
    invoked: 3,
  },
  'A10 allSettled([]) gives []': {
    program: () => (_, ctx) => ctx.parallel.allSettled([]),
    expected: [],
    invoked: 0,
  },
  'A24 race rejects with the first failure': {
    program: (stage) => (_, ctx) =>
      ctx.parallel
        .race([() => ctx.task(stage.step, f(5, 'e')), () => ctx.task(stage.step, t(50))])
        .catch(brief),
    expected: 'TaskError: e',
    invoked: 2,
  },
  'A26 race gives the first value': {
    program: steps([t(100, 'a'), t(10, 'b')], 'race'),
    expected: 'b',
    invoked: 2,
  },
  'A33 any gives the first value': {
    program: steps([t(300, 'slow0'), t(10, 'fast1')], 'any'),
    expected: 'fast1',
    invoked: 2,
  },
  'A34 any rejects with all errors in input order, with index and key': {
    program: (stage) => (_, ctx) =>
      ctx.parallel
        .any([() => ctx.task(stage.step, f(20, 'a')), () => ctx.task(stage.step, f(5, 'b'))])
        .catch((error: unknown) => {
          if (!(error instanceof AggregateError)) return 'no AggregateError';
          return error.errors.map((each: TaskError & { index?: number }) => [
            each.message,
            each.index,
            each.key.slice(-3),
            each.cause instanceof Error,
          ]);
        }),
    expected: [
      ['a', 0, '0/0', true],
      ['b', 1, '1/0', true],
    ],
    invoked: 2,
  },
  'A36 any passes over failures': {
    program: steps([f(5, 'x'), t(40, 'ok')], 'any'),
    expected: 'ok',
    invoked: 2,
  },
};

describe.each(Object.entries(everywhereCases))('⟲ %s', (_, { program, expected, invoked }) => {
  it('live, replayed, after a crash anywhere, and inside a branch', async () => {
    const { stage } = await everywhere(program, expected, { depth: 2 });
    expect(stage.invoked).toHaveLength(invoked);
  });
});

it.each([undefined, 3])(
  '⟲ A14 preserveOrder: false orders entries as they settled (concurrency %s)',
  async (concurrency) => {
    const program: Program = (stage) => async (_, ctx) => {
      const entries = await ctx.parallel.allSettled(
        [50, 5, 20].map((ms) => () => ctx.task(stage.step, t(ms))),
        { preserveOrder: false, ...(concurrency === undefined ? {} : { concurrency }) },
      );
      return entries.map(({ index }) => index);
    };
    await everywhere(program, [1, 2, 0], { depth: 2 });
  },
);

describe('all', () => {
  const a04: Program = (stage) => async (_, ctx) => {
    let sawAbort = false;
    const error: unknown = await ctx.parallel
      .all([
        () => {
          ctx.signal.addEventListener('abort', () => (sawAbort = true));
          return ctx.task(stage.step, { ms: 300, value: 1, deaf: true });
        },
        () => ctx.task(stage.step, f(20, 'boom')),
      ])
      .catch((reason: unknown) => reason);
    return [brief(error), stage.clock.monotonic() < 60, sawAbort];
  };

  it('A04 rejects at the first failure; the loser is aborted, and what it does later is a LateResult', async () => {
    const { value, stage, store } = await perform(a04);
    expect(value).toEqual(['TaskError: boom', true, true]);
    expect(stage.spans[0]).toMatchObject({ aborted: true, to: 300 });
    const late = journal(store).filter(({ event }) => event.type === 'LateResult');
    expect(late.map(({ event }) => event)).toEqual([
      { type: 'LateResult', key: '0/0/0', attempt: 1, outcome: 'succeeded' },
    ]);
    // The run does not end before the aborted task has acknowledged.
    expect(shape(store).at(-1)).toBe('RunSucceeded');
  });

  it('A04 does not wait longer than the grace for a task that ignores its abort', async () => {
    const program: Program = (stage) => (_, ctx) =>
      ctx.parallel
        .all([
          () => ctx.task(stage.step, { ms: 60_000, value: 1, deaf: true }),
          () => ctx.task(stage.step, f(20, 'boom')),
        ])
        .catch(brief);
    const { value, stage } = await perform(program, { graceMs: 5000 });
    expect(value).toBe('TaskError: boom');
    expect(stage.clock.monotonic()).toBeGreaterThanOrEqual(5020);
    expect(stage.clock.monotonic()).toBeLessThan(5300);
  });

  it('an honouring loser ends at once', async () => {
    const { stage } = await perform(steps([t(300, 1), f(20, 'boom')], 'all'));
    expect(stage.spans[0]).toMatchObject({ aborted: true, to: 20 });
    expect(stage.clock.monotonic()).toBeLessThan(60);
  });

  it('⟲ the rejection of all is caught and the process goes on', async () => {
    await everywhere(
      (stage) => async (_, ctx) => [
        await ctx.parallel
          .all([() => ctx.task(stage.step, t(300, 1)), () => ctx.task(stage.step, f(20, 'boom'))])
          .catch(brief),
        await ctx.task(stage.step, t(5, 'after')),
      ],
      ['TaskError: boom', 'after'],
      { depth: 2 },
    );
  });
});

describe('allSettled', () => {
  it('⟲ A12 takes a synchronous throw as a rejection', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const entries = await ctx.parallel.allSettled([
          () => {
            throw new Error('sync');
          },
          () => ctx.task(stage.step, t(1, 1)),
        ]);
        return entries.map((entry) =>
          entry.status === 'fulfilled'
            ? [entry.index, entry.key, entry.value]
            : [entry.index, entry.key, brief(entry.reason), entry.started],
        );
      },
      [
        [0, '0', 'Error: sync', true],
        [1, '1', 1],
      ],
      { depth: 2 },
    );
  });

  it('A13 refuses an entry that is no function, naming its index, before anything is recorded', async () => {
    const { value, stage, store } = await perform((lab) => async (_, ctx) => {
      try {
        // @ts-expect-error what a program without types can do
        await ctx.parallel.allSettled([undefined, () => ctx.task(lab.step, t(1))]);
        return 'no error';
      } catch (error) {
        return error instanceof InvalidArgumentError && error.message;
      }
    });
    expect(value).toMatch(/index 0/);
    expect(stage.invoked).toEqual([]);
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
  });
});

describe('race', () => {
  it('A25 race([]) rejects with EmptyGroupError at once and records nothing', async () => {
    const { value, store } = await perform(
      () => (_, ctx) =>
        ctx.parallel.race([]).catch((error: unknown) => [error instanceof EmptyGroupError, brief(error)]),
    );
    expect(value).toEqual([true, 'EmptyGroupError']);
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
  });

  it('⟲ any([]) rejects with an AggregateError of nothing', async () => {
    await everywhere(() => (_, ctx) => ctx.parallel.any([]).catch(reasons), []);
  });

  it('A26 keeps the winner where both results are in the journal', async () => {
    const { store } = await everywhere(
      (stage) => (_, ctx) =>
        Promise.all([
          ctx.parallel.race([
            async () => {
              const value = await ctx.task(stage.step, t(10, 'early'));
              // Its result comes first and it settles last.
              await ctx.sleep(50);
              return value;
            },
            () => ctx.task(stage.step, t(30, 'late')),
          ]),
          ctx.task(stage.step, t(100, 'end')),
        ]),
      ['late', 'end'],
      { depth: 2 },
    );
    const order = shape(store);
    expect(order.indexOf('TaskSucceeded 0/0/0')).toBeLessThan(order.indexOf('TaskSucceeded 0/1/0'));
  });

  it('⟲ the loser of a race that settles in the same tick changes nothing', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const seen: unknown[] = [];
        const winner = await ctx.parallel.race(
          ['a', 'b', 'c'].map((name) => async () => {
            const value = await ctx.task(stage.step, t(10, name));
            seen.push(value);
            return value;
          }),
        );
        return [winner, seen, await ctx.task(stage.step, t(5, 'after')), seen];
      },
      ['a', ['a'], 'after', ['a']],
      { depth: 2 },
    );
  });
});

describe('mixed nesting', () => {
  const nested: Record<string, { program: Program; expected: unknown }> = {
    'race of alls': {
      program: (stage) => (_, ctx) =>
        ctx.parallel.race([
          () => ctx.parallel.all([t(40, 1), t(5, 2)].map((step) => () => ctx.task(stage.step, step))),
          () => ctx.parallel.all([t(10, 3), t(20, 4)].map((step) => () => ctx.task(stage.step, step))),
        ]),
      expected: [3, 4],
    },
    'all of races': {
      program: (stage) => (_, ctx) =>
        ctx.parallel.all(
          [10, 20].map(
            (base) => () =>
              ctx.parallel.race(
                [t(base, `${base}a`), t(base * 3, `${base}b`)].map(
                  (step) => () => ctx.task(stage.step, step),
                ),
              ),
          ),
        ),
      expected: ['10a', '20a'],
    },
    'any of failing races, then allSettled of anys': {
      program: (stage) => async (_, ctx) => {
        const first = await ctx.parallel
          .any([
            () => ctx.parallel.race([f(5, 'r1'), t(50)].map((step) => () => ctx.task(stage.step, step))),
            () => ctx.parallel.race([f(8, 'r2'), t(50)].map((step) => () => ctx.task(stage.step, step))),
          ])
          .catch(reasons);
        const entries = await ctx.parallel.allSettled([
          () => ctx.parallel.any([f(5, 'x'), t(9, 'ok')].map((step) => () => ctx.task(stage.step, step))),
          () => ctx.parallel.any([f(5, 'y'), f(9, 'z')].map((step) => () => ctx.task(stage.step, step))),
        ]);
        return [
          first,
          entries.map((entry) => (entry.status === 'fulfilled' ? entry.value : reasons(entry.reason))),
        ];
      },
      expected: [
        ['TaskError: r1', 'TaskError: r2'],
        ['ok', ['TaskError: y', 'TaskError: z']],
      ],
    },
    'map in map in race': {
      program: (stage) => (_, ctx) =>
        ctx.parallel.race([
          () =>
            ctx.parallel.map([1, 2], (n) =>
              ctx.parallel.map([3, 4], (m) => ctx.task(stage.step, t(n * m, [n, m]))),
            ),
          () => ctx.task(stage.step, t(500, 'never')),
        ]),
      expected: [
        [
          [1, 3],
          [1, 4],
        ],
        [
          [2, 3],
          [2, 4],
        ],
      ],
    },
    'a group started and not awaited beside another': {
      program: (stage) => async (_, ctx) => {
        const early = ctx.parallel.all(
          [t(30, 'e1'), t(10, 'e2')].map((step) => () => ctx.task(stage.step, step)),
        );
        const raced = await ctx.parallel.race(
          [t(20, 'r1'), t(25, 'r2')].map((step) => () => ctx.task(stage.step, step)),
        );
        return [raced, await early];
      },
      expected: ['r1', ['e1', 'e2']],
    },
    'a branch that fails deep in the tree': {
      program: (stage) => (_, ctx) =>
        ctx.parallel
          .all([
            () =>
              ctx.parallel.map([1, 2, 3], (n) =>
                ctx.parallel.all([() => ctx.task(stage.step, n === 2 ? f(15, 'deep') : t(40))]),
              ),
            () => ctx.task(stage.step, t(100)),
          ])
          .catch(brief),
      expected: 'TaskError: deep',
    },
    'branches that share one promise': {
      program: (stage) => async (_, ctx) => {
        const shared = ctx.task(stage.step, t(10, 'shared'));
        const winner = await ctx.parallel.race([
          () => shared,
          async () => {
            await shared;
            // Settles after the other branch, in the same turn.
            for (let i = 0; i < 20; i += 1) await Promise.resolve();
            return ctx.task(stage.step, t(5, 'loser'));
          },
        ]);
        return [winner, await ctx.task(stage.step, t(1, 'after'))];
      },
      expected: ['shared', 'after'],
    },
    'a loser that asked for more in the turn of the decision': {
      program: (stage) => async (_, ctx) => {
        const shared = ctx.task(stage.step, t(10, 'shared'));
        const winner = await ctx.parallel.race([
          () => shared,
          async () => {
            await shared;
            return ctx.task(stage.step, t(5, 'loser'));
          },
        ]);
        return [winner, await ctx.task(stage.step, t(1, 'after'))];
      },
      expected: ['shared', 'after'],
    },
    'plain values, promises and sleeps beside tasks': {
      program: (stage) => (_, ctx) =>
        ctx.parallel.all([
          () => 1,
          () => Promise.resolve(2),
          async () => {
            await ctx.sleep(10);
            return 3;
          },
          () => ctx.task(stage.step, t(5, 4)),
          () => ctx.parallel.all([]),
        ]),
      expected: [1, 2, 3, 4, []],
    },
  };

  it.each(Object.entries(nested))('⟲ %s', async (_, { program, expected }) => {
    await everywhere(program, expected);
  });
});

describe('losers', () => {
  it('are cancelled in key order, each a delivered outcome', async () => {
    const { store, value } = await perform((stage) => async (_, ctx) => {
      const told: string[] = [];
      const lose = (name: string) => async (): Promise<unknown> => {
        try {
          return await ctx.task(stage.step, t(500, name));
        } catch (error) {
          told.push(`${name} ${error instanceof CancelledError}`);
          throw error;
        }
      };
      await ctx.parallel.race([lose('a'), lose('b'), () => ctx.task(stage.step, t(5, 'w')), lose('c')]);
      await ctx.sleep(1);
      return told;
    });
    expect(value).toEqual(['a true', 'b true', 'c true']);
    const cancelled = shape(store).filter((line) => line.startsWith('TaskCancelled'));
    expect(cancelled).toEqual(['TaskCancelled 0/0/0', 'TaskCancelled 0/1/0', 'TaskCancelled 0/3/0']);
  });

  it('⟲ D08 that call on after the decision get CancelledError once and record nothing', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        const told: unknown[] = [];
        const winner = await ctx.parallel.race([
          () => ctx.task(stage.step, t(10, 'w')),
          async () => {
            for (let i = 0; i < 5; i += 1) {
              try {
                await ctx.task(stage.step, t(100, i));
              } catch (error) {
                told.push(brief(error));
              }
            }
            return 'never';
          },
        ]);
        await ctx.task(stage.step, t(200, 'after'));
        return [winner, told];
      },
      ['w', ['CancelledError', 'CancelledError']],
      { depth: 2 },
    );
    expect(shape(store).filter((line) => line.startsWith('TaskScheduled 0/1/'))).toEqual([
      'TaskScheduled 0/1/0',
    ]);
  });

  it('⟲ D08 a fenced loop that swallows every error ends its turn', async () => {
    await everywhere(
      (stage) => (_, ctx) =>
        ctx.parallel.race([
          () => ctx.task(stage.step, t(10, 'w')),
          async () => {
            for (;;) {
              try {
                await ctx.task(stage.step, t(100));
              } catch {
                // It never learns.
              }
            }
          },
        ]),
      'w',
    );
  });
});
