import { defineTask, shellTask, type Context, type TaskSettings } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import type { MemoryStore } from '../../src/testing.ts';
import { journal } from '../lab.fixture.ts';
import {
  brief,
  crashes,
  everywhere,
  perform,
  plain,
  t,
  watchForLeaks,
  type Program,
} from './stage.fixture.ts';

/* What a group says for the tasks in it: a call's own word goes first, then its definition's, then that of the innermost group. */

watchForLeaks();

/** What was recorded of each call, by key. */
function recorded(store: MemoryStore): Record<string, unknown> {
  return Object.fromEntries(
    journal(store).flatMap(({ event }) =>
      event.type === 'TaskScheduled'
        ? [
            [
              event.key,
              { pool: event.pool, attempts: event.policy.retry.attempts, timeoutMs: event.policy.timeoutMs },
            ],
          ]
        : [],
    ),
  );
}

const none = { pool: null, attempts: 1, timeoutMs: null };

describe('defaults of a group', () => {
  it('reach calls, nested groups, and no call outside; an inner group goes before an outer one', async () => {
    const { store } = await perform((stage) => async (_, ctx) => {
      await ctx.parallel.all(
        [
          () => ctx.task(stage.step, t(1)),
          () =>
            ctx.parallel.map([1], () => ctx.task(stage.step, t(1)), {
              pool: { name: 'inner' },
              retry: { attempts: 5 },
            }),
          () => ctx.parallel.forkJoin({ a: () => ctx.task(stage.step, t(1)) }, { taskTimeout: 7 }),
        ],
        { pool: 'outer', retry: { attempts: 3 }, taskTimeout: '1s' },
      );
      await ctx.task(stage.step, t(1));
    });
    expect(recorded(store)).toEqual({
      '0/0/0': { pool: 'outer', attempts: 3, timeoutMs: 1000 },
      '0/1/0/0/0': { pool: 'inner', attempts: 5, timeoutMs: 1000 },
      '0/2/0/:a/0': { pool: 'outer', attempts: 3, timeoutMs: 7 },
      '1': none,
    });
  });

  it('what the definition says goes before, and what the call says before that', async () => {
    const own: TaskSettings = { pool: 'own', retry: { attempts: 2 }, timeout: 50 };
    const { store } = await perform(
      (stage) => (_, ctx) =>
        ctx.parallel.all(
          [
            () => ctx.task(stage.with(own), t(1)),
            () =>
              ctx.task(stage.with(own), t(1), {
                pool: { name: 'call' },
                retry: { attempts: 9 },
                timeout: 90,
                cost: 2,
              }),
            () => ctx.task(stage.step, t(1), { pool: undefined as never, timeout: 90 }),
          ],
          { pool: 'group', retry: { attempts: 3 }, taskTimeout: 30 },
        ),
    );
    expect(recorded(store)).toEqual({
      '0/0/0': { pool: 'own', attempts: 2, timeoutMs: 50 },
      '0/1/0': { pool: 'call', attempts: 9, timeoutMs: 90 },
      '0/2/0': { pool: 'group', attempts: 3, timeoutMs: 90 },
    });
  });

  it('the pool that comes with a shell task is not its own word', async () => {
    const implied = shellTask({ name: 'implied', command: ['true'] });
    const named = shellTask({ name: 'named', command: ['true'], pool: 'shell' });
    const { store } = await perform(() => async (_, ctx: Context) => {
      await ctx.parallel.all([() => ctx.task(implied), () => ctx.task(named)], { pool: 'group' });
      await ctx.task(implied);
      await ctx.task(implied, undefined, { pool: 'call' });
    });
    expect(recorded(store)).toMatchObject({
      '0/0/0': { pool: 'group' },
      '0/1/0': { pool: 'shell' },
      1: { pool: 'shell' },
      2: { pool: 'call' },
    });
  });

  it('⟲ retry: tasks inside are tried again', async () => {
    const { stage } = await everywhere(
      (lab) => (_, ctx) =>
        ctx.parallel.map([1, 2], (n) => ctx.task(lab.step, { ms: 5, value: n, failures: 1 }), {
          retry: { attempts: 2, delay: 10 },
        }),
      [1, 2],
    );
    expect(stage.invoked).toHaveLength(4);
  });

  it('retry: its shouldRetry is asked', async () => {
    const { value, stage } = await perform(
      (lab) => (_, ctx) =>
        ctx.parallel
          .map([1], (n) => ctx.task(lab.step, { ms: 5, value: n, failures: 1 }), {
            retry: { attempts: 2, shouldRetry: () => false },
          })
          .catch(brief),
    );
    expect(value).toBe('TaskError: failure 1');
    expect(stage.invoked).toHaveLength(1);
  });

  it('⟲ taskTimeout: each attempt has its own', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const entries = await ctx.parallel.allSettled(
          [5, 500].map((ms) => () => ctx.task(stage.step, t(ms))),
          { taskTimeout: 50 },
        );
        return entries.map((entry) => (entry.status === 'fulfilled' ? entry.value : brief(entry.reason)));
      },
      [5, 'TimeoutError'],
    );
  });
});

describe('the pool of a group', () => {
  const one = { pools: { one: 1, two: { limits: { slots: 64, gpu: 4 } } } };

  it.each(['all', 'allTuple', 'allSettled', 'some'] as const)(
    'A52 %s: a pool of one gives its slot by priority, results come in input order',
    async (mode) => {
      const { value, stage } = await perform(
        (lab) => async (_, ctx) => {
          const busy = ctx.task(lab.with({ pool: 'one' }), t(50, 'busy'));
          await ctx.sleep(10);
          const result: readonly unknown[] = await ctx.parallel[mode](
            (['background', 'user-visible', 'user-blocking'] as const).map(
              (priority) => () => ctx.task(lab.step, t(5, priority), { priority, key: priority }),
            ),
            { pool: 'one', ...(mode === 'some' ? { preserveOrder: true } : {}) },
          );
          return [
            await busy,
            result.map((each) => (each instanceof Object ? Reflect.get(each, 'value') : each)),
          ];
        },
        one,
      );
      expect(value).toEqual(['busy', ['background', 'user-visible', 'user-blocking']]);
      expect(stage.started).toEqual(['0', '2/2/:user-blocking', '2/1/:user-visible', '2/0/:background']);
      expect(stage.maxParallel).toBe(1);
    },
  );

  it('A52 priority as a default of forkJoin, and A53 first come, first served within it', async () => {
    const { stage } = await perform(
      (lab) => async (_, ctx) => {
        const step = (): Promise<unknown> => ctx.task(lab.step, t(5));
        const busy = ctx.task(lab.step, t(50), { pool: 'one' });
        await ctx.sleep(10);
        await Promise.all([
          ctx.parallel.forkJoin({ a: step, b: step }, { pool: 'one', priority: 'background', key: 'low' }),
          ctx.parallel.mapSettled([1, 2], step, { pool: 'one', priority: 5, key: 'high' }),
          busy,
        ]);
      },
      one,
    );
    expect(stage.started).toEqual(['0', ':high/0/0', ':high/1/0', ':low/:a/0', ':low/:b/0']);
  });

  it('A54 may change between crash and resume, as priority, retry, cost and timeouts may', async () => {
    const program =
      (options: object): Program =>
      (stage) =>
      async (_, ctx) => [
        await ctx.parallel.forkJoin(
          { a: () => ctx.task(stage.step, t(9, 'a')), b: () => ctx.task(stage.step, t(5, 'b')) },
          options,
        ),
        await ctx.parallel.some(
          [t(9, 'a'), t(5, 'b')].map((step) => () => ctx.task(stage.step, step)),
          options,
        ),
      ];
    const knobs = [
      {},
      { pool: 'one', priority: 5, concurrency: 1 },
      { retry: { attempts: 3 }, taskTimeout: '1m', cost: { gpu: 2 }, pool: 'two' },
      { timeout: '1h', losers: 'drain' },
    ];
    for (const was of knobs) {
      const { store, told } = await perform(program(was), one);
      for (const is of knobs) {
        const expected = plain(told);
        if (
          was === is ||
          JSON.stringify(was).includes('concurrency') ||
          JSON.stringify(is).includes('concurrency')
        )
          continue;
        await crashes(store, program(is), expected, { runtime: one });
      }
    }
  });

  it('A54 concurrency changed: the same values', async () => {
    const program =
      (concurrency: number): Program =>
      (stage) =>
      (_, ctx) =>
        ctx.parallel.forkJoin(
          Object.fromEntries(['a', 'b', 'c'].map((key) => [key, () => ctx.task(stage.step, t(9, key))])),
          { concurrency },
        );
    const { store, told } = await perform(program(1));
    await crashes(store, program(3), plain(told));
    const { store: wide } = await perform(program(3));
    await crashes(wide, program(1), plain(told));
  });
});

describe('a cost', () => {
  it('is taken from the call, else from the innermost group', async () => {
    const task = defineTask({ name: 'costly', run: () => 1 });
    const { value } = await perform(() => async (_, ctx) => {
      const pool = ctx.pool('p', { limits: { gpu: 2, mem: 8 } });
      return ctx.parallel.all(
        [
          () => ctx.task(task, undefined, { cost: { gpu: 1.5 } }),
          () => ctx.parallel.all([() => ctx.task(task)], { cost: { mem: 8 } }),
        ],
        // Of a pool with several resources it would be refused.
        { cost: 2, pool },
      );
    });
    expect(value).toEqual([1, [1]]);
  });
});
