import { type } from 'arktype';
import * as v from 'valibot';
import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';

import {
  defineProcess,
  defineTask,
  isPawlError,
  type Context,
  type DetachedRun,
  type Process,
  type ProcessDefinition,
  type TaskError,
} from '../src/index.ts';

test('a plain function is a process', () => {
  const process = async ({ name }: { name: string }, ctx: Context): Promise<string> => {
    await ctx.sleep('5s');
    return name;
  };
  expectTypeOf(process).toExtend<Process<{ name: string }, string>>();
});

test('types of a process come from its function', () => {
  const process = defineProcess({
    name: 'greet',
    run: async ({ name }: { name: string }, ctx) => (expectTypeOf(ctx).toEqualTypeOf<Context>(), name.length),
  });
  expectTypeOf(process).toEqualTypeOf<ProcessDefinition<{ name: string }, number>>();
});

test('types of a process come from its input schema', () => {
  const zod = defineProcess({
    name: 'zod',
    input: z.object({ n: z.coerce.number<string>() }),
    run: async (inputs) => {
      expectTypeOf(inputs).toEqualTypeOf<{ n: number }>();
      return inputs.n;
    },
  });
  expectTypeOf(zod).toEqualTypeOf<ProcessDefinition<{ n: string }, number>>();

  const valibot = defineProcess({
    name: 'valibot',
    input: v.object({ n: v.optional(v.number(), 1) }),
    run: (inputs) => inputs.n,
  });
  expectTypeOf(valibot).toEqualTypeOf<ProcessDefinition<{ n?: number | undefined }, number>>();

  const ark = defineProcess({
    name: 'arktype',
    input: type({ n: 'number' }),
    output: type('number'),
    run: ({ n }) => n,
  });
  expectTypeOf(ark).toEqualTypeOf<ProcessDefinition<{ n: number }, number>>();
});

test('wrong definitions are errors', () => {
  // @ts-expect-error a name is needed
  defineProcess({ run: () => 1 });
  // @ts-expect-error a function is needed
  defineProcess({ name: 'x' });
  // @ts-expect-error the schema gives a number
  defineProcess({ name: 'x', input: z.number(), run: (inputs: string) => inputs });
});

test('the values of ctx', () => {
  expectTypeOf<Context['now']>().returns.toEqualTypeOf<Date>();
  expectTypeOf<Context['random']>().returns.toEqualTypeOf<number>();
  expectTypeOf<Context['uuid']>().returns.toEqualTypeOf<string>();
  expectTypeOf<Context['runId']>().toEqualTypeOf<string>();
  expectTypeOf<Context['signal']>().toEqualTypeOf<AbortSignal>();
  expectTypeOf<Context['sleep']>().returns.toEqualTypeOf<Promise<void>>();
});

test('isPawlError tells the class by the code', () => {
  const error: unknown = new Error();
  if (isPawlError(error, 'TASK_FAILED')) expectTypeOf(error).toEqualTypeOf<TaskError>();
  // @ts-expect-error no such code
  isPawlError(error, 'BROKEN');
});

test('a run within a run has the types of its process', () => {
  const pages = defineProcess({ name: 'pages', input: z.object({ from: z.string() }), run: () => 7 });
  const check = (ctx: Context): void => {
    expectTypeOf(ctx.run(pages, { from: 'a' })).toEqualTypeOf<Promise<number>>();
    expectTypeOf(
      ctx.run(async (n: number, inner: Context) => [n, inner.runId] as const, 1, { key: 'k', id: 'i' }),
    ).toEqualTypeOf<Promise<readonly [number, string]>>();
    // @ts-expect-error other inputs
    void ctx.run(pages, { from: 7 });
    expectTypeOf(ctx.run(pages, { from: 'a' }, { detached: true })).toEqualTypeOf<Promise<DetachedRun>>();
    expectTypeOf(ctx.run(pages, { from: 'a' }, { onParentCancel: 'abandon' })).toEqualTypeOf<
      Promise<number>
    >();
    // @ts-expect-error no such option
    void ctx.run(pages, { from: 'a' }, { attached: true });
  };
  expectTypeOf(check).returns.toEqualTypeOf<void>();
});

test('a scope has the type of its function, and registers tasks with their inputs', () => {
  const giveBack = defineTask({ name: 'give back', run: (args: { readonly id: number }) => args.id });
  const check = (ctx: Context): void => {
    expectTypeOf(ctx.scope(async () => 7)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(ctx.scope(() => 'at once', { key: 'k', timeout: '1h' })).toEqualTypeOf<Promise<string>>();
    void ctx.scope((scope) => {
      expectTypeOf(scope.onExit(giveBack, { id: 1 }, { retry: { attempts: 3 } })).toEqualTypeOf<void>();
      // @ts-expect-error another input
      scope.compensate(giveBack, { id: 'x' });
      // @ts-expect-error none
      scope.onExit(giveBack);
    });
    // @ts-expect-error no such option
    void ctx.scope(() => 1, { concurrency: 2 });
    expectTypeOf(ctx.version('id', 1, 2)).toEqualTypeOf<number>();
    expectTypeOf(ctx.patched('id')).toEqualTypeOf<boolean>();
    expectTypeOf(ctx.setState('customer', 42)).toEqualTypeOf<void>();
  };
  expectTypeOf(check).returns.toEqualTypeOf<void>();
});
