import { expectTypeOf, test } from 'vitest';

import {
  defineTask,
  type Channel,
  type Context,
  type MergedEnvelope,
  type MergedItem,
  type MergedStream,
  type ResultStream,
  type Settled,
} from '../src/index.ts';

declare const ctx: Context;
declare function words(): AsyncGenerator<string>;
declare function thunks(): Generator<() => Promise<number>>;

const text = defineTask({ name: 'text', run: (n: number) => String(n) });

test('stream gives what its function gives, or its thunks', () => {
  expectTypeOf(
    ctx.parallel.stream(
      [1, 2],
      (n, index) => (expectTypeOf(index).toEqualTypeOf<number>(), ctx.task(text, n)),
    ),
  ).toEqualTypeOf<ResultStream<Settled<string>>>();
  expectTypeOf(ctx.parallel.stream(thunks())).toEqualTypeOf<ResultStream<Settled<number>>>();
  expectTypeOf(
    ctx.parallel.streamAll(words(), (word) => word.length, { keyBy: (word) => word, buffer: 2 }),
  ).toEqualTypeOf<ResultStream<number>>();
  expectTypeOf(ctx.parallel.streamSome(thunks(), { preserveOrder: true })).toEqualTypeOf<
    ResultStream<number>
  >();
});

test('streamAny and raceFrom give one value', () => {
  expectTypeOf(ctx.parallel.streamAny(words(), (word) => ctx.task(text, word.length))).toEqualTypeOf<
    Promise<string>
  >();
  expectTypeOf(ctx.parallel.raceFrom([() => 1 as number, async () => 'x' as string])).toEqualTypeOf<
    Promise<string | number>
  >();
});

test('merge gives items of all its sources, and zip one of each', () => {
  expectTypeOf(ctx.parallel.merge([words(), [1, 2]])).toEqualTypeOf<
    MergedStream<MergedItem<string | 1 | 2>>
  >();
  expectTypeOf(ctx.parallel.merge({ a: words(), b: words() })).toEqualTypeOf<
    MergedStream<MergedItem<string>>
  >();
  expectTypeOf(ctx.parallel.merge([words()], { onError: 'envelope' })).toEqualTypeOf<
    MergedStream<MergedEnvelope<string>>
  >();
  expectTypeOf(ctx.parallel.merge([words(), new Set<number>()], { mode: 'zip' })).toEqualTypeOf<
    MergedStream<[string, number]>
  >();
  expectTypeOf(ctx.parallel.merge({ a: words(), b: new Set<number>() }, { mode: 'zip' })).toEqualTypeOf<
    MergedStream<{ a: string; b: number }>
  >();
  expectTypeOf(ctx.parallel.merge([words()]).activeCount).toEqualTypeOf<number>();
});

test('window gives lists, and a channel what is pushed', () => {
  expectTypeOf(ctx.parallel.window(words(), 2)).toExtend<AsyncIterable<string[]>>();
  const channel = ctx.channel<number>('numbers', { capacity: 2 });
  expectTypeOf(channel).toEqualTypeOf<Channel<number>>();
  expectTypeOf(channel.push).parameter(0).toEqualTypeOf<number>();
  expectTypeOf(ctx.parallel.streamAll(channel, (n) => n)).toEqualTypeOf<ResultStream<number>>();
});
