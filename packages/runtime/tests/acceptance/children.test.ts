import { ChildError, type Process, type Schema } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { MemoryStore, seededEntropy } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import { pair, statuses, WatchedStore, type Program } from './child-runs.fixture.ts';
import { f, Stage, t, watchForLeaks, type StepInput, type Told } from './stage.fixture.ts';

watchForLeaks();

function all(store: MemoryStore): string[][] {
  return Object.keys(statuses(store)).map((id) => transcript(store, id));
}

/** Every child that a journal names is there and names its parent, and every child is named. */
function looseEnds(store: MemoryStore): string[] {
  const named = new Map<string, string>();
  const found = new Map<string, string>();
  for (const id of Object.keys(statuses(store))) {
    for (const { event } of journal(store, id)) {
      if (event.type === 'ChildStarted') named.set(event.runId, `${id} ${event.key}`);
      // Those that follow a child are named by the end before them.
      if (event.type === 'ParentRecorded' && !id.includes('~'))
        found.set(id, `${event.parentRunId} ${event.parentKey}`);
    }
  }
  return [
    ...[...named].filter(([id, parent]) => found.get(id) !== parent).map(([id]) => `${id} is missing`),
    ...[...found].filter(([id, parent]) => named.get(id) !== parent).map(([id]) => `nobody names ${id}`),
  ];
}

function reborn(state: ReturnType<MemoryStore['snapshot']>): MemoryStore {
  const store = MemoryStore.from(state);
  for (const { owner } of store.queryRuns({ limit: 100 }, 0)) if (owner !== null) store.ownerDied(owner);
  return store;
}

function plain(told: Told): unknown {
  return 'value' in told ? told : { error: String(told.error.cause ?? told.error) };
}

/**
 * Runs it, replays every run of it, and crashes the whole store after every commit: the same result, the same
 * statuses in the end, no loose ends, and nothing done again that was recorded as done.
 */
async function everywhere(program: Program, expected: unknown): Promise<WatchedStore> {
  const inBranch: Program = (stage) => async (inputs, ctx) => {
    const [value] = await ctx.parallel.map(['only'], () => program(stage)(inputs, ctx));
    return value;
  };
  await crashedEverywhere(inBranch, undefined);
  return crashedEverywhere(program, expected);
}

/** @param expected undefined = whatever it comes to the first time */
async function crashedEverywhere(program: Program, result: unknown): Promise<WatchedStore> {
  const stage = new Stage();
  const store = new WatchedStore();
  const first = plain(await stage.drive(store, program(stage)));
  const expected = result ?? first;
  expect(first).toEqual(expected);
  expect(looseEnds(store)).toEqual([]);
  expect(store.verify().damage).toEqual([]);
  const before = all(store);
  const again = new Stage();
  await again.use(store, {}, async (runtime) => {
    expect(await runtime.replay('r', program(again))).toMatchObject({ reached: 'end' });
  });
  expect(again.invoked).toEqual([]);
  expect(all(store)).toEqual(before);
  for (const [n, state] of store.states.entries()) {
    const resumed = reborn(state);
    expect(looseEnds(resumed), `after commit ${n}`).toEqual([]);
    const last = Math.max(...resumed.queryRuns({ limit: 100 }, 0).map(({ updatedAt }) => updatedAt));
    const other = Stage.at(last);
    expect(plain(await other.drive(resumed, program(other))), `after commit ${n}`).toEqual(expected);
    expect(looseEnds(resumed), `after commit ${n}`).toEqual([]);
    // What the run had ended before the crash is left as the crash found it.
    if (MemoryStore.from(state).getRun('r', 0)?.status !== 'running') continue;
    expect(statuses(resumed), `after commit ${n}`).toEqual(statuses(store));
  }
  return store;
}

describe('ctx.run', () => {
  it('runs another process with a journal of its own, and waits for it without a slot', async () => {
    const store = await everywhere(
      (stage) => async (_, ctx) => {
        const got = await ctx.run(pair(stage), t(5, 'second'));
        return { got, next: await ctx.task(stage.step, t(1, 'next')) };
      },
      { value: { got: ['first', 'second'], next: 'next' } },
    );
    expect(shape(store)).toEqual([
      'RunStarted',
      'ChildStarted 0',
      'ChildFinished 0',
      'TaskScheduled 1',
      'AttemptStarted 1',
      'TaskSucceeded 1',
      'RunSucceeded',
    ]);
    expect(shape(store, 'r.0').slice(0, 3)).toEqual(['RunStarted', 'ParentRecorded', 'TaskScheduled 0']);
    expect(statuses(store)).toEqual({ 'r.0': 'succeeded', r: 'succeeded' });
    const child = journal(store, 'r.0')[0]?.event;
    expect(child).toMatchObject({ type: 'RunStarted', process: 'pairOf', module: null });
    const before = all(store);
    const again = new Stage();
    await again.use(store, {}, async (runtime) => {
      const report = await runtime.replay('r.0', pair(again) as Process);
      expect(report).toMatchObject({ reached: 'end', events: journal(store, 'r.0').length });
    });
    expect(again.invoked).toEqual([]);
    expect(all(store)).toEqual(before);
  });

  it('holds no slot of a limit of one, at any depth', async () => {
    const stage = new Stage();
    const nested: Process<number, number> = async function nested(n, ctx): Promise<number> {
      if (n === 0) return Number(await ctx.task(stage.step, t(1, 0)));
      return 1 + (await ctx.run(nested, n - 1));
    };
    const store = new MemoryStore();
    const told = await stage.drive(store, async (_, ctx) => ctx.run(nested, 10), null, {
      limits: { inFlight: 1 },
    });
    expect(told).toEqual({ value: 10 });
    expect(Object.keys(statuses(store))).toHaveLength(12);
  });

  it('thousands at once: each runs once, and after a crash in the middle only what was not done', async () => {
    const WIDTH = 2000;
    const program: Program = (stage) => {
      const one: Process<number, number> = async function one(n, ctx) {
        return Number(await ctx.task(stage.step, t(n % 7, n)));
      };
      return async (_, ctx) => {
        const given = await ctx.parallel.map(
          Array.from({ length: WIDTH }, (_each, n) => n),
          (n) => ctx.run(one, n),
        );
        return given.reduce((sum, n) => sum + n, 0);
      };
    };
    const sum = (WIDTH * (WIDTH - 1)) / 2;
    const stage = new Stage();
    const store = new WatchedStore();
    expect(await stage.drive(store, program(stage))).toEqual({ value: sum });
    expect(stage.invoked).toHaveLength(WIDTH);
    expect(store.queryRuns({ limit: 10_000, statuses: ['succeeded'] }, 0)).toHaveLength(WIDTH + 1);
    const middle = store.states[Math.floor(store.states.length / 2)];
    if (middle === undefined) throw new Error('no commit');
    const resumed = reborn(middle);
    const done = resumed.queryRuns({ limit: 10_000, statuses: ['succeeded'] }, 0).length;
    const last = Math.max(...resumed.queryRuns({ limit: 10_000 }, 0).map(({ updatedAt }) => updatedAt));
    const other = Stage.at(last);
    expect(await other.drive(resumed, program(other))).toEqual({ value: sum });
    expect(other.invoked).toHaveLength(WIDTH - done);
    expect(resumed.queryRuns({ limit: 10_000, statuses: ['succeeded'] }, 0)).toHaveLength(WIDTH + 1);
  });

  it('many at once in parallel.map, each once', async () => {
    const store = await everywhere(
      (stage) => async (_, ctx) =>
        ctx.parallel.map([3, 1, 2], (n) => ctx.run(pair(stage), t(n, n), { key: 'child' })),
      {
        value: [
          ['first', 3],
          ['first', 1],
          ['first', 2],
        ],
      },
    );
    expect(Object.keys(statuses(store)).toSorted()).toEqual([
      'r',
      'r.0.0.:child',
      'r.0.1.:child',
      'r.0.2.:child',
    ]);
  });

  it('of a race: the loser is cancelled, and the run does not end before it', async () => {
    const store = await everywhere(
      (stage) => async (_, ctx) =>
        ctx.parallel.race([
          () => ctx.run(pair(stage), t(500, 'slow')),
          () => ctx.run(pair(stage), t(5, 'fast')),
        ]),
      { value: ['first', 'fast'] },
    );
    expect(statuses(store)).toEqual({ 'r.0.0.0': 'cancelled', 'r.0.1.0': 'succeeded', r: 'succeeded' });
    expect(shape(store).slice(-3)).toEqual(['ScopeClosed 0', 'TaskCancelled 0/0/0', 'RunSucceeded']);
  });

  it('that fails: a ChildError with what it threw as the cause', async () => {
    const store = await everywhere(
      (stage) => async (_, ctx) => {
        try {
          return await ctx.run(pair(stage), f(5, 'no'), { key: 'it' });
        } catch (error) {
          if (!(error instanceof ChildError)) throw error;
          const { name, code, runId, process, key, message, cause } = error;
          return { name, code, runId, process, key, message, cause: (cause as Error).name };
        }
      },
      {
        value: {
          name: 'ChildError',
          code: 'CHILD_FAILED',
          runId: 'r.:it',
          process: 'pairOf',
          key: ':it',
          message: "Run r.:it of process 'pairOf' failed: no",
          cause: 'TaskError',
        },
      },
    );
    expect(statuses(store)).toEqual({ 'r.:it': 'failed', r: 'succeeded' });
  });

  it('follows a child that goes on as new, whose runs all name their parent', async () => {
    const store = await everywhere(
      (stage) => {
        const pages: Process<number, unknown> = async function pages(page, ctx) {
          await ctx.task(stage.step, t(5));
          return page === 3 ? ctx.runId : ctx.continueAsNew(page + 1);
        };
        return async (_, ctx) => ctx.run(pages, 1);
      },
      { value: 'r.0~3' },
    );
    for (const id of ['r.0', 'r.0~2', 'r.0~3'])
      expect(journal(store, id)[1]?.event).toMatchObject({ parentRunId: 'r', parentKey: '0', depth: 1 });
  });

  it('cancelled with the run that waits for it, after any crash', async () => {
    const store = await everywhere(
      (stage) => async (_, ctx) =>
        ctx.parallel
          .all([() => ctx.run(pair(stage), t(500, 'slow')), () => ctx.sleep('1h')], { timeout: 50 })
          .catch((error: unknown) => (error as Error).name),
      { value: 'TimeoutError' },
    );
    expect(statuses(store)).toEqual({ 'r.0.0.0': 'cancelled', r: 'succeeded' });
    expect(shape(store, 'r.0.0.0').slice(-3)).toEqual(['TaskCancelled 1', 'LateResult 1', 'RunCancelled']);
  });

  it('that nobody awaits is given up when the process ends', async () => {
    const store = await everywhere(
      (stage) => async (_, ctx) => {
        void ctx.run(pair(stage), t(500, 'slow'));
        return ctx.task(stage.step, t(1, 'done'));
      },
      { value: 'done' },
    );
    expect(statuses(store)).toEqual({ 'r.0': 'cancelled', r: 'succeeded' });
  });

  it('that is given up in the turn that began it is cancelled before any of its code runs', async () => {
    const store = await everywhere(
      (stage) => async (_, ctx) =>
        ctx.parallel.race([() => ctx.run(pair(stage), t(500, 'slow')), () => Promise.resolve('at once')]),
      { value: 'at once' },
    );
    expect(statuses(store)).toEqual({ 'r.0.0.0': 'cancelled', r: 'succeeded' });
    expect(shape(store, 'r.0.0.0')).toEqual([
      'RunStarted',
      'ParentRecorded',
      'CancelRequested',
      'RunCancelled',
    ]);
  });

  it('in the items of a reduce, over its marks', async () => {
    await everywhere(
      (stage) => async (_, ctx) =>
        ctx.reduce(
          [1, 2, 3, 4],
          0,
          async (sum, item) => {
            const raced = ctx.parallel.race([
              () => ctx.run(pair(stage), t(5, item)),
              () => ctx.run(pair(stage), t(500, 'slow')),
            ]);
            return sum + Number(((await raced) as unknown[])[1]);
          },
          { foldEvery: 2 },
        ),
      { value: 10 },
    );
  });

  it('goes on where the losers of its group are drained', async () => {
    const store = await everywhere(
      (stage) => async (_, ctx) => {
        const first = await ctx.parallel.race(
          [() => ctx.run(pair(stage), t(50, 'slow')), () => ctx.task(stage.step, t(1, 'fast'))],
          { losers: 'drain' },
        );
        await ctx.sleep(1000);
        return first;
      },
      { value: 'fast' },
    );
    expect(statuses(store)).toEqual({ 'r.0.0.0': 'succeeded', r: 'succeeded' });
  });
});

const outer =
  (stage: Stage, input: StepInput = t(50, 'x')): Process =>
  async (_, ctx) =>
    ctx.run(pair(stage), input, { key: 'it' });

describe('ctx.run and the world', () => {
  it('C68 the same key with another input, or another process, is a divergence and starts nothing', async () => {
    const stage = new Stage();
    const store = new WatchedStore();
    await stage.drive(store, outer(stage));
    for (const state of [store.states[0], store.states.at(-1)]) {
      const changed: Program[] = [
        (again) => outer(again, t(51, 'x')),
        (again) => async (_, ctx) =>
          ctx.run(
            async function another() {
              return again.step.name;
            },
            t(50, 'x'),
            { key: 'it' },
          ),
        (again) => async (_, ctx) => ctx.task(again.step, t(50, 'x'), { key: 'it' }),
      ];
      for (const program of changed) {
        const resumed = reborn(state as NonNullable<typeof state>);
        const before = all(resumed);
        const again = new Stage();
        await again.use(resumed, {}, async (runtime) => {
          const replay =
            runtime.get('r')?.status === 'running'
              ? runtime.resume('r', program(again)).result()
              : runtime.replay('r', program(again));
          await expect(replay).rejects.toMatchObject({
            name: 'NonDeterminismError',
            report: { key: ':it', recorded: 'run "pairOf"' },
          });
        });
        expect(again.invoked).toEqual([]);
        expect(all(resumed)).toEqual(before);
      }
    }
  });

  it('C68 it is run again where the code asks for that: once, behind the first, and on every replay the same', async () => {
    const stage = new Stage();
    const store = new WatchedStore();
    await stage.drive(store, outer(stage));
    const asking: Program = (again) => async (_, ctx) => {
      const first = await ctx.run(pair(again), t(50, 'x'), { key: 'it' });
      return ctx.patched('it again') ? ctx.run(pair(again), t(60, 'y'), { key: 'again' }) : first;
    };
    for (const [n, state] of store.states.entries()) {
      const resumed = reborn(state);
      const hadEnded = resumed.getRun('r', 0)?.status !== 'running';
      const last = Math.max(...resumed.queryRuns({ limit: 100 }, 0).map(({ updatedAt }) => updatedAt));
      const again = Stage.at(last);
      const where = `after commit ${n}`;
      if (!hadEnded)
        expect(await again.drive(resumed, asking(again)), where).toEqual({ value: ['first', 'y'] });
      const runs = Object.keys(statuses(resumed)).toSorted();
      expect(runs, where).toEqual(hadEnded ? ['r', 'r.:it'] : ['r', 'r.:again', 'r.:it']);
      const replayed = new Stage();
      await replayed.use(resumed, {}, async (runtime) => {
        expect(await runtime.replay('r', asking(replayed)), where).toMatchObject({ reached: 'end' });
      });
      expect(replayed.invoked, where).toEqual([]);
    }
  });

  it('names the input as the likely cause where only that differs', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    await stage.drive(store, outer(stage));
    const again = new Stage();
    await again.use(store, {}, async (runtime) => {
      await expect(runtime.replay('r', outer(again, t(51, 'x')))).rejects.toMatchObject({
        report: { likelyCause: 'the input of the run changed', asked: 'run "pairOf"' },
      });
    });
  });

  it('the id that was recorded counts, whatever the code says later', async () => {
    const program =
      (stage: Stage, id: string): Process =>
      async (_, ctx) =>
        ctx.run(pair(stage), t(5, 'x'), { id });
    const stage = new Stage();
    const store = new WatchedStore();
    expect(await stage.drive(store, program(stage, 'mine'))).toEqual({ value: ['first', 'x'] });
    const resumed = reborn(store.states[0] as ReturnType<MemoryStore['snapshot']>);
    const again = new Stage();
    expect(await again.drive(resumed, program(again, 'other'))).toEqual({ value: ['first', 'x'] });
    expect(statuses(resumed)).toEqual({ mine: 'succeeded', r: 'succeeded' });
  });

  it('an id of another run: the same process and inputs are waited for, others are refused', async () => {
    const program =
      (stage: Stage): Process =>
      async (_, ctx) => {
        const told: unknown[] = [await ctx.run(pair(stage), t(5, 'x'), { id: 'known' })];
        for (const wrong of [
          () => ctx.run(pair(stage), t(6, 'x'), { id: 'known' }),
          () => ctx.run(async () => 1, t(5, 'x'), { id: 'known' }),
        ])
          told.push(await wrong().catch((error: ChildError) => [error.name, (error.cause as Error).message]));
        return told;
      };
    const stage = new Stage();
    const store = new WatchedStore();
    const expected = [
      ['first', 'x'],
      ['ChildError', 'Run known exists already, with other inputs; one id is one run.'],
      ['ChildError', "Run known exists already, of process 'pairOf'; one id is one run."],
    ];
    await stage.use(store, {}, async (runtime) => {
      await runtime.start(pair(stage), t(5, 'x'), { id: 'known' }).result();
      expect(await runtime.start(program(stage), null as never, { id: 'r' }).result()).toEqual(expected);
    });
    const invoked = stage.invoked.length;
    expect(invoked).toBe(2);
    for (const state of store.states) {
      const resumed = reborn(state);
      if (resumed.getRun('r', 0) === undefined) continue;
      const again = new Stage();
      expect(await again.drive(resumed, program(again))).toEqual({ value: expected });
      expect(again.invoked).toEqual([]);
    }
  });

  it('one that was only found under its id is not cancelled with the run that waits for it', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    await stage.use(store, {}, async (runtime) => {
      const found = runtime.start(pair(stage), t(100, 'x'), { id: 'known' });
      const waiting = runtime.start(
        async (_: null, ctx: Parameters<Process>[1]) =>
          ctx.parallel.race([() => ctx.run(pair(stage), t(100, 'x'), { id: 'known' }), () => ctx.sleep(20)]),
        null,
        { id: 'r' },
      );
      await waiting.result();
      expect(await found.result()).toEqual(['first', 'x']);
    });
    expect(statuses(store)).toEqual({ known: 'succeeded', r: 'succeeded' });
  });

  it('a run cannot wait for one that waits for it', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    const program: Process<null, unknown> = async function program(_, ctx): Promise<unknown> {
      if (ctx.runId === 'r') {
        const own = (): unknown => ctx.run(program, null, { id: 'r' });
        expect(own).toThrow('Run r cannot wait for its own end.');
      }
      return ctx.run(program, null, { id: ctx.runId === 'r' ? 'within' : 'r' });
    };
    const told = await stage.drive(store, program as Process);
    expect(plain(told)).toEqual({
      error: expect.stringContaining('Run within is within run r, which waits for it.') as unknown,
    });
  });

  it('refuses at the call what it cannot do, and records nothing of it', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    const input = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) =>
          typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] },
      },
    } as unknown as Schema;
    const told = await stage.drive(store, async (_, ctx) => {
      const run = ctx.run as (...args: unknown[]) => unknown;
      const definition = { name: 'checked', input, run: async () => 1 };
      return [
        () => run('text', null),
        () => run(undefined, null),
        () => run(definition, 'text'),
        () => run(pair(stage), Symbol('x')),
        () => run(pair(stage), null, 7),
        () => run(pair(stage), null, { attached: true }),
        () => run(pair(stage), null, { key: '' }),
        () => run(pair(stage), null, { id: 'a b' }),
        () => run(pair(stage), null, { id: 'r' }),
      ].map((call) => {
        try {
          return String(call());
        } catch (error) {
          return (error as Error).name;
        }
      });
    });
    expect(told).toEqual({
      value: [
        'InvalidOptionError',
        'InvalidOptionError',
        'ValidationError',
        'UnserializableError',
        'InvalidOptionError',
        'InvalidOptionError',
        'InvalidOptionError',
        'InvalidOptionError',
        'InvalidArgumentError',
      ],
    });
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
  });

  it('at most so deep as limits.runDepth says', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    const endless: Process<number, unknown> = async function endless(n, ctx): Promise<unknown> {
      return ctx.run(endless, n + 1);
    };
    const told = await stage.drive(store, endless as Process, 0, { limits: { runDepth: 3 } });
    let error = 'error' in told ? told.error : undefined;
    while (error?.cause instanceof Error) error = error.cause;
    expect(error).toMatchObject({ name: 'LimitError', code: 'LIMIT' });
    expect(statuses(store)).toEqual({ r: 'failed', 'r.0': 'failed', 'r.0.0': 'failed', 'r.0.0.0': 'failed' });
  });

  it('cancelled from outside: the run that waits is told so', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    await stage.use(store, {}, async (runtime) => {
      const handle = runtime.start(outer(stage), null as never, { id: 'r' });
      await stage.clock.sleep(20);
      expect(runtime.cancel('r.:it', 'enough')).toBe('asked');
      await expect(handle.result()).rejects.toMatchObject({
        code: 'RUN_FAILED',
        cause: { name: 'ChildError', message: "Run r.:it of process 'pairOf' was cancelled: enough" },
      });
    });
    expect(statuses(store)).toEqual({ 'r.:it': 'cancelled', r: 'failed' });
  });

  it('cancel of the run reaches what it waits for, driven or not', async () => {
    const stage = new Stage();
    const store = new WatchedStore();
    await stage.use(store, {}, async (runtime) => {
      const handle = runtime.start(outer(stage), null as never, { id: 'r' });
      await stage.clock.sleep(20);
      expect(runtime.cancel('r', 'enough')).toBe('asked');
      await expect(handle.result()).rejects.toMatchObject({ code: 'CANCELLED' });
      // The run ends after its child.
      expect(statuses(store)).toEqual({ 'r.:it': 'cancelled', r: 'cancelled' });
    });
    for (const state of store.states) {
      const idle = reborn(state);
      const again = new Stage();
      await again.use(idle, {}, async (runtime) => {
        expect(['cancelled', 'ended']).toContain(runtime.cancel('r', 'enough'));
      });
      const ends = new Set(Object.values(statuses(idle)));
      expect(ends).toEqual(new Set(['cancelled']));
      expect(again.invoked).toEqual([]);
    }
  });

  it('is stopped and resumed with the run that waits for it', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    await stage.use(store, {}, async (runtime) => {
      const handle = runtime.start(outer(stage), null as never, { id: 'r' });
      await stage.clock.sleep(20);
      await runtime.stop('r');
      await expect(handle.result()).rejects.toMatchObject({ code: 'STOPPED' });
      expect(runtime.get('r.:it')).toMatchObject({ status: 'running', owner: null });
      expect(await runtime.resume('r').result()).toEqual(['first', 'x']);
      // Neither goes on while the other does not.
      const other = runtime.start(outer(stage), null as never, { id: 'other' });
      await stage.clock.sleep(20);
      await runtime.stop('other.:it');
      await expect(other.result()).rejects.toMatchObject({ code: 'STOPPED' });
      expect(await runtime.resume('other').result()).toEqual(['first', 'x']);
    });
  });

  it('is stopped with it also where the stop comes before the first commit', async () => {
    for (const turns of [1, 2, 3, 4]) {
      const stage = new Stage();
      const store = new MemoryStore();
      await stage.use(store, {}, async (runtime) => {
        const handle = runtime.start(outer(stage), null as never, { id: 'r' });
        handle.result().catch(() => undefined);
        for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve));
        await runtime.stop('r');
        expect(Object.values(statuses(store)).every((status) => status === 'running')).toBe(true);
        const again = runtime.start(outer(stage), null as never, { id: 'r' });
        expect(await again.result()).toEqual(['first', 'x']);
      });
    }
  });

  it('resumed by itself first, the run that started it finds it under way', async () => {
    const stage = new Stage();
    const store = new WatchedStore();
    await stage.drive(store, outer(stage));
    const resumed = reborn(store.states[1] as ReturnType<MemoryStore['snapshot']>);
    const again = new Stage();
    await again.use(resumed, {}, async (runtime) => {
      const child = runtime.resume('r.:it', pair(again));
      expect(await runtime.resume('r', outer(again)).result()).toEqual(['first', 'x']);
      expect(await child.result()).toEqual(['first', 'x']);
    });
    expect(again.invoked.map(({ key }) => key)).toEqual(['0', '1']);
  });

  it('driven by another program: its end is found in the journal, and it is taken over when that is gone', async () => {
    for (const isKilled of [false, true]) {
      const stage = new Stage();
      const store = new WatchedStore();
      await stage.drive(store, outer(stage));
      const resumed = reborn(store.states[1] as ReturnType<MemoryStore['snapshot']>);
      const again = new Stage();
      await again.use(resumed, { entropy: seededEntropy(7) }, async (elsewhere) => {
        const child = elsewhere.resume('r.:it', pair(again));
        child.result().catch(() => undefined);
        await again.use(resumed, { entropy: seededEntropy(8) }, async (runtime) => {
          const handle = runtime.resume('r', outer(again));
          await again.clock.sleep(10);
          if (isKilled) await elsewhere.stop('r.:it');
          expect(await handle.result()).toEqual(['first', 'x']);
        });
      });
      expect(statuses(resumed)).toEqual({ 'r.:it': 'succeeded', r: 'succeeded' });
    }
  });

  it('that waits for people: whoever drives the first run is told of that one', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    const asked: string[] = [];
    const asking: Process<null, unknown> = async function asking(_, ctx) {
      return ctx.receive('answer');
    };
    const process: Process = async (_, ctx) =>
      ctx.parallel.all([() => ctx.run(asking, null), () => ctx.task(stage.step, t(30, 'work'))]);
    await stage.use(
      store,
      { onWaiting: (id, keys) => asked.push(`${id} ${keys.join()} at ${stage.clock.monotonic() >= 30}`) },
      async (runtime) => {
        const handle = runtime.start(process, null as never, { id: 'r' });
        await stage.clock.sleep(100);
        expect(asked).toEqual(['r 0/0/0 at true']);
        expect(runtime.waits('r.0.0.0')).toMatchObject([{ name: 'answer' }]);
        expect(await runtime.send('r.0.0.0', 'answer', 42)).toMatchObject({ status: 'accepted' });
        expect(await handle.result()).toEqual([42, 'work']);
      },
    );
  });

  it('keeps ids apart, and within their bounds', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    const id: Process<null, string> = async function id(_, ctx) {
      return ctx.runId;
    };
    const long = 'x'.repeat(150);
    const told = await stage.drive(store, async (_, ctx) => {
      const ids: string[] = [];
      for (const key of ['a', 'a.0', 'a~2', 'a/0', 'ö +', long, `${long}y`])
        ids.push(await ctx.run(id, null, { key }));
      return ids;
    });
    const ids = 'value' in told ? (told.value as string[]) : [];
    expect(ids.slice(0, 5)).toEqual(['r.:a', 'r.:a+2e+0', 'r.:a+7e+2', 'r.:a+25+2F0', 'r.:+f6++25+20+2b+']);
    expect(new Set(ids).size).toBe(7);
  });
});
