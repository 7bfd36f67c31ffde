import { defineTask, type Context } from '@pawl/sdk';
import { expect, test } from 'vitest';
import { crashes, f, perform, plain, replays, t, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

// An error that process code caught is a value like any other. Its stack says where it was delivered, which is
// another place on replay: it must be no part of what is compared.

const told = (error: unknown): string => (error instanceof Error ? error.message : String(error));

test('a process returns errors that it caught', async () => {
  const program: Program = (stage) => async (_, ctx: Context) => {
    const entries = await ctx.parallel.allSettled([
      () => ctx.task(stage.step, f(5, 'no')),
      () => ctx.task(stage.step, t(1, 'yes')),
    ]);
    return { entries, own: new RangeError('own'), map: new Map([['error', new Error('in a map')]]) };
  };
  const { store, told: outcome } = await perform(program);
  expect(plain(outcome)).toMatchObject({ value: { entries: [{ status: 'rejected' }, { value: 'yes' }] } });
  await replays(store, program);
});

test('an error is the input of a task, and of a group inside', async () => {
  const program: Program = (stage) => {
    const report = defineTask({
      name: 'report',
      run: (input: { readonly error: unknown }, task) => {
        stage.invoked.push({ task: 'report', key: task.key, attempt: task.attempt });
        return told(input.error);
      },
    });
    return async (_, ctx: Context) => {
      const caught: unknown = await ctx.task(stage.step, f(5, 'no')).catch((error: unknown) => error);
      return ctx.parallel.map([caught, { nested: caught }], (error) => ctx.task(report, { error }));
    };
  };
  const { store, told: outcome } = await perform(program);
  expect(plain(outcome)).toEqual({ value: ['no', '[object Object]'] });
  await replays(store, program);
  await crashes(store, program, plain(outcome));
});
