/* oxlint-disable unicorn/no-thenable -- what users may hand over */
import { defineTask, isPawlError, TaskError, type Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { journal, shape } from '../lab.fixture.ts';
import {
  brief,
  everywhere,
  perform,
  plain,
  replays,
  t,
  watchForLeaks,
  type Program,
  type Stage,
} from './stage.fixture.ts';

watchForLeaks();

/** What a task returns, whatever its type. */
const giving = (stage: Stage, make: () => unknown) =>
  defineTask({
    name: 'giving',
    run: async (ms: number, task) => {
      stage.invoked.push({ task: 'giving', key: task.key, attempt: task.attempt });
      await stage.clock.sleep(ms, task.signal);
      return make();
    },
  });

/** A task that throws, whatever it is. */
const throwing = (stage: Stage, make: () => unknown) =>
  defineTask({
    name: 'throwing',
    run: async (ms: number, task): Promise<unknown> => {
      stage.invoked.push({ task: 'throwing', key: task.key, attempt: task.attempt });
      await stage.clock.sleep(ms, task.signal);
      throw make();
    },
  });

describe('falsy results are results', () => {
  const falsy: Record<string, unknown> = {
    zero: 0,
    'minus zero': -0,
    'an empty string': '',
    false: false,
    null: null,
    undefined: undefined,
    NaN: Number.NaN,
    '0n': 0n,
  };
  it.each(Object.entries(falsy))('⟲ %s', async (_, value) => {
    const program: Program = (stage) => async (_input, ctx) => {
      const task = giving(stage, () => value);
      return [
        await ctx.task(task, 5),
        await ctx.parallel.all([() => ctx.task(task, 5), () => value]),
        await ctx.parallel.race([() => ctx.task(task, 5), () => ctx.task(stage.step, t(50))]),
        await ctx.parallel.any([() => ctx.task(task, 5), () => ctx.task(stage.step, t(50))]),
        await ctx.parallel.map([value, value], (item) => item),
        (await ctx.parallel.allSettled([() => ctx.task(task, 5)])).map(
          (entry) => entry.status === 'fulfilled' && entry.value,
        ),
      ];
    };
    const expected = [value, [value, value], value, value, [value, value], [value]];
    const first = await perform(program);
    expect(first.value).toEqual(expected);
    await replays(first.store, program);
    if (value === undefined || value === 0) await everywhere(program, expected);
  });

  it('a process that returns nothing', async () => {
    await everywhere(() => () => undefined, undefined);
    await everywhere(() => async () => {}, undefined);
  });
});

describe('anything can be thrown', () => {
  class OrderRefused extends RangeError {
    override name = 'OrderRefused';
    readonly code = 'E_ORDER';
    readonly order = 17;
  }
  const thrown: Record<string, () => unknown> = {
    undefined: () => undefined,
    null: () => null,
    zero: () => 0,
    'a string': () => 'stringy',
    'an empty string': () => '',
    'a symbol': () => Symbol('odd'),
    'a function': () => () => 1,
    'a plain object': () => ({ code: 5 }),
    'an object without a prototype': () => Object.create(null),
    'a frozen object': () => Object.freeze({ a: 1 }),
    'a frozen error': () => Object.freeze(new Error('frozen')),
    'an error of a class of its own': () => new OrderRefused('refused', { cause: new Error('why') }),
    'an AggregateError': () => new AggregateError([new Error('a'), 'b'], 'many'),
    'an error in a circle': () => {
      const error = new Error('round');
      error.cause = error;
      return error;
    },
    'an error with a getter that throws': () =>
      Object.defineProperty(new Error('x'), 'message', {
        get() {
          throw new Error('no');
        },
      }),
    'a revoked proxy': () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
    'a proxy that throws': () =>
      new Proxy(
        {},
        {
          get() {
            throw new Error('no');
          },
          getPrototypeOf() {
            throw new Error('no');
          },
        },
      ),
    'a promise': () => Promise.resolve(1),
    'a thenable': () => ({ then: (resolve: (value: unknown) => void) => resolve(1) }),
  };

  const tell = (error: unknown): unknown => [
    error instanceof TaskError && [error.name, error.message, error.attempts],
    error instanceof TaskError && error.cause instanceof Error && [error.cause.name, error.cause.message],
  ];

  it.each(Object.entries(thrown))('⟲ by a task: %s', async (_, make) => {
    const program: Program = (stage) => async (_input, ctx) => {
      const task = throwing(stage, make);
      const alone = await ctx.task(task, 5).catch(tell);
      const all = await ctx.parallel
        .all([() => ctx.task(task, 5), () => ctx.task(stage.step, t(50))])
        .catch(tell);
      const race = await ctx.parallel
        .race([() => ctx.task(task, 5), () => ctx.task(stage.step, t(50))])
        .catch(tell);
      const any = await ctx.parallel
        .any([() => ctx.task(task, 5), () => ctx.task(task, 6)])
        .catch((error: unknown) =>
          error instanceof AggregateError ? error.errors.map(tell) : 'no AggregateError',
        );
      const [settled] = await ctx.parallel.allSettled([() => ctx.task(task, 5)]);
      return [alone, all, race, any, settled.status === 'rejected' && tell(settled.reason)];
    };
    const { value, store } = await perform(program);
    expect(value).toHaveLength(5);
    await replays(store, program);
    const [alone] = value as unknown[];
    await everywhere((stage) => (_input, ctx) => ctx.task(throwing(stage, make), 5).catch(tell), alone);
  });

  it.each(Object.entries(thrown))('⟲ by a thunk, at once and later: %s', async (name, make) => {
    // A thenable or a promise that is thrown stays what it is; only what is returned is waited for.
    const program: Program = (stage) => async (_input, ctx) => {
      const sync = (): never => {
        throw make();
      };
      const later = async (): Promise<never> => {
        await ctx.task(stage.step, t(5));
        throw make();
      };
      const same: unknown[] = [];
      const kind = (error: unknown): string => (error === null ? 'null' : typeof error);
      for (const thunk of [sync, later]) {
        same.push(await ctx.parallel.all([thunk, () => 1]).then(() => 'no error', kind));
        same.push(
          await ctx.parallel.race([thunk, () => ctx.task(stage.step, t(50))]).then(() => 'no error', kind),
        );
        same.push(
          await ctx.parallel.any([thunk, thunk]).then(
            () => 'no error',
            (error: unknown) =>
              error instanceof AggregateError ? error.errors.map(kind) : 'no AggregateError',
          ),
        );
        const [entry] = await ctx.parallel.allSettled([thunk]);
        same.push(entry.status === 'rejected' && kind(entry.reason));
        same.push(await ctx.parallel.map([1], thunk).then(() => 'no error', kind));
      }
      return same;
    };
    const kind = name === 'null' ? 'null' : typeof make();
    const each = [kind, kind, [kind, kind], kind, kind];
    const { value, store } = await perform(program);
    expect(value).toEqual([...each, ...each]);
    await replays(store, program);
    if (name === 'undefined' || name === 'a revoked proxy') await everywhere(program, value);
  });

  it.each(Object.entries(thrown))('by the process: %s', async (_, make) => {
    const program: Program = (stage) => async (_input, ctx) => {
      await ctx.task(stage.step, t(5));
      throw make();
    };
    const { told, store } = await perform(program);
    expect(told).toHaveProperty('error');
    expect(shape(store).at(-1)).toBe('RunFailed');
    await replays(store, program);
  });
});

describe('thunks may give anything', () => {
  it('⟲ thenables are waited for, plain values are values', async () => {
    await everywhere(
      (stage) => (_, ctx) =>
        ctx.parallel.all([
          () => 5,
          () => ({ then: (resolve: (value: string) => void) => resolve('thenable') }),
          () => ({
            then: (resolve: (value: string) => void, reject: (error: Error) => void) => {
              resolve('first');
              reject(new Error('second'));
            },
          }),
          () => Promise.resolve(Promise.resolve('deep')),
          () => ctx.task(stage.step, t(5, 'task')),
          () => [Promise.resolve(1)].length,
        ]),
      [5, 'thenable', 'first', 'deep', 'task', 1],
    );
  });

  it('⟲ a thenable that rejects, throws, or never settles and loses', async () => {
    await everywhere(
      (stage) => async (_, ctx) => [
        await ctx.parallel
          .all([
            () => ({
              then: (_resolve: unknown, reject: (error: Error) => void) => reject(new Error('thenable')),
            }),
          ] as never)
          .catch(brief),
        await ctx.parallel
          .all([
            () => ({
              then: () => {
                throw new Error('in then');
              },
            }),
          ] as never)
          .catch(brief),
        await ctx.parallel.race([
          () => ({ then: () => undefined }),
          () => ctx.task(stage.step, t(5, 'w')),
        ] as never),
        await ctx.parallel.any([() => new Promise(() => undefined), () => ctx.task(stage.step, t(5, 'w'))]),
      ],
      ['Error: thenable', 'Error: in then', 'w', 'w'],
    );
  });

  it('a task may return a thenable, and a plain value', async () => {
    const { value } = await perform((stage) => async (_, ctx) => [
      await ctx.task(
        giving(stage, () => ({ then: (resolve: (value: number) => void) => resolve(7) })),
        5,
      ),
      await ctx.task(defineTask({ name: 'plain', run: () => 8 })),
      await ctx
        .task(
          defineTask({
            name: 'sync',
            run: () => {
              throw new Error('sync');
            },
          }),
        )
        .catch(brief),
    ]);
    expect(value).toEqual([7, 8, 'TaskError: sync']);
  });

  it('the list of thunks may change after the call', async () => {
    const { value } = await perform((stage) => async (_, ctx) => {
      const thunks = [() => ctx.task(stage.step, t(5, 'a')), () => ctx.task(stage.step, t(6, 'b'))];
      const result = ctx.parallel.all(thunks);
      thunks.length = 0;
      const items = [1, 2];
      const mapped = ctx.parallel.map(items, (n) => ctx.task(stage.step, t(n)));
      items.push(3);
      return [await result, await mapped];
    });
    expect(value).toEqual([
      ['a', 'b'],
      [1, 2],
    ]);
  });

  it('map goes over any iterable, and gives item and index', async () => {
    const { value } = await perform(() => async (_, ctx) => [
      await ctx.parallel.map(new Set(['a', 'b']), (item, index) => [item, index]),
      await ctx.parallel.map(new Map([['k', 1]]), ([key, n]) => [key, n]),
      await ctx.parallel.map(
        (function* source() {
          yield* [3, 4];
        })(),
        (n) => n * 2,
      ),
      await ctx.parallel.map([undefined, null], (item) => item),
      await ctx.parallel.map([], () => 1),
      await ctx.parallel.map(new Uint8Array([7]), (n) => n),
    ]);
    expect(value).toEqual([
      [
        ['a', 0],
        ['b', 1],
      ],
      [['k', 1]],
      [6, 8],
      [undefined, null],
      [],
      [7],
    ]);
  });
});

describe('D14 what is recorded is what is handed over', () => {
  const kept: Record<string, () => unknown> = {
    undefined: () => undefined,
    'holes and undefined inside': () => ({ a: undefined, b: [undefined, 1] }),
    NaN: () => [Number.NaN, Infinity, -Infinity],
    '-0': () => [-0, 0],
    Date: () => [new Date(1), new Date(Number.NaN)],
    Map: () => new Map<unknown, unknown>([[{ k: 1 }, new Set([1, 'a'])]]),
    Set: () => new Set([undefined, null, Number.NaN]),
    BigInt: () => [12n, -(2n ** 70n)],
    'typed array': () => [
      new Uint8Array([1, 2]),
      new Float64Array([1.5, Number.NaN]),
      new Uint16Array([65_535]).buffer,
    ],
    'Error with cause': () => new RangeError('outer', { cause: new TypeError('inner') }),
    '__proto__ as an own key': () => JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as unknown,
    'lone surrogates': () => '\uD800 \u0000 \u2028',
    RegExp: () => /a+/gi,
    URL: () => new URL('https://example.org/x?y=1'),
  };
  it.each(Object.entries(kept))('⟲ %s', async (_, make) => {
    const program: Program = (stage) => async (_input, ctx) => {
      const live = await ctx.task(giving(stage, make), 5);
      // It comes back in an input, in a group, and in the result.
      const echoed = await ctx.task(defineTask({ name: 'echo', run: (value: unknown) => value }), live);
      return [live, echoed, await ctx.parallel.all([() => live])];
    };
    const { told, store } = await perform(program);
    expect(plain(told)).toEqual({ value: [make(), make(), [make()]] });
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('polluted');
    await everywhere(program, [make(), make(), [make()]]);
    await replays(store, program);
  });

  const refused: Record<string, { make: () => unknown; path: string }> = {
    'a function': { make: () => ({ deep: [() => 1] }), path: '$.deep[0]' },
    'a symbol': { make: () => ({ s: Symbol('x') }), path: '$.s' },
    'a cycle': {
      make: () => {
        const value: Record<string, unknown> = {};
        value['self'] = value;
        return value;
      },
      path: '$.self',
    },
    'a class instance': {
      make: () => ({
        when: new (class Money {
          readonly cents = 5;
        })(),
      }),
      path: '$.when',
    },
    'a promise inside': { make: () => ({ later: Promise.resolve(1) }), path: '$.later' },
  };
  it.each(Object.entries(refused))(
    '⟲ refuses %s before the effect is acknowledged, naming task and path',
    async (_, { make, path }) => {
      const program: Program = (stage) => async (_input, ctx) => {
        const error: unknown = await ctx
          .task(giving(stage, make), 5, { retry: { attempts: 3 } })
          .catch((reason: unknown) => reason);
        return (
          error instanceof TaskError && [
            isPawlError(error.cause, 'UNSERIALIZABLE'),
            error.message.includes(`'giving'`),
            error.message.includes(path),
            error.attempts,
          ]
        );
      };
      const { store, stage } = await everywhere(program, [true, true, true, 1]);
      expect(shape(store)).not.toContain('TaskSucceeded 0');
      expect(stage.invoked).toHaveLength(1);
    },
  );

  it('a process whose result cannot be recorded fails, naming the path', async () => {
    const { told } = await perform(() => async () => ({ a: { b: () => 1 } }));
    expect(plain(told)).toEqual({
      error: expect.stringMatching(/^UnserializableError: The output of the process .*\$\.a\.b/),
    });
  });

  it('what is handed over shares nothing with what the journal holds', async () => {
    const { value, store } = await perform((stage) => async (_, ctx) => {
      const args = { ms: 5, value: { list: [1] } };
      const running = ctx.task(stage.step, args);
      args.value.list.push(2);
      const result = (await running) as { list: number[] };
      result.list.push(3);
      return result;
    });
    expect(value).toEqual({ list: [1, 3] });
    expect(journal(store).find(({ event }) => event.type === 'TaskSucceeded')?.event).toMatchObject({
      output: { list: [1] },
    });
  });
});

describe('ctx outside its process', () => {
  it('is refused inside a task and after the run, with a message that says why', async () => {
    let leaked: Context | undefined;
    const { value } = await perform((stage) => async (_, ctx) => {
      leaked = ctx;
      const nosy = defineTask({
        name: 'nosy',
        run: () => {
          try {
            void ctx.task(stage.step, t(1));
            return 'accepted';
          } catch (error) {
            return brief(error);
          }
        },
      });
      return ctx.task(nosy);
    });
    expect(value).toBe('InvalidArgumentError');
    expect(() => leaked?.sleep(1)).toThrow(/outside its process/);
  });
});
