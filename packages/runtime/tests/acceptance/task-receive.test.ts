import { defineTask, type Context, type Cost, type TaskContext } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Runtime } from '../../src/runtime.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import { expectIdle, hearer, send, told, type Said } from './hearer.fixture.ts';
import { brief, replays, seqOf, Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

/* Messages to a running task: while none is there the attempt holds no slot. */

const ONE = { pools: { one: 1 } };

describe('slots', () => {
  const saturated: Program = (stage) => async (_, ctx: Context) => {
    const hear = hearer(stage, { pool: 'one' });
    const step = stage.with({ pool: 'one' });
    return ctx.parallel.all([
      () => ctx.task(hear, { before: 5, after: 7 }),
      ...[0, 1, 2].map((i) => () => ctx.task(step, t(20, i))),
      async () => {
        await ctx.sleep(1);
        return ctx.task(step, t(20, 'urgent'), { priority: 1 });
      },
    ]);
  };

  it('C65 the slot is given back, and the first of its priority is who has its message', async () => {
    // 0-5 it works, 5-25 the urgent one, 25-45 and so on the others; the message comes at 30.
    const { value, stage, store, pools } = await told(saturated, { 30: send('word', 'said') }, ONE);
    expect(value).toEqual([['said'], 0, 1, 2, 'urgent']);
    expect(stage.maxParallel).toBe(1);
    expect(stage.spans.map(({ key, from }) => `${key.split('/')[1]} at ${from}`)).toEqual([
      '0 at 0',
      '4 at 5',
      '1 at 25',
      '0 at 45',
      '2 at 52',
      '3 at 72',
    ]);
    expectIdle(pools);
    await replays(store, saturated);
  });

  it('C65 a higher priority still goes before it', async () => {
    const { stage } = await told(saturated, { 6: send('word', 'said') }, ONE);
    expect(stage.spans.map(({ key }) => key.split('/')[1])).toEqual(['0', '4', '0', '1', '2', '3']);
    expect(stage.maxParallel).toBe(1);
  });

  it('C65 ⟲ crashed anywhere, what was said is said once', async () => {
    const first = await told(saturated, { 30: send('word', 'said', 'm') }, ONE);
    const events = journal(first.store);
    const lines = transcript(first.store);
    for (let seq = 1; seq <= events.length; seq += 1) {
      const isTaken = events.slice(0, seq).some(({ event }) => event.type === 'TaskSignalReceived');
      const again = await told(saturated, isTaken ? {} : { 30: send('word', 'said', 'm') }, {
        store: first.store.prefix('r', seq),
        stage: Stage.at(events[seq - 1]?.at ?? 0),
        ...ONE,
      });
      const where = `after a crash at ${lines[seq - 1]}`;
      expect(again.value, where).toEqual([['said'], 0, 1, 2, 'urgent']);
      expect(transcript(again.store).slice(0, seq), where).toEqual(lines.slice(0, seq));
      const messages = shape(again.store).filter((line) => line.startsWith('TaskSignalReceived'));
      expect(messages, where).toHaveLength(1);
      expect(again.stage.maxParallel, where).toBeLessThanOrEqual(1);
      expectIdle(again.pools);
      await replays(again.store, saturated, where);
    }
  });

  it('C65 several come back in the order of their messages, and never more than the limit', async () => {
    const program: Program = (stage) => async (_, ctx: Context) => {
      const hear = hearer(stage, { pool: 'two' });
      const step = stage.with({ pool: 'two' });
      return ctx.parallel.all([
        ...[0, 1, 2, 3].map((i) => () => ctx.task(hear, { names: [`word ${i}`], after: 10 })),
        ...[4, 5, 6, 7, 8].map((i) => () => ctx.task(step, t(20, i))),
      ]);
    };
    const { stage, pools } = await told(
      program,
      { 5: send('word 3', 1), 6: send('word 1', 1), 7: send('word 0', 1), 8: send('word 2', 1) },
      { pools: { two: 2 } },
    );
    expect(stage.maxParallel).toBe(2);
    // Those that hear start for nothing; then 4 and 5, and at 20 who came back, as they came.
    expect(stage.spans.map(({ key }) => key.split('/')[1])).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
      '5',
      '3',
      '1',
      '0',
      '2',
      '6',
      '7',
      '8',
    ]);
    expectIdle(pools);
  });

  it('a cost vector and its parents are given back, and taken again, on all levels', async () => {
    const cost: Cost = { gpu: 2 };
    const used: unknown[] = [];
    const look = (runtime: Runtime): unknown =>
      used.push(
        runtime.pools().flatMap(({ name, used: { gpu } }) => (gpu === undefined ? [] : [[name, gpu]])),
      );
    const program: Program = (stage) => async (_, ctx: Context) => {
      const root = ctx.pool('root', { limits: { gpu: 3 } });
      ctx.pool('leaf', { limits: { gpu: 2 }, parent: root });
      ctx.pool('other', { limits: { gpu: 2 }, parent: root });
      return ctx.parallel.all([
        () => ctx.task(hearer(stage, { pool: 'leaf', cost }), { before: 5, after: 10 }),
        () => ctx.task(stage.with({ pool: 'other', cost }), t(20)),
      ]);
    };
    const { value, pools } = await told(program, { 2: look, 7: send('word', 1), 10: look, 27: look });
    expect(value).toEqual([[1], 20]);
    // 'other' starts where 'leaf' gave back, and 'leaf' goes on when that is done.
    expect(used).toEqual([
      [
        ['leaf', 2],
        ['other', 0],
        ['root', 2],
      ],
      [
        ['leaf', 0],
        ['other', 2],
        ['root', 2],
      ],
      [
        ['leaf', 2],
        ['other', 0],
        ['root', 2],
      ],
    ]);
    expectIdle(pools);
  });

  it('a rate counts starts: who comes back is let through', async () => {
    const program: Program = (stage) => async (_, ctx: Context) => {
      ctx.pool('p', { maxConcurrent: 1, rate: { limit: 2, per: 1000 } });
      return ctx.parallel.all([
        () => ctx.task(hearer(stage, { pool: 'p' }), { names: ['a', 'b'], after: 1 }),
        () => ctx.task(stage.with({ pool: 'p' }), t(1)),
        () => ctx.task(stage.with({ pool: 'p' }), t(1)),
      ]);
    };
    const { stage, pools } = await told(program, { 10: send('a', 1), 20: send('b', 2) });
    expect(stage.spans.map(({ key, from }) => `${key.split('/')[1]} at ${from}`)).toEqual([
      '0 at 0',
      '1 at 0',
      '0 at 10',
      '0 at 20',
      '2 at 1000',
    ]);
    expectIdle(pools);
  });

  it('aging: a higher priority that waits longer does not lose to one that comes back', async () => {
    const program: Program = (stage) => async (_, ctx: Context) => {
      ctx.pool('p', { maxConcurrent: 1, aging: { ratePerMs: 1, boost: 1000 } });
      const place = { pool: 'p' };
      return ctx.parallel.all([
        () => ctx.task(hearer(stage, place), { before: 100, after: 5 }),
        () => ctx.task(stage.with(place), t(50, 'first')),
        async () => {
          await ctx.sleep(101);
          return ctx.task(stage.with(place), t(50, 'high'), { priority: 1 });
        },
      ]);
    };
    const { stage } = await told(program, { 120: send('word', 1) });
    // It ran for 100 ms, and that is no time in which it waited.
    expect(stage.spans.map(({ key }) => key.split('/')[1])).toEqual(['0', '1', '2', '0']);
  });

  it('what is there already is handed over without giving the slot back', async () => {
    const program: Program = (stage) => async (_, ctx: Context) =>
      ctx.parallel.all([
        () => ctx.task(hearer(stage, { pool: 'one' }), { before: 5, after: 5 }),
        () => ctx.task(stage.with({ pool: 'one' }), t(5)),
      ]);
    const { stage } = await told(program, { 1: send('word', 'early') }, ONE);
    expect(stage.spans.map(({ key }) => key.split('/')[1])).toEqual(['0', '0', '1']);
  });

  it('with aging, and past a full queue, it is still the first of its priority', async () => {
    const program: Program = (stage) => async (_, ctx: Context) => {
      ctx.pool('p', {
        maxConcurrent: 1,
        queueSize: 2,
        overflow: 'block',
        aging: { ratePerMs: 1, boost: 100 },
      });
      const place = { pool: 'p' };
      return ctx.parallel.all([
        () => ctx.task(hearer(stage, place), { before: 5, after: 5 }),
        ...[0, 1, 2, 3].map((i) => () => ctx.task(stage.with(place), t(20, i))),
      ]);
    };
    const { stage, pools } = await told(program, { 20: send('word', 1) });
    expect(stage.spans.map(({ key }) => key.split('/')[1])).toEqual(['0', '1', '0', '2', '3', '4']);
    expectIdle(pools);
  });
});

describe('what was said is kept', () => {
  const retried: Program = (stage) => (_, ctx: Context) =>
    ctx.task(hearer(stage, { retry: { attempts: 3 } }), { names: ['a', 'b', 'a'], failing: 2, before: 1 });

  it('a retried attempt hears it again, in the same order, and nobody says it twice', async () => {
    const { value, stage, store } = await told(retried, {
      5: send('a', 1),
      6: send('b', 2),
      7: send('a', 3),
    });
    expect(value).toEqual([1, 2, 3]);
    expect(stage.invoked).toHaveLength(3);
    const heard = journal(store).flatMap(({ event }) =>
      event.type === 'TaskSignalReceived' ? [[event.name, event.n, event.payload, event.attempt]] : [],
    );
    expect(heard).toEqual([
      ['a', 0, 1, 1],
      ['b', 0, 2, 1],
      ['a', 1, 3, 1],
    ]);
    await replays(store, retried);
  });

  it('a crash right after the message was taken: the next attempt has it, and goes on', async () => {
    const program: Program = (stage) => (_, ctx: Context) =>
      ctx.task(hearer(stage), { names: ['a', 'b'], after: 100 });
    const first = await told(program, { 5: send('a', 'one'), 200: send('b', 'two') });
    const seq = seqOf(first.store, 'TaskSignalReceived');
    const again = await told(
      program,
      { 200: send('b', 'two') },
      { store: first.store.prefix('r', seq), stage: Stage.at(journal(first.store)[seq - 1]?.at ?? 0) },
    );
    expect(again.value).toEqual(['one', 'two']);
    expect(again.stage.invoked).toEqual([{ task: 'hear', key: '0', attempt: 2 }]);
    await replays(again.store, program);
  });

  it('a message leaves the inbox with its record', async () => {
    const program: Program = (stage) => (_, ctx: Context) => ctx.task(hearer(stage), { after: 5 });
    const { store } = await told(program, { 5: send('word', 'x', 'm') });
    expect(store.takeInbox('r')).toEqual([]);
    expect(store.post('r', { kind: 'signal', id: 'm', name: 'word', payload: 'x' })).toBe('duplicate');
  });

  it('the process and its tasks are served in the order in which they began to wait', async () => {
    const program: Program = (stage) => async (_, ctx: Context) => {
      const hear = hearer(stage);
      return ctx.parallel.all([
        () => ctx.task(hear, { before: 2 }),
        async () => {
          await ctx.sleep(4);
          return ctx.receive('word');
        },
        () => ctx.task(hear, { before: 6 }),
      ]);
    };
    const { value } = await told(program, {
      10: (runtime) => ['first', 'second', 'third'].forEach((word) => send('word', word)(runtime)),
    });
    expect(value).toEqual([['first'], 'second', ['third']]);
  });

  it('a schema checks it at the sender, and gives what it makes of it', async () => {
    const schema = z.object({ code: z.string().transform((code) => code.length) });
    const listen = defineTask({
      name: 'listen',
      run: async (_none: void, task: TaskContext) => (await task.receive('code', { schema })).code,
    });
    const acks: unknown[] = [];
    const { value } = await told(() => (_, ctx: Context) => ctx.task(listen), {
      5: async (runtime) => acks.push((await runtime.send('r', 'code', { code: 7 })).status),
      6: async (runtime) => acks.push((await runtime.send('r', 'code', { code: '1234' })).status),
    });
    expect(value).toBe(4);
    expect(acks).toEqual(['invalid', 'accepted']);
  });
});

describe('time', () => {
  it('the timeout of a receive: it has its slot back, and the next message is for the next', async () => {
    const program: Program = (stage) => async (_input, ctx: Context) => {
      const listen = defineTask({
        name: 'listen',
        pool: 'one',
        run: async (_none: void, task: TaskContext) => {
          const first = await task.receive('word', { timeout: 10 }).catch(brief);
          const at = stage.clock.monotonic();
          return [first, at, await task.receive('word', { timeout: 1000 })];
        },
      });
      return ctx.parallel.all([() => ctx.task(listen), () => ctx.task(stage.with({ pool: 'one' }), t(30))]);
    };
    const { value, pools } = await told(program, { 50: send('word', 'late') }, ONE);
    expect(value).toEqual([['TimeoutError', 30, 'late'], 30]);
    expectIdle(pools);
  });

  it('the limits of an attempt stand still while it has no slot', async () => {
    const program: Program = (stage) => (_, ctx: Context) =>
      ctx.task(hearer(stage, { timeout: 20, heartbeatTimeout: 15 }), { before: 5, after: 9 });
    const { value } = await told(program, { 5000: send('word', 'x') });
    expect(value).toEqual(['x']);
    const slow: Program = (stage) => (_, ctx: Context) =>
      ctx.task(hearer(stage, { timeout: 20 }), { before: 5, after: 16 }).catch(brief);
    expect((await told(slow, { 5000: send('word', 'x') })).value).toBe('TimeoutError');
  });

  it('the deadline of the call does not, and the wait is over at once', async () => {
    const program: Program = (stage) => (_, ctx: Context) =>
      ctx.task(hearer(stage, { deadline: 50, pool: 'one' }), {}).catch(brief);
    const { value, pools, stage } = await told(program, { 1000: send('word', 'x') }, ONE);
    expect(value).toBe('TimeoutError');
    expect(stage.clock.monotonic()).toBeLessThan(1000);
    expectIdle(pools);
  });
});

describe('given up', () => {
  const raced: Program = (stage) => async (_, ctx: Context) => {
    const winner = await ctx.parallel.race([
      () => ctx.task(hearer(stage, { pool: 'one' }), {}),
      () => ctx.task(stage.with({ pool: 'one' }), t(20, 'won')),
    ]);
    return [winner, await ctx.task(stage.with({ pool: 'one' }), t(5))];
  };

  it('a lost race while it waits for a message', async () => {
    const { value, pools, store } = await told(raced, {}, ONE);
    expect(value).toEqual(['won', 5]);
    expectIdle(pools);
    await replays(store, raced);
  });

  it('a lost race while it waits for its slot: the message was taken', async () => {
    const { value, pools, store, stage } = await told(raced, { 10: send('word', 'x') }, ONE);
    expect(value).toEqual(['won', 5]);
    expect(shape(store)).toContain('TaskSignalReceived 0/0/0');
    expect(stage.maxParallel).toBe(1);
    expectIdle(pools);
  });

  it('a message that comes after it is for whoever waits next', async () => {
    const program: Program = (stage) => async (_, ctx: Context) => {
      await ctx.parallel.race([() => ctx.task(hearer(stage), {}), () => ctx.sleep(5)]);
      return ctx.receive('word');
    };
    expect((await told(program, { 10: send('word', 'x') })).value).toBe('x');
  });

  it.each([5, 15])('the run is cancelled at %i', async (at) => {
    const program: Program = (stage) => (_, ctx: Context) =>
      ctx.parallel.all([
        () => ctx.task(hearer(stage, { pool: 'one' }), {}),
        () => ctx.task(stage.with({ pool: 'one' }), t(20)),
      ]);
    const cancel = (runtime: Runtime): unknown => runtime.cancel('r', 'enough');
    const { pools, store } = await told(program, { 10: send('word', 'x'), [at]: cancel }, ONE);
    expect(shape(store).at(-1)).toBe('RunCancelled');
    expectIdle(pools);
  });

  it.each([5, 15])('a stop at %i is no unknown end, and the next program goes on', async (at) => {
    const program: Program = (stage) => (_, ctx: Context) =>
      ctx.parallel.all([
        () => ctx.task(hearer(stage, { pool: 'one', onUnknown: 'ask' }), {}),
        () => ctx.task(stage.with({ pool: 'one', onUnknown: 'ask' }), t(20)),
      ]);
    const stage = new Stage();
    const store = new MemoryStore();
    const said: Said = { 10: send('word', 'x'), [at]: (runtime) => runtime.stop('r') };
    const stopped = await told(program, said, { stage, store, ...ONE });
    expect(stopped.value).toMatch(/stopped|RuntimeError|NOT/i);
    expectIdle(stopped.pools);
    expect(shape(store).filter((line) => line.startsWith('AttemptInterrupted'))).toHaveLength(2);
    const later = Stage.at(journal(store).at(-1)?.at ?? 0);
    const { value } = await told(program, at < 10 ? { 10: send('word', 'x') } : {}, {
      store,
      stage: later,
      ...ONE,
    });
    expect(value).toEqual([['x'], 20]);
  });

  it('a deadline while it waits for its slot: the slot goes to the next', async () => {
    const program: Program = (stage) => async (_, ctx: Context) =>
      ctx.parallel.allSettled([
        () => ctx.task(hearer(stage, { pool: 'one', deadline: 30 }), {}),
        () => ctx.task(stage.with({ pool: 'one' }), t(50)),
        () => ctx.task(stage.with({ pool: 'one' }), t(5)),
      ]);
    const { stage, pools } = await told(program, { 10: send('word', 'x') }, ONE);
    expect(stage.spans.map(({ key, from }) => `${key.split('/')[1]} at ${from}`)).toEqual([
      '0 at 0',
      '1 at 0',
      '2 at 50',
    ]);
    expectIdle(pools);
  });

  it('one that does not listen, given up while it waits for its slot, gets none', async () => {
    const program: Program = (stage) => async (_input, ctx: Context) => {
      const deaf = defineTask({
        name: 'deaf',
        pool: 'one',
        deadline: 20,
        run: async (_none: void, task: TaskContext) => {
          await task.receive('word').catch(() => undefined);
          await stage.clock.sleep(500);
          return task.receive('word').catch(String);
        },
      });
      return ctx.parallel.allSettled([
        () => ctx.task(deaf),
        () => ctx.task(stage.with({ pool: 'one' }), t(50)),
        () => ctx.task(stage.with({ pool: 'one' }), t(5)),
      ]);
    };
    const { stage, pools } = await told(program, { 10: send('word', 'x') }, ONE);
    expect(stage.spans.map(({ from }) => from)).toEqual([0, 50]);
    expectIdle(pools);
  });

  it('it ends without waiting for what it asked for', async () => {
    const careless = defineTask({
      name: 'careless',
      pool: 'one',
      run: async (_none: void, task: TaskContext) => {
        void task.receive('word');
        return 'done';
      },
    });
    const program: Program = () => async (_, ctx: Context) => [
      await ctx.task(careless),
      await ctx.receive('word'),
    ];
    const { value, pools } = await told(program, { 10: send('word', 'for the process') }, ONE);
    expect(value).toEqual(['done', 'for the process']);
    expectIdle(pools);
  });
});

describe('who waits', () => {
  it('is listed while the run is driven here', async () => {
    const seen: unknown[] = [];
    const program: Program = (stage) => (_, ctx: Context) =>
      ctx.parallel.all([
        () => ctx.receive('yes', { prompt: 'Ship it?' }),
        () => ctx.task(hearer(stage), { before: 5, names: ['code'], timeout: 100 }),
      ]);
    await told(program, {
      10: (runtime) =>
        seen.push(runtime.waits('r').map(({ key, name, dueAt }) => [key, name, dueAt !== null])),
      11: send('code', 1),
      12: (runtime) => seen.push(runtime.waits('r').map(({ name }) => name)),
      13: send('yes', 1),
    });
    expect(seen).toEqual([
      [
        ['0/0/0', 'yes', false],
        ['0/1/0', 'code', true],
      ],
      ['yes'],
    ]);
  });
});

describe('refused at the call', () => {
  it('in a check', async () => {
    const store = new MemoryStore();
    const task = (stage: Stage) =>
      defineTask<void, Promise<unknown>>({
        name: 'checked',
        onUnknown: 'check',
        run: (_, { receive }) => receive('word'),
        check: async (_, { receive }) => {
          try {
            await receive('word');
          } catch (error) {
            stage.warnings.push(String(error));
          }
          return { status: 'done', output: 'found' };
        },
      });
    const program: Program = (stage) => (_, ctx: Context) => ctx.task(task(stage));
    const first = await told(program, { 5: send('word', 1) }, { store });
    expect(first.value).toBe(1);
    const seq = seqOf(store, 'AttemptStarted');
    const again = await told(program, {}, { store: store.prefix('r', seq) });
    expect(again.value).toBe('found');
    expect(again.stage.warnings).toEqual([expect.stringContaining('not for its check')]);
  });

  it('bad arguments, and a second wait at once', async () => {
    const names: unknown[] = [];
    const refused = (fn: () => unknown): void => {
      try {
        void fn();
        names.push('taken');
      } catch (error) {
        names.push(error instanceof Error ? error.name : 'odd');
      }
    };
    const bad = defineTask({
      name: 'bad',
      run: async (_none: void, task: TaskContext) => {
        refused(() => task.receive(''));
        refused(() => task.receive(7 as never));
        refused(() => task.receive('a', { timeout: -1 }));
        refused(() => task.receive('a', { schema: 'x' as never }));
        refused(() => task.receive('a', { prompt: 'who?' } as never));
        const first = task.receive('a');
        refused(() => task.receive('b'));
        return first;
      },
    });
    const { value, store } = await told(() => (_, ctx: Context) => ctx.task(bad), { 5: send('a', 1) });
    expect(value).toBe(1);
    expect(names).toEqual([
      'InvalidArgumentError',
      'InvalidArgumentError',
      'InvalidOptionError',
      'InvalidOptionError',
      'InvalidOptionError',
      'InvalidArgumentError',
    ]);
    expect(shape(store).filter((line) => line.startsWith('TaskSignalReceived'))).toHaveLength(1);
  });
});
