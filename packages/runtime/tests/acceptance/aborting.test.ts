import { AsyncLocalStorage } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import { CancelledError, TimeoutError, type Context, type Settled } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { RuntimeError } from '../../src/index.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import {
  brief,
  everywhere,
  f,
  perform,
  replays,
  resumeAt,
  Stage,
  t,
  watchForLeaks,
  type Program,
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
const SETTLED: readonly string[] = ['allSettled', 'mapSettled', 'forkJoinSettled'];

/** Thunks under a combinator with options; map goes over them, and forkJoin has them by name. */
function group(
  ctx: Context,
  mode: (typeof MODES)[number],
  thunks: readonly (() => unknown)[],
  options: object,
): Promise<unknown> {
  switch (mode) {
    case 'map':
    case 'mapSettled':
      return ctx.parallel[mode](thunks, (thunk: () => unknown) => thunk(), options);
    case 'forkJoin':
    case 'forkJoinSettled': {
      const values = ctx.parallel[mode](Object.fromEntries(thunks.entries()), options).then(Object.values);
      values.catch(() => undefined);
      return values;
    }
    default:
      return ctx.parallel[mode](thunks, options);
  }
}

const entry = (each: Settled<unknown>): unknown =>
  each.status === 'fulfilled' ? [each.index, each.value] : [each.index, brief(each.reason), each.started];

/** What became of a group: its value, its entries, or its error. */
const outcome = (result: Promise<unknown>): Promise<unknown> =>
  result.then(
    (value) => (Array.isArray(value) ? value.map((each) => (isEntry(each) ? entry(each) : each)) : value),
    brief,
  );

function isEntry(value: unknown): value is Settled<unknown> {
  return typeof value === 'object' && value !== null && 'status' in value;
}

describe('an abort', () => {
  it.each([true, false])('⟲ A16 tells who had started (preserveOrder %s)', async (preserveOrder) => {
    await everywhere(
      (stage) => (_, ctx) => {
        const controller = new AbortController();
        stage.later(20, () => controller.abort());
        return outcome(
          ctx.parallel.allSettled(
            [0, 1, 2, 3].map((i) => () => ctx.task(stage.step, t(50, i))),
            { concurrency: 2, signal: controller.signal, preserveOrder },
          ),
        );
      },
      [
        [0, 'CancelledError', true],
        [1, 'CancelledError', true],
        [2, 'CancelledError', false],
        [3, 'CancelledError', false],
      ],
      { depth: 2 },
    );
  });

  it('A17 settles at once, and no entry changes when a task that ignores it ends', async () => {
    let entries: readonly Settled<unknown>[] = [];
    const { value, stage, store } = await perform((lab) => async (_, ctx) => {
      const controller = new AbortController();
      lab.later(20, () => controller.abort(new Error('enough')));
      entries = await ctx.parallel.allSettled(
        [() => ctx.task(lab.step, { ms: 200, value: 'late', deaf: true })],
        { signal: controller.signal },
      );
      const at = lab.clock.monotonic();
      await ctx.sleep(500);
      return [at, entries.map(entry)];
    });
    expect(value).toEqual([20, [[0, 'CancelledError', true]]]);
    expect(entries.map(entry)).toEqual([[0, 'CancelledError', true]]);
    expect(stage.spans[0]).toMatchObject({ aborted: true, to: 200 });
    expect(shape(store)).toContain('LateResult 0/0/0');
  });

  it('⟲ A18 in the tick of the call: allSettled resolves, the others reject', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const told: unknown[] = [];
        for (const mode of MODES) {
          const controller = new AbortController();
          const result = outcome(
            group(ctx, mode, [() => ctx.task(stage.step, t(50))], { signal: controller.signal }),
          );
          controller.abort();
          told.push(await result);
        }
        return told;
      },
      MODES.map((mode) => (SETTLED.includes(mode) ? [[0, 'CancelledError', true]] : 'CancelledError')),
    );
  });

  it('A18 rejections of groups that nobody awaits are no unhandled rejections', async () => {
    const { value } = await perform((stage) => async (_, ctx) => {
      for (const mode of MODES) {
        const controller = new AbortController();
        void group(ctx, mode, [() => ctx.task(stage.step, t(50)), () => Promise.reject(new Error('x'))], {
          signal: controller.signal,
        });
        controller.abort();
      }
      await ctx.sleep(10);
      return 'done';
    });
    expect(value).toBe('done');
  });

  it.each(MODES)('⟲ A30 of a signal before the call: parallel.%s runs nothing', async (mode) => {
    const { store, stage } = await everywhere(
      (lab) => async (_, ctx) => {
        let invoked = 0;
        const options = {
          signal: AbortSignal.abort(),
          ...(SETTLED.includes(mode) ? { preserveOrder: false } : {}),
        };
        const thunk = (): unknown => {
          invoked += 1;
          return ctx.task(lab.step, t(50));
        };
        return [await outcome(group(ctx, mode, [thunk, thunk], options)), invoked];
      },
      SETTLED.includes(mode)
        ? [
            [
              [0, 'CancelledError', false],
              [1, 'CancelledError', false],
            ],
            0,
          ]
        : ['CancelledError', 0],
      { depth: 2 },
    );
    expect(stage.invoked).toEqual([]);
    expect(journal(store)[1]?.event).toMatchObject({ type: 'ScopeOpened', aborted: true });
  });

  it('A20 100 sequential calls on one signal leave no listener', async () => {
    const controller = new AbortController();
    let most = 0;
    await perform((stage) => async (_, ctx) => {
      for (let i = 0; i < 100; i += 1) {
        const result = ctx.parallel.all([() => ctx.task(stage.step, t(1))], { signal: controller.signal });
        most = Math.max(most, getEventListeners(controller.signal, 'abort').length);
        await result;
      }
    });
    expect(most).toBe(1);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('A20 one signal over every combinator, decided every way, leaves no listener', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    await perform((stage) => async (_, ctx) => {
      for (const mode of MODES) {
        for (const step of [t(5), f(5, 'x')]) {
          await outcome(
            group(ctx, mode, [() => ctx.task(stage.step, step), () => ctx.task(stage.step, t(9))], {
              signal,
            }),
          );
          await outcome(
            group(ctx, mode, [() => ctx.task(stage.step, { ...step, ms: 50 })], { signal, timeout: 10 }),
          );
        }
        await outcome(group(ctx, mode, [], { signal }));
      }
      // One inside another, on the same signal.
      await ctx.parallel.all([() => ctx.parallel.all([() => ctx.task(stage.step, t(5))], { signal })], {
        signal,
      });
      // A loser that holds a group on it.
      await ctx.parallel.race([
        () => ctx.task(stage.step, t(5)),
        () => ctx.parallel.all([() => ctx.task(stage.step, t(500))], { signal }),
      ]);
    });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('A20 a run that is stopped, cancelled or ended over an open group leaves no listener', async () => {
    for (const how of ['stop', 'cancel', 'end', 'raw'] as const) {
      const { signal } = new AbortController();
      const stage = new Stage();
      const store = new MemoryStore();
      await stage.use(store, {}, async (runtime) => {
        const handle = runtime.start(
          async (_: null, ctx) => {
            const thunk =
              how === 'raw' ? () => new Promise(() => undefined) : () => ctx.task(stage.step, t(1000));
            const open = ctx.parallel.all([thunk], { signal });
            if (how === 'end' || how === 'raw') {
              await ctx.sleep(5);
              return;
            }
            await open;
          },
          null,
          { id: 'r' },
        );
        stage.later(20, () => {
          if (how === 'stop') void runtime.stop('r');
          if (how === 'cancel') handle.cancel();
        });
        await handle.result().catch(() => undefined);
      });
      expect(getEventListeners(signal, 'abort'), how).toHaveLength(0);
    }
  });

  it('⟲ on replay the raw signal is ignored: what is recorded counts', async () => {
    const program =
      (how: 'at 20' | 'before' | 'never'): Program =>
      (stage) =>
      async (_, ctx) => {
        const controller = new AbortController();
        if (how === 'before') controller.abort();
        if (how === 'at 20') stage.later(20, () => controller.abort());
        return [
          await outcome(
            ctx.parallel.all([() => ctx.task(stage.step, t(50, 'a'))], { signal: controller.signal }),
          ),
          ctx.signal.aborted,
          await ctx.task(stage.step, t(5, 'after')),
        ];
      };
    const aborted = await perform(program('at 20'));
    expect(aborted.value).toEqual(['CancelledError', false, 'after']);
    await replays(aborted.store, program('never'));
    await replays(aborted.store, program('before'));
    const free = await perform(program('never'));
    expect(free.value).toEqual([['a'], false, 'after']);
    await replays(free.store, program('before'));
    // A group that was open at the crash hears of it at the head.
    const open = shape(free.store).indexOf('AttemptStarted 0/0/0') + 1;
    const late = await resumeAt(free.store, open, program('before'));
    expect(late.value).toEqual(['CancelledError', false, 'after']);
    expect(shape(late.store)).toContain('ScopeAborted 0');
  });

  const reasons: Record<string, unknown> = {
    undefined: undefined,
    null: null,
    'a string': 'given up',
    'an error': new RangeError('too far'),
    'an error without a message': new RangeError(),
    'an error whose message throws': Object.defineProperty(new Error(), 'message', {
      get() {
        throw new Error('no message');
      },
    }),
    'an error whose message is a number': Object.defineProperty(new Error(), 'message', { value: 5 }),
    'a symbol': Symbol('s'),
    'an object without a prototype': Object.create(null),
    'a frozen error': Object.freeze(new Error('frozen')),
  };
  it.each(Object.entries(reasons))('⟲ with a reason that is %s', async (_, reason) => {
    await everywhere(
      (stage) => (_input, ctx) => {
        const controller = new AbortController();
        stage.later(20, () => controller.abort(reason));
        return outcome(ctx.parallel.all([() => ctx.task(stage.step, t(50))], { signal: controller.signal }));
      },
      'CancelledError',
    );
  });

  /** Where the group stands at 20 ms, by phase. */
  const phases: Record<
    string,
    { program: (stage: Stage, ctx: Context, signal: AbortSignal) => Promise<unknown>; expected: unknown }
  > = {
    'while a task runs': {
      program: (stage, ctx, signal) => ctx.parallel.all([() => ctx.task(stage.step, t(50))], { signal }),
      expected: 'CancelledError',
    },
    'while a task waits for its slot': {
      program: async (stage, ctx, signal) => {
        const step = stage.with({ pool: 'one' });
        const busy = ctx.task(step, t(40, 'busy'));
        return [await outcome(ctx.parallel.all([() => ctx.task(step, t(5))], { signal })), await busy];
      },
      expected: ['CancelledError', 'busy'],
    },
    'while a task waits for its retry': {
      program: (stage, ctx, signal) =>
        ctx.parallel.all(
          [() => ctx.task(stage.step, { ms: 5, failures: 3 }, { retry: { attempts: 5, delay: 100 } })],
          { signal },
        ),
      expected: 'CancelledError',
    },
    'while a branch sleeps': {
      program: (_, ctx, signal) => ctx.parallel.all([() => ctx.sleep('1h')], { signal }),
      expected: 'CancelledError',
    },
    'between chunks': {
      program: (stage, ctx, signal) =>
        ctx.parallel.allSettled(
          [1, 2, 500, 3].map((ms) => () => ctx.task(stage.step, t(ms))),
          { signal, batchSize: 2 },
        ),
      expected: [
        [0, 1],
        [1, 2],
        [2, 'CancelledError', true],
        [3, 3],
      ],
    },
    'after the group was decided': {
      program: async (stage, ctx, signal) => [
        await ctx.parallel.all([() => ctx.task(stage.step, t(5, 'a'))], { signal }),
        await ctx.task(stage.step, t(50, 'b')),
      ],
      expected: [['a'], 'b'],
    },
    'of a group around': {
      program: (stage, ctx, signal) =>
        ctx.parallel.allSettled(
          [
            () => ctx.parallel.all([() => ctx.task(stage.step, t(5)), () => ctx.task(stage.step, t(50))]),
            () => ctx.task(stage.step, t(10, 'done')),
          ],
          { signal },
        ),
      expected: [
        [0, 'CancelledError', true],
        [1, 'done'],
      ],
    },
    'of a group inside': {
      program: (stage, ctx, signal) =>
        ctx.parallel.allSettled([
          () => ctx.parallel.all([() => ctx.task(stage.step, t(50))], { signal }),
          () => ctx.task(stage.step, t(60, 'done')),
        ]),
      expected: [
        [0, 'CancelledError', true],
        [1, 'done'],
      ],
    },
    'of two groups at once': {
      program: (stage, ctx, signal) =>
        Promise.all([
          outcome(ctx.parallel.all([() => ctx.task(stage.step, t(50))], { signal })),
          outcome(ctx.parallel.race([() => ctx.task(stage.step, t(50))], { signal })),
        ]),
      expected: ['CancelledError', 'CancelledError'],
    },
    'of a group in a branch that has lost': {
      program: (stage, ctx, signal) =>
        ctx.parallel.race([
          () => ctx.task(stage.step, t(10, 'w')),
          () => ctx.parallel.all([() => ctx.task(stage.step, t(50))], { signal }),
        ]),
      expected: 'w',
    },
  };
  it.each(Object.entries(phases))('⟲ comes %s', async (_, { program, expected }) => {
    await everywhere(
      (stage) => async (_input, ctx) => {
        const controller = new AbortController();
        // Absolute, so that it comes at the same point of time after a crash.
        stage.later(Math.max(0, Date.UTC(2026, 0, 1) + 20 - stage.clock.now()), () => controller.abort());
        const told = await outcome(program(stage, ctx, controller.signal));
        return [told, await ctx.task(stage.step, t(100, 'after'))];
      },
      [expected, 'after'],
      { runtime: { pools: { one: 1 } }, inVirtualTime: true },
    );
  });

  it('⟲ A70 in a backoff: CancelledError whose cause is the last error, and no further attempt', async () => {
    const { stage } = await everywhere(
      (lab) => async (_, ctx) => {
        const controller = new AbortController();
        lab.later(50, () => controller.abort());
        let inner: unknown;
        const result = await outcome(
          ctx.parallel.all(
            [
              () =>
                ctx
                  .task(lab.step, { ms: 10, failures: 3 }, { retry: { attempts: 5, delay: 100 } })
                  .catch((error: unknown) => {
                    inner =
                      error instanceof CancelledError &&
                      /^failure \d$/.test(String(Reflect.get(Object(error.cause), 'message')));
                    throw error;
                  }),
            ],
            { signal: controller.signal },
          ),
        );
        await ctx.sleep(500);
        return [result, inner];
      },
      ['CancelledError', true],
      { inVirtualTime: true },
    );
    expect(stage.invoked).toHaveLength(1);
  });

  it('flips ctx.signal of the branches it gives up, and of no others', async () => {
    const { value } = await perform((stage) => async (_, ctx) => {
      const controller = new AbortController();
      stage.later(20, () => controller.abort());
      const signals: AbortSignal[] = [ctx.signal];
      const watch = (ms: number) => async (): Promise<unknown> => {
        signals.push(ctx.signal);
        return ctx.parallel.all([
          () => {
            signals.push(ctx.signal);
            return ctx.task(stage.step, t(ms));
          },
        ]);
      };
      await Promise.all([
        outcome(ctx.parallel.all([watch(50)], { signal: controller.signal })),
        ctx.parallel.all([watch(60)]),
      ]);
      return signals.map(({ aborted }) => aborted);
    });
    expect(value).toEqual([false, true, true, false, false]);
  });
});

describe('ctx in a listener of ctx.signal', () => {
  it.each(['race', 'timeout', 'signal'] as const)(
    '⟲ is a call of the branch that was given up: %s',
    async (how) => {
      await everywhere(
        (stage) => async (_, ctx) => {
          const told: unknown[] = [];
          const controller = new AbortController();
          const loser = (): Promise<unknown> => {
            ctx.signal.addEventListener('abort', () => {
              // The first is refused, the second never settles.
              void ctx.task(stage.step, t(1, 'cleanup')).catch((error: unknown) => told.push(brief(error)));
              void ctx.sleep(1).catch((error: unknown) => told.push(brief(error)));
            });
            return ctx.task(stage.step, t(500, 'late'));
          };
          if (how === 'signal') stage.later(20, () => controller.abort());
          const first = await outcome(
            ctx.parallel.race(how === 'race' ? [() => ctx.task(stage.step, t(10, 'w')), loser] : [loser], {
              ...(how === 'timeout' ? { timeout: 20 } : {}),
              signal: controller.signal,
            }),
          );
          return [first, await ctx.task(stage.step, t(20, 'after')), told];
        },
        [{ race: 'w', timeout: 'TimeoutError', signal: 'CancelledError' }[how], 'after', ['CancelledError']],
        { depth: 2 },
      );
    },
  );

  it('⟲ calls of another branch that it sets off come after the decision', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const { snapshot } = AsyncLocalStorage;
        const outside = snapshot();
        const other = promise.then(() => ctx.task(stage.step, t(3, 'other')));
        let sync: Promise<unknown> | undefined;
        const winner = await ctx.parallel.race([
          () => ctx.task(stage.step, t(10, 'w')),
          () => {
            ctx.signal.addEventListener('abort', () => {
              resolve();
              sync = outside(() => ctx.task(stage.step, t(4, 'sync')));
            });
            return ctx.task(stage.step, t(500, 'late'));
          },
        ]);
        return [winner, await other, await sync];
      },
      ['w', 'other', 'sync'],
      { depth: 2 },
    );
  });
});

describe('cancelling a run', () => {
  const shapes: Record<string, (stage: Stage, ctx: Context) => Promise<unknown>> = {
    'while a task runs': (stage, ctx) => ctx.task(stage.step, t(50)),
    'while a task that ignores it runs': (stage, ctx) => ctx.task(stage.step, { ms: 50, deaf: true }),
    'in a backoff': (stage, ctx) =>
      ctx.task(stage.step, { ms: 5, failures: 3 }, { retry: { attempts: 5, delay: 100 } }),
    'in a sleep': (_, ctx) => ctx.sleep('3d'),
    'in a group': (stage, ctx) =>
      ctx.parallel.all([
        () => ctx.task(stage.step, t(50)),
        () => ctx.sleep('1h'),
        () => ctx.parallel.race([() => ctx.task(stage.step, t(70))]),
      ]),
    'with code that swallows it': async (stage, ctx) => {
      for (;;) {
        try {
          await ctx.task(stage.step, t(50));
        } catch {
          // Goes on.
        }
      }
    },
  };
  it.each(Object.entries(shapes))(
    '%s ends it, and it stays ended after a crash anywhere',
    async (_, body) => {
      const run = async (store: MemoryStore, stage: Stage, cancel: boolean): Promise<unknown> =>
        stage.use(store, {}, async (runtime) => {
          const program = async (_input: null, ctx: Context): Promise<unknown> => body(stage, ctx);
          const known = runtime.get('r') !== undefined;
          const handle = known
            ? runtime.resume('r', program as never)
            : runtime.start(program, null, { id: 'r' });
          if (cancel) stage.later(20, () => handle.cancel('enough'));
          return handle
            .result()
            .catch((error: unknown) => error instanceof RuntimeError && [error.code, error.message]);
        });
      const store = new MemoryStore();
      const first = new Stage();
      expect(await run(store, first, true)).toEqual(['CANCELLED', 'Run r was cancelled: enough']);
      const events = journal(store);
      expect(events.findLast(({ event }) => event.type !== 'LateResult')?.event).toEqual({
        type: 'RunCancelled',
        reason: 'enough',
      });
      const from = shape(store).indexOf('CancelRequested') + 1;
      for (let seq = 1; seq <= events.length; seq += 1) {
        const stage = Stage.at(events[seq - 1]?.at ?? 0);
        const prefix = store.prefix('r', seq);
        // A cancel that was not recorded is asked for again.
        const told = await run(prefix, stage, seq < from);
        expect(told, transcript(prefix).join('\n')).toEqual(['CANCELLED', 'Run r was cancelled: enough']);
        if (seq >= from) expect(stage.invoked).toEqual([]);
      }
    },
  );

  it('a cancel after the end does nothing', async () => {
    const stage = new Stage();
    await stage.use(new MemoryStore(), {}, async (runtime) => {
      const handle = runtime.start(async (_: null, ctx: Context) => ctx.task(stage.step, t(5)), null, {
        id: 'r',
      });
      await handle.result();
      handle.cancel('too late');
      expect(runtime.cancel('r')).toBe('ended');
    });
  });

  it('a cancel before the first turn', async () => {
    const stage = new Stage();
    await stage.use(new MemoryStore(), {}, async (runtime) => {
      const handle = runtime.start(async (_: null, ctx: Context) => ctx.task(stage.step, t(5)), null, {
        id: 'r',
      });
      handle.cancel('at once');
      await expect(handle.result()).rejects.toThrow(/cancelled: at once/);
      expect(stage.invoked).toEqual([]);
    });
  });
});

describe('a timeout of a group', () => {
  it.each(MODES)('⟲ parallel.%s gives up what has not settled', async (mode) => {
    const { stage } = await everywhere(
      (lab) => async (_, ctx) => [
        await outcome(
          group(
            ctx,
            mode,
            [
              () => ctx.task(lab.step, f(10, 'x')).catch(() => ctx.task(lab.step, t(90))),
              () => ctx.task(lab.step, t(80)),
            ],
            { timeout: 50 },
          ),
        ),
        await ctx.task(lab.step, t(5, 'after')),
      ],
      SETTLED.includes(mode)
        ? [
            [
              [0, 'TimeoutError', true],
              [1, 'TimeoutError', true],
            ],
            'after',
          ]
        : ['TimeoutError', 'after'],
    );
    expect(stage.spans.filter(({ aborted }) => aborted).map(({ to }) => to)).toEqual([50, 50]);
  });

  it('⟲ does not fire for a group that was decided in time, and leaves no timer', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const value = await ctx.parallel.all([() => ctx.task(stage.step, t(10, 'in time'))], {
          timeout: 100,
        });
        await ctx.task(stage.step, t(5));
        // What is left is the engine's look for messages and this test's look for a hang.
        return [value, stage.timers <= 2, await ctx.task(stage.step, t(200, 'after'))];
      },
      [['in time'], true, 'after'],
    );
  });

  it('⟲ counts from the recording, over a crash', async () => {
    const program: Program = (stage) => (_, ctx) =>
      outcome(ctx.parallel.all([() => ctx.task(stage.step, t(80)), () => ctx.sleep(30)], { timeout: 50 }));
    const { store } = await everywhere(program, 'TimeoutError', { depth: 2 });
    const late = Stage.at(Date.UTC(2026, 0, 1) + 10_000);
    const seq = shape(store).indexOf('TimerFired 0/1/0') + 1;
    const prefix = store.prefix('r', seq);
    expect(await late.drive(prefix, program(late))).toEqual({ value: 'TimeoutError' });
    // Its time was over when the run was resumed: the task starts again, and ends at once.
    expect(late.clock.monotonic()).toBeLessThan(50);
  });

  it('⟲ one inside another: the inner one fires, the outer one goes on', async () => {
    await everywhere(
      (stage) => (_, ctx) =>
        outcome(
          ctx.parallel.allSettled(
            [
              () => ctx.parallel.all([() => ctx.task(stage.step, t(90))], { timeout: 20 }),
              () => ctx.parallel.all([() => ctx.task(stage.step, t(90))], { timeout: 200 }),
              () => ctx.task(stage.step, t(30, 'ok')),
            ],
            { timeout: 60 },
          ),
        ),
      [
        [0, 'TimeoutError', true],
        [1, 'TimeoutError', true],
        [2, 'ok'],
      ],
    );
  });

  it.each(['in order', 'reversed'] as const)(
    '⟲ A73 and the last settle in one tick, %s: one of them is recorded',
    async (order) => {
      const program: Program = (stage) => {
        stage.useTicks(order);
        return (_, ctx) =>
          outcome(
            ctx.parallel.all([() => ctx.sleep(50), () => ctx.task(stage.step, t(50, 'done'))], {
              timeout: 50,
            }),
          );
      };
      const { value, store } = await perform(program);
      expect([JSON.stringify('TimeoutError'), JSON.stringify([undefined, 'done'])]).toContain(
        JSON.stringify(value),
      );
      expect(shape(store).filter((line) => line.startsWith('ScopeClosed'))).toHaveLength(1);
      await replays(store, program);
    },
  );
});

describe('errors of given-up groups', () => {
  it('are CancelledError and TimeoutError, and say which group and why', async () => {
    const { value } = await perform((stage) => async (_, ctx) => {
      const controller = new AbortController();
      stage.later(20, () => controller.abort(new Error('enough')));
      const abortion: unknown = await ctx.parallel
        .all([() => ctx.task(stage.step, t(50))], { signal: controller.signal })
        .catch((e: unknown) => e);
      const timeout: unknown = await ctx.parallel
        .any([() => ctx.task(stage.step, t(50))], { timeout: 10, key: 'g' })
        .catch((e: unknown) => e);
      return [
        abortion instanceof CancelledError && abortion.message,
        timeout instanceof TimeoutError && timeout.message,
      ];
    });
    expect(value).toEqual([
      'parallel.all (0) was given up: enough',
      'parallel.any (:g) timed out after 10 ms',
    ]);
  });
});
