import { setImmediate as rawTurn } from 'node:timers/promises';
import { defineTask, type Context, type Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import type { AppendRun, LeaseClaim } from '../src/ports/journal-store.ts';
import { MemoryStore } from '../src/testing.ts';
import { journal, Lab, shape } from './lab.fixture.ts';

/*
 * Who had begun when a group was decided is recorded: with a bound on how many run, a wait outside ctx that takes
 * longer or shorter than it did would begin others. (docs/decisions/0024-who-had-begun.md)
 */

/** Turns of the event loop that the raw waits of a life take, by name. */
type Turns = Readonly<Record<string, number>>;
type Work = (lab: Lab, ctx: Context, turns: (name: string) => Promise<void>) => Promise<unknown>;

const bad = defineTask({
  name: 'bad',
  run: () => {
    throw new RangeError('no');
  },
});

/** Whether named branches stand in another order is asked after a thirtieth of it. */
const SOON = { stallMs: 5000 };

const ignore = (): undefined => undefined;

async function raw(turns: number): Promise<void> {
  for (let i = 0; i < turns; i += 1) await rawTurn();
}

function processOf(work: Work, lab: Lab, turns: Turns): Process {
  return async (_, ctx) => {
    const value = await work(lab, ctx, (name) => raw(turns[name] ?? 0));
    // Whoever waits outside ctx has come to its end by then.
    await raw(30);
    await ctx.sleep(50);
    return value ?? 'done';
  };
}

/** Writes what those before wrote who did not know of it. */
class OldStore extends MemoryStore {
  override append(batch: readonly AppendRun[], claim: LeaseClaim): readonly ('committed' | 'fenced')[] {
    const older = batch.map((run) => ({
      ...run,
      events: run.events.map((each) => {
        if (each.event.type !== 'ScopeClosed') return each;
        const { begun: _, ...event } = each.event;
        return { ...each, event };
      }),
    }));
    return super.append(older, claim);
  }
}

async function replays(store: MemoryStore, process: (lab: Lab) => Process): Promise<unknown> {
  const lab = new Lab();
  const runtime = await lab.open(store, SOON);
  const stop = lab.clock.run(() => runtime.isIdle);
  try {
    return (await runtime.replay('r', process(lab))).reached;
  } finally {
    stop();
  }
}

interface Case {
  readonly what: string;
  readonly work: Work;
  readonly lives: readonly [Turns, Turns];
  /** As the second life has the code. */
  readonly later?: Work;
  /** Of the first group that is decided; undefined where it says nothing. */
  readonly begun: number | undefined;
  /** It cannot be known where it is not recorded. */
  readonly isNew?: boolean;
  /** Nor which, before they have asked for something. */
  readonly isByCalls?: boolean;
}

function group(
  mode: 'drain' | 'detach' | 'cancel',
  branches: (lab: Lab, ctx: Context, turns: (name: string) => Promise<void>) => (() => unknown)[],
): Work {
  return async (lab, ctx, turns) => {
    await ctx.parallel
      .all(branches(lab, ctx, turns) as never, { concurrency: 2, losers: mode })
      .catch(ignore);
  };
}

const behindAnother = (mode: 'drain' | 'detach', key?: string): Work =>
  group(mode, (lab, ctx, turns) => [
    () => ctx.task(bad),
    () => turns('before'),
    async () => {
      await turns('own');
      const named = key === undefined ? {} : { key };
      await ctx.task(lab.work, { ms: 5, value: 2 }, named);
      await ctx.parallel.all([() => ctx.task(lab.work, { ms: 5, value: 2 }, named), () => ctx.sleep(7)]);
    },
    () => ctx.task(lab.work, { ms: 1, value: 'never begun' }),
  ]);

const nested =
  (mode: 'drain' | 'detach'): Work =>
  async (lab, ctx, turns) => {
    const level = (depth: number): Promise<unknown> =>
      ctx.parallel
        .all(
          [
            () => ctx.task(bad),
            () => turns('before'),
            async () => {
              await turns('own');
              return depth === 0 ? ctx.task(lab.work, { ms: 5, value: 1 }) : level(depth - 1);
            },
          ],
          { concurrency: 2, losers: mode },
        )
        .catch(ignore);
    await level(3);
  };

/** `isTurned`: two branches stand in another order. */
const turned =
  (mode: 'drain' | 'detach', isTurned: boolean): Work =>
  async (lab, ctx, turns) => {
    const no = (): Promise<unknown> => ctx.task(bad);
    const A = (): Promise<unknown> => ctx.task(lab.work, { ms: 5, value: 'A' });
    const B = async (): Promise<unknown> => {
      await turns('B');
      return ctx.task(lab.work, { ms: 5, value: 'B' });
    };
    const branches: Record<string, () => Promise<unknown>> = isTurned ? { no, A, B } : { no, B, A };
    await ctx.parallel.forkJoin(branches, { concurrency: 2, losers: mode }).catch(ignore);
  };

const strands =
  (isTurned: boolean): Work =>
  async (lab, ctx, turns) => {
    const no = (): Promise<unknown> => ctx.task(lab.work, { ms: 20, fail: 'no' });
    const B = (): Promise<unknown> => ctx.task(lab.work, { ms: 5, value: 'B' });
    const strand = async (key: string): Promise<unknown> => {
      await turns(key);
      return ctx.task(lab.work, { ms: 5, value: key }, { key });
    };
    const A = (): Promise<unknown> => Promise.all([strand('a'), strand('b')]);
    const branches: Record<string, () => Promise<unknown>> = isTurned ? { no, A, B } : { no, B, A };
    await ctx.parallel.forkJoin(branches, { concurrency: 2, losers: 'drain' }).catch(ignore);
  };

const early =
  (isTurned: boolean): Work =>
  async (lab, ctx, turns) => {
    const W = (): Promise<void> => turns('W');
    const A = (): Promise<unknown> => ctx.task(lab.work, { ms: 500, value: 'A' });
    const B = (): Promise<unknown> => ctx.task(lab.work, { ms: 500, value: 'B' });
    const branches: Record<string, () => Promise<unknown>> = isTurned ? { W, A, B } : { W, B, A };
    await ctx.parallel.forkJoinSettled(branches, { concurrency: 2, completion: { minSuccessful: 1 } });
  };

const tellsAnother = (mode: 'drain' | 'cancel'): Work => {
  return async (lab, ctx, turns) => {
    const told = Promise.withResolvers<undefined>();
    const branches = group(mode, () => [
      () => ctx.task(bad),
      () => turns('before'),
      async () => {
        await turns('own');
        told.resolve(undefined);
      },
    ]);
    await ctx.parallel.all([
      async () => {
        await told.promise;
        await ctx.task(lab.work, { ms: 5, value: 1 });
      },
      () => branches(lab, ctx, turns),
    ]);
  };
};

const LONGER = [
  { before: 1, own: 1 },
  { before: 8, own: 1 },
] as const;

const CASES: readonly Case[] = [
  ...(['drain', 'detach'] as const).flatMap((mode) => [
    { what: `a longer wait, ${mode}`, work: behindAnother(mode), lives: LONGER, begun: 3 },
    { what: `a longer wait, ${mode}, named call`, work: behindAnother(mode, 'x'), lives: LONGER, begun: 3 },
    { what: `a longer wait, ${mode}, nested`, work: nested(mode), lives: LONGER, begun: 3 },
    {
      what: `another order, ${mode}`,
      work: turned(mode, false),
      later: turned(mode, true),
      lives: [{ B: 3 }, { B: 3 }] as const,
      begun: 2,
      isByCalls: true,
    },
    {
      what: `a shorter wait, ${mode}`,
      work: group(mode, (lab, ctx, turns) => [
        () => ctx.task(bad),
        () => turns('before'),
        () => ctx.task(lab.work, { ms: 5, value: 2 }),
      ]),
      lives: [{ before: 8 }, { before: 1 }] as const,
      begun: 2,
      isNew: true,
    },
  ]),
  {
    what: 'one before it that asks for nothing',
    work: async (lab, ctx, turns) => {
      let seen = 'nothing';
      const branches = [
        () => ctx.task(bad),
        () => turns('before'),
        () => {
          seen = 'set';
        },
        async () => {
          await turns('own');
          return ctx.task(lab.work, { ms: 5, value: seen });
        },
      ];
      await ctx.parallel.all(branches as never, { concurrency: 2, losers: 'drain' }).catch(ignore);
    },
    lives: LONGER,
    begun: 4,
  },
  {
    what: 'two strands in a branch that has no slot',
    work: strands(false),
    later: strands(true),
    lives: [
      { a: 120, b: 60 },
      { a: 0, b: 3 },
    ],
    begun: 3,
    isByCalls: true,
  },
  {
    what: 'a decision that is held while another settles',
    work: async (lab, ctx, turns) => {
      const branches = [
        () => turns('first'),
        async () => {
          await turns('second');
          throw new Error('x');
        },
        () => ctx.task(lab.work, { ms: 500, value: 2 }),
      ];
      await ctx.parallel.allSettled(branches as never, { concurrency: 2, completion: { minSuccessful: 1 } });
    },
    lives: [
      { first: 12, second: 2 },
      { first: 1, second: 4 },
    ],
    begun: 3,
  },
  {
    what: 'a decision that is held, in another order',
    work: early(false),
    later: early(true),
    lives: [{ W: 12 }, { W: 0 }],
    begun: 2,
  },
  {
    what: 'items of a stream that is read further out',
    work: async (lab, ctx, turns) => {
      const thunks = [1, 2, 3].map((value) => () => ctx.task(lab.work, { ms: 5, value }));
      const items = ctx.parallel.stream(thunks, { concurrency: 1, buffer: 1 });
      await ctx.sleep(50);
      const work = group('drain', () => [
        () => ctx.task(bad),
        () => turns('before'),
        async () => {
          await turns('own');
          for await (const item of items) expect(item).toBeDefined();
        },
      ]);
      await work(lab, ctx, turns);
    },
    lives: LONGER,
    begun: 3,
    isNew: true,
  },
  {
    what: 'one that tells another, drain',
    work: tellsAnother('drain'),
    lives: LONGER,
    begun: 3,
    isNew: true,
  },
  {
    what: 'one that tells another, cancel',
    work: tellsAnother('cancel'),
    lives: LONGER,
    begun: 3,
    isNew: true,
  },
  {
    what: 'how one ended that asked for nothing',
    work: async (lab, ctx, turns) => {
      const branches = [
        () => ctx.task(bad),
        () => turns('before'),
        async () => {
          await turns('own');
          return 'two';
        },
      ];
      const options = { concurrency: 2, losers: 'drain', completion: { toleratedFailures: 0 } } as const;
      const all: readonly { status: string }[] = await ctx.parallel.allSettled(branches as never, options);
      const statuses = all.map(({ status }) => status).join(' ');
      return ctx.task(lab.work, { ms: 5, value: statuses });
    },
    lives: [
      { before: 1, own: 4 },
      { before: 8, own: 4 },
    ],
    begun: 3,
    isNew: true,
  },
  {
    what: 'whether one was started that was given up',
    work: async (lab, ctx, turns) => {
      const branches = [
        () => ctx.task(lab.work, { ms: 1, value: 1 }),
        () => turns('before'),
        () => new Promise(() => undefined),
      ];
      const options = { concurrency: 2, completion: { minSuccessful: 2 } } as const;
      const all: readonly { started?: boolean }[] = await ctx.parallel.allSettled(branches as never, options);
      const started = all.map((each) => each.started ?? true).join(' ');
      return ctx.task(lab.work, { ms: 5, value: started });
    },
    lives: [{ before: 1 }, { before: 8 }],
    begun: 3,
    isNew: true,
  },
  ...(['cancel', 'drain', 'detach'] as const).flatMap((mode): Case[] => [
    {
      what: `all had settled when one failed, ${mode}`,
      work: async (lab, ctx, turns) => {
        let count = 0;
        const branches = group(mode, () => [
          () => turns('a'),
          () => turns('b'),
          () => ctx.task(lab.work, { ms: 20, fail: 'no' }),
          () => {
            count += 1;
          },
        ]);
        await branches(lab, ctx, turns);
        return ctx.task(lab.work, { ms: 5, value: count });
      },
      lives: [
        { a: 1, b: 1 },
        { a: 12, b: 1 },
      ],
      begun: 4,
      isNew: true,
    },
    {
      what: `what began before its time was up, ${mode}`,
      work: async (lab, ctx, turns) => {
        let seen = '';
        const noting = (name: string) => async (): Promise<void> => {
          seen += name;
          await turns(name);
        };
        const branches = [() => ctx.sleep(1000), ...['a', 'b', 'c', 'd'].map(noting)];
        const options = { concurrency: 2, losers: mode, timeout: 50 } as const;
        await ctx.parallel.all(branches as never, options).catch(ignore);
        return ctx.task(lab.work, { ms: 5, value: seen });
      },
      lives: [
        { a: 1, b: 2, c: 100_000 },
        { a: 3, b: 1, c: 100_000 },
      ],
      begun: 4,
      isNew: true,
    },
  ]),
  // What a decision gives up may begin out of its order.
  ...(['drain', 'detach'] as const).map((mode): Case => ({
    what: `one that begins behind another, ${mode}`,
    work: async (lab, ctx, turns) => {
      let seen = 'nothing';
      const branches = group(mode, () => [
        () => ctx.task(bad),
        () => turns('before'),
        async () => {
          await turns('B');
          seen = 'set';
        },
        async () => {
          const value = seen;
          await turns('own');
          await ctx.task(lab.work, { ms: 5, value }).catch(ignore);
        },
      ]);
      await branches(lab, ctx, turns);
      return ctx.task(lab.work, { ms: 5, value: seen });
    },
    lives: [
      { before: 0, B: 0, own: 4 },
      { before: 8, B: 1, own: 4 },
    ],
    begun: 4,
    isNew: true,
  })),
  {
    what: 'how many of a completion had begun',
    work: async (lab, ctx, turns) => {
      const branches = [() => turns('a'), () => turns('b'), () => ctx.task(bad), () => turns('c')];
      const options = { concurrency: 2, completion: { toleratedFailures: 0 } } as const;
      const all: readonly { started?: boolean }[] = await ctx.parallel.allSettled(branches as never, options);
      const started = all.map((each) => each.started ?? true).join(' ');
      return ctx.task(lab.work, { ms: 5, value: started });
    },
    lives: [
      { a: 1, b: 1 },
      { a: 12, b: 1 },
    ],
    begun: 4,
    isNew: true,
  },
  {
    what: 'all began at once',
    work: (lab, ctx) =>
      ctx.parallel.race([() => ctx.task(lab.work, { ms: 5, value: 1 }), () => ctx.sleep(9)], {
        concurrency: 2,
      }),
    lives: [{}, {}],
    begun: undefined,
  },
];

/** Of a journal, in any order: a wait that is shorter now lets one ask before another. */
function tasksOf(store: MemoryStore): readonly string[] {
  return shape(store)
    .filter((line) => line.startsWith('TaskScheduled'))
    .toSorted();
}

/** @param last the last of what has to be recorded, so that a life with other waits comes to the same */
async function comesToTheSame(
  { work, later = work, lives }: Case,
  store: MemoryStore,
  last: 'ScopeClosed' | 'TaskScheduled',
): Promise<void> {
  const first = new Lab();
  const ended = await first.drive(store, processOf(work, first, lives[0]));
  expect(ended).toHaveProperty('value');
  const anew = (lab: Lab): Process => processOf(later, lab, lives[1]);
  expect(await replays(store, (lab) => processOf(work, lab, lives[0]))).toBe('end');
  expect(await replays(store, anew)).toBe('end');
  const from = journal(store).findLast(({ event }) => event.type === last)?.seq ?? 0;
  expect(from).toBeGreaterThan(1);
  for (const { seq, at } of journal(store).slice(from - 1)) {
    const second = Lab.at(at);
    const rest = store.prefix('r', seq);
    expect(await second.drive(rest, anew(second), null, SOON), `after ${seq}`).toEqual(ended);
    expect(await replays(rest, anew), `after ${seq}`).toBe('end');
    expect(await replays(rest, (lab) => processOf(later, lab, lives[0])), `after ${seq}`).toBe('end');
    expect(tasksOf(rest), `after ${seq}`).toEqual(tasksOf(store));
  }
}

describe('who had begun when a group was decided begins again, and nobody else', () => {
  it.each(CASES)('$what', async (each) => {
    const store = new MemoryStore();
    await comesToTheSame(each, store, each.isByCalls === true ? 'TaskScheduled' : 'ScopeClosed');
    const closed = journal(store).find(({ event }) => event.type === 'ScopeClosed')?.event;
    expect(closed).toHaveProperty('winner');
    expect(closed !== undefined && 'begun' in closed ? closed.begun : undefined).toBe(each.begun);
  });

  it.each(CASES.filter(({ isNew = false }) => !isNew))(
    '$what, in a journal that does not say who had',
    async (each) => {
      const store = new OldStore();
      await comesToTheSame(each, store, 'TaskScheduled');
      expect(journal(store).some(({ event }) => 'begun' in event)).toBe(false);
    },
  );
});

it('begins who could not any more, since the bound is a lower one by now', async () => {
  const work =
    (concurrency: number): Work =>
    async (lab, ctx, turns) => {
      const branches = [
        () => ctx.task(lab.work, { ms: 20, fail: 'no' }),
        () => turns('a'),
        () => turns('b'),
        () => ctx.task(lab.work, { ms: 30, value: 'last' }),
      ];
      await ctx.parallel.all(branches as never, { concurrency, losers: 'drain' }).catch(ignore);
    };
  const first = new Lab();
  const whole = new MemoryStore();
  await first.drive(whole, processOf(work(3), first, { a: 9, b: 9 }));
  const cut = journal(whole).find(({ event }) => event.type === 'AttemptStarted');
  const second = Lab.at(cut?.at ?? 0);
  const store = whole.prefix('r', cut?.seq ?? 0);
  // Before the journal's head two of its branches have given their slots on; behind it one may run.
  await second.drive(store, processOf(work(1), second, { a: 0, b: 0 }), null, SOON);
  expect(shape(store)).toContain('ScopeRetuned 0');
  expect(journal(store)).toContainEqual(
    expect.objectContaining({ event: expect.objectContaining({ type: 'ScopeClosed', begun: 4 }) as unknown }),
  );
  for (const turns of [0, 9]) {
    const again = (lab: Lab): Process => processOf(work(1), lab, { a: turns, b: turns });
    expect(await replays(store, again)).toBe('end');
  }
});

describe('where nothing is waited for, or a decision gives all up, nothing is held up', () => {
  const HALF_A_MINUTE = { stallMs: 30_000 };

  const plainly =
    (work: Work, lab: Lab): Process =>
    async (_, ctx) => {
      await work(lab, ctx, () => Promise.resolve());
      await ctx.sleep(50);
    };

  /** What a replay comes to, and the virtual time that it takes. */
  async function replayedIn(store: MemoryStore, work: Work): Promise<[string, number]> {
    const lab = new Lab();
    const runtime = await lab.open(store, HALF_A_MINUTE);
    const stop = lab.clock.run(() => runtime.isIdle);
    const from = lab.clock.monotonic();
    try {
      const { reached } = await runtime.replay('r', plainly(work, lab));
      return [reached, lab.clock.monotonic() - from];
    } catch (error) {
      return [error instanceof Error ? error.name : String(error), lab.clock.monotonic() - from];
    } finally {
      stop();
    }
  }

  async function recorded(work: Work): Promise<MemoryStore> {
    const lab = new Lab();
    const store = new MemoryStore();
    expect(await lab.drive(store, plainly(work, lab))).toHaveProperty('value');
    return store;
  }

  it.each(['cancel', 'drain', 'detach'] as const)('by names in another order: %s', async (losers) => {
    const ordered =
      (names: string): Work =>
      async (lab, ctx) => {
        const all: Record<string, () => unknown> = {
          x: () => undefined,
          a: () => ctx.task(lab.work, { ms: 20, fail: 'no' }),
          y: () => ctx.task(lab.work, { ms: 20, value: 1 }),
        };
        const branches = Object.fromEntries([...names].map((name) => [name, all[name]]));
        await ctx.parallel.forkJoin(branches as never, { concurrency: 1, losers }).catch(ignore);
      };
    const store = await recorded(ordered('xay'));
    for (const names of ['xay', 'axy', 'ayx', 'yax'])
      expect(await replayedIn(store, ordered(names)), names).toEqual(['end', 0]);
  });

  it('by a wait that is as long as it was, and longer than the bound of a stall', async () => {
    const work: Work = async (lab, ctx) => {
      const branches = [
        () => ctx.task(lab.work, { ms: 100_000, fail: 'no' }),
        () => lab.clock.sleep(40_000),
        () => undefined,
        () => undefined,
      ];
      await ctx.parallel.all(branches as never, { concurrency: 2 }).catch(ignore);
    };
    const store = await recorded(work);
    expect(await replayedIn(store, work)).toEqual(['end', 0]);
  });

  it('by a wait that is longer than the bound of a stall: those behind it begin then', async () => {
    const work =
      (turns: number): Work =>
      async (lab, ctx) => {
        const late = Promise.withResolvers<undefined>();
        const branches = [
          () => ctx.task(lab.work, { ms: 20, fail: 'no' }),
          () => raw(turns),
          async () => {
            await late.promise;
            await ctx.task(lab.work, { ms: 50, value: 1 });
          },
        ];
        await ctx.parallel.all(branches as never, { concurrency: 2, losers: 'detach' }).catch(ignore);
        await ctx.sleep(10);
        late.resolve(undefined);
      };
    const store = await recorded(work(1));
    const [reached, ms] = await replayedIn(store, work(2000));
    expect(reached).toBe('end');
    expect(ms).toBeGreaterThanOrEqual(HALF_A_MINUTE.stallMs);
  });

  it('by code that decides earlier by now: it is told at once', async () => {
    const work =
      (isChanged: boolean): Work =>
      async (lab, ctx) => {
        const branches = [
          async () => {
            await ctx.task(lab.work, { ms: 5, value: 1 });
            if (isChanged) throw new Error('changed');
          },
          () => ctx.task(lab.work, { ms: 50, value: 2 }),
          () => ctx.task(lab.work, { ms: 20, fail: 'no' }),
          () => ctx.task(lab.work, { ms: 20, value: 4 }),
        ];
        await ctx.parallel.all(branches as never, { concurrency: 2 }).catch(ignore);
      };
    expect(await replayedIn(await recorded(work(false)), work(true))).toEqual(['NonDeterminismError', 0]);
  });

  it('by a branch that asks for something by now', async () => {
    const work =
      (isChanged: boolean): Work =>
      async (lab, ctx) => {
        const branches = [
          () => ctx.task(lab.work, { ms: 20, fail: 'no' }),
          () => (isChanged ? ctx.sleep(10) : undefined),
          () => undefined,
        ];
        await ctx.parallel.all(branches as never, { concurrency: 2 }).catch(ignore);
      };
    expect(await replayedIn(await recorded(work(false)), work(true))).toEqual(['end', 0]);
  });
});
