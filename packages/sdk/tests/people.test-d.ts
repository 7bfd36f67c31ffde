import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import type { BreakpointResult, Context } from '../src/index.ts';

declare const ctx: Context;

test('waitFor gives null only where time may pass', () => {
  expectTypeOf(ctx.waitFor<string>('a')).resolves.toEqualTypeOf<string>();
  expectTypeOf(ctx.waitFor<string>('a', { timeout: '1h' })).resolves.toEqualTypeOf<string | null>();
  expectTypeOf(ctx.waitFor('a', { schema: z.number(), timeout: 5 })).resolves.toEqualTypeOf<number | null>();
  expectTypeOf(ctx.waitFor('a', { schema: z.number() })).resolves.toEqualTypeOf<number>();
  // @ts-expect-error a secret is received
  void ctx.waitFor('a', { secret: true });
});

test('breakpoint takes a question and gives all answers', () => {
  expectTypeOf(ctx.breakpoint({ question: 'q' })).resolves.toEqualTypeOf<BreakpointResult>();
  // @ts-expect-error there is no such strategy
  void ctx.breakpoint({ question: 'q', strategy: 'most' });
  // @ts-expect-error a question is asked
  void ctx.breakpoint({ title: 't' });
});
