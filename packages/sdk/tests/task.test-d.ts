import { type } from 'arktype';
import * as v from 'valibot';
import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';

import {
  defineTask,
  externalTask,
  shellTask,
  type BuildContext,
  type CheckResult,
  type Context,
  type ShellResult,
  type TaskContext,
  type TaskDefinition,
} from '../src/index.ts';

declare const ctx: Context;

test('types of a task come from its function', () => {
  const add = defineTask({ name: 'add', run: ({ a, b }: { a: number; b: number }) => a + b });
  expectTypeOf(add).toEqualTypeOf<TaskDefinition<{ a: number; b: number }, number>>();
  expectTypeOf(ctx.task(add, { a: 1, b: 2 })).toEqualTypeOf<Promise<number>>();

  const later = defineTask({ name: 'later', run: async (n: number) => String(n) });
  expectTypeOf(ctx.task(later, 1)).toEqualTypeOf<Promise<string>>();

  const either = defineTask({
    name: 'either',
    run: (n: number): number | Promise<string> => (n > 1 ? n : Promise.resolve('')),
  });
  expectTypeOf(ctx.task(either, 1)).toEqualTypeOf<Promise<number | string>>();
});

test('what a function returns is widened, as it is for any function', () => {
  const counts = defineTask({ name: 'counts', run: async () => ({ n: 5, list: [1, 2], unit: 'ms' }) });
  expectTypeOf(ctx.task(counts)).toEqualTypeOf<Promise<{ n: number; list: number[]; unit: string }>>();
  const text = defineTask({ name: 'text', run: async (n: number) => ({ text: `${n}` }) });
  expectTypeOf(ctx.task(text, 1)).toEqualTypeOf<Promise<{ text: string }>>();
  defineTask({
    name: 'charge',
    onUnknown: 'check',
    run: async (n: number) => ({ receipt: `${n}` }),
    check: (): CheckResult<{ receipt: string }> => ({ status: 'retry' }),
  });
});

test('a task without arguments is called without any', () => {
  const now = defineTask({ name: 'now', run: () => Date.now() });
  expectTypeOf(ctx.task(now)).toEqualTypeOf<Promise<number>>();
  ctx.task(now, undefined, { timeout: '5s' });
  // @ts-expect-error it takes no arguments
  ctx.task(now, 5);
});

test('a task whose arguments may be undefined is called with or without them', () => {
  const greet = defineTask({ name: 'greet', run: (name: string | undefined) => name ?? 'you' });
  expectTypeOf(ctx.task(greet)).toEqualTypeOf<Promise<string>>();
  expectTypeOf(ctx.task(greet, 'Ada')).toEqualTypeOf<Promise<string>>();
  // @ts-expect-error a name is text
  ctx.task(greet, 5);
});

test('wrong arguments are errors', () => {
  const add = defineTask({ name: 'add', run: ({ a }: { a: number }) => a });
  // @ts-expect-error no arguments
  ctx.task(add);
  // @ts-expect-error a number is asked for
  ctx.task(add, { a: '1' });
  // @ts-expect-error a field is missing
  ctx.task(add, {});
  // @ts-expect-error no such option
  ctx.task(add, { a: 1 }, { retries: 3 });
  // @ts-expect-error an option of the definition, not of a call
  ctx.task(add, { a: 1 }, { heartbeatTimeout: '1s' });
  ctx.task(add, { a: 1 }, { pool: 'one', cost: { gpu: 1 } });
  // @ts-expect-error a cost is a number, or numbers by resource
  ctx.task(add, { a: 1 }, { cost: '2' });
  // @ts-expect-error no such priority
  ctx.task(add, { a: 1 }, { priority: 'urgent' });
  // @ts-expect-error a function is no task
  ctx.task(() => 1);
  ctx.task(
    add,
    { a: 1 },
    { key: 'k', retry: { attempts: 3, delay: '1s' }, timeout: 5, deadline: '1m', priority: 'background' },
  );
});

test('a task gets its arguments and its context', () => {
  defineTask({
    name: 'all of it',
    run: (args: { a: number }, task) => {
      expectTypeOf(args).toEqualTypeOf<{ a: number }>();
      expectTypeOf(task).toEqualTypeOf<TaskContext>();
      expectTypeOf(task.signal).toEqualTypeOf<AbortSignal>();
      expectTypeOf(task.attempt).toEqualTypeOf<number>();
      expectTypeOf(task.idempotencyKey).toEqualTypeOf<string>();
    },
  });
});

test('types come from zod schemas: callers give the input, the function gets the output', () => {
  const order = defineTask({
    name: 'order',
    input: z.object({ id: z.string(), amount: z.coerce.number<string>().default(1) }),
    output: z.object({ total: z.number(), at: z.iso.datetime().optional() }),
    run: (args) => {
      expectTypeOf(args).toEqualTypeOf<{ id: string; amount: number }>();
      return { total: args.amount };
    },
  });
  expectTypeOf(order).toEqualTypeOf<
    TaskDefinition<{ id: string; amount?: string | undefined }, { total: number; at?: string | undefined }>
  >();
  expectTypeOf(ctx.task(order, { id: 'x' })).toEqualTypeOf<
    Promise<{ total: number; at?: string | undefined }>
  >();
  // @ts-expect-error the input is text before it is coerced
  ctx.task(order, { id: 'x', amount: 5 });
  // @ts-expect-error the schema asks for an id
  ctx.task(order, {});

  const onlyInput = defineTask({ name: 'only input', input: z.string(), run: async (text) => text.length });
  expectTypeOf(ctx.task(onlyInput, 'x')).toEqualTypeOf<Promise<number>>();

  const onlyOutput = defineTask({
    name: 'only output',
    output: z.string().transform(Number),
    run: (n: number) => String(n),
  });
  expectTypeOf(ctx.task(onlyOutput, 1)).toEqualTypeOf<Promise<number>>();

  defineTask({
    name: 'wrong output',
    // @ts-expect-error the schema asks for a number
    output: z.object({ total: z.number() }),
    run: () => ({ total: 'x' }),
  });
});

test('types come from valibot schemas', () => {
  const order = defineTask({
    name: 'order',
    input: v.object({ id: v.string(), amount: v.optional(v.pipe(v.string(), v.transform(Number)), '1') }),
    output: v.object({ total: v.number() }),
    run: (args) => {
      expectTypeOf(args).toEqualTypeOf<{ id: string; amount: number }>();
      return Promise.resolve({ total: args.amount });
    },
  });
  expectTypeOf(order).toEqualTypeOf<
    TaskDefinition<{ id: string; amount?: string | undefined }, { total: number }>
  >();
  expectTypeOf(ctx.task(order, { id: 'x', amount: '2' })).toEqualTypeOf<Promise<{ total: number }>>();
  // @ts-expect-error the schema asks for an id
  ctx.task(order, { amount: '2' });
});

test('types come from arktype schemas', () => {
  const order = defineTask({
    name: 'order',
    input: type({ id: 'string', amount: 'string.numeric.parse' }),
    output: type({ total: 'number' }),
    run: (args) => {
      expectTypeOf(args).toEqualTypeOf<{ id: string; amount: number }>();
      return { total: args.amount };
    },
  });
  expectTypeOf(order).toEqualTypeOf<TaskDefinition<{ id: string; amount: string }, { total: number }>>();
  expectTypeOf(ctx.task(order, { id: 'x', amount: '2' })).toEqualTypeOf<Promise<{ total: number }>>();
  // @ts-expect-error text before it is parsed
  ctx.task(order, { id: 'x', amount: 2 });
});

test('types come from the builder form', () => {
  const add = defineTask('add', (args: { a: number }) => ({ kind: 'function', run: () => args.a + 1 }));
  expectTypeOf(ctx.task(add, { a: 1 })).toEqualTypeOf<Promise<number>>();

  const list = defineTask('list', (args: { folder: string }, task) => {
    expectTypeOf(task).toEqualTypeOf<BuildContext>();
    return { kind: 'shell', command: ['ls', args.folder] };
  });
  expectTypeOf(ctx.task(list, { folder: '.' })).toEqualTypeOf<Promise<ShellResult>>();

  const plain = defineTask('plain', () => ({ kind: 'function', run: async () => 'x' }), { timeout: '5s' });
  expectTypeOf(ctx.task(plain)).toEqualTypeOf<Promise<string>>();

  // @ts-expect-error a kind is text
  defineTask('odd', () => ({ kind: 5 }));
  // @ts-expect-error no such setting
  defineTask('odd', () => ({ kind: 'shell', command: 'true' }), { retries: 3 });
});

test('work of somebody else', () => {
  const review = externalTask({
    name: 'review',
    input: z.object({ pr: z.number() }),
    output: z.object({ ok: z.boolean(), note: z.string().default('') }),
  });
  expectTypeOf(ctx.task(review, { pr: 1 })).toEqualTypeOf<Promise<{ ok: boolean; note: string }>>();
  // @ts-expect-error a number
  ctx.task(review, { pr: '1' });
  const plain = externalTask<{ pr: number }, string>({ name: 'plain', title: ({ pr }) => `#${pr}` });
  expectTypeOf(ctx.task(plain, { pr: 1 })).toEqualTypeOf<Promise<string>>();
  expectTypeOf(ctx.task(externalTask({ name: 'bare' }))).toEqualTypeOf<Promise<unknown>>();
  // @ts-expect-error it holds no slot
  externalTask({ name: 'odd', pool: 'p' });

  const agent = defineTask<{ what: string }, { text: string }>('agent', (args, task) => {
    expectTypeOf(task).toEqualTypeOf<BuildContext>();
    return { kind: 'agent', title: args.what, agent: { name: 'writer', prompt: {} }, labels: task.labels };
  });
  expectTypeOf(ctx.task(agent, { what: 'x' }, { labels: ['a'] })).toEqualTypeOf<Promise<{ text: string }>>();
  const shell = defineTask('shell', () => ({ kind: 'shell', shell: { command: 'ls' } }));
  expectTypeOf(ctx.task(shell)).toEqualTypeOf<Promise<unknown>>();
});

test('a shell task', () => {
  const fixed = shellTask({ name: 'test', command: 'npm test', okExitCodes: [0, 1], timeout: '5m' });
  expectTypeOf(fixed).toEqualTypeOf<TaskDefinition<void, ShellResult>>();
  expectTypeOf(ctx.task(fixed)).toEqualTypeOf<Promise<ShellResult>>();

  const lint = shellTask({ name: 'lint', command: ({ file }: { file: string }) => ['oxlint', file] });
  expectTypeOf(lint).toEqualTypeOf<TaskDefinition<{ file: string }, ShellResult>>();
  // @ts-expect-error a file is asked for
  ctx.task(lint);
  // @ts-expect-error a command is text or a list of texts
  shellTask({ name: 'odd', command: 5 });
  // @ts-expect-error a command is needed
  shellTask({ name: 'odd' });
  // @ts-expect-error no such option
  shellTask({ name: 'odd', command: 'true', shell: true });

  expectTypeOf<ShellResult>().toEqualTypeOf<{
    readonly exitCode: number;
    readonly stdout: string;
    readonly stderr: string;
    readonly truncated: boolean;
    readonly durationMs: number;
  }>();
});

test('a check has the types of its task', () => {
  defineTask({
    name: 'charge',
    onUnknown: 'check',
    run: async ({ amount }: { amount: number }) => ({ receipt: String(amount) }),
    check: ({ amount }, task): CheckResult<{ receipt: string }> => {
      expectTypeOf(task.idempotencyKey).toEqualTypeOf<string>();
      return amount > 0 ? { status: 'done', output: { receipt: 'x' } } : { status: 'retry' };
    },
  });
  // @ts-expect-error no such policy
  defineTask({ name: 'odd', onUnknown: 'ignore', run: () => 1 });
  // @ts-expect-error no such setting
  defineTask({ name: 'odd', run: () => 1, retries: 3 });
  // @ts-expect-error a retry needs its number of attempts
  defineTask({ name: 'odd', run: () => 1, retry: { delay: 5 } });
});

test('what a task receives has the type of the schema, or the one that is said', () => {
  defineTask({
    name: 'login',
    run: async (_: void, task) => {
      expectTypeOf(await task.receive('code')).toEqualTypeOf<unknown>();
      expectTypeOf(await task.receive<string>('code', { timeout: '5m' })).toEqualTypeOf<string>();
      const schema = z.object({ code: z.string().transform(Number) });
      expectTypeOf(await task.receive('code', { schema })).toEqualTypeOf<{ code: number }>();
      // @ts-expect-error a running task shows no prompt
      await task.receive('code', { prompt: 'The code?' });
    },
  });
});
