import { defineTask, TimeoutError, type Context } from '@pawl/sdk';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Runtime } from '../../src/runtime.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import { until } from '../until.fixture.ts';
import { replays, Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';

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

  test('C54 ⟲ fifty branches wait, a pool of two, approvals in reverse order', async () => {
    const options = { pools: { two: 2 } };
    const { value, store, stage } = await attended(
      fifty,
      async (runtime) => {
        await until(() => waits(runtime.store as MemoryStore) === 50);
        for (let i = 49; i >= 0; i -= 1) await runtime.send('r', `approval ${i}`, i * 10);
      },
      new MemoryStore(),
      new Stage(),
      options,
    );
    const expected = Array.from({ length: 50 }, (_unused, i) => i * 10);
    expect(value).toEqual(expected);
    expect(stage.maxParallel).toBe(2);
    await replays(store, fifty);
    // A crash at some places; the inbox is empty in a prefix, so what was not recorded is sent again.
    for (const seq of [1, 20, 51, 60, 90, 120, 200]) {
      const events = journal(store);
      const again = await attended(
        fifty,
        async (runtime) => {
          const taken = new Set(
            events
              .slice(0, seq)
              .flatMap(({ event }) => (event.type === 'SignalReceived' ? [event.key.split('/')[1]] : [])),
          );
          for (let i = 0; i < 50; i += 1)
            if (!taken.has(String(i))) await runtime.send('r', `approval ${i}`, i * 10);
        },
        store.prefix('r', seq),
        Stage.at(events[seq - 1]?.at ?? 0),
        options,
      );
      expect(again.value, `after a crash at seq ${seq}`).toEqual(expected);
      expect(transcript(again.store).slice(0, seq)).toEqual(transcript(store).slice(0, seq));
    }
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

  test('C58 ⟲ two messages, two waits one after the other: first in, first out', async () => {
    const { value, store } = await attended(twoWaits, async (runtime) => {
      await runtime.send('r', 'word', 'first');
      await runtime.send('r', 'word', 'second');
    });
    expect(value).toEqual(['first', 'second']);
    await replays(store, twoWaits);
    const events = journal(store);
    for (let seq = 1; seq <= events.length; seq += 1) {
      const prefix = store.prefix('r', seq);
      const left = ['first', 'second'].slice(
        events.slice(0, seq).filter(({ event }) => event.type === 'SignalReceived').length,
      );
      const again = await attended(
        twoWaits,
        async (runtime) => {
          for (const word of left) await runtime.send('r', 'word', word);
        },
        prefix,
        Stage.at(events[seq - 1]?.at ?? 0),
      );
      expect(again.value, `after a crash at seq ${seq}`).toEqual(['first', 'second']);
      expect(transcript(again.store).slice(0, seq)).toEqual(transcript(store).slice(0, seq));
    }
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

  test('C61 ⟲ no message in 30 days: the timeout branch once, a later message finds it closed', async () => {
    const store = new MemoryStore();
    const first = new Stage();
    await first.use(store, {}, async (runtime) => {
      runtime.start(month(first), null as never, { id: 'r' });
      await until(() => waits(store) === 1);
    });
    const day31 = (journal(store).at(-1)?.at ?? 0) + 31 * 86_400_000;
    const stage = Stage.at(day31);
    await stage.use(store, {}, async (runtime) => {
      const handle = runtime.resume('r', month(stage));
      expect(await handle.result()).toBe('timed out');
      expect(await runtime.send('r', 'approval', 'late')).toEqual({ status: 'closed' });
    });
    expect(shape(store).filter((line) => line.startsWith('SignalTimedOut'))).toHaveLength(1);
    await replays(store, month);
    for (let seq = 2; seq <= journal(store).length; seq += 1) {
      const prefix = store.prefix('r', seq);
      const { value } = await attended(month, async () => undefined, prefix, Stage.at(day31));
      expect(value, `after a crash at seq ${seq}`).toBe('timed out');
    }
  });

  test('C62 ⟲ down while the deadline passes and a message comes: the journal decides', async () => {
    const store = new MemoryStore();
    const first = new Stage();
    await first.use(store, {}, async (runtime) => {
      runtime.start(month(first), null as never, { id: 'r' });
      await until(() => waits(store) === 1);
    });
    const at = journal(store).at(-1)?.at ?? 0;
    expect(store.post('r', { kind: 'signal', id: 'm', name: 'approval', payload: 'in time?' })).toBe(
      'posted',
    );
    const later = Stage.at(at + 31 * 86_400_000);
    const { value } = await attended(month, async () => undefined, store, later);
    const recorded = shape(store).filter((line) => /^Signal(Received|TimedOut)/.test(line));
    expect(recorded).toHaveLength(1);
    expect(value).toBe(recorded[0]?.startsWith('SignalReceived') === true ? 'in time?' : 'timed out');
    await replays(store, month);
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
