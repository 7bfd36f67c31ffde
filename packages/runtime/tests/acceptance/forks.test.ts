import { defineTask, externalTask, type Context, type Process, type TaskContext } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import type { RuntimeOptions } from '../../src/runtime-options.ts';
import type { Runtime } from '../../src/runtime.ts';
import { journal, Lab, shape } from '../lab.fixture.ts';

interface Bench {
  readonly lab: Lab;
  readonly store: MemoryStore;
  readonly ran: string[];
  readonly keys: string[];
  readonly step: ReturnType<typeof stepOf>;
  /** Opens a runtime over the same store, in virtual time. */
  within<T>(work: (runtime: Runtime) => Promise<T>, options?: Partial<RuntimeOptions>): Promise<T>;
}

function stepOf(ran: string[], keys: string[], broken: Set<string>) {
  return defineTask({
    name: 'step',
    run: async (name: string, task: TaskContext): Promise<string> => {
      ran.push(name);
      keys.push(`${task.key} ${task.idempotencyKey}`);
      if (broken.has(name)) throw new Error(`${name} is broken`);
      return `${name}!`;
    },
  });
}

function bench(broken: Set<string> = new Set()): Bench {
  const lab = new Lab();
  const store = new MemoryStore();
  const ran: string[] = [];
  const keys: string[] = [];
  return {
    lab,
    store,
    ran,
    keys,
    step: stepOf(ran, keys, broken),
    within: async (work, options) => {
      const runtime = await lab.open(store, options);
      const stop = lab.clock.run(() => runtime.isIdle);
      try {
        return await work(runtime);
      } finally {
        stop();
        await runtime.close();
      }
    },
  };
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'no failure';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const three =
  ({ step }: Bench): Process<{ tag: string }, string[]> =>
  async ({ tag }, ctx) => [
    await ctx.task(step, 'a', { key: 'a' }),
    await ctx.task(step, `b${tag}`, { key: 'b' }),
    await ctx.task(step, 'c', { key: 'c' }),
  ];

describe('fork', () => {
  it('makes the call anew that it begins at, and all later ones, with keys of its own', async () => {
    const on = bench();
    const process = three(on);
    await on.within(async (runtime) => {
      await runtime.start(process, { tag: '' }, { id: 'r' }).result();
      expect(on.ran.splice(0)).toEqual(['a', 'b', 'c']);
      const fork = await runtime.fork('r', { at: ':b', id: 'f', process });
      expect(await fork.result()).toEqual(['a!', 'b!', 'c!']);
      expect(on.ran).toEqual(['b', 'c']);
      expect(runtime.forksOf('r')).toEqual(['f']);
    });
    expect(new Set(on.keys).size).toBe(5);
    expect(on.store.verify().damage).toEqual([]);
  });

  it('goes on from a result that was given for a call', async () => {
    const on = bench();
    const process: Process<null, string> = async (_, ctx) => {
      const first = await ctx.task(on.step, 'a', { key: 'a' });
      return ctx.task(on.step, `${first}b`);
    };
    await on.within(async (runtime) => {
      await runtime.start(process, null, { id: 'r' }).result();
      on.ran.length = 0;
      const fork = await runtime.fork('r', { set: { ':a': 'other ' }, id: 'f', process });
      expect(await fork.result()).toBe('other b!');
      expect(on.ran).toEqual(['other b']);
      expect(journal(on.store, 'f').find(({ event }) => event.type === 'TaskSucceeded')?.event).toMatchObject(
        {
          by: 'given',
          output: 'other ',
        },
      );
      expect(await runtime.replay('f', process)).toMatchObject({ reached: 'end' });
    });
  });

  it('starts its process with other inputs, and diverges where what is kept asked for the old ones', async () => {
    const on = bench();
    const process = three(on);
    await on.within(async (runtime) => {
      await runtime.start(process, { tag: '1' }, { id: 'r' }).result();
      const fork = await runtime.fork('r', { at: ':b', inputs: { tag: '2' }, id: 'f', process });
      expect(await fork.result()).toEqual(['a!', 'b2!', 'c!']);
      const late = await runtime.fork('r', { at: ':c', inputs: { tag: '2' }, id: 'g', process });
      expect(await failureOf(late.result())).toContain('asks for something else');
      expect(await runtime.resume('f', process).result()).toEqual(['a!', 'b2!', 'c!']);
    });
  });

  it('takes the same call from where it was under way, in all branches', async () => {
    const on = bench(new Set(['x']));
    const slow = defineTask({
      name: 'slow',
      run: async (ms: number, task: TaskContext): Promise<number> => {
        on.ran.push(`slow ${ms} attempt ${task.attempt}`);
        await on.lab.clock.sleep(ms, task.signal);
        return ms;
      },
    });
    const process: Process<null, unknown> = async (_, ctx) =>
      ctx.parallel.all([() => ctx.task(slow, 10), () => ctx.task(slow, 30), () => ctx.task(slow, 20)]);
    await on.within(async (runtime) => {
      await runtime.start(process, null, { id: 'r' }).result();
      on.ran.length = 0;
      // Behind the first result.
      const place = journal(on.store).find(({ event }) => event.type === 'TaskSucceeded');
      const fork = await runtime.fork('r', { afterSeq: place?.seq ?? 0, id: 'f', process });
      expect(await fork.result()).toEqual([10, 30, 20]);
      expect(on.ran.toSorted()).toEqual(['slow 20 attempt 2', 'slow 30 attempt 2']);
    });
  });

  it('refuses in words what cannot be', async () => {
    const on = bench();
    const child: Process<null, string> = async (_, ctx) => ctx.task(on.step, 'in child');
    const parent: Process<null, string> = async (_, ctx) => ctx.run(child, null, { key: 'child' });
    const process = three(on);
    await on.within(async (runtime) => {
      await runtime.start(process, { tag: '' }, { id: 'r' }).result();
      await runtime.start(parent, null, { id: 'p' }).result();
      const told = (options: object): Promise<string> =>
        failureOf(runtime.fork('r', { process, ...options }));
      expect(await told({ at: ':bb' })).toMatch(
        /^Run r cannot be forked there\. The run has no call ':bb'\./,
      );
      expect(await told({ set: { ':zz': 1 } })).toContain("no call ':zz'");
      expect(await told({ at: ':b', set: { ':a': 1 } })).toContain('lies before that place');
      expect(await told({ afterSeq: 6, set: { ':a': 1 } })).toContain('lies before that place');
      expect(await told({ afterSeq: 1, set: { ':zz': 1 } })).toContain("no call ':zz'");
      expect(await told({ afterSeq: 99 })).toContain('It has');
      expect(await told({ afterSeq: 1.5 })).toContain('afterSeq');
      expect(await told({ id: 'p' })).toContain('There is a run p already');
      expect(await told({ set: { ':a': () => 1 } })).toContain('The result of call :a');
      const started = journal(on.store, 'p').find(({ event }) => event.type === 'ChildStarted')?.seq ?? 0;
      expect(await failureOf(runtime.fork('p', { afterSeq: started, process: parent }))).toContain(
        'cannot be a part of two runs',
      );
      expect(await failureOf(runtime.fork('none', { process }))).toContain("no run 'none'");
      expect(await (await runtime.fork('p', { at: ':child', process: parent })).result()).toBe('in child!');
    });
    expect(on.ran.filter((name) => name === 'in child')).toHaveLength(2);
  });

  it('offers what is asked of others once more, for itself', async () => {
    const on = bench();
    const ask = externalTask<string, string>({ name: 'ask', description: (question) => question });
    const process: Process<null, unknown> = async (_, ctx) =>
      ctx.parallel.all([() => ctx.task(ask, 'well?'), () => ctx.task(on.step, 'a')]);
    await on.within(async (runtime) => {
      const handle = runtime.start(process, null, { id: 'r' });
      await until(() => runtime.tasks.list({ runId: 'r' }).length === 1 && on.ran.length === 1);
      const fork = await runtime.fork('r', { id: 'f', process });
      const [own] = runtime.tasks.list({ runId: 'f' });
      expect(own?.id).toMatch(/^f\./);
      expect(own).toMatchObject({ key: '0/0/0', description: { description: 'well?' } });
      runtime.tasks.complete(own?.id ?? '', 'for the fork', { worker: 'w' });
      expect(await fork.result()).toEqual(['for the fork', 'a!']);
      const [first] = runtime.tasks.list({ runId: 'r' });
      runtime.tasks.complete(first?.id ?? '', 'for the run', { worker: 'w' });
      expect(await handle.result()).toEqual(['for the run', 'a!']);
    });
    expect(on.store.verify().damage).toEqual([]);
  });
});

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate);
}

it('is refused behind a secret whose value is gone, and begins where it was received', async () => {
  const on = bench();
  const process: Process<null, string> = async (_, ctx) => {
    await ctx.receive('password', { secret: true, key: 'password' });
    return ctx.task(on.step, 'a', { key: 'a' });
  };
  const told = await on.within(
    async (runtime) => {
      const handle = runtime.start(process, null, { id: 'r' });
      await runtime.send('r', 'password', 'hush', { secret: true });
      await handle.result();
      return failureOf(runtime.fork('r', { at: ':a', process }));
    },
    { secretKey: 'ab'.repeat(32) },
  );
  expect(told).toContain('the secret that call :password received');
});

describe('retry', () => {
  it('does again what failed, and takes what succeeded, also behind the failure', async () => {
    const broken = new Set(['b', 'd']);
    const on = bench(broken);
    const process: Process<null, unknown> = async (_, ctx) => {
      await ctx.task(on.step, 'first');
      return ctx.parallel.map(['a', 'b', 'c', 'd', 'e'], (name) => ctx.task(on.step, name), {
        losers: 'drain',
      });
    };
    await on.within(async (runtime) => {
      expect(await failureOf(runtime.start(process, null, { id: 'r' }).result())).toContain('b is broken');
      on.ran.length = 0;
      broken.clear();
      const plan = runtime.planRetry('r');
      expect(plan.again.map(({ name, isRisky }) => [name, isRisky])).toContainEqual(['step', true]);
      const fork = await runtime.retry('r', { id: 'f', process });
      expect(await fork.result()).toEqual(['a!', 'b!', 'c!', 'd!', 'e!']);
      expect(on.ran.toSorted()).toEqual(['b', 'd']);
      expect(await runtime.replay('f', process)).toMatchObject({ reached: 'end' });
    });
  });

  it('is left to whoever resumes it, by a program that has not its code', async () => {
    const broken = new Set(['b']);
    const on = bench(broken);
    const process: Process<null, string> = async (_, ctx) => {
      await ctx.task(on.step, 'a');
      return ctx.task(on.step, 'b');
    };
    await on.within((runtime) => failureOf(runtime.start(process, null, { id: 'r' }).result()));
    await on.within(async (runtime) => {
      expect(await runtime.leaveFork('r', { retries: true, id: 'f' })).toBe('f');
      expect(runtime.get('f')).toMatchObject({ status: 'running', owner: null, wakeAt: null });
    });
    expect(on.ran).toEqual(['a', 'b']);
    broken.clear();
    await on.within(async (runtime) => expect(await runtime.resume('f', process).result()).toBe('b!'));
    expect(on.ran).toEqual(['a', 'b', 'b']);
  });

  it('is for runs that failed or were cancelled', async () => {
    const on = bench();
    const process: Process<null, string> = async (_, ctx) => {
      await ctx.task(on.step, 'a');
      await ctx.sleep('1h');
      return ctx.task(on.step, 'b');
    };
    await on.within(async (runtime) => {
      const handle = runtime.start(process, null, { id: 'r' });
      await until(() => on.ran.length === 1);
      expect(await failureOf(runtime.retry('r', { process }))).toContain('nothing to retry');
      runtime.cancel('r');
      await failureOf(handle.result());
      expect(await (await runtime.retry('r', { process, id: 'f' })).result()).toBe('b!');
      expect(await failureOf(runtime.retry('f', { process }))).toContain('nothing to retry');
    });
    expect(on.ran).toEqual(['a', 'b']);
  });

  it('goes back to what the run failed with, and not to what the process dealt with', async () => {
    const broken = new Set(['optional', 'charge']);
    const on = bench(broken);
    const order =
      (end: (error: unknown) => unknown): Process<null, unknown> =>
      async (_, ctx) => {
        await ctx.task(on.step, 'optional').catch(() => null);
        await ctx.task(on.step, 'after');
        try {
          return await ctx.task(on.step, 'charge');
        } catch (error) {
          await ctx.task(on.step, 'tell').catch(() => null);
          return end(error);
        }
      };
    const fails = (make: (error: unknown) => Error) => (error: unknown) => {
      throw make(error);
    };
    const cases = [
      ['itself', fails((error) => error as Error), 'charge'],
      ['as the cause', fails((error) => new Error('no order', { cause: error })), 'charge'],
      ['among others', fails((error) => new AggregateError([new Error('x'), error])), 'charge'],
      ['in words', fails((error) => new Error(`no order: ${(error as Error).message}`)), 'charge'],
      ['a wrong line', () => (undefined as unknown as { total: number }).total, null],
    ] as const;
    await on.within(async (runtime) => {
      for (const [id, end, name] of cases) {
        await failureOf(runtime.start(order(end), null, { id: id.replaceAll(' ', '-') }).result());
        const plan = runtime.planRetry(id.replaceAll(' ', '-'));
        expect([id, plan.before === null ? null : name]).toEqual([id, name]);
        expect(plan.before ?? '2', id).toBe('2');
        const run = runtime.get(id.replaceAll(' ', '-'));
        if (name === null) expect(plan.seq, id).toBe((run?.lastSeq ?? 0) - 1);
      }
      // With the code put right it goes on where it failed, and does nothing twice.
      on.ran.length = 0;
      const right = order(() => 'no order, and told so');
      expect(await (await runtime.retry('a-wrong-line', { process: right })).result()).toBe(
        'no order, and told so',
      );
      expect(on.ran).toEqual([]);
      // One that failed behind what was dealt with begins there.
      broken.add('tell');
      await failureOf(runtime.start(order(fails((error) => error as Error)), null, { id: 'late' }).result());
      expect(runtime.planRetry('late').before).toBe('2');
    });
  });

  it('takes what an earlier generation had, where the one between did not come to it', async () => {
    const broken = new Set(['b']);
    const on = bench(broken);
    const process: Process<null, unknown> = async (_, ctx) => {
      const [first] = await ctx.parallel.all(
        [
          async () => {
            await ctx.task(on.step, 'b', { key: 'b' });
            return ctx.task(on.step, 'c', { key: 'c' });
          },
          async () => ctx.task(on.step, 'd', { key: 'd' }),
        ],
        { losers: 'drain' },
      );
      return [first, await ctx.task(on.step, 'e', { key: 'e' })];
    };
    broken.clear();
    await on.within(async (runtime) => {
      await runtime.start(process, null, { id: 'r' }).result();
      broken.add('b');
      // It begins before b, which is done again and fails: it does not come to c and e.
      await failureOf((await runtime.fork('r', { at: '0/0/:b', reuse: true, id: 'f', process })).result());
      expect(journal(on.store, 'f').some(({ event }) => 'key' in event && event.key === ':e')).toBe(false);
      broken.clear();
      on.ran.length = 0;
      const retry = await runtime.retry('f', { id: 'g', process });
      expect(await retry.result()).toEqual(['c!', 'e!']);
      // b was to be made anew, whatever the first of them had.
      expect(on.ran).toEqual(['b']);
      expect(await runtime.replay('g', process)).toMatchObject({ reached: 'end' });
      const places = journal(on.store, 'g').flatMap(({ event }) =>
        event.type === 'TaskSucceeded' && event.by === 'reused' && [':e'].includes(event.key)
          ? [event.fromSeq]
          : [],
      );
      expect(places).toEqual([undefined]);
    });
    expect(on.store.verify().damage).toEqual([]);
  });

  it('gives what failed all its tries once more', async () => {
    let tries = 0;
    const flaky = defineTask({
      name: 'flaky',
      retry: { attempts: 3, delay: 10 },
      run: async (): Promise<number> => {
        tries += 1;
        if (tries < 6) throw new Error('not yet');
        return tries;
      },
    });
    const on = bench();
    const process: Process<null, number> = async (_, ctx) => ctx.task(flaky);
    await on.within(async (runtime) => {
      expect(await failureOf(runtime.start(process, null, { id: 'r' }).result())).toContain('not yet');
      expect(await (await runtime.retry('r', { process })).result()).toBe(6);
    });
  });
});

describe('a start that reuses results', () => {
  it('takes them where task, version and input are the same, and says from where', async () => {
    const on = bench();
    const process =
      (names: string[]): Process<null, string[]> =>
      async (_, ctx) => {
        const all: string[] = [];
        for (const name of names) all.push(await ctx.task(on.step, name));
        return all;
      };
    await on.within(async (runtime) => {
      await runtime.start(process(['a', 'b', 'b']), null, { id: 'r' }).result();
      on.ran.length = 0;
      const again = runtime.start(process(['b', 'new', 'a', 'b', 'b']), null, { id: 's', reuseFrom: 'r' });
      expect(await again.result()).toEqual(['b!', 'new!', 'a!', 'b!', 'b!']);
      expect(on.ran).toEqual(['new']);
      const reused = journal(on.store, 's').flatMap(({ event }) =>
        event.type === 'TaskSucceeded' && event.by === 'reused' ? [event.fromSeq] : [],
      );
      expect(reused).toHaveLength(4);
      expect(shape(on.store, 's').slice(0, 2)).toEqual(['RunStarted', 'RunForked']);
      expect(
        await failureOf(
          Promise.resolve().then(() =>
            runtime.start(process(['a']), null, { id: 't', reuseFrom: 'none' }).result(),
          ),
        ),
      ).toContain("no run 'none'");
    });
    expect(on.store.verify().damage).toEqual([]);
  });

  it('asks anew for another version of a task', async () => {
    const ran: string[] = [];
    const task = (version: string) =>
      defineTask({
        name: 't',
        version,
        run: async (name: string): Promise<string> => `${version}${ran.push(name)}`,
      });
    const process =
      (version: string): Process<null, string> =>
      async (_: null, ctx: Context) =>
        ctx.task(task(version), 'x');
    const on = bench();
    await on.within(async (runtime) => {
      await runtime.start(process('1'), null, { id: 'r' }).result();
      expect(await runtime.start(process('1'), null, { reuseFrom: 'r' }).result()).toBe('11');
      expect(await runtime.start(process('2'), null, { reuseFrom: 'r' }).result()).toBe('22');
    });
  });
});

it('a fork that is crashed at every event ends as it would have', async () => {
  const on = bench();
  const process: Process<null, unknown> = async (_, ctx) => {
    const first = await ctx.task(on.step, 'a', { key: 'a' });
    return [first, await ctx.parallel.map(['b', 'c'], (name) => ctx.task(on.step, name)), ctx.uuid()];
  };
  const expected = await on.within(async (runtime) => {
    await runtime.start(process, null, { id: 'r' }).result();
    const fork = await runtime.fork('r', { set: { ':a': 'given' }, reuse: true, id: 'f', process });
    return fork.result();
  });
  const events = journal(on.store, 'f');
  const begin = events.findIndex(({ event }) => event.type === 'RunForked') + 1;
  for (let seq = begin; seq <= events.length; seq += 1) {
    const lab = Lab.at(events[seq - 1]?.at ?? 0);
    const runtime = await lab.open(on.store.prefix('f', seq));
    const stop = lab.clock.run(() => runtime.isIdle);
    expect(await runtime.resume('f', process).result(), `behind ${seq}`).toEqual(expected);
    stop();
    await runtime.close();
  }
});
