import { getEventListeners } from 'node:events';
import type { Settled } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import type { MemoryStore } from '../../src/testing.ts';
import { MemoryStore as Store } from '../../src/testing.ts';
import { journal, shape } from '../lab.fixture.ts';
import {
  brief,
  everywhere,
  f,
  perform,
  plain,
  replays,
  resumeAt,
  seqOf,
  Stage,
  t,
  watchForLeaks,
  type Program,
} from './stage.fixture.ts';

/* What becomes of branches that run when their group is decided, where they are not given up. */

watchForLeaks();

const cancelled = (store: MemoryStore): string[] =>
  shape(store).filter((line) => line.startsWith('TaskCancelled'));

const told = (entry: Settled<unknown>): unknown =>
  entry.status === 'fulfilled'
    ? [entry.index, entry.value]
    : [entry.index, brief(entry.reason), entry.started];

describe('drain', () => {
  it('⟲ a race settles with the first, once the others have ended by themselves', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        const seen: unknown[] = [];
        const winner = await ctx.parallel.race(
          [t(50, 'slow'), t(5, 'fast'), f(20, 'x')].map((step) => async () => {
            try {
              const value = await ctx.task(stage.step, step);
              seen.push(value);
              return value;
            } catch (error) {
              seen.push(brief(error));
              throw error;
            }
          }),
          { losers: 'drain' },
        );
        return [winner, seen, await ctx.task(stage.step, t(1, 'after'))];
      },
      ['fast', ['fast', 'TaskError: x', 'slow'], 'after'],
      { depth: 2 },
    );
    const lines = shape(store);
    expect(lines.indexOf('ScopeClosed 0')).toBe(lines.indexOf('TaskSucceeded 0/1/0') + 1);
    expect(lines.indexOf('TaskScheduled 1')).toBe(lines.indexOf('TaskSucceeded 0/0/0') + 1);
    expect(cancelled(store)).toEqual([]);
    expect(journal(store)[1]?.event).toMatchObject({ type: 'ScopeOpened', losers: 'drain' });
  });

  it('⟲ what goes on may ask for more: tasks, timers, groups, all in its own scope', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        let drained: unknown = 'nothing';
        const error: unknown = await ctx.parallel
          .all(
            [
              () => ctx.task(stage.step, f(5, 'boom')),
              async () => {
                await ctx.task(stage.step, t(20));
                await ctx.sleep(10);
                drained = await ctx.parallel.race([
                  () => ctx.task(stage.step, t(5, 'inner')),
                  () => ctx.task(stage.step, t(500)),
                ]);
                return ctx.task(stage.step, { ms: 5, failures: 1 }, { retry: { attempts: 2, delay: 10 } });
              },
            ],
            { losers: 'drain' },
          )
          .catch(brief);
        return [error, drained, ctx.signal.aborted];
      },
      ['TaskError: boom', 'inner', false],
    );
    expect(cancelled(store)).toEqual(['TaskCancelled 0/1/2/1/0']);
  });

  it('⟲ no further thunk is started, whatever there is room for', async () => {
    const { stage } = await everywhere(
      (lab) => async (_, ctx) => {
        const values = await ctx.parallel.any(
          [t(30, 'a'), t(10, 'b'), t(1, 'c'), t(1, 'd')].map((step) => () => ctx.task(lab.step, step)),
          { losers: 'drain', concurrency: 2 },
        );
        return [values, lab.clock.monotonic() >= 0];
      },
      ['b', true],
      { depth: 2 },
    );
    expect(stage.started).toEqual(['0/0/0', '0/1/0']);
    expect(stage.spans.map(({ to }) => to)).toEqual([30, 10]);
  });

  it('⟲ entries tell what became of those that went on, and who never started', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const entries = await ctx.parallel.mapSettled(
          [t(30, 'a'), t(10, 'b'), f(20, 'x'), t(1, 'd')],
          (step) => ctx.task(stage.step, step),
          { losers: 'drain', concurrency: 3, completion: { minSuccessful: 1 } },
        );
        const some = await ctx.parallel.some(
          [t(30, 'a'), t(10, 'b'), f(20, 'x')].map((step) => () => ctx.task(stage.step, step)),
          { losers: 'drain', completion: { minSuccessful: 1 } },
        );
        return [entries.map(told), some];
      },
      [
        [
          [0, 'a'],
          [1, 'b'],
          [2, 'TaskError: x', true],
          [3, 'CancelledError', false],
        ],
        ['b', 'a'],
      ],
      { depth: 2 },
    );
  });

  it('⟲ a timeout or an abort ends the wait, and leaves the decision', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        const controller = new AbortController();
        const timed = await ctx.parallel.race(
          [t(5, 'a'), t(500)].map((step) => () => ctx.task(stage.step, step)),
          {
            losers: 'drain',
            timeout: 50,
          },
        );
        const aborted = ctx.parallel.race(
          [t(5, 'b'), t(500)].map((step) => () => ctx.task(stage.step, step)),
          { losers: 'drain', signal: controller.signal },
        );
        await ctx.task(stage.step, t(20));
        controller.abort();
        return [timed, await aborted, getEventListeners(controller.signal, 'abort').length];
      },
      ['a', 'b', 0],
      { depth: 2 },
    );
    const lines = shape(store);
    expect(lines.indexOf('ScopeTimedOut 0')).toBeGreaterThan(lines.indexOf('ScopeClosed 0'));
    expect(cancelled(store)).toEqual(['TaskCancelled 0/1/0', 'TaskCancelled 1/1/0']);
  });

  it('⟲ a decision further out gives up what drains in it', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => [
        await ctx.parallel.race([
          () => ctx.task(stage.step, t(20, 'outer')),
          () =>
            ctx.parallel.race(
              [t(5), t(500)].map((step) => () => ctx.task(stage.step, step)),
              {
                losers: 'drain',
              },
            ),
        ]),
        await ctx.task(stage.step, t(5, 'after')),
      ],
      ['outer', 'after'],
      { depth: 2 },
    );
    expect(cancelled(store)).toEqual(['TaskCancelled 0/1/0/1/0']);
  });

  it('a process that returns without waiting for it cancels it', async () => {
    const { store, value } = await perform((stage) => async (_, ctx) => {
      void ctx.parallel.race(
        [t(5), t(500)].map((step) => () => ctx.task(stage.step, step)),
        {
          losers: 'drain',
        },
      );
      await ctx.sleep(20);
      return 'done';
    });
    expect(value).toBe('done');
    expect(cancelled(store)).toEqual(['TaskCancelled 0/1/0']);
  });
});

describe('detach', () => {
  const backup: Program = (stage) => async (_, ctx) => {
    const winner = await ctx.parallel.race(
      [
        () => ctx.task(stage.step, t(5, 'fast')),
        async () => {
          await ctx.task(stage.step, t(50, 'slow'));
          await ctx.sleep(10);
          return ctx.task(stage.step, t(5, 'and more'));
        },
      ],
      { losers: 'detach' },
    );
    return [winner, await ctx.task(stage.step, t(10, 'after'))];
  };

  it('⟲ the group settles at once, and the run ends when what goes on has', async () => {
    const { stage, store } = await everywhere(backup, ['fast', 'after'], { depth: 2 });
    expect(stage.spans.map(({ key, from, to }) => [key, from, to])).toEqual([
      ['0/0/0', 0, 5],
      ['0/1/0', 0, 50],
      ['1', 5, 15],
      ['0/1/2', 60, 65],
    ]);
    expect(cancelled(store)).toEqual([]);
    expect(shape(store).slice(-2)).toEqual(['TaskSucceeded 0/1/2', 'RunSucceeded']);
  });

  it('⟲ a failure of it is nobody’s, and ends nothing', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        const winner = await ctx.parallel.any(
          [
            () => ctx.task(stage.step, t(5, 'fast')),
            async () => {
              await ctx.task(stage.step, t(10));
              throw new RangeError('nobody hears it');
            },
            () => ctx.task(stage.step, f(20, 'x')),
          ],
          { losers: 'detach' },
        );
        return winner;
      },
      'fast',
      { depth: 2 },
    );
    expect(shape(store)).toContain('TaskFailed 0/2/0');
  });

  it('⟲ entries are those of the decision, and do not change', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const entries = await ctx.parallel.mapSettled([30, 5], (ms) => ctx.task(stage.step, t(ms)), {
          losers: 'detach',
          completion: { minSuccessful: 1 },
        });
        const before = entries.map(told);
        await ctx.sleep(100);
        return [before, entries.map(told)];
      },
      [
        [
          [0, 'CancelledError', true],
          [1, 5],
        ],
        [
          [0, 'CancelledError', true],
          [1, 5],
        ],
      ],
    );
  });

  it('a process that fails waits for it too', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      await ctx.parallel.race(
        [t(5), t(50, 'late')].map((step) => () => ctx.task(stage.step, step)),
        {
          losers: 'detach',
        },
      );
      throw new RangeError('the process gave up');
    };
    const { store, told: ended } = await perform(program);
    expect(plain(ended)).toEqual({ error: 'RangeError: the process gave up' });
    expect(shape(store).slice(-2)).toEqual(['TaskSucceeded 0/1/0', 'RunFailed']);
    for (let seq = 1; seq < journal(store).length; seq += 1) {
      const resumed = await resumeAt(store, seq, program);
      expect(plain(resumed.told)).toEqual(plain(ended));
      expect(shape(resumed.store).slice(-2)).toEqual(['TaskSucceeded 0/1/0', 'RunFailed']);
      await replays(resumed.store, program);
    }
  });

  it('other calls that nobody waits for are cancelled when it has ended', async () => {
    const { store } = await perform((stage) => async (_, ctx) => {
      void ctx.task(stage.step, t(500));
      void ctx.task(stage.step, t(30));
      return ctx.parallel.race(
        [t(5, 'w'), t(50)].map((step) => () => ctx.task(stage.step, step)),
        {
          losers: 'detach',
        },
      );
    });
    expect(cancelled(store)).toEqual(['TaskCancelled 0']);
    expect(shape(store)).toEqual(expect.arrayContaining(['TaskSucceeded 1', 'TaskSucceeded 2/1/0']));
  });

  it('a run that is cancelled cancels it', async () => {
    const stage = new Stage();
    const store = new Store();
    await stage.use(store, {}, async (runtime) => {
      const handle = runtime.start(
        async (_: null, ctx) =>
          ctx.parallel.race(
            [t(5, 'w'), t(5000)].map((step) => () => ctx.task(stage.step, step)),
            {
              losers: 'detach',
            },
          ),
        null,
        { id: 'r' },
      );
      stage.later(100, () => handle.cancel('enough'));
      await expect(handle.result()).rejects.toMatchObject({ code: 'CANCELLED' });
    });
    expect(cancelled(store)).toEqual(['TaskCancelled 0/1/0']);
    expect(stage.clock.monotonic()).toBeLessThan(1000);
  });

  it('⟲ its own timeout and signal give it up', async () => {
    const { store, stage } = await everywhere(
      (lab) => async (_, ctx) => {
        const controller = new AbortController();
        const race = (options: object): Promise<unknown> =>
          ctx.parallel.race(
            [t(5, 'w'), t(5000)].map((step) => () => ctx.task(lab.step, step)),
            {
              losers: 'detach',
              ...options,
            },
          );
        const values = [await race({ timeout: 50 }), await race({ signal: controller.signal })];
        await ctx.sleep(20);
        controller.abort();
        await ctx.sleep(100);
        return [values, getEventListeners(controller.signal, 'abort').length];
      },
      [['w', 'w'], 0],
      { depth: 2 },
    );
    expect(cancelled(store).toSorted()).toEqual(['TaskCancelled 0/1/0', 'TaskCancelled 1/1/0']);
    expect(stage.clock.monotonic()).toBeLessThan(1000);
  });

  it('⟲ the decisions of groups around it do not give it up', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        const detaching = (name: string): Promise<unknown> =>
          ctx.parallel.race(
            [
              () => ctx.task(stage.step, t(5, name)),
              async () => {
                await ctx.task(stage.step, t(60, `${name} late`));
                return ctx.task(stage.step, t(5, `${name} later`));
              },
            ],
            { losers: 'detach' },
          );
        return [
          await ctx.parallel.map(['a', 'b'], detaching),
          await ctx.parallel.race([
            () => ctx.task(stage.step, t(20, 'w')),
            async () => {
              await detaching('c');
              return ctx.task(stage.step, t(500, 'given up'));
            },
          ]),
        ];
      },
      [['a', 'b'], 'w'],
    );
    expect(cancelled(store)).toEqual(['TaskCancelled 1/1/1']);
    expect(shape(store)).toEqual(
      expect.arrayContaining([
        'TaskSucceeded 0/0/0/1/1',
        'TaskSucceeded 0/1/0/1/1',
        'TaskSucceeded 1/1/0/1/1',
      ]),
    );
  });

  it('⟲ the timeout of a group around it does', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        const signals: AbortSignal[] = [];
        const outer = await ctx.parallel
          .all(
            [
              () =>
                ctx.parallel.race(
                  [
                    () => ctx.task(stage.step, t(5, 'w')),
                    () => {
                      signals.push(ctx.signal);
                      return ctx.task(stage.step, t(5000));
                    },
                  ],
                  { losers: 'detach' },
                ),
              () => ctx.task(stage.step, t(4000)),
            ],
            { timeout: 50 },
          )
          .catch(brief);
        return [outer, signals.map((signal) => signal.aborted)];
      },
      ['TimeoutError', [true]],
    );
    expect(cancelled(store).toSorted()).toEqual(['TaskCancelled 0/0/0/1/0', 'TaskCancelled 0/1/0']);
  });

  it('a group that is aborted or timed out before its decision is given up as any', async () => {
    for (const losers of ['drain', 'detach'] as const) {
      const { store, value } = await perform(
        (stage) => (_, ctx) =>
          ctx.parallel.all([() => ctx.task(stage.step, t(500))], { losers, timeout: 20 }).catch(brief),
      );
      expect(value).toBe('TimeoutError');
      expect(cancelled(store)).toEqual(['TaskCancelled 0/0/0']);
    }
  });
});

describe('losers that change with the code', () => {
  const program =
    (losers: 'cancel' | 'drain' | 'detach'): Program =>
    (stage) =>
    async (_, ctx) => [
      await ctx.parallel.race(
        [t(20, 'w'), t(60, 'late')].map((step) => () => ctx.task(stage.step, step)),
        {
          losers,
        },
      ),
      await ctx.task(stage.step, t(5, 'after')),
    ];
  const kinds = ['cancel', 'drain', 'detach'] as const;

  it.each(kinds.flatMap((was) => kinds.filter((is) => is !== was).map((is) => [was, is] as const)))(
    '%s -> %s: what was recorded counts',
    async (was, is) => {
      const { store } = await perform(program(was));
      for (let seq = seqOf(store, 'ScopeOpened'); seq <= journal(store).length; seq += 1) {
        const resumed = await resumeAt(store, seq, program(is));
        expect(resumed.value).toEqual(['w', 'after']);
        expect(cancelled(resumed.store)).toEqual(was === 'cancel' ? ['TaskCancelled 0/1/0'] : []);
        await replays(resumed.store, program(is));
        await replays(resumed.store, program(was));
      }
    },
  );
});

describe('named branches that stand in another order after a crash', () => {
  it.each(['cancel', 'drain', 'detach'] as const)(
    'one that has lost its slot is not started by a decision that comes first (%s)',
    async (losers) => {
      const names = ['a', 'b', 'c', 'd', 'e'];
      const program =
        (list: readonly string[]): Program =>
        (stage) =>
        async (_, ctx) => {
          const entries = await ctx.parallel.mapSettled(
            list,
            (name) => ctx.task(stage.step, t(name.charCodeAt(0), name)),
            { keyBy: (name) => name, concurrency: 2, completion: { minSuccessful: 3 }, losers },
          );
          await ctx.sleep(500);
          return entries.filter(({ status }) => status === 'fulfilled').length;
        };
      const fulfilled = losers === 'drain' ? 4 : 3;
      const { store, value } = await perform(program(names));
      expect(value).toBe(fulfilled);
      for (let seq = 1; seq <= journal(store).length; seq += 1) {
        const resumed = await resumeAt(store, seq, program(names.toReversed()));
        const where = `after a crash at seq ${seq}\n${shape(resumed.store).join('\n')}`;
        expect(resumed.value, where).toBe(fulfilled);
        await replays(resumed.store, program(names.toReversed()), where);
      }
    },
  );
});
