import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';

import { defineTask, shellTask, type Context, type Secret, type TaskDefinition } from '../src/index.ts';

declare const ctx: Context;
declare const logIn: TaskDefinition<{ user: string; auth: { tokens: string[] }; at?: Date }, number>;

test('a secret message is a handle of what its schema gives', () => {
  expectTypeOf(ctx.receive('token', { secret: true })).toEqualTypeOf<Promise<Secret>>();
  expectTypeOf(ctx.receive<string>('token', { secret: true })).toEqualTypeOf<Promise<Secret<string>>>();
  const schema = z.string().transform((text) => text.length);
  expectTypeOf(ctx.receive('token', { secret: true, schema })).toEqualTypeOf<Promise<Secret<number>>>();
  expectTypeOf(ctx.receive('token', { secret: false, schema })).toEqualTypeOf<Promise<number>>();
  expectTypeOf(ctx.receive('token', { schema })).toEqualTypeOf<Promise<number>>();
});

test('a task takes it at any place where a value of its type may stand', async () => {
  const token = await ctx.receive<string>('token', { secret: true });
  const auth = await ctx.receive<{ tokens: string[] }>('auth', { secret: true });
  const count = await ctx.receive<number>('count', { secret: true });
  expectTypeOf(ctx.task(logIn, { user: 'a', auth: { tokens: ['b', token] } })).toEqualTypeOf<
    Promise<number>
  >();
  void ctx.task(logIn, { user: token, auth });
  void ctx.pool('web').execute(logIn, { user: token, auth });
  const optional = defineTask({ name: 'optional', run: (args?: { user: string }) => args?.user });
  void ctx.task(optional);
  void ctx.task(optional, { user: token });
  void ctx.task(shellTask({ name: 'ls', command: (folder: string) => ['ls', folder] }), token);
  // @ts-expect-error the secret is a number, and a text is wanted
  void ctx.task(logIn, { user: count, auth });
  // @ts-expect-error what is left out is missed
  void ctx.task(logIn, { user: token });
});

test('there is nothing to read', async () => {
  const token = await ctx.receive<string>('token', { secret: true });
  // @ts-expect-error it is no text
  void token.length;
  expectTypeOf(token.toString()).toEqualTypeOf<'[secret]'>();
});
