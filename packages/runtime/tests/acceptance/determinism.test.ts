import { AsyncLocalStorage } from 'node:async_hooks';
import { readFile } from 'node:fs/promises';
import { NonDeterminismError, RunLockedError, type Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { RuntimeError } from '../../src/index.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import {
  brief,
  crashes,
  everywhere,
  f,
  perform,
  plain,
  resumeAt,
  seqOf,
  Stage,
  t,
  watchForLeaks,
  type Program,
  type Told,
} from './stage.fixture.ts';

watchForLeaks();

const MODES = [
  'all',
  'allSettled',
  'any',
  'race',
  'map',
  'some',
  'mapSettled',
  'forkJoin',
  'forkJoinSettled',
] as const;

/** Thunks under a combinator; map goes over them, and forkJoin has them by name. */
function combine(
  ctx: Context,
  mode: (typeof MODES)[number],
  thunks: readonly (() => unknown)[],
): Promise<unknown> {
  switch (mode) {
    case 'map':
    case 'mapSettled':
      return ctx.parallel[mode](thunks, (thunk: () => unknown) => thunk());
    case 'forkJoin':
    case 'forkJoinSettled':
      return ctx.parallel[mode](Object.fromEntries(thunks.map((thunk, i) => [`b${i}`, thunk])));
    default:
      return ctx.parallel[mode](thunks);
  }
}

describe('crash around a decision', () => {
  const a04: Program = (stage) => async (_, ctx) => {
    const error: unknown = await ctx.parallel
      .all([
        () => ctx.task(stage.step, { ms: 300, value: 1, deaf: true }),
        () => ctx.task(stage.step, f(20, 'boom')),
      ])
      .catch(brief);
    return [error, await ctx.task(stage.step, t(5, 'after'))];
  };

  it('A05 right after ScopeClosed: the same rejection, the loser not invoked again', async () => {
    const { store } = await perform(a04);
    const { value, stage } = await resumeAt(store, seqOf(store, 'ScopeClosed', '0'), a04);
    expect(value).toEqual(['TaskError: boom', 'after']);
    expect(stage.invoked.map(({ key }) => key)).toEqual(['1']);
  });

  const race: Program = (stage) => async (_, ctx) => [
    await ctx.parallel.race(
      [t(100, 'a'), t(10, 'b'), t(50, 'c')].map((step) => () => ctx.task(stage.step, step)),
    ),
    await ctx.task(stage.step, t(5, 'after')),
  ];

  it('A28 right after ScopeClosed of a race: no loser is dispatched again', async () => {
    const { store } = await perform(race);
    const { value, stage } = await resumeAt(store, seqOf(store, 'ScopeClosed', '0'), race);
    expect(value).toEqual(['b', 'after']);
    expect(stage.invoked.map(({ key }) => key)).toEqual(['1']);
  });

  it('A29 between the winner and the decision: decided without invoking any task of the race', async () => {
    const { store } = await perform(race);
    const seq = seqOf(store, 'TaskSucceeded', '0/1/0');
    expect(shape(store)[seq]).toBe('ScopeClosed 0');
    const { value, stage, store: resumed } = await resumeAt(store, seq, race);
    expect(value).toEqual(['b', 'after']);
    expect(stage.invoked.map(({ key }) => key)).toEqual(['1']);
    expect(shape(resumed)[seq]).toBe('ScopeClosed 0');
  });

  it.each([
    ['any', [f(5, 'x'), t(10, 'ok'), t(50, 'late')], 'ok'],
    ['all', [t(5), f(10, 'x'), t(50)], 'TaskError: x'],
    ['allSettled', [t(5, 'a'), f(10, 'x')], ['fulfilled', 'rejected']],
  ] as const)('A29 the same for %s', async (mode, inputs, expected) => {
    const program: Program = (stage) => async (_, ctx) => {
      const told: unknown = await ctx.parallel[mode](
        inputs.map((step) => () => ctx.task(stage.step, step)),
      ).catch(brief);
      return Array.isArray(told) ? told.map(({ status }: { status: string }) => status) : told;
    };
    const { store } = await perform(program);
    const { value, stage } = await resumeAt(store, seqOf(store, 'ScopeClosed', '0') - 1, program);
    expect(value).toEqual(expected);
    expect(stage.invoked).toEqual([]);
  });
});

/** Resumes with other code; the journal and the world must be untouched by a divergence. */
async function diverges(store: MemoryStore, seq: number, program: Program): Promise<NonDeterminismError> {
  const before = transcript(store).slice(0, seq);
  const { told, stage, store: after } = await resumeAt(store, seq, program);
  const error = 'error' in told ? told.error : undefined;
  expect(error, JSON.stringify(told)).toBeInstanceOf(NonDeterminismError);
  expect(transcript(after)).toEqual(before);
  expect(stage.invoked).toEqual([]);
  return error as NonDeterminismError;
}

describe('D03 the number of branches is part of a group', () => {
  const width =
    (mode: (typeof MODES)[number], n: number): Program =>
    (stage) =>
    async (_, ctx) => {
      const thunks = Array.from({ length: n }, (_each, i) => () => ctx.task(stage.step, t(10 + i, i)));
      await ctx.task(stage.step, t(1));
      return [await combine(ctx, mode, thunks), await ctx.task(stage.step, t(1, 'after'))].length;
    };
  const pairs = MODES.flatMap((mode) => [4, 2, 0].map((n) => [mode, n] as const));

  it.each(pairs)('%s of 3 becomes %s', async (mode, n) => {
    if (mode === 'race' && n === 0) return;
    const { store } = await perform(width(mode, 3));
    for (const type of ['ScopeOpened', 'TaskSucceeded', 'ScopeClosed', 'RunSucceeded'] as const) {
      const seq =
        type === 'RunSucceeded'
          ? journal(store).length - 1
          : seqOf(
              store,
              type,
              type === 'TaskSucceeded' ? (mode.startsWith('fork') ? '1/:b0/0' : '1/0/0') : '1',
            );
      const { report, message } = await diverges(store, seq, width(mode, n));
      expect(report).toMatchObject({
        key: '1',
        recorded: `parallel.${mode} of 3`,
        asked: `parallel.${mode} of ${n}`,
      });
      expect(message).toContain(`parallel.${mode} of 3`);
      expect(report?.where).toMatch(/determinism\.test\.ts:\d+:\d+$/);
    }
  });

  it('so is the combinator', async () => {
    const { store } = await perform(width('all', 3));
    const { report } = await diverges(store, seqOf(store, 'ScopeOpened'), width('race', 3));
    expect(report).toMatchObject({ key: '1', recorded: 'parallel.all of 3', asked: 'parallel.race of 3' });
  });
});

describe('D05 branches in another order', () => {
  const regions =
    (
      order: readonly string[],
      options: { keyed: boolean; concurrency?: number; fail?: string; batchSize?: number },
    ): Program =>
    (stage) =>
    async (_, ctx) => {
      const { keyed, fail, ...rest } = options;
      const result: unknown = await ctx.parallel
        .map(order, (name) => ctx.task(stage.step, name === fail ? f(12, name) : t(10 + name.length, name)), {
          ...rest,
          ...(keyed ? { keyBy: (name: string) => name } : {}),
        })
        .then((values) => values.toSorted(), brief);
      return [result, await ctx.task(stage.step, t(5, 'after'))];
    };
  const was = ['e', 'us', 'asi'];
  const is = ['asi', 'e', 'us'];

  it('keyed: fine after a crash anywhere', async () => {
    const { store, told } = await perform(regions(was, { keyed: true }));
    expect(plain(told)).toEqual({ value: [['asi', 'e', 'us'], 'after'] });
    await crashes(store, regions(is, { keyed: true }), plain(told));
  });

  it('unkeyed with different inputs: NonDeterminismError with the difference', async () => {
    const { store } = await perform(regions(was, { keyed: false }));
    const { report } = await diverges(
      store,
      seqOf(store, 'TaskScheduled', '0/2/0'),
      regions(is, { keyed: false }),
    );
    expect(report).toMatchObject({ key: '0/0/0', difference: '$.ms: recorded 11, asked 13' });
  });

  it('keyed, of which one fails: the same failure after a crash anywhere', async () => {
    const { store, told } = await perform(regions(was, { keyed: true, fail: 'us' }));
    expect(plain(told)).toEqual({ value: ['TaskError: us', 'after'] });
    await crashes(store, regions(is, { keyed: true, fail: 'us' }), plain(told));
  });

  it.each([{ concurrency: 1 }, { concurrency: 2 }, { batchSize: 2 }, { concurrency: 1, batchSize: 2 }])(
    'keyed, within %o: fine, and no more at once than that',
    async (bounds) => {
      const orders = [was, is, was.toReversed()];
      for (const before of orders) {
        const { store, told } = await perform(regions(before, { keyed: true, ...bounds }));
        for (const after of orders) {
          if (after === before) continue;
          const reordered = regions(after, { keyed: true, ...bounds });
          await crashes(store, reordered, plain(told));
          for (let seq = 1; seq <= journal(store).length; seq += 1) {
            const { stage } = await resumeAt(store, seq, reordered);
            expect(stage.maxParallel).toBeLessThanOrEqual(bounds.concurrency ?? 2);
          }
        }
      }
    },
  );

  it.each([{ concurrency: 1 }, { concurrency: 2 }, { batchSize: 2 }])(
    'keyed, within %o, of which one fails: the same failure',
    async (bounds) => {
      const { store, told } = await perform(regions(was, { keyed: true, fail: 'us', ...bounds }));
      await crashes(store, regions(is, { keyed: true, fail: 'us', ...bounds }), plain(told));
    },
  );

  it('keyed, of forkJoin, nested, within a concurrency of 1', async () => {
    const program =
      (order: readonly string[]): Program =>
      (stage) =>
      async (_, ctx) => {
        const result = await ctx.parallel.forkJoin(
          Object.fromEntries(
            order.map((name) => [
              name,
              async () => {
                const inner = await ctx.parallel.map(
                  order,
                  (part) => ctx.task(stage.step, t(5 + part.length, `${name} ${part}`)),
                  { keyBy: (part) => part, concurrency: 1 },
                );
                return [inner.toSorted(), await ctx.task(stage.step, t(3, name))];
              },
            ]),
          ),
          { concurrency: 1 },
        );
        return Object.entries(result).toSorted(([a], [b]) => (a < b ? -1 : 1));
      };
    const { store, told } = await perform(program(was));
    await crashes(store, program(is), plain(told));
  });
});

describe('D06 thunks are invoked again on replay', () => {
  it('⟲ sum += await in map thunks, push in branches', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        let sum = 0;
        const order: number[] = [];
        await ctx.parallel.map([4, 1, 3], async (ms) => {
          // Read before the wait: the same lost update live and on replay.
          sum += Number(await ctx.task(stage.step, t(ms)));
        });
        const first = sum;
        await ctx.parallel.map(
          [100, 1, 2, 3],
          async (ms, i) => {
            const value = await ctx.task(stage.step, t(ms));
            sum += Number(value);
            order.push(i);
          },
          { concurrency: 2 },
        );
        return { first, sum, order };
      },
      { first: 4, sum: 110, order: [1, 2, 3, 0] },
      { inVirtualTime: true },
    );
  });

  it('⟲ what branches draw, read and name is their own', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const each = await ctx.parallel.map([9, 3, 6], async (ms) => {
        const before = ctx.random();
        await ctx.task(stage.step, t(ms));
        return [before, ctx.random(), ctx.uuid(), ctx.now().getTime()];
      });
      return [each, ctx.random(), new Set(each.flat()).size];
    };
    const { value } = await perform(program);
    // Times of three branches and nine drawn values, all different.
    expect((value as unknown[])[2]).toBe(12);
  });
});

describe('D09 D10 D13 waits on something outside ctx', () => {
  it('⟲ D09 a file read between two calls of one branch while others complete', async () => {
    await everywhere(
      (stage) => (_, ctx) =>
        ctx.parallel.all([
          async () => {
            const a = await ctx.task(stage.step, t(2, 'a'));
            const size = (await readFile(import.meta.filename)).length;
            return [a, size > 0, await ctx.task(stage.step, t(2, 'b'))];
          },
          ...[1, 5, 9].map((ms) => async () => [
            await ctx.task(stage.step, t(ms)),
            await ctx.task(stage.step, t(ms + 1)),
          ]),
        ]),
      [
        ['a', true, 'b'],
        [1, 2],
        [5, 6],
        [9, 10],
      ],
    );
  });

  const once =
    (second: boolean, wait: (stage: Stage) => Promise<unknown>): Program =>
    (stage) =>
    async (_, ctx) => {
      await ctx.task(stage.step, t(5));
      await wait(stage);
      if (second) await ctx.task(stage.step, t(6));
      return ctx.sleep(10);
    };

  it('D10 a recorded call that is not made again, with no wait outside ctx: at once, naming it and what came instead', async () => {
    const { store } = await perform(once(true, async () => undefined));
    const { report, message } = await diverges(
      store,
      seqOf(store, 'TaskScheduled', '1'),
      once(false, async () => undefined),
    );
    expect(report).toMatchObject({ key: '1', recorded: `task 'step'`, asked: 'sleep 10ms' });
    expect(report?.where).toMatch(/determinism\.test\.ts:\d+:\d+$/);
    expect(message).toContain('call 1');
  });

  it('D10 behind a wait outside ctx that does not end: stalled after the bound, naming the call and the wait', async () => {
    const forever = (): Promise<unknown> =>
      new Promise((resolve) => {
        setTimeout(resolve, 86_400_000).unref();
      });
    const { store } = await perform(once(true, async () => undefined));
    const before = transcript(store).length;
    const stage = new Stage();
    const told = await stage.drive(store.prefix('r', before - 2), once(true, forever)(stage), null, {
      stallMs: 30_000,
    });
    const error = 'error' in told ? told.error : undefined;
    expect(error).toBeInstanceOf(RuntimeError);
    expect(error).toMatchObject({
      code: 'STALLED',
      data: { key: '1', where: expect.stringMatching(/determinism\.test\.ts:\d+:\d+$/) },
    });
    expect(stage.clock.monotonic()).toBeGreaterThanOrEqual(30_000);
    expect(stage.clock.monotonic()).toBeLessThan(31_000);
    expect(stage.invoked).toEqual([]);
  });

  /** A raw wait that ends when the test says so, in the tick of the test. */
  const gated = (): { readonly gate: Promise<void>; readonly open: () => void } => {
    const { promise, resolve } = Promise.withResolvers<void>();
    return { gate: promise, open: () => resolve() };
  };

  async function raced(strict: boolean): Promise<{ told: Told; warnings: readonly string[] }> {
    const stage = new Stage();
    const { gate, open } = gated();
    const told = stage.drive(
      new MemoryStore(),
      async (_, ctx: Context) => {
        const first = await Promise.race([ctx.task(stage.step, t(50, 'task')), gate.then(() => 'raw')]);
        return [first, await ctx.task(stage.step, t(5, 'after'))];
      },
      null,
      { strict },
    );
    stage.later(20, open);
    return { told: await told, warnings: stage.warnings };
  }

  it('D13 a raw timer raced against a task warns, with the place of the call that pays for it', async () => {
    const { told, warnings } = await raced(false);
    expect(plain(told)).toEqual({ value: ['raw', 'after'] });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/determinism\.test\.ts:\d+:\d+ after a wait on something outside ctx/);
  });

  it('D13 and fails under strict', async () => {
    const { told } = await raced(true);
    expect(plain(told)).toEqual({
      error: expect.stringMatching(/^NonDeterminismError: ctx was called at .*determinism\.test\.ts/),
    });
  });

  it('⟲ D13 the form with ctx.sleep', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const first = await Promise.race([
          ctx.task(stage.step, t(50, 'task')),
          ctx.sleep(20).then(() => 'timer'),
        ]);
        return [first, await ctx.task(stage.step, t(5, 'after'))];
      },
      ['timer', 'after'],
      { depth: 2 },
    );
  });
});

describe("the user's own AsyncLocalStorage", () => {
  it('⟲ is there in thunks, also in those of a resumed run', async () => {
    const storage = new AsyncLocalStorage<string>();
    await everywhere(
      (stage) => (_, ctx) =>
        storage.run('user', async () => {
          const a = await ctx.task(stage.step, t(5, 'a'));
          const seen = await ctx.parallel.map(
            [1, 2, 3],
            async (ms) => {
              const before = storage.getStore();
              await ctx.task(stage.step, t(ms));
              return [before, storage.getStore()];
            },
            { concurrency: 1 },
          );
          return [a, seen, storage.getStore()];
        }),
      ['a', [1, 2, 3].map(() => ['user', 'user']), 'user'],
      { depth: 2 },
    );
  });
});

describe('D16 addresses', () => {
  it('are unique, and the same in two runs, four levels deep', async () => {
    const program: Program = (stage) => (_, ctx) =>
      ctx.parallel.race([
        () =>
          ctx.parallel.all([
            () =>
              ctx.parallel.map(['x', 'y'], (name) =>
                ctx.parallel.all([
                  () => ctx.task(stage.step, t(3, name)),
                  () => ctx.parallel.any([() => ctx.task(stage.step, t(4, name))]),
                ]),
              ),
            () => ctx.task(stage.step, t(5)),
          ]),
        () => ctx.task(stage.step, t(500)),
      ]);
    const keys = (store: MemoryStore): string[] =>
      journal(store).flatMap(({ event }) =>
        event.type === 'TaskScheduled' || event.type === 'ScopeOpened' ? [event.key] : [],
      );
    const one = await perform(program);
    const two = await perform(program);
    expect(keys(one.store)).toEqual(keys(two.store));
    expect(new Set(keys(one.store)).size).toBe(keys(one.store).length);
    expect(keys(one.store)).toHaveLength(13);
    await everywhere(program, one.value);
  });
});

describe('keys given by the code', () => {
  it('⟲ of any characters stay apart', async () => {
    const keys = [
      'a/b',
      'a%2Fb',
      'a',
      ':a',
      '0',
      '0/1',
      ' ',
      '\n',
      '%',
      '\u0000',
      '\uFFFD',
      '😀',
      '__proto__',
      'constructor',
      '..',
      '\u202E',
    ];
    await everywhere(
      (stage) => async (_, ctx) => [
        await Promise.all(keys.map((key) => ctx.task(stage.step, t(1, key), { key }))),
        await ctx.parallel.map(keys, (key) => ctx.task(stage.step, t(2, key)), {
          keyBy: (key) => key,
          key: 'm/%',
        }),
      ],
      [keys, keys],
    );
  });
});

describe('D19 two runtimes, one run', () => {
  it('one drives it, the other gets RunLockedError; afterwards it has the result', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    const program = async (_: null, ctx: Context): Promise<unknown> => ctx.task(stage.step, t(50, 'done'));
    await stage.use(store, {}, async (first) => {
      const handle = first.start(program, null, { id: 'r' });
      await stage.use(
        store,
        { entropy: { random: () => 0, token: () => 'f'.repeat(32), ulid: () => 'u'.repeat(26) } },
        async (second) => {
          stage.later(10, () => undefined);
          await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
          expect(() => second.resume('r', program)).toThrow(RunLockedError);
          expect(() => second.start(program, null, { id: 'r' })).toThrow(RunLockedError);
          expect(await handle.result()).toBe('done');
          expect(await second.resume('r', program).result()).toBe('done');
        },
      );
    });
    expect(stage.invoked).toHaveLength(1);
  });
});
