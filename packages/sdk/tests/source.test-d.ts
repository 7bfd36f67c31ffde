import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';

import {
  defineTask,
  type Context,
  type ItemStream,
  type SourceContext,
  type TaskDefinition,
  type TaskEnvelope,
} from '../src/index.ts';

declare const ctx: Context;

test('items and cursors of a source come from its function', () => {
  const orders = ctx.source('orders', async function* (after: number | undefined, source) {
    expectTypeOf(after).toEqualTypeOf<number | undefined>();
    expectTypeOf(source).toEqualTypeOf<SourceContext>();
    yield { item: { id: 'a' }, cursor: 1 };
  });
  expectTypeOf(orders).toEqualTypeOf<ItemStream<{ id: string }>>();

  const lines = ctx.source('lines', () => [{ item: 'x', cursor: 0 }], { buffer: 4, retry: { attempts: 3 } });
  expectTypeOf(lines).toEqualTypeOf<ItemStream<string>>();

  ctx.source('later', async () => [{ item: 1, cursor: 'a' }]);
  // @ts-expect-error items come with a cursor
  ctx.source('bare', () => [1, 2]);
  // @ts-expect-error it goes on at a cursor of another kind than it gives
  ctx.source('other', (after: string | undefined) => [{ item: after, cursor: 1 }]);
  // @ts-expect-error no such option
  ctx.source('x', () => [{ item: 1, cursor: 1 }], { concurrency: 2 });
});

test('a generator task has its return value for output, and its yields for progress', () => {
  const convert = defineTask({
    name: 'convert',
    run: async function* (file: string) {
      yield { done: 25 };
      return file.length;
    },
  });
  expectTypeOf(convert).toEqualTypeOf<TaskDefinition<string, number, { done: number }>>();
  expectTypeOf(ctx.task(convert, 'f')).toEqualTypeOf<Promise<number>>();
  expectTypeOf(ctx.stream(convert, 'f')).toEqualTypeOf<ItemStream<TaskEnvelope<number, { done: number }>>>();
  // @ts-expect-error a file is needed
  ctx.stream(convert);
  // @ts-expect-error no such option
  ctx.stream(convert, 'f', { size: 1 });
  ctx.stream(convert, 'f', { buffer: 1, key: 'k', timeout: '5s' });
});

test('schemas check what a generator returns', () => {
  const convert = defineTask({
    name: 'convert',
    input: z.object({ file: z.string() }),
    output: z.object({ bytes: z.number() }),
    run: async function* ({ file }) {
      yield file.length;
      return { bytes: 1 };
    },
  });
  expectTypeOf(convert).toEqualTypeOf<TaskDefinition<{ file: string }, { bytes: number }, number>>();
  defineTask({
    name: 'wrong',
    // @ts-expect-error it returns text
    output: z.number(),
    run: async function* () {
      yield 1;
      return 'x';
    },
  });
});

test('what is told of other tasks is unknown', async () => {
  const plain = defineTask({ name: 'plain', run: async (n: number) => n });
  for await (const told of ctx.stream(plain, 1)) {
    if (told.type === 'INTERMEDIATE') expectTypeOf(told.value).toEqualTypeOf<unknown>();
    else if (told.type === 'FINAL') expectTypeOf(told.value).toEqualTypeOf<number>();
    else expectTypeOf(told.error).toEqualTypeOf<Error>();
  }
});
