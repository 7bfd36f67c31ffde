import { setImmediate as turnOfNode } from 'node:timers/promises';
import type { Context, Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';

import { MemoryStore } from '../src/testing.ts';
import { journal, Lab, shape } from './lab.fixture.ts';

/*
 * Decisions of calls whose branches wait for something outside ctx: below the journal's head they are held until
 * their place comes, and nothing else comes of it. The first life of each is killed behind an event; the next one,
 * and each replay, has other waits.
 */

/** Turns of Node's event loop that each wait takes. */
type Waits = Readonly<Record<string, number>>;
type Work = (lab: Lab, ctx: Context, wait: (name: string) => Promise<void>) => Promise<unknown>;

interface Case {
  readonly what: string;
  readonly work: Work;
  readonly first: Waits;
  readonly value: unknown;
  /** Of the next life, where it is another one; the journal of the first is not replayed with the waits of the next. */
  readonly nextValue?: unknown;
  /** What is stored last when the first life ends, and what its next life has. */
  readonly behind: string;
  readonly next: Waits;
}

const OPTIONS = { stallMs: 1e6 };

/** What became of it is given to a task, so that it is in the journal. */
function processOf(work: Work, lab: Lab, waits: Waits): Process {
  const wait = async (name: string): Promise<void> => {
    for (let i = 0; i < (waits[name] ?? 0); i += 1) await turnOfNode();
  };
  return async (_, ctx) => ctx.task(lab.work, { ms: 1, value: await work(lab, ctx, wait) });
}

async function replayed(store: MemoryStore, work: Work, waits: Waits): Promise<unknown> {
  const lab = new Lab();
  const runtime = await lab.open(store, OPTIONS);
  const stop = lab.clock.run(() => runtime.isIdle);
  try {
    return (await runtime.replay('r', processOf(work, lab, waits))).reached;
  } finally {
    stop();
  }
}

async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch(String);
}

const never = (): Promise<never> => new Promise(() => undefined);

/** A branch that waits, and fails. */
const failing = (wait: (name: string) => Promise<void>, name: string) => async (): Promise<never> => {
  await wait(name);
  throw new RangeError(name);
};

async function* failingSource(wait: () => Promise<void>, name: string): AsyncGenerator<never> {
  await wait();
  yield await Promise.reject(new RangeError(name));
}

/** Of named branches the one that decided is told by the number in the journal; and two of them decide. */
const NAMED: readonly Case[] = [
  {
    what: 'forkJoin',
    work: (_, ctx, wait) => reasonOf(ctx.parallel.forkJoin({ a: failing(wait, 'a'), b: failing(wait, 'b') })),
    first: { a: 20, b: 3 },
    value: 'RangeError: b',
    behind: 'ScopeClosed 0',
    next: { a: 1, b: 3 },
  },
  {
    what: 'race',
    work: (lab, ctx, wait) =>
      ctx.parallel.race(
        ['a', 'b'].map((name) => async () => {
          await ctx.task(lab.work, { ms: 1, value: name });
          await wait(name);
          return name;
        }),
        { keyBy: (_thunk, index) => 'ab'.charAt(index) },
      ),
    first: { a: 20, b: 3 },
    value: 'b',
    behind: 'ScopeClosed 0',
    next: { a: 1, b: 3 },
  },
  {
    what: 'forkJoin that lets its losers go on, and waits for those that had begun',
    work: (lab, ctx, wait) =>
      reasonOf(
        ctx.parallel.forkJoin(
          {
            a: failing(wait, 'a'),
            b: () => ctx.task(lab.work, { ms: 1, fail: 'b' }),
            c: () => wait('c'),
            d: () => wait('d'),
          },
          { concurrency: 3, losers: 'drain' },
        ),
      ),
    first: { a: 60, c: 1, d: 60 },
    value: 'TaskError: b',
    behind: 'ScopeClosed 0',
    next: { a: 0, c: 30, d: 60 },
  },
  {
    what: 'merge',
    work: (_, ctx, wait) =>
      reasonOf(
        ctx.parallel
          .merge({
            a: failingSource(() => wait('a'), 'a'),
            b: failingSource(() => wait('b'), 'b'),
          })
          .next(),
      ),
    first: { a: 20, b: 3 },
    value: 'RangeError: b',
    behind: 'ScopeClosed 0',
    next: { a: 1, b: 3 },
  },
  {
    what: 'streamAll',
    work: (_, ctx, wait) =>
      reasonOf(
        ctx.parallel
          .streamAll(['a', 'b'], (name) => failing(wait, name)(), { keyBy: (name) => name, concurrency: 2 })
          .next(),
      ),
    first: { a: 20, b: 3 },
    value: 'RangeError: b',
    behind: 'ScopeClosed 0',
    next: { a: 1, b: 3 },
  },
];

const GIVEN_UP: readonly Case[] = [
  {
    what: 'what follows from it in the branch is done once',
    work: async (lab, ctx, wait) => {
      let left = 0;
      const inner = async (): Promise<void> => {
        const first = async (): Promise<number> => {
          await wait('a');
          return 1;
        };
        await ctx.parallel.any([first, never]).finally(() => (left += 1));
      };
      await reasonOf(ctx.parallel.all([inner, () => ctx.task(lab.work, { ms: 1, fail: 'x' })]));
      await ctx.sleep(50);
      await wait('longer');
      return left;
    },
    first: { a: 60, longer: 70 },
    value: 1,
    behind: 'TaskFailed 0/1/0',
    next: { a: 1, longer: 70 },
  },
  {
    what: 'what waits for the branch goes on',
    work: async (lab, ctx, wait) => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const first = async (): Promise<string> => {
        await wait('a');
        return 'a';
      };
      const inner = async (): Promise<void> => resolve(await ctx.parallel.any([first, never]));
      await reasonOf(ctx.parallel.all([inner, () => ctx.task(lab.work, { ms: 1, fail: 'x' })]));
      return promise;
    },
    first: { a: 60 },
    value: 'a',
    behind: 'TaskFailed 0/1/0',
    next: { a: 1 },
  },
];

/** Of a group with enough values, and one failure too many before, the later count is taken wherever the crash was. */
const some = (behind: string): Case => ({
  what: `some, behind ${behind}`,
  work: async (lab, ctx, wait) => {
    let result: unknown;
    await ctx.parallel.all([
      async () => {
        const thunks = [
          failing(wait, 'a'),
          () => ctx.task(lab.work, { ms: 1, value: 'b' }),
          () => ctx.task(lab.work, { ms: 90, value: 'c' }),
        ];
        const options = { min: 1, preserveOrder: true, completion: { toleratedFailures: 0 } };
        result = await reasonOf(ctx.parallel.some(thunks, options));
      },
      () => ctx.task(lab.work, { ms: 3, value: 'other' }),
    ]);
    return result;
  },
  first: { a: 60 },
  // The failure that the first life had not come to yet decides in the next one.
  value: ['b', 'c'],
  nextValue: ['b'],
  behind,
  next: { a: 1 },
});

/** The same wait ends two branches, and the second one of them has no part in it any more. */
const SHARED: readonly Case[] = [
  {
    what: 'streamAll',
    work: (lab, ctx, wait) => {
      const both = wait('both');
      const items = ctx.parallel.streamAll([1, 2], async (n) => {
        await both;
        if (n === 1) await Promise.resolve();
        if (n === 2) throw new RangeError('2');
        return n;
      });
      const read = async (): Promise<unknown> => {
        const seen: unknown[] = [];
        for await (const n of items) seen.push(await ctx.task(lab.work, { ms: 1, value: n }));
        return seen;
      };
      return reasonOf(read());
    },
    first: { both: 1 },
    value: 'RangeError: 2',
    behind: 'ScopeClosed 0',
    next: { both: 1 },
  },
  {
    what: 'reduce',
    work: async (_, ctx, wait) => {
      const both = wait('both');
      const seen: unknown[] = [];
      const each = async (n: number): Promise<number> => {
        await both;
        if (n === 1) await Promise.resolve();
        if (n === 2) throw new RangeError('2');
        return n;
      };
      const step = (sum: number, n: number): number => {
        seen.push(n);
        return sum + n;
      };
      return [await reasonOf(ctx.reduce([1, 2], 0, step, { concurrency: 2, each })), ...seen];
    },
    first: { both: 1 },
    value: ['RangeError: 2'],
    behind: 'ScopeClosed 0',
    next: { both: 1 },
  },
];

async function holds(each: Case): Promise<void> {
  const { work, first, value, nextValue = value, behind, next } = each;
  const lab = new Lab();
  const whole = new MemoryStore();
  expect(await lab.drive(whole, processOf(work, lab, first), null, OPTIONS)).toEqual({ value });
  for (const waits of 'nextValue' in each ? [first] : [first, next])
    expect(await replayed(whole, work, waits)).toBe('end');

  const seq = shape(whole).indexOf(behind) + 1;
  expect(seq, shape(whole).join('\n')).toBeGreaterThan(0);
  const rest = whole.prefix('r', seq);
  const later = Lab.at(journal(whole)[seq - 1]?.at ?? 0);
  expect(await later.drive(rest, processOf(work, later, next), null, OPTIONS)).toEqual({
    value: nextValue,
  });
  for (const waits of [first, next]) expect(await replayed(rest, work, waits)).toBe('end');
}

describe('of named branches the one counts that is recorded', () => {
  it.each(NAMED)('$what', holds);
});

describe('a decision that is held in a group that is given up', () => {
  it.each(GIVEN_UP)('$what', holds);
});

describe('a count that is held gives way to one that counts more', () => {
  it.each(['TaskSucceeded 0/0/0/1/0', 'TaskSucceeded 0/1/0'].map(some))('$what', holds);
});

describe('what settles behind a decision has no part in it', () => {
  it.each(SHARED)('$what', holds);
});

describe('names that stand in another order, where nothing outside ctx is waited for', () => {
  let isTurned = false;
  const ordered = <T>(list: readonly T[]): readonly T[] => (isTurned ? list.toReversed() : list);
  const hops = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) await Promise.resolve();
  };
  async function* failsAfter(name: string, count: number): AsyncGenerator<never> {
    await hops(count);
    yield await Promise.reject(new RangeError(name));
  }
  const SAME_MOMENT: readonly [string, Process][] = [
    [
      'forkJoin',
      async (_, ctx) => {
        const shared = ctx.sleep(1);
        const fails = (name: string, count: number) => async (): Promise<never> => {
          await shared;
          await hops(count);
          throw new RangeError(name);
        };
        return reasonOf(
          ctx.parallel.forkJoin(
            Object.fromEntries(
              ordered([
                ['a', fails('a', 0)],
                ['b', fails('b', 2)],
              ] as const),
            ),
          ),
        );
      },
    ],
    [
      'race',
      async (_, ctx) => {
        const names = ordered(['a', 'b']);
        const thunks = names.map((name) => async () => {
          await hops(name === 'a' ? 0 : 5);
          return name;
        });
        return ctx.parallel.race(thunks, { keyBy: (_thunk, index) => names[index] ?? '' });
      },
    ],
    [
      'any, while calls of the others wait for their places',
      async (_, ctx) => {
        const names = ordered(['a', 'b', 'c']);
        const thunks = names.map((name) => async () => {
          if (name === 'c') await hops(3);
          else await ctx.sleep(name === 'a' ? 15 : 20);
          return name;
        });
        return ctx.parallel.any(thunks, { keyBy: (_thunk, index) => names[index] ?? '' });
      },
    ],
    [
      'merge',
      async (_, ctx) => {
        const sources = ordered([
          ['a', failsAfter('a', 0)],
          ['b', failsAfter('b', 9)],
        ] as const);
        return reasonOf(ctx.parallel.merge(Object.fromEntries(sources)).next());
      },
    ],
    [
      'streamAll',
      async (_, ctx) => {
        const run = (name: string): Promise<unknown> => failsAfter(name, name === 'a' ? 0 : 9).next();
        const options = { keyBy: (name: string) => name, concurrency: 2 };
        return reasonOf(ctx.parallel.streamAll(ordered(['a', 'b']), run, options).next());
      },
    ],
  ];

  it.each(SAME_MOMENT)('%s: who decided first does so again', async (_, process) => {
    const store = new MemoryStore();
    isTurned = false;
    const first = await new Lab().drive(store, process);
    isTurned = true;
    const lab = new Lab();
    const runtime = await lab.open(store);
    expect((await runtime.replay('r', process)).reached).toBe('end');
    expect(lab.clock.monotonic()).toBe(0);
    for (let seq = 1; seq < shape(store).length; seq += 1)
      expect(await new Lab().drive(store.prefix('r', seq), process), `behind ${seq}`).toEqual(first);
  });
});

it('a run that is left runs no code of the process any more', async () => {
  const effects: string[] = [];
  let isLater = false;
  const work: Work = async (lab, ctx, wait) => {
    const first = async (): Promise<number> => {
      await wait('a');
      return 1;
    };
    const deciding = async (): Promise<void> => {
      await ctx.parallel.any([first, never]);
      effects.push('behind any');
    };
    const other = async (): Promise<void> => {
      await ctx.task(lab.work, { ms: 3, value: 'x' });
      if (isLater) await never();
      await ctx.task(lab.work, { ms: 30, value: 'y' });
    };
    return ctx.parallel.all([deciding, other]);
  };
  const lab = new Lab();
  const store = new MemoryStore();
  await lab.drive(store, processOf(work, lab, { a: 60 }), null, OPTIONS);
  effects.length = 0;
  isLater = true;
  await expect(replayed(store, work, { a: 0 })).rejects.toThrow('stalls');
  expect(effects).toEqual([]);
});
