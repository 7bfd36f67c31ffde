import { expectTypeOf, test } from 'vitest';

import { defineTask, type ShellResult, type TaskDefinition } from './task.ts';

test('a builder of a command gives what commands give', () => {
  const task = defineTask('list', (args: { folder: string }) => ({
    kind: 'shell',
    command: ['ls', args.folder],
  }));
  expectTypeOf(task).toEqualTypeOf<TaskDefinition<{ folder: string }, ShellResult>>();
});

test('a builder of a function gives what the function gives', () => {
  const task = defineTask('add', (args: { a: number }) => ({ kind: 'function', run: () => args.a + 1 }));
  expectTypeOf(task).toEqualTypeOf<TaskDefinition<{ a: number }, number>>();
});
