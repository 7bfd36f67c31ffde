import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { transactionTask, type Context } from '../src/index.ts';

declare const ctx: Context;

test('a transaction task has the types of its body', () => {
  const plain = transactionTask({ name: 'a', run: (db, n: number) => db.prepare('select ?').all(n).length });
  expectTypeOf(ctx.task(plain, 1)).resolves.toEqualTypeOf<number>();
  const bare = transactionTask({ name: 'a', run: () => 'done' });
  expectTypeOf(ctx.task(bare)).resolves.toEqualTypeOf<string>();
  const checked = transactionTask({
    name: 'a',
    input: z.object({ id: z.coerce.number() }),
    output: z.string(),
    run: (db, { id }) => {
      expectTypeOf(id).toEqualTypeOf<number>();
      expectTypeOf(db.prepare<{ n: number }>('select 1 as n').get()).toEqualTypeOf<
        { n: number } | undefined
      >();
      return String(id);
    },
  });
  expectTypeOf(ctx.task(checked, { id: '1' })).resolves.toEqualTypeOf<string>();
});

test('a transaction holds no await', () => {
  // @ts-expect-error its body is synchronous
  transactionTask({ name: 'a', run: async () => 1 });
  // @ts-expect-error it gives no promise either
  transactionTask({ name: 'a', run: () => Promise.resolve(1) });
  // @ts-expect-error it holds no slot
  transactionTask({ name: 'a', run: () => 1, pool: 'p' });
});
