import { defineTask, type Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { journal, shape } from '../lab.fixture.ts';
import { perform, replays, resumeAt, t, watchForLeaks, type Program, type Stage } from './stage.fixture.ts';

watchForLeaks();

const WIDTH = 10_000;
const items = Array.from({ length: WIDTH }, (_, i) => i);

/** Takes no time at all. */
const trivial = (stage: Stage) =>
  defineTask({
    name: 'trivial',
    run: (n: number, task) => {
      stage.invoked.push({ task: 'trivial', key: task.key, attempt: task.attempt });
      return n * 2;
    },
  });

const doubled = items.map((n) => n * 2);

describe('D12 a map of 10,000', () => {
  const wide =
    (options: object): Program =>
    (stage) =>
    (_, ctx) =>
      ctx.parallel.map(items, (n) => ctx.task(trivial(stage), n), options);

  it('takes 3 rows a task and at most 40 commits, and is replayed without an invocation', async () => {
    const { stage, store, value } = await perform(wide({}));
    expect(value).toEqual(doubled);
    expect(stage.invoked).toHaveLength(WIDTH);
    expect(stage.commits).toBeLessThanOrEqual(40);
    // The group's two rows, and the run's.
    expect(journal(store)).toHaveLength(3 * WIDTH + 4);
    await replays(store, wide({}));
  });

  it('within a concurrency of 50: never more at once, and as few rows', async () => {
    let under = 0;
    let most = 0;
    const counted = wide({ concurrency: 50 });
    const program: Program = (stage) => (inputs, ctx) => {
      const watched: Context = {
        ...ctx,
        task: ((definition: never, args: never) => {
          under += 1;
          most = Math.max(most, under);
          return ctx.task(definition, args).finally(() => (under -= 1));
        }) as Context['task'],
      };
      return counted(stage)(inputs, watched);
    };
    const { store, value } = await perform(program);
    expect(value).toEqual(doubled);
    expect(most).toBe(50);
    expect(journal(store)).toHaveLength(3 * WIDTH + 4);
    const half = await resumeAt(store, Math.floor(journal(store).length / 2), wide({ concurrency: 50 }));
    expect(half.value).toEqual(doubled);
    // What was settled at the crash is not invoked again; what was under way is.
    expect(half.stage.invoked.length).toBeLessThanOrEqual(WIDTH / 2 + 100);
    await replays(half.store, wide({ concurrency: 50 }));
  });

  it('that is raced: one decision cancels what is left', async () => {
    const program: Program = (stage) => (_, ctx) =>
      ctx.parallel.race(items.map((n) => () => ctx.task(stage.step, t(n === 17 ? 5 : 500, n))));
    const { store, value, stage } = await perform(program);
    expect(value).toBe(17);
    expect(shape(store).filter((line) => line.startsWith('TaskCancelled'))).toHaveLength(WIDTH - 1);
    expect(stage.spans.filter(({ aborted }) => aborted)).toHaveLength(stage.invoked.length - 1);
    await replays(store, program);
  });

  it('of plain values, settled out of order and half of it given up', async () => {
    const { value } = await perform((stage) => async (_, ctx) => {
      const controller = new AbortController();
      stage.later(20, () => controller.abort());
      const entries = await ctx.parallel.allSettled(
        items.map((n) => () => (n % 2 === 0 ? n : new Promise(() => undefined))),
        { preserveOrder: false, signal: controller.signal },
      );
      return [
        entries.length,
        entries.slice(0, 3).map(({ index }) => index),
        entries.filter(({ status }) => status === 'fulfilled').length,
      ];
    });
    expect(value).toEqual([WIDTH, [0, 2, 4], WIDTH / 2]);
  });

  it('one signal over 10,000 thunks: one listener, no warning', async () => {
    const { value } = await perform(
      (stage) => (_, ctx) =>
        ctx.parallel
          .map(items, (n) => ctx.parallel.all([() => ctx.task(trivial(stage), n)]), {
            signal: new AbortController().signal,
          })
          .then((values) => values.length),
    );
    expect(value).toBe(WIDTH);
  });
});

describe('depth and length', () => {
  it('groups 150 deep', async () => {
    const program: Program = (stage) => (_, ctx) => {
      const deep = (level: number): Promise<unknown> =>
        level === 0
          ? ctx.task(stage.step, t(5, 'bottom'))
          : ctx.parallel.all([() => deep(level - 1)]).then(([value]) => value);
      return deep(150);
    };
    const { value, store } = await perform(program);
    expect(value).toBe('bottom');
    await replays(store, program);
  });

  it('3,000 steps one after another: one commit each, and a replay without an invocation', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      let sum = 0;
      const task = trivial(stage);
      for (let i = 0; i < 3000; i += 1) sum += await ctx.task(task, i);
      return sum;
    };
    const { value, store, stage } = await perform(program);
    expect(value).toBe(2999 * 3000);
    expect(stage.commits).toBeLessThanOrEqual(3002);
    await replays(store, program);
  });

  it('calls without an end in one turn are stopped by the limit, and the run fails with it', async () => {
    const { told } = await perform(
      (stage) => async (_, ctx) => {
        for (;;) void ctx.task(trivial(stage), 1);
      },
      { limits: { callsPerTurn: 1000 } },
    );
    expect(told).toMatchObject({
      error: { name: 'LimitError', message: expect.stringContaining('callsPerTurn') },
    });
  });
});
