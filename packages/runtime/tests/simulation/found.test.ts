import { setImmediate as rawTurn } from 'node:timers/promises';
import type { Context, ExitScope, Process, SourceContext, SourceItem } from '@pawl/sdk';
import { defineTask } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import type { RunHandle } from '../../src/engine/run-handle.ts';
import { journal, Lab, shape } from '../lab.fixture.ts';

/*
 * What the simulation found, each reduced to the smallest process that shows it. (Seeds would not do:
 * they mean other programs as soon as the generator learns something.)
 */

type Work = (lab: Lab) => Process;

/** Runs until a crash just after `seq`, and gives what is stored then. */
async function crashedAt(
  work: Work,
  isLast: (line: string, index: number) => boolean,
): Promise<{ store: MemoryStore; lab: Lab }> {
  const first = new Lab();
  const store = new MemoryStore();
  await first.drive(store, work(first));
  const lines = shape(store);
  const index = lines.findIndex(isLast);
  expect(index, lines.join('\n')).toBeGreaterThan(0);
  return { store: store.prefix('r', index + 1), lab: Lab.at(journal(store)[index]?.at ?? 0) };
}

async function replays(store: MemoryStore, work: Work): Promise<unknown> {
  const lab = new Lab();
  const runtime = await lab.open(store);
  const stop = lab.clock.run(() => runtime.isIdle);
  try {
    return await runtime.replay('r', work(lab));
  } finally {
    stop();
  }
}

const ignore = (): undefined => undefined;

it('fences what a settled branch left behind when its group is decided', async () => {
  const lab = new Lab();
  const store = new MemoryStore();
  const leftBehind = async (ctx: Context): Promise<void> => {
    await ctx.task(lab.work, { ms: 50, value: 1 }).catch(ignore);
    await ctx.task(lab.work, { ms: 5, value: 'after the decision' });
  };
  await lab.drive(store, async (_, ctx) => {
    await ctx.parallel.all([
      () => {
        leftBehind(ctx).catch(ignore);
      },
      () => ctx.task(lab.work, { ms: 10, value: 2 }),
    ]);
    return ctx.task(lab.work, { ms: 20, value: 3 });
  });
  const lines = shape(store);
  expect(lines).toContain('TaskCancelled 0/0/0');
  expect(lines).not.toContain('TaskScheduled 0/0/1');
});

it('tells that a person is waited for once the question is written, whatever else was under way', async () => {
  const work: Work = (lab) => {
    const asked = defineTask({ name: 'asked', onUnknown: 'ask', run: () => lab.clock.sleep(10) });
    return (_, ctx) =>
      ctx.parallel.all([() => ctx.task(asked), () => ctx.task(lab.work, { ms: 30, value: 1 })]);
  };
  const { store, lab } = await crashedAt(work, (line) => line === 'AttemptStarted 0/1/0');
  const told: (readonly string[])[] = [];
  const runtime = await lab.open(store, { onWaiting: (_, keys) => told.push(keys) });
  const stop = lab.clock.run(() => runtime.isIdle);
  runtime.resume('r', work(lab));
  await lab.clock.advance(100);
  stop();
  expect(told).toEqual([['0/0/0']]);
});

it('does not retune a group that lies in a decided one', async () => {
  const work: Work = (lab) => (_, ctx) =>
    ctx.parallel.race([
      () =>
        ctx.parallel.all(
          [() => ctx.task(lab.work, { ms: 50, value: 1 }), () => ctx.task(lab.work, { ms: 50, value: 2 })],
          {
            concurrency: lab.warnings.length + 1,
          },
        ),
      () => ctx.task(lab.work, { ms: 5, value: 3 }),
    ]);
  const { store, lab } = await crashedAt(work, (line) => line === 'ScopeClosed 0');
  lab.warnings.push('other code by now');
  expect(await lab.drive(store, work(lab))).toEqual({ value: 3 });
  expect(shape(store).filter((line) => line.startsWith('ScopeRetuned'))).toEqual([]);
});

it('retunes groups one a turn, live as on replay', async () => {
  const work: Work = (lab) => (_, ctx) => {
    const concurrency = lab.warnings.length + 1;
    let seen = 'nothing';
    return ctx.parallel.all(
      [
        () =>
          ctx.parallel.all(
            [
              () => ctx.task(lab.work, { ms: 50, value: 1 }),
              () => ctx.task(lab.work, { ms: 5, value: seen }),
            ],
            {
              concurrency,
            },
          ),
        async () => {
          await Promise.resolve();
          seen = 'the other branch';
        },
      ],
      { concurrency },
    );
  };
  const { store, lab } = await crashedAt(work, (line) => line === 'AttemptStarted 0/0/0/0/0');
  lab.warnings.push('other code by now');
  expect(await lab.drive(store, work(lab))).toEqual({ value: [[1, 'the other branch'], undefined] });
  expect(shape(store).filter((line) => line.startsWith('ScopeRetuned'))).toHaveLength(2);
  expect(await replays(store, work)).toMatchObject({ reached: 'end' });
});

it('replays a call that a branch made after a raw wait and left behind', async () => {
  const work: Work = (lab) => (_, ctx) =>
    ctx.parallel.all([
      async () => {
        await rawTurn();
        ctx.task(lab.work, { ms: 5, value: 1 }).catch(ignore);
      },
      async () => {
        await rawTurn();
        (async () => {
          await rawTurn();
          await ctx.task(lab.work, { ms: 5, value: 2 });
        })().catch(ignore);
      },
      () => ctx.task(lab.work, { ms: 20, value: 3 }),
    ]);
  const lab = new Lab();
  const store = new MemoryStore();
  expect(await lab.drive(store, work(lab))).toEqual({ value: [undefined, undefined, 3] });
  expect(shape(store)).toEqual(expect.arrayContaining(['TaskSucceeded 0/0/0', 'TaskSucceeded 0/1/0']));
  expect(await replays(store, work)).toMatchObject({ reached: 'end' });
});

it('goes on with a replay as soon as a raw wait has decided its group', async () => {
  const work: Work = (lab) => async (_, ctx) => {
    await ctx.parallel.all([
      async () => {
        await ctx.task(lab.work, { ms: 5, value: 1 });
        for (let i = 0; i < 8; i += 1) await rawTurn();
      },
    ]);
    return ctx.task(lab.work, { ms: 5, value: 'done' });
  };
  const { store, lab } = await crashedAt(work, (line) => line === 'AttemptStarted 1');
  const began = lab.clock.monotonic();
  expect(await lab.drive(store, work(lab), null, { stallMs: 5000 })).toEqual({ value: 'done' });
  expect(lab.clock.monotonic() - began).toBeLessThan(1000);
});

it('keeps to a failure that a raw wait brings early, when the others succeed after it', async () => {
  let turns = 9;
  const work: Work = (lab) => async (_, ctx) => {
    const branches = {
      task: () => ctx.task(lab.work, { ms: 1, value: 1 }),
      raw: async () => {
        for (let i = 0; i < turns; i += 1) await rawTurn();
        throw new RangeError('late, and then early');
      },
    };
    const told = await ctx.parallel.forkJoin(branches).catch((error: unknown) => (error as Error).message);
    return ctx.task(lab.work, { ms: 1, value: told });
  };
  const { store, lab } = await crashedAt(work, (line) => line === 'TaskSucceeded 0/:task/0');
  turns = 0;
  expect(await lab.drive(store, work(lab))).toEqual({ value: 'late, and then early' });
  for (const other of [0, 3, 9]) {
    turns = other;
    expect(await replays(store, work)).toMatchObject({ reached: 'end' });
  }
});

it('tells of named branches the failure that was recorded, though another one comes earlier by now', async () => {
  let turns = 60;
  const work: Work = (lab) => async (_, ctx) => {
    const branches = {
      raw: async () => {
        for (let i = 0; i < turns; i += 1) await rawTurn();
        throw new RangeError('raw');
      },
      task: () => ctx.task(lab.work, { ms: 1, fail: 'task' }),
    };
    const told = await ctx.parallel.forkJoin(branches).catch((error: unknown) => (error as Error).message);
    return ctx.task(lab.work, { ms: 1, value: told });
  };
  const lab = new Lab();
  const store = new MemoryStore();
  expect(await lab.drive(store, work(lab))).toEqual({ value: 'task' });
  for (const other of [0, 3, 60]) {
    turns = other;
    expect(await replays(store, work)).toMatchObject({ reached: 'end' });
  }
});

it('records no decision that a raw wait makes behind the end of the process', async () => {
  const work: Work = (lab) => async (_, ctx) => {
    const left = ctx.parallel.any([() => rawTurn(), () => ctx.task(lab.work, { ms: 50, value: 1 })]);
    left.catch(ignore);
    return 'done';
  };
  const { store, lab } = await crashedAt(work, (line) => line === 'ScopeClosed ');
  expect(await lab.drive(store, work(lab))).toEqual({ value: 'done' });
  expect(shape(store)).not.toContain('ScopeClosed 0');
  expect(await replays(store, work)).toMatchObject({ reached: 'end' });
});

it('goes on in a concatenated source whose item is taken at once', async () => {
  const lab = new Lab();
  const store = new MemoryStore();
  const ended = await lab.drive(store, async (_, ctx) => {
    const first = async function* () {
      yield await ctx.task(lab.work, { ms: 5, value: 1 });
    };
    const values: unknown[] = [];
    for await (const { value } of ctx.parallel.merge([first(), [2, 3]], { mode: 'concat' }))
      values.push(value);
    return values;
  });
  expect(ended).toEqual({ value: [1, 2, 3] });
});

it('reads what a program leases of a pool before 1970 too', async () => {
  const lab = Lab.at(-100_000);
  const store = new MemoryStore();
  const ended = await lab.drive(store, (_, ctx) =>
    ctx.parallel.all([
      () => ctx.task(lab.work, { ms: 50, value: 1 }, { pool: 'one' }),
      async () => {
        await ctx.sleep(5);
        return ctx.task(lab.work, { ms: 5, value: 2 }, { pool: 'another' });
      },
    ]),
  );
  expect(ended).toEqual({ value: [1, 2] });
});

describe('a slot that a lost run had', () => {
  const neighbourOf =
    (lab: Lab): Process =>
    (_, ctx) =>
      ctx.task(lab.work, { ms: 10, value: 'done' });

  /** It waits for more slots itself. */
  const wideOf =
    (lab: Lab): Process =>
    (_, ctx) =>
      ctx.parallel.map([1, 2, 3], (value) => ctx.task(lab.work, { ms: 10, value }));

  /** What comes of the neighbour, which waits for the one slot from the beginning. */
  async function beside(lab: Lab, store: MemoryStore, work: Process): Promise<unknown> {
    const runtime = await lab.open(store, { limits: { inFlight: 1 } });
    const drive = (id: string, process: Process): RunHandle =>
      runtime.get(id) === undefined
        ? runtime.start(process, null as never, { id })
        : runtime.resume(id, process);
    const isFenced = expect(drive('lost', work).result()).rejects.toMatchObject({ code: 'FENCED' });
    let ended: unknown = 'nothing';
    drive('neighbour', neighbourOf(lab))
      .result()
      .then((value) => (ended = value), ignore);
    const stop = lab.clock.run(() => runtime.isIdle);
    await lab.clock.advance(20_000);
    stop();
    await isFenced;
    return ended;
  }

  function take(store: MemoryStore): void {
    store.ownerDied(store.getRun('lost', 0)?.owner ?? '');
    store.acquireLease('lost', { owner: 'thief', now: 0, ttlMs: 1e15 });
  }

  it('goes to a neighbour when the start was never committed', async () => {
    const first = new Lab();
    const before = new MemoryStore();
    const runtime = await first.open(before);
    runtime.start(wideOf(first), null as never, { id: 'lost' });
    runtime.start(neighbourOf(first), null as never, { id: 'neighbour' });
    await first.clock.advance(5);

    // The program dies, and its lease runs out.
    const lab = Lab.at(first.clock.now() + 60_000);
    const store: MemoryStore = MemoryStore.from(before.snapshot(), {
      beforeAppend: (batch) => {
        if (batch.some(({ runId }) => runId === 'lost')) take(store);
      },
    });
    expect(await beside(lab, store, wideOf(lab))).toBe('done');
  });

  it('goes to a neighbour when the attempt that nobody waits for any more is gone', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    lab.clock.after(15, () => take(store));
    expect(
      await beside(lab, store, (_, ctx) => ctx.task(lab.work, { ms: 18_000, value: 1, deaf: true })),
    ).toBe('done');
  });
});

describe('a scope that was left while a branch goes on that is detached in it', () => {
  /** One item, and then it waits until nobody reads it any more. */
  async function* endless(
    _: number | undefined,
    { signal }: SourceContext,
  ): AsyncGenerator<SourceItem<0, 0>> {
    yield { item: 0, cursor: 0 };
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  }

  const EXIT = ['TaskScheduled 0/exit/0', 'TaskSucceeded 0/exit/0'];
  const branches: Readonly<Record<string, (lab: Lab, ctx: Context) => Promise<unknown>>> = {
    'stops reading a source': async (lab, ctx) => {
      for await (const item of ctx.source('endless', endless)) {
        await ctx.task(lab.work, { ms: 10, value: item });
        break;
      }
    },
    'stops reading a source outside of a turn': async (lab, ctx) => {
      const reader = ctx.source('endless', endless)[Symbol.asyncIterator]();
      await reader.next();
      await rawTurn();
      await reader.return?.();
      await ctx.task(lab.work, { ms: 10, value: 1 });
    },
    'leaves a source unread': async (_, ctx) => {
      await ctx.source('endless', endless)[Symbol.asyncIterator]().next();
    },
    'reads a source for a while, in a branch that loses': async (lab, ctx) => {
      const source = ctx.source('endless', endless);
      const reads = async (): Promise<void> => {
        for await (const item of source) await ctx.task(lab.work, { ms: 1, value: item });
      };
      await ctx.parallel.race([reads, () => ctx.sleep(20)]);
    },
    'waits for a message no longer': async (_, ctx) => {
      await Promise.race([ctx.receive('never'), ctx.sleep(20)]);
    },
    'asks a person and goes on': async (lab, ctx) => {
      ctx.breakpoint({ title: 'nobody', question: 'Is anybody there?' }).catch(ignore);
      await ctx.task(lab.work, { ms: 10, value: 1 });
    },
    'leaves a strand that asks on when it is given up': async (lab, ctx) => {
      void (async (): Promise<void> => {
        for (const value of [1, 2, 3]) await ctx.task(lab.work, { ms: 20, value }).catch(ignore);
      })();
      ctx.receive('never').catch(ignore);
      await ctx.sleep(1);
    },
    'leaves a scope that has something to do at its end, too': async (lab, ctx) => {
      const inner = async (scope: ExitScope): Promise<unknown> => {
        scope.onExit(lab.work, { ms: 5, value: 'inner exit' });
        return ctx.receive('never');
      };
      ctx.scope(inner).catch(ignore);
      await ctx.sleep(1);
    },
    'has one that never ends, and is given up from further out': async (lab, ctx) => {
      const again = async (): Promise<void> => {
        for (;;) {
          try {
            await ctx.task(lab.work, { ms: 10_000, value: 1 });
            return;
          } catch {
            // Behind the fence it is refused once, and then never told anything.
          }
        }
      };
      const around = async (): Promise<void> => {
        await ctx.parallel.race([again, () => Promise.resolve()], { losers: 'detach' });
        await ctx.sleep(10_000);
      };
      ctx.receive('never').catch(ignore);
      await ctx.parallel.all([around], { timeout: 100 }).catch(ignore);
    },
    'ends before a branch that is detached in it': async (lab, ctx) => {
      const source = ctx.source('endless', endless)[Symbol.asyncIterator]();
      const reads = async (): Promise<void> => {
        await ctx.sleep(30);
        const { value } = (await source.next()) as { readonly value: number };
        await ctx.task(lab.work, { ms: 10, value: `read ${value}` });
      };
      await ctx.parallel.race([reads, () => Promise.resolve()], { losers: 'detach' });
    },
  };

  describe.each(Object.entries(branches))('which %s', (_, branch) => {
    const work: Work = (lab) => (_input, ctx) =>
      ctx.scope(async (scope) => {
        scope.onExit(lab.work, { ms: 5, value: 'exit' });
        const branchOf = (): Promise<unknown> => branch(lab, ctx);
        return ctx.parallel.race([branchOf, () => Promise.resolve('at once')], { losers: 'detach' });
      });
    /** Those of scopes in it come first. */
    const exits = (store: MemoryStore): string[] => {
      const all = shape(store).filter((line) => /^Task(Scheduled|Succeeded) .*exit\/0$/.test(line));
      expect(all.slice(0, -2).every((line) => line.includes(' 0/0/'))).toBe(true);
      return all.slice(-2);
    };

    it('ends with it, and its exits run', async () => {
      const lab = new Lab();
      const store = new MemoryStore();
      expect(await lab.drive(store, work(lab))).toEqual({ value: 'at once' });
      expect(exits(store)).toEqual(EXIT);
      expect(await replays(store, work)).toMatchObject({ reached: 'end' });
    });

    it('ends so wherever its program died', async () => {
      const lab = new Lab();
      const whole = new MemoryStore();
      await lab.drive(whole, work(lab));
      for (const { seq, at } of journal(whole)) {
        const store = whole.prefix('r', seq);
        const second = Lab.at(at);
        expect(await second.drive(store, work(second)), `after ${seq}`).toEqual({ value: 'at once' });
        expect(exits(store), `after ${seq}`).toEqual(EXIT);
        expect(await replays(store, work)).toMatchObject({ reached: 'end' });
      }
    });
  });

  it('gives up what the branch left behind when the last one has ended, and not before', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const work: Work = () => (_, ctx) =>
      ctx.scope(() => {
        const { promise: opened, resolve: open } = Promise.withResolvers<AsyncIterator<0>>();
        const reads = async (): Promise<void> => {
          const reader = await opened;
          await ctx.sleep(50);
          await reader.next();
        };
        const opens = async (): Promise<void> => {
          ctx.receive('never').catch(ignore);
          open(ctx.source('endless', endless)[Symbol.asyncIterator]());
          await ctx.sleep(1);
        };
        return ctx.parallel.race([reads, opens, () => Promise.resolve('at once')], { losers: 'detach' });
      });
    expect(await lab.drive(store, work(lab))).toEqual({ value: 'at once' });
    expect(shape(store).slice(-7)).toEqual([
      'ItemRecorded 0/0/0/1/1',
      'TimerFired 0/0/0/1/2',
      'TimerFired 0/0/0/0/0',
      'ScopeAborted 0/0/0',
      'TaskCancelled 0/0/0/1/0',
      'TaskCancelled 0/0/0/1/1',
      'RunSucceeded',
    ]);
    expect(await replays(store, work)).toMatchObject({ reached: 'end' });
  });

  it('holds up no merge whose generator had such a branch', async () => {
    const work: Work = (lab) => async (_input, ctx) => {
      async function* items(): AsyncGenerator<unknown> {
        const read = (): Promise<unknown> => ctx.source('endless', endless)[Symbol.asyncIterator]().next();
        await ctx.parallel.race([read, () => Promise.resolve()], { losers: 'detach' });
        yield await ctx.task(lab.work, { ms: 1, value: 1 });
        yield 2;
      }
      for await (const { value } of ctx.parallel.merge([items()])) return value;
      return undefined;
    };
    const lab = new Lab();
    const store = new MemoryStore();
    expect(await lab.drive(store, work(lab))).toEqual({ value: 1 });
    expect(await replays(store, work)).toMatchObject({ reached: 'end' });
  });

  it('lets its exits wait for a source that takes its time to close', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    let closedAt = 0;
    async function* slow(_: number | undefined, source: SourceContext): AsyncGenerator<SourceItem<0, 0>> {
      try {
        yield* endless(_, source);
      } finally {
        await lab.clock.sleep(200);
        closedAt = lab.clock.now();
      }
    }
    const work: Work = () => (_, ctx) =>
      ctx.scope(async (scope) => {
        scope.onExit(lab.work, { ms: 5, value: 'exit' });
        for await (const item of ctx.source('slow', slow)) return item;
        return undefined;
      });
    await lab.drive(store, work(lab));
    const started = journal(store).findLast(({ event }) => event.type === 'AttemptStarted');
    expect(closedAt).toBeGreaterThan(200);
    expect(started?.at).toBeGreaterThanOrEqual(closedAt);
  });
});
