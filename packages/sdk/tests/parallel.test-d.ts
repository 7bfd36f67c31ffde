import { expectTypeOf, test } from 'vitest';

import { defineTask, type Context, type Settled } from '../src/index.ts';

declare const ctx: Context;

const text = defineTask({ name: 'text', run: (n: number) => String(n) });
const number = defineTask({ name: 'number', run: (n: number) => n });
const flag = defineTask({ name: 'flag', run: async (): Promise<boolean> => true });

test('all gives a tuple, in the order of the thunks', () => {
  expectTypeOf(
    ctx.parallel.all([() => ctx.task(text, 1), () => ctx.task(number, 1), () => ctx.task(flag)]),
  ).toEqualTypeOf<Promise<[string, number, boolean]>>();
  expectTypeOf(ctx.parallel.all([])).toEqualTypeOf<Promise<[]>>();
  expectTypeOf(
    ctx.parallel.all([() => 5 as number, async () => 'x' as string, () => undefined]),
  ).toEqualTypeOf<Promise<[number, string, undefined]>>();
  expectTypeOf(
    ctx.parallel.all([() => ctx.parallel.all([() => ctx.task(text, 1)]), () => ctx.sleep(5)]),
  ).toEqualTypeOf<Promise<[[string], void]>>();
});

test('all of a list gives a list', () => {
  expectTypeOf(ctx.parallel.all([1, 2].map((n) => () => ctx.task(text, n)))).toEqualTypeOf<
    Promise<string[]>
  >();
});

test('allSettled gives a tuple of outcomes', () => {
  expectTypeOf(
    ctx.parallel.allSettled([() => ctx.task(text, 1), () => ctx.task(number, 1)], { preserveOrder: false }),
  ).toEqualTypeOf<Promise<[Settled<string>, Settled<number>]>>();
  type Entry = Settled<string>;
  expectTypeOf<Extract<Entry, { status: 'fulfilled' }>['value']>().toEqualTypeOf<string>();
  expectTypeOf<Extract<Entry, { status: 'rejected' }>['reason']>().toEqualTypeOf<unknown>();
  expectTypeOf<Extract<Entry, { status: 'rejected' }>['started']>().toEqualTypeOf<boolean>();
  expectTypeOf<Entry['index']>().toEqualTypeOf<number>();
  expectTypeOf<Entry['key']>().toEqualTypeOf<string>();
});

test('any and race give one of the values', () => {
  expectTypeOf(ctx.parallel.any([() => ctx.task(text, 1), () => ctx.task(number, 1)])).toEqualTypeOf<
    Promise<string | number>
  >();
  expectTypeOf(ctx.parallel.race([() => ctx.task(text, 1), async () => null])).toEqualTypeOf<
    Promise<string | null>
  >();
  expectTypeOf(ctx.parallel.race([])).toEqualTypeOf<Promise<never>>();
});

test('map gives what its function gives', () => {
  expectTypeOf(
    ctx.parallel.map([1, 2], (n, index) => (expectTypeOf(index).toEqualTypeOf<number>(), ctx.task(text, n))),
  ).toEqualTypeOf<Promise<string[]>>();
  expectTypeOf(ctx.parallel.map(new Set(['a']), (item) => item.length)).toEqualTypeOf<Promise<number[]>>();
  expectTypeOf(ctx.parallel.map(new Map([['k', 1]]), ([key, value]) => ({ key, value }))).toEqualTypeOf<
    Promise<{ key: string; value: number }[]>
  >();
  ctx.parallel.map([{ id: 'a' }], (item) => item, {
    keyBy: (item, index) => `${item.id}${index}`,
    concurrency: 5,
    batchSize: 10,
    timeout: '5m',
    priority: 'background',
    signal: new AbortController().signal,
    key: 'all of them',
  });
});

test('allTuple gives a tuple, whatever it is made of', () => {
  expectTypeOf(
    ctx.parallel.allTuple([() => ctx.task(text, 1), () => ctx.task(number, 1), () => ctx.task(flag)]),
  ).toEqualTypeOf<Promise<[string, number, boolean]>>();
  expectTypeOf(ctx.parallel.allTuple([])).toEqualTypeOf<Promise<[]>>();
  expectTypeOf(ctx.parallel.allTuple([() => ctx.task(text, 1)])).toEqualTypeOf<Promise<[string]>>();
  expectTypeOf(ctx.parallel.allTupleSettled([() => ctx.task(text, 1), () => ctx.task(flag)])).toEqualTypeOf<
    Promise<[Settled<string>, Settled<boolean>]>
  >();
  expectTypeOf(ctx.parallel.allTupleSettled([])).toEqualTypeOf<Promise<[]>>();
});

test('forkJoin gives a record of the same keys', () => {
  expectTypeOf(
    ctx.parallel.forkJoin({
      user: () => ctx.task(text, 1),
      posts: async () => [1, 2],
      nested: () => ctx.parallel.forkJoin({ inner: () => ctx.task(flag), plain: () => 5 as number }),
    }),
  ).toEqualTypeOf<Promise<{ user: string; posts: number[]; nested: { inner: boolean; plain: number } }>>();
  expectTypeOf(
    ctx.parallel.forkJoinSettled(
      { a: () => ctx.task(text, 1), b: () => ctx.task(flag) },
      { preserveOrder: false },
    ),
  ).toEqualTypeOf<Promise<{ a: Settled<string>; b: Settled<boolean> }>>();
  const byName: Record<string, () => Promise<number>> = {};
  expectTypeOf(ctx.parallel.forkJoin(byName)).toEqualTypeOf<Promise<{ [x: string]: number }>>();
});

test('some gives a list of one of the values, mapSettled outcomes of what its function gives', () => {
  expectTypeOf(
    ctx.parallel.some([() => ctx.task(text, 1), () => ctx.task(number, 1)], {
      min: 1,
      completion: { minSuccessful: 2, toleratedFailures: 0 },
      preserveOrder: true,
      keyBy: (thunk, index) => `${index}${(expectTypeOf(thunk).toBeFunction(), '')}`,
    }),
  ).toEqualTypeOf<Promise<(string | number)[]>>();
  expectTypeOf(
    ctx.parallel.mapSettled(new Set([1]), (n) => ctx.task(text, n), {
      keyBy: (n) => `${(expectTypeOf(n).toEqualTypeOf<number>(), n)}`,
      completion: { minSuccessful: 2 },
      losers: 'drain',
    }),
  ).toEqualTypeOf<Promise<Settled<string>[]>>();
});

test('layers over map', () => {
  expectTypeOf(ctx.parallel.filter(['a'], (item) => ctx.task(number, item.length))).toEqualTypeOf<
    Promise<string[]>
  >();
  expectTypeOf(
    ctx.parallel.groupBy([1, 2], async (n): Promise<'even' | 'odd'> => (n % 2 === 0 ? 'even' : 'odd')),
  ).toEqualTypeOf<Promise<Map<'even' | 'odd', number[]>>>();
  expectTypeOf(
    ctx.parallel.mapReduce(
      ['a'],
      (item) => ctx.task(number, item.length),
      (total, value, index) => {
        expectTypeOf([total, value, index]).toEqualTypeOf<number[]>();
        return total + value;
      },
      0 as number,
    ),
  ).toEqualTypeOf<Promise<number>>();
});

test('what a group says for its tasks', () => {
  ctx.parallel.forkJoin(
    {},
    {
      priority: 'user-blocking',
      retry: { attempts: 3 },
      taskTimeout: '5s',
      pool: { name: 'gpu' },
      cost: { gpu: 1, mem: 4 },
      losers: 'detach',
    },
  );
  ctx.parallel.all([], { pool: 'gpu', cost: 2 });
  // @ts-expect-error no such way
  ctx.parallel.all([], { losers: 'ignore' });
  // @ts-expect-error decided by itself
  ctx.parallel.all([], { completion: { minSuccessful: 1 } });
  // @ts-expect-error only some has a least number of values
  ctx.parallel.allSettled([], { min: 1 });
  // @ts-expect-error a cost is a number, or numbers by resource
  ctx.parallel.map([1], (n) => n, { cost: 'much' });
  // @ts-expect-error no thunk
  ctx.parallel.forkJoin({ a: 5 });
  // @ts-expect-error a list has no names
  ctx.parallel.forkJoin([5]);
});

test('wrong use is an error', () => {
  // @ts-expect-error a promise has started already
  ctx.parallel.all([ctx.task(text, 1)]);
  // @ts-expect-error no list
  ctx.parallel.all(() => ctx.task(text, 1));
  // @ts-expect-error no thunk
  ctx.parallel.race([undefined]);
  // @ts-expect-error preserveOrder is of the settled ones
  ctx.parallel.all([], { preserveOrder: false });
  // @ts-expect-error the members of a record have their names
  ctx.parallel.forkJoin({}, { keyBy: () => 'x' });
  // @ts-expect-error no such option
  ctx.parallel.map([1], (n) => n, { limit: 5 });
  // @ts-expect-error a number is asked for
  ctx.parallel.all([], { concurrency: '2' });
  // @ts-expect-error a key is text
  ctx.parallel.map([1], (n) => n, { keyBy: (n) => n });
  // @ts-expect-error not iterable
  ctx.parallel.map(5, (n) => n);
});
