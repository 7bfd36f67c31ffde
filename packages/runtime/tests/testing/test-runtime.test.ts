import {
  defineBatchTask,
  defineProcess,
  defineTask,
  externalTask,
  shellTask,
  transactionTask,
  type Context,
  type TransactionDb,
} from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { mock, testRuntime } from '../../src/testing.ts';

const YEAR_MS = 365 * 86_400_000;

const charge = defineTask({
  name: 'charge',
  timeout: '5m',
  retry: { attempts: 3, delay: '5m' },
  run: async ({ cents }: { cents: number }): Promise<{ id: string }> => {
    throw new TypeError(`no network for ${cents}`);
  },
});
const order = async ({ cents }: { cents: number }, ctx: Context): Promise<string> =>
  (await ctx.task(charge, { cents })).id;

function realTimers(): string[] {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate');
}

describe('time', () => {
  it('passes 10,000 timers of a year, and leaves no real timer behind', async () => {
    const before = realTimers().length;
    await using test = await testRuntime();
    const start = test.now().getTime();
    const fired = await test.run(async (_: null, ctx: Context) => {
      const times = await ctx.parallel.map(
        Array.from({ length: 10_000 }, (_each, i) => i),
        async (i) => {
          await ctx.sleep(((i * 7919) % 10_000) * (YEAR_MS / 10_000));
          return ctx.now().getTime();
        },
        { concurrency: 10_000 },
      );
      await ctx.sleepUntil(start + YEAR_MS);
      return times.length;
    }, null);
    expect(fired).toBe(10_000);
    expect(test.now().getTime() - start).toBe(YEAR_MS);
    expect(test.timers).toBe(0);
    await test.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(realTimers().length).toBeLessThanOrEqual(before);
  });

  it('is moved by hand where it is asked to', async () => {
    await using test = await testRuntime({ time: 'manual', start: Date.UTC(2030, 5, 1) });
    const seen: string[] = [];
    const run = test.run(async (_: null, ctx: Context) => {
      for (let day = 0; day < 3; day += 1) {
        await ctx.sleep('1d');
        seen.push(ctx.now().toISOString().slice(0, 10));
      }
      return 'done';
    }, null);
    await test.settle();
    expect([seen, test.timers]).toEqual([[], 1]);
    await test.advance('25h');
    expect(seen).toEqual(['2030-06-02']);
    expect(test.now().toISOString()).toBe('2030-06-02T01:00:00.000Z');
    await test.advance('2d');
    expect(seen).toEqual(['2030-06-02', '2030-06-03', '2030-06-04']);
    expect(await run).toBe('done');
  });

  it('stands still while a task does something real', async () => {
    const slow = defineTask({
      name: 'slow',
      timeout: '1s',
      run: () => new Promise<string>((resolve) => setTimeout(() => resolve('real'), 30)),
    });
    await using test = await testRuntime();
    expect(await test.run((_: null, ctx: Context) => ctx.task(slow), null)).toBe('real');
  });

  it('passes while a batch waits for more, and while a task is asked again and again', async () => {
    let asked = 0;
    const ready = defineTask({
      name: 'ready',
      poll: { until: (value) => value === 3, every: '10m', timeout: '1d' },
      run: () => (asked += 1),
    });
    const add = defineBatchTask({
      name: 'add',
      batch: { maxSize: 10, windowMs: 60_000 },
      run: (items: readonly number[]) => items.map((n) => n + items.length),
    });
    await using test = await testRuntime();
    const run = async (_: null, ctx: Context): Promise<unknown> => [
      await ctx.parallel.map([1, 2, 3], (n) => ctx.task(add, n)),
      await ctx.task(ready),
    ];
    expect(await test.run(run, null)).toEqual([[4, 5, 6], 3]);
    expect(test.invocations.map(({ task }) => task)).toEqual([
      'add',
      'add',
      'add',
      'ready',
      'ready',
      'ready',
    ]);
  });
});

describe('mocks', () => {
  it('run instead of the task, in virtual time, with its retries and timeouts', async () => {
    await using test = await testRuntime({
      tasks: [
        mock(charge, async ({ cents }, task) => {
          if (task.attempt === 1) await task.hang();
          if (task.attempt === 2) throw new Error('declined');
          await task.sleep('30s');
          return { id: `ch_${cents}` };
        }),
      ],
    });
    const start = test.now().getTime();
    expect(await test.run(order, { cents: 900 }, { id: 'o' })).toBe('ch_900');
    const minutes = test.invocations.map(({ at, attempt }) => [attempt, (at - start) / 60_000]);
    expect(minutes).toEqual([
      [1, 0],
      [2, 10],
      [3, 15],
    ]);
    expect(test.invocations[0]).toMatchObject({
      task: 'charge',
      runId: 'o',
      key: '0',
      input: { cents: 900 },
      isMocked: true,
    });
  });

  it('get what the process gave and give what it gets: schemas are not in between', async () => {
    const parse = defineTask({
      name: 'parse',
      input: z.object({ n: z.number(), unit: z.string().default('m') }),
      output: z.string().transform((text) => text.length),
      run: ({ n, unit }) => `${n}${unit}`,
    });
    const run = (n: number, ctx: Context): Promise<number> => ctx.task(parse, { n });
    await using plain = await testRuntime();
    expect(await plain.run(run, 12)).toBe(3);
    const given: unknown[] = [];
    await using test = await testRuntime({
      tasks: [
        mock(parse, (input) => {
          given.push(input);
          return 99;
        }),
      ],
    });
    expect(await test.run(run, 12)).toBe(99);
    expect(given).toEqual([{ n: 12 }]);
    const bad = test.run((_: null, ctx: Context) => ctx.task(parse, { n: 'x' as never }), null);
    await expect(bad).rejects.toMatchObject({ cause: { name: 'ValidationError' } });
  });

  it('stand in for commands, external tasks and transactions', async () => {
    const build = shellTask({ name: 'build', command: 'exit 9' });
    const review = externalTask({ name: 'review', kind: 'person', output: z.object({ ok: z.boolean() }) });
    const book = transactionTask({
      name: 'book',
      run: (_db: TransactionDb, _input: { n: number }) => 1,
    });
    await using test = await testRuntime({
      unmocked: 'refuse',
      tasks: [
        mock(build, () => ({ exitCode: 0, stdout: 'ok', stderr: '', truncated: false, durationMs: 1 })),
        mock(review, async (_, task) => {
          await task.sleep('3d');
          return { ok: true };
        }),
        mock(book, ({ n }) => n * 2),
      ],
    });
    const run = async (_: null, ctx: Context): Promise<unknown> => [
      (await ctx.task(build)).stdout,
      await ctx.task(review, undefined as never, { labels: ['a'] }),
      await ctx.task(book, { n: 4 }),
    ];
    expect(await test.run(run, null)).toEqual(['ok', { ok: true }, 8]);
  });

  it('tell progress by what they yield', async () => {
    const load = defineTask({
      name: 'load',
      run: async function* (): AsyncGenerator<number, string, undefined> {
        yield 0;
        return 'real';
      },
    });
    await using test = await testRuntime({
      tasks: [
        mock(load, async function* (_, task) {
          yield 1;
          await task.sleep('1h');
          yield 2;
          return 'mocked';
        }),
      ],
    });
    const run = async (_: null, ctx: Context): Promise<unknown> => {
      const seen: unknown[] = [];
      for await (const item of ctx.stream(load, undefined)) seen.push(item);
      return seen.length;
    };
    expect(await test.run(run, null)).toBeGreaterThan(1);
  });

  it.each([
    [
      'two for one task',
      () => testRuntime({ tasks: [mock(charge, () => ({ id: '' })), mock(charge, () => ({ id: '' }))] }),
      /has two mocks/,
    ],
    ['another word', () => testRuntime({ unmocked: 'skip' as never }), /'run' or 'refuse'/],
    ['another time', () => testRuntime({ time: 'fast' as never }), /'auto' or 'manual'/],
    ['another start', () => testRuntime({ start: new Date('x') }), /whole ms since 1970/],
  ])('and options are looked at: %s', async (_, open, message) => {
    await expect(open()).rejects.toThrow(message);
  });

  it('are demanded where tasks without one are refused', async () => {
    await using test = await testRuntime({ unmocked: 'refuse' });
    await expect(test.run(order, { cents: 1 })).rejects.toMatchObject({
      code: 'RUN_FAILED',
      cause: { name: 'InvalidArgumentError', message: /Task 'charge' is not mocked/ },
    });
    expect(test.invocations).toEqual([]);
  });
});

describe('the world around a run', () => {
  const approval = defineProcess({
    name: 'approval',
    run: async (_: null, ctx: Context) => {
      const { approved } = await ctx.breakpoint({ question: 'Ship it?', title: 'ship' });
      const paid = await ctx.receive('paid', { timeout: '7d' });
      return { approved, paid, at: ctx.now().toISOString() };
    },
  });

  it('sends and answers at virtual times', async () => {
    await using test = await testRuntime();
    const run = test.start(approval, null, { id: 'a' });
    const acks = [test.approve('a', { after: '2d', by: 'eve' }), test.send('a', 'paid', 5, { after: '3d' })];
    expect(await run.result()).toEqual({ approved: true, paid: 5, at: '2026-01-04T00:00:00.000Z' });
    expect((await Promise.all(acks)).map(({ status }) => status)).toEqual(['accepted', 'accepted']);
  });

  it('answers what is asked now, and says so where nothing is asked', async () => {
    await using test = await testRuntime({ time: 'manual' });
    const run = test.start(approval, null, { id: 'a' });
    expect(await test.approve('a')).toMatchObject({ status: 'accepted' });
    await test.settle();
    await expect(test.approve('a')).rejects.toThrow(/asks no question at 2026-01-01/);
    await test.send('a', 'paid', 1);
    expect(await run.result()).toMatchObject({ paid: 1 });
  });

  it('does the same for the same seed', async () => {
    const random = async (_: null, ctx: Context): Promise<unknown> => [ctx.random(), ctx.uuid()];
    const results: unknown[] = [];
    for (const seed of [1, 1, 2]) {
      await using test = await testRuntime({ seed });
      results.push(await test.run(random, null));
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).not.toEqual(results[0]);
  });

  it('closes while tasks are under way that heed no signal', async () => {
    const deaf = defineTask({ name: 'deaf', run: () => new Promise<never>(() => undefined) });
    const test = await testRuntime({ time: 'manual' });
    const run = test.start((_: null, ctx: Context) => ctx.task(deaf), null).result();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const ended = expect(run).rejects.toMatchObject({ code: 'STOPPED' });
    await test.close();
    await ended;
  });
});
