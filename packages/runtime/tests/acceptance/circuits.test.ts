import { CircuitOpenError, defineTask, type CircuitSettings, type TaskContext } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import {
  brief,
  crashes,
  everywhere,
  f,
  perform,
  plain,
  replays,
  Stage,
  t,
  watchForLeaks,
  type Program,
} from './stage.fixture.ts';

watchForLeaks();

const circuit: CircuitSettings = { threshold: 2, openFor: 1000 };

describe('A74 a circuit of threshold 2', () => {
  it('refuses the third call without an attempt', async () => {
    const { value, stage, store } = await perform((lab) => async (_, ctx) => {
      const step = lab.with({ circuit });
      return [
        await ctx.task(step, f(10, 'x')).catch(brief),
        await ctx.task(step, f(10, 'y')).catch(brief),
        await ctx
          .task(step, t(10))
          .catch((error: unknown) => error instanceof CircuitOpenError && [error.code, error.message]),
      ];
    });
    expect(value).toEqual([
      'TaskError: x',
      'TaskError: y',
      ['CIRCUIT_OPEN', "Task 'step' (2): circuit 'step' is open for another 1000 ms"],
    ]);
    expect(stage.started).toEqual(['0', '1']);
    expect(shape(store).filter((line) => line.endsWith(' 2'))).toEqual(['TaskScheduled 2', 'TaskFailed 2']);
    expect(
      journal(store).find(({ event }) => event.type === 'TaskFailed' && event.key === '2'),
    ).toMatchObject({
      event: { cause: 'circuitOpen', failures: 0 },
    });
  });

  const afterwards =
    (trial: 'succeeds' | 'fails'): Program =>
    (lab) =>
    async (_, ctx) => {
      const step = lab.with({ circuit });
      const outcome = (call: Promise<unknown>): Promise<unknown> => call.catch(brief);
      await outcome(ctx.task(step, f(10, 'x')));
      await outcome(ctx.task(step, f(10, 'x')));
      await ctx.sleep(999);
      const before = await outcome(ctx.task(step, t(10, 'too early')));
      await ctx.sleep(1);
      const two = await Promise.all([
        outcome(ctx.task(step, trial === 'succeeds' ? t(10, 'trial') : f(10, 'trial'))),
        outcome(ctx.task(step, t(10, 'beside'))),
      ]);
      const next = await outcome(ctx.task(step, t(10, 'next')));
      return [before, two, next];
    };

  it('lets one of two concurrent calls try it after its time; a success closes it', async () => {
    const { value, stage } = await perform(afterwards('succeeds'));
    expect(value).toEqual(['CircuitOpenError', ['trial', 'CircuitOpenError'], 'next']);
    expect(stage.invoked).toHaveLength(4);
  });

  it('a failure opens it again', async () => {
    const { value, stage } = await perform(afterwards('fails'));
    expect(value).toEqual(['CircuitOpenError', ['TaskError: trial', 'CircuitOpenError'], 'CircuitOpenError']);
    expect(stage.invoked).toHaveLength(3);
  });

  it('⟲ is the same everywhere', async () => {
    await everywhere(afterwards('succeeds'), ['CircuitOpenError', ['trial', 'CircuitOpenError'], 'next'], {
      inVirtualTime: true,
    });
    await everywhere(
      afterwards('fails'),
      ['CircuitOpenError', ['TaskError: trial', 'CircuitOpenError'], 'CircuitOpenError'],
      { inVirtualTime: true },
    );
  });
});

describe('a circuit', () => {
  it('⟲ A76 a call that was refused stays refused when the circuit is closed', async () => {
    const program: Program = (lab) => async (_, ctx) => {
      const step = lab.with({ circuit });
      await ctx.task(step, f(10, 'x')).catch(brief);
      await ctx.task(step, f(10, 'x')).catch(brief);
      const refused = await ctx
        .task(step, t(10))
        .catch((error: unknown) => [brief(error), (error as Error).message]);
      await ctx.sleep(5000);
      return [refused, await ctx.task(step, t(10, 'closed'))];
    };
    const message = (key: string): string =>
      `Task 'step' (${key}): circuit 'step' is open for another 1000 ms`;
    const { store, told } = await perform(program);
    expect(plain(told)).toEqual({ value: [['CircuitOpenError', message('2')], 'closed'] });
    expect(store.circuit('step')).toMatchObject({ openedAt: null });
    await replays(store, program);
    await crashes(store, program, plain(told));
    await everywhere(
      (lab) => async (inputs, ctx) => ((await program(lab)(inputs, ctx)) as unknown[][])[0]?.[0],
      'CircuitOpenError',
    );
  });

  it('counts failures over runs, and a success between them ends the row', async () => {
    const store = new MemoryStore();
    const stage = new Stage();
    const step = stage.with({ circuit: { ...circuit, name: 'shared' } });
    const other = stage.with({ circuit: { ...circuit, name: 'shared' } }, 'other');
    const outcomes = await stage.use(store, {}, async (runtime) => {
      const told: unknown[] = [];
      const inputs = [f(1, 'a'), t(1, 'ok'), f(1, 'b'), f(1, 'c'), t(1, 'refused')];
      for (const [i, input] of inputs.entries()) {
        const handle = runtime.start(
          (_: null, ctx) => ctx.task(i % 2 === 0 ? step : other, input).catch(brief),
          null,
          { id: `r${i}` },
        );
        told.push(await handle.result());
      }
      return told;
    });
    expect(outcomes).toEqual(['TaskError: a', 'ok', 'TaskError: b', 'TaskError: c', 'CircuitOpenError']);
  });

  it('refuses a retry too, with the last failure as the cause', async () => {
    const { value, stage } = await perform(
      (lab) => (_, ctx) =>
        ctx
          .task(lab.with({ circuit, retry: { attempts: 5, delay: 10 } }), f(5, 'down'))
          .catch((error: unknown) => [brief(error), brief((error as Error).cause)]),
    );
    expect(value).toEqual(['CircuitOpenError', 'Error: down']);
    expect(stage.invoked).toHaveLength(2);
  });

  it('counts timeouts, and neither cancelled nor interrupted attempts', async () => {
    const { value, store } = await perform((lab) => async (_, ctx) => {
      const slow = lab.with({ circuit, timeout: 20 });
      const race = (): Promise<unknown> =>
        ctx.parallel.race([() => ctx.task(slow, t(15)), () => ctx.task(lab.step, t(5, 'faster'))]);
      return [
        await ctx.task(slow, t(500)).catch(brief),
        await race(),
        await race(),
        await ctx.task(slow, t(500)).catch(brief),
        await ctx.task(slow, t(1)).catch(brief),
      ];
    });
    expect(value).toEqual(['TimeoutError', 'faster', 'faster', 'TimeoutError', 'CircuitOpenError']);
    expect(store.circuit('step')).toMatchObject({ generation: 1 });
  });

  it('a success that began before it opened does not close it', async () => {
    const { value } = await perform((lab) => async (_, ctx) => {
      const step = lab.with({ circuit });
      const early = ctx.task(step, t(100, 'early'));
      await Promise.all([ctx.task(step, f(5, 'x')).catch(brief), ctx.task(step, f(5, 'x')).catch(brief)]);
      return [await early, await ctx.task(step, t(5)).catch(brief)];
    });
    expect(value).toEqual(['early', 'CircuitOpenError']);
  });

  it('is asked where the slot is there: what waited in the queue is refused as well, and no slot is lost', async () => {
    const { value, stage } = await perform(
      (lab) => async (_, ctx) => {
        const step = lab.with({ circuit, pool: 'one' });
        const told = await ctx.parallel.allSettled(
          [1, 2, 3, 4].map((n) => () => ctx.task(step, f(10, `x${n}`))),
        );
        await ctx.sleep(2000);
        return [
          told.map((each) => (each.status === 'rejected' ? brief(each.reason) : each.value)),
          await ctx.task(step, t(5, 'free')),
        ];
      },
      { pools: { one: 1 } },
    );
    expect(value).toEqual([
      ['TaskError: x1', 'TaskError: x2', 'CircuitOpenError', 'CircuitOpenError'],
      'free',
    ]);
    expect(stage.maxParallel).toBe(1);
  });

  it('a trial whose program died does not hold it for ever', async () => {
    const broken: Program = (lab) => async (_, ctx) => {
      const step = lab.with({ circuit });
      await ctx.task(step, f(1, 'x')).catch(brief);
      await ctx.task(step, f(1, 'x')).catch(brief);
      await ctx.sleep(1000);
      return ctx.task(step, t(100_000, 'trial'));
    };
    const { store } = await perform(broken);
    const started = journal(store).findLast(({ event }) => event.type === 'AttemptStarted');
    const prefix = store.prefix('r', started?.seq ?? 0);
    const later = Stage.at((started?.at ?? 0) + 10);
    const ask = (id: string): Promise<unknown> =>
      later.use(prefix, {}, async (runtime) =>
        runtime
          .start((_: null, ctx) => ctx.task(later.with({ circuit }), t(1, 'free')).catch(brief), null, { id })
          .result(),
      );
    expect(await ask('soon')).toBe('CircuitOpenError');
    await later.clock.advance(30_000);
    expect(await ask('late')).toBe('free');
    expect(prefix.circuit('step')).toMatchObject({ openedAt: null });
  });

  it('a trial that was cancelled lets another one try', async () => {
    const { value } = await perform((lab) => async (_, ctx) => {
      const step = lab.with({ circuit });
      await ctx.task(step, f(1, 'x')).catch(brief);
      await ctx.task(step, f(1, 'x')).catch(brief);
      await ctx.sleep(1000);
      await ctx.parallel.race([() => ctx.task(step, t(500)), () => ctx.sleep(10)]);
      // The cancellation of the loser is recorded in the turn after the decision.
      await ctx.sleep(1);
      return ctx.task(step, t(1, 'second trial')).catch(brief);
    });
    expect(value).toBe('second trial');
  });
});

describe('A77 results that are kept', () => {
  /** The first attempts fail, all in one counting over runs. */
  const counting = (
    lab: Stage,
    failures: number,
    settings: { version?: string; ttl?: number; key?: (d: unknown) => string } = {},
  ) => {
    let calls = 0;
    return defineTask({
      name: 'counting',
      run: async (input: unknown, task: TaskContext): Promise<unknown> => {
        lab.invoked.push({ task: 'counting', key: task.key, attempt: task.attempt });
        calls += 1;
        if (calls <= failures) throw new Error(`failure ${calls}`);
        return { calls, input };
      },
      cache: { ttl: settings.ttl ?? 60_000, ...(settings.key === undefined ? {} : { key: settings.key }) },
      ...(settings.version === undefined ? {} : { version: settings.version }),
    });
  };

  it('a failure is not kept: the second call tries again, and the third has its result', async () => {
    const { value, stage, store } = await perform((lab) => async (_, ctx) => {
      const task = counting(lab, 1);
      return [await ctx.task(task, 'a').catch(brief), await ctx.task(task, 'a'), await ctx.task(task, 'a')];
    });
    expect(value).toEqual(['TaskError: failure 1', { calls: 2, input: 'a' }, { calls: 2, input: 'a' }]);
    expect(stage.invoked).toHaveLength(2);
    expect(journal(store).findLast(({ event }) => event.type === 'TaskSucceeded')).toMatchObject({
      event: { key: '2', by: 'cache' },
    });
    expect(shape(store).filter((line) => line.endsWith(' 2'))).toEqual([
      'TaskScheduled 2',
      'TaskSucceeded 2',
    ]);
  });

  it('two dates are two entries, and keep their type', async () => {
    const { value, stage } = await perform((lab) => async (_, ctx) => {
      const task = counting(lab, 0);
      return [
        await ctx.task(task, new Date(1)),
        await ctx.task(task, new Date(2)),
        await ctx.task(task, new Date(1)),
        await ctx.task(task, '1970-01-01T00:00:00.001Z'),
      ];
    });
    expect(value).toEqual([
      { calls: 1, input: new Date(1) },
      { calls: 2, input: new Date(2) },
      { calls: 1, input: new Date(1) },
      { calls: 3, input: '1970-01-01T00:00:00.001Z' },
    ]);
    expect(stage.invoked).toHaveLength(3);
  });

  it('over runs, by version, by key, and no longer than its time', async () => {
    const store = new MemoryStore();
    const stage = new Stage();
    const first = counting(stage, 0);
    const second = counting(stage, 0, { version: '2' });
    const keyed = counting(stage, 0, { key: (d) => String((d as { id: number }).id) });
    await stage.use(store, {}, async (runtime) => {
      let runs = 0;
      const call = (task: typeof first, input: unknown): Promise<unknown> => {
        runs += 1;
        return runtime.start((_: null, ctx) => ctx.task(task, input), null, { id: `r${runs}` }).result();
      };
      expect(await call(first, 1)).toEqual({ calls: 1, input: 1 });
      expect(await call(first, 1)).toEqual({ calls: 1, input: 1 });
      expect(await call(second, 1)).toEqual({ calls: 1, input: 1 });
      expect(stage.invoked).toHaveLength(2);
      expect(await call(keyed, { id: 7, at: 1 })).toEqual({ calls: 1, input: { id: 7, at: 1 } });
      expect(await call(keyed, { id: 7, at: 2 })).toEqual({ calls: 1, input: { id: 7, at: 1 } });
      expect(await call(keyed, { id: 8, at: 2 })).toMatchObject({ calls: 2 });
      await runtime.start((_: null, ctx) => ctx.sleep(60_001), null, { id: 'wait' }).result();
      expect(await call(first, 1)).toEqual({ calls: 2, input: 1 });
    });
  });

  it('a key function that gives no string is refused at the call, before anything is recorded', async () => {
    const { value, store } = await perform((lab) => (_, ctx) => {
      const refused = [
        () => 5,
        () => Promise.resolve('x'),
        () => {
          throw new TypeError('no');
        },
      ].map((key) => {
        try {
          void ctx.task(counting(lab, 0, { key: key as never }), 1);
          return 'not refused';
        } catch (error) {
          return error instanceof Error && error.message;
        }
      });
      return Promise.resolve(refused);
    });
    expect(value).toEqual([
      "cache.key of task 'counting' must give a string.",
      "cache.key of task 'counting' must give a string.",
      "cache.key of task 'counting' threw.",
    ]);
    expect(transcript(store)).toHaveLength(2);
  });

  it('⟲ a result that was kept is the same everywhere', async () => {
    const program: Program = (lab) => async (_, ctx) => {
      const step = lab.with({ cache: { ttl: 60_000 } });
      return [
        await ctx.task(step, t(10, 'kept')),
        await ctx.task(step, t(10, 'kept')),
        await ctx.parallel.map([1, 2], () => ctx.task(step, t(10, 'kept'))),
      ];
    };
    const { stage } = await everywhere(program, ['kept', 'kept', ['kept', 'kept']]);
    expect(stage.invoked).toHaveLength(1);
  });

  it('comes before a circuit that is open, and needs no slot', async () => {
    const { value } = await perform(
      (lab) => async (_, ctx) => {
        const step = lab.with({
          circuit: { threshold: 1, openFor: 1000 },
          cache: { ttl: 60_000 },
          pool: 'one',
        });
        await ctx.task(step, t(1, 'kept'));
        await ctx.task(step, f(1, 'x')).catch(brief);
        const holder = ctx.task(lab.with({ pool: 'one' }), t(100, 'holder'));
        const kept = await ctx.task(step, t(1, 'kept'));
        return [kept, ctx.now().getTime() - Date.UTC(2026, 0, 1), await holder];
      },
      { pools: { one: 1 } },
    );
    expect(value).toEqual(['kept', 2, 'holder']);
  });

  it('⟲ a task that is read as a stream gives its kept result, or its refusal, as the only envelope', async () => {
    await everywhere(
      (lab) => async (_, ctx) => {
        const step = lab.with({ circuit: { threshold: 1, openFor: 1000 }, cache: { ttl: 60_000 } });
        const read = async (input: ReturnType<typeof t>): Promise<unknown[]> => {
          const told: unknown[] = [];
          for await (const each of ctx.stream(step, input)) {
            told.push(each.type === 'ERROR' ? [each.type, brief(each.error)] : [each.type, each.value]);
          }
          return told;
        };
        await ctx.task(step, t(5, 'kept'));
        await ctx.task(step, f(5, 'x')).catch(brief);
        return [await read(t(5, 'kept')), await read(t(5, 'refused')).catch(brief)];
      },
      [[['FINAL', 'kept']], [['ERROR', 'CircuitOpenError']]],
    );
  });
});
