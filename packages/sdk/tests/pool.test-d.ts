import { expectTypeOf, test } from 'vitest';

import { defineTask, type Context } from '../src/index.ts';

declare const ctx: Context;
const add = defineTask({ name: 'add', run: (args: { a: number }) => args.a + 1 });
const nothing = defineTask({ name: 'nothing', run: () => 'done' });

test('a pool gives what its tasks give', () => {
  const pool = ctx.pool('gpu', { maxConcurrent: 2 });
  expectTypeOf(pool.execute(add, { a: 1 })).toEqualTypeOf<Promise<number>>();
  expectTypeOf(pool.execute(nothing)).toEqualTypeOf<Promise<string>>();
  expectTypeOf(pool.executeMany(add, [{ a: 1 }], { cost: 2 })).toEqualTypeOf<Promise<number[]>>();
  expectTypeOf(ctx.task(add, { a: 1 }, { pool, cost: { gpu: 1 } })).toEqualTypeOf<Promise<number>>();
});

test('wrong uses are errors', () => {
  const pool = ctx.pool('gpu');
  // @ts-expect-error a field is missing
  pool.execute(add, {});
  // @ts-expect-error the pool is this one
  pool.execute(add, { a: 1 }, { pool: 'other' });
  // @ts-expect-error no such order
  ctx.pool('gpu', { order: 'fifo' });
  // @ts-expect-error no such option
  ctx.pool('gpu', { slots: 2 });
});
