import { defineTask, TimeoutError, type Context } from '@pawl/sdk';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Runtime } from '../../src/runtime.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import { until } from '../until.fixture.ts';
import { everywhereMonthLater } from './month.fixture.ts';
import { inBranch, replays, Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';
import { WatchedStore } from './watched-store.fixture.ts';
import { attended as perform, crashes, everywhereAttended, type Worker } from './worker.fixture.ts';

watchForLeaks();

/** Runs a program to its end while a person acts; time stands still unless the person lets it pass. */
async function attended(
  program: Program,
  person: (runtime: Runtime, stage: Stage) => Promise<void>,
  store: MemoryStore = new MemoryStore(),
  stage: Stage = new Stage(),
  options: Parameters<Stage['use']>[1] = {},
): Promise<{ readonly value: unknown; readonly store: MemoryStore; readonly stage: Stage }> {
  const value = await stage.use(store, options, async (runtime) => {
    const known = runtime.get('r') !== undefined;
    const process = program(stage);
    const handle = known ? runtime.resume('r', process) : runtime.start(process, null as never, { id: 'r' });
    await person(runtime, stage);
    return handle.result();
  });
  return { value, store, stage };
}

const waits = (store: MemoryStore): number =>
  shape(store).filter((line) => line.startsWith('SignalAwaited')).length;

describe('slots', () => {
  const program: Program = (stage) => async (_, ctx: Context) => {
    const inPool = stage.with({ pool: 'one' });
    return ctx.parallel.all([
      async () => {
        await ctx.task(inPool, t(5, 'a before'));
        const said = await ctx.receive('approval', { prompt: 'ship it?' });
        return [said, await ctx.task(inPool, t(5, 'a after'))];
      },
      () => ctx.task(inPool, t(30, 'b')),
    ]);
  };

  test('C53 with one slot B runs while A waits for a person', async () => {
    const { value, stage, store } = await attended(
      program,
      async (runtime) => {
        await until(() => shape(runtime.store as MemoryStore).includes('TaskSucceeded 0/1/0'));
        expect(await runtime.send('r', 'approval', 'yes')).toMatchObject({ status: 'accepted' });
      },
      new MemoryStore(),
      new Stage(),
      { pools: { one: 1 } },
    );
    expect(value).toEqual([['yes', 'a after'], 'b']);
    expect(stage.maxParallel).toBe(1);
    await replays(store, program);
  });

  const fifty: Program = (stage) => async (_, ctx: Context) => {
    const inPool = stage.with({ pool: 'two' });
    return ctx.parallel.map(
      Array.from({ length: 50 }, (_unused, i) => i),
      async (i) => {
        const said = await ctx.receive<number>(`approval ${i}`);
        return ctx.task(inPool, t(3, said));
      },
    );
  };

  describe('C54 ⟲ fifty branches wait, a pool of two, approvals in reverse order', () => {
    const options = { pools: { two: 2 } };
    const expected = Array.from({ length: 50 }, (_unused, i) => i * 10);
    const used = new Set<unknown>();
    const backwards: Worker = async (runtime) => {
      used.add(runtime.pools().find(({ name }) => name === 'two')?.active ?? 0);
      for (const { key, name } of runtime.waits('r').toReversed())
        await runtime.send('r', name, Number(name.split(' ')[1]) * 10, { id: key });
    };
    const whole = (): ReturnType<typeof perform> =>
      perform(fifty, backwards, new MemoryStore(), new Stage(), options);

    test('all done, in input order, and no slot is used by a wait', async () => {
      const { value, store, stage } = await whole();
      expect(value).toEqual(expected);
      expect(stage.maxParallel).toBe(2);
      expect(waits(store)).toBe(50);
      expect([...used]).toEqual([0]);
      await replays(store, fifty);
    });

    // Every wait is in a branch of `parallel.map` as it is.
    test.each([1, 2, 3, 4, 5, 6])(
      'crashed at every event: part %i of 6',
      { timeout: 180_000 },
      async (nth) => {
        const { store } = await whole();
        await crashes(store, fifty, backwards, expected, options, { nth, of: 6 });
      },
    );
  });
});

describe('messages', () => {
  const twoWaits: Program = (stage) => async (_, ctx: Context) => {
    await ctx.task(stage.step, t(5));
    return [await ctx.receive('word'), await ctx.receive('word')];
  };

  test('C56 the same message id twice is one delivery', async () => {
    const { value } = await attended(twoWaits, async (runtime) => {
      expect(await runtime.send('r', 'word', 'one', { id: 'm1' })).toEqual({
        status: 'accepted',
        messageId: 'm1',
      });
      expect(await runtime.send('r', 'word', 'one', { id: 'm1' })).toEqual({
        status: 'duplicate',
        messageId: 'm1',
      });
      await until(() => shape(runtime.store as MemoryStore).includes('SignalReceived 1'));
      expect(await runtime.send('r', 'word', 'one', { id: 'm1' })).toMatchObject({ status: 'duplicate' });
      await runtime.send('r', 'word', 'two', { id: 'm2' });
    });
    expect(value).toEqual(['one', 'two']);
  });

  test('C57 a payload of another form: the sender is told, and the wait goes on', async () => {
    const program: Program = () => (_, ctx: Context) =>
      ctx.receive('order', { schema: z.object({ amount: z.number().min(1) }) });
    const { value, store } = await attended(program, async (runtime) => {
      await until(() => waits(runtime.store as MemoryStore) === 1);
      const refused = await runtime.send('r', 'order', { amount: 0 });
      expect(refused.status).toBe('invalid');
      expect(refused).toMatchObject({ issues: [{ path: '$.amount' }] });
      expect(runtime.store.takeInbox('r')).toEqual([]);
      expect(await runtime.send('r', 'order', { amount: 3 })).toMatchObject({ status: 'accepted' });
    });
    expect(value).toEqual({ amount: 3 });
    await replays(store, program);
  });

  test('C57 a bad message that came early, or from elsewhere, is dropped with a warning', async () => {
    const program: Program = (stage) => async (_, ctx: Context) => {
      await ctx.task(stage.step, t(5));
      return ctx.receive('n', { schema: z.number() });
    };
    const { value, stage } = await attended(program, async (runtime) => {
      expect(await runtime.send('r', 'n', 'no number')).toMatchObject({ status: 'accepted' });
      expect(await runtime.send('r', 'n', 7)).toMatchObject({ status: 'accepted' });
    });
    expect(value).toBe(7);
    expect(stage.warnings).toEqual([expect.stringContaining("'n' was dropped")]);
  });

  test('first in, first out: also where another program posted the first one a moment ago', async () => {
    const { value, store } = await attended(twoWaits, async (runtime) => {
      await until(() => runtime.get('r') !== undefined);
      const first = { kind: 'signal', id: 'm1', name: 'word', payload: 'first' } as const;
      expect(runtime.store.post('r', first, 0)).toBe('posted');
      await runtime.send('r', 'word', 'second');
    });
    expect(value).toEqual(['first', 'second']);
    await replays(store, twoWaits);
  });

  describe('C58 ⟲ two messages, two waits one after the other: first in, first out', () => {
    const words = ['first', 'second'];

    test('sent while it waits', async () => {
      const worker: Worker = async (runtime) => {
        const heard = shape(runtime.store as MemoryStore).filter((line) => line.startsWith('SignalReceived'));
        for (const word of words.slice(heard.length)) await runtime.send('r', 'word', word, { id: word });
      };
      await everywhereAttended(twoWaits, worker, words);
    });

    test.each([
      ['as it is', twoWaits],
      ['in a branch', inBranch(twoWaits)],
    ])('sent before it waits, and kept over a crash after every write: %s', async (_, program) => {
      const both = async (runtime: Runtime): Promise<void> => {
        for (const word of words) await runtime.send('r', 'word', word, { id: word });
      };
      const store = new WatchedStore();
      expect((await attended(program, both, store)).value).toEqual(words);
      await replays(store, program);
      const lines = transcript(store);
      for (const [write, state] of store.states.entries()) {
        const where = `after write ${write}`;
        const crashed = MemoryStore.from(state);
        const { owner, lastSeq, updatedAt, status } = crashed.getRun('r', 0) ?? expect.fail(where);
        if (owner !== null) crashed.ownerDied(owner);
        const isSent = status !== 'running' || crashed.knowsMessage('r', 'second');
        const again = await attended(
          program,
          isSent ? async () => undefined : both,
          crashed,
          Stage.at(updatedAt),
        );
        expect(again.value, where).toEqual(words);
        expect(transcript(crashed).slice(0, lastSeq), where).toEqual(lines.slice(0, lastSeq));
        await replays(crashed, program, where);
      }
    });
  });

  test('unknown runs and ended ones', async () => {
    const program: Program = () => (_, ctx: Context) => ctx.receive('go');
    await new Stage().use(new MemoryStore(), {}, async (runtime) => {
      const handle = runtime.start(program(new Stage()), null as never, { id: 'r' });
      expect(await runtime.send('nobody', 'go', 1)).toEqual({ status: 'unknown' });
      await runtime.send('r', 'go', 1);
      await handle.result();
      expect(await runtime.send('r', 'go', 1)).toEqual({ status: 'closed' });
    });
  });
});

describe('time', () => {
  test('C60 killed while it waits, resumed after three days: it still waits, and nothing runs again', async () => {
    const program: Program = (stage) => async (_, ctx: Context) => {
      await ctx.task(stage.step, t(5));
      return ctx.receive('approval', { prompt: 'Deploy?', data: { version: 7 } });
    };
    const store = new MemoryStore();
    const first = new Stage();
    await first.use(store, {}, async (runtime) => {
      runtime.start(program(first), null as never, { id: 'r' });
      await until(() => waits(store) === 1);
    });
    const later = Stage.at((journal(store).at(-1)?.at ?? 0) + 3 * 86_400_000);
    const { value } = await attended(
      program,
      async (runtime) => {
        const [wait] = runtime.waits('r');
        expect(wait).toMatchObject({
          key: '1',
          name: 'approval',
          prompt: 'Deploy?',
          data: { version: 7 },
          dueAt: null,
        });
        expect(later.clock.now() - (wait?.since ?? 0)).toBeGreaterThanOrEqual(3 * 86_400_000);
        await runtime.send('r', 'approval', 'go');
      },
      store,
      later,
    );
    expect(value).toBe('go');
    expect(later.invoked).toEqual([]);
  });

  const month: Program = () => async (_, ctx: Context) => {
    try {
      return await ctx.receive('approval', { timeout: '30d' });
    } catch (error) {
      return error instanceof TimeoutError ? 'timed out' : error;
    }
  };

  const settled = (store: MemoryStore): string[] =>
    journal(store)
      .map(({ event }) => event.type)
      .filter((type) => ['SignalReceived', 'SignalTimedOut'].includes(type));

  test('C61 ⟲ no message in 30 days: the timeout branch once, a later message finds it closed', async () => {
    await everywhereMonthLater(month, 'timed out', {
      isWaiting: (store) => waits(store) === 1,
      after: async (runtime) =>
        expect(await runtime.send('r', 'approval', 'late')).toEqual({ status: 'closed' }),
      check: (store, _value, where) => expect(settled(store), where).toEqual(['SignalTimedOut']),
    });
  });

  test('C62 ⟲ down while the deadline passes and a message comes: the journal decides', async () => {
    // What has come is looked at before the clock: a message that was taken in time is not lost.
    await everywhereMonthLater(month, 'in time?', {
      isWaiting: (store) => waits(store) === 1,
      before: async (runtime) => runtime.send('r', 'approval', 'in time?', { id: 'm' }),
      check: (store, _value, where) => expect(settled(store), where).toEqual(['SignalReceived']),
    });
  });
});

describe('what waits is given up like any call', () => {
  const program: Program = (stage) => async (_, ctx: Context) => {
    const winner = await ctx.parallel.race([
      () => ctx.receive('never'),
      () => ctx.task(stage.step, t(5, 'task')),
    ]);
    return winner;
  };

  test('a wait that loses a race is cancelled, and its message stays for the next', async () => {
    const { value, store } = await attended(program, async () => undefined);
    expect(value).toBe('task');
    expect(shape(store)).toContain('TaskCancelled 0/0/0');
    await replays(store, program);
  });

  test('bad options are refused at the call, and nothing is recorded', async () => {
    const bad: Program = () => async (_, ctx: Context) => {
      const refused = (fn: () => unknown): string => {
        try {
          void fn();
          return 'taken';
        } catch (error) {
          return error instanceof Error ? error.name : 'odd';
        }
      };
      return [
        refused(() => ctx.receive('')),
        refused(() => ctx.receive(7 as never)),
        refused(() => ctx.receive('a', { timeout: -1 })),
        refused(() => ctx.receive('a', { schema: 'x' as never })),
        refused(() => ctx.receive('a', { prompt: 7 as never })),
        refused(() => ctx.receive('a', { data: () => 1 })),
        refused(() => ctx.receive('a', { tmieout: 1 } as never)),
      ];
    };
    const { value, store } = await attended(bad, async () => undefined);
    expect(value).toEqual([
      'InvalidArgumentError',
      'InvalidArgumentError',
      'InvalidOptionError',
      'InvalidOptionError',
      'InvalidOptionError',
      'UnserializableError',
      'InvalidOptionError',
    ]);
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
  });
});

test('a task function cannot receive: ctx belongs to the process', async () => {
  const outside: Program = () => async (_, ctx: Context) => {
    const task = defineTask({ name: 'outside', run: async () => ctx.receive('a') });
    return ctx.task(task).then(
      () => 'taken',
      (error: unknown) => (error instanceof Error ? error.message : ''),
    );
  };
  const { value } = await attended(outside, async () => undefined);
  expect(value).toContain('ctx was used outside its process');
});
