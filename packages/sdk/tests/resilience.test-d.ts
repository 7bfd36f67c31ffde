import { expectTypeOf, test } from 'vitest';

import {
  defineBatchTask,
  defineTask,
  shellTask,
  threadTask,
  type TaskContext,
  type TaskDefinition,
  type TaskSettings,
} from '../src/index.ts';

test('until gets what run returns, and the key of a cache what it takes', () => {
  const state = (n: number, task: TaskContext): { text: string; attempt: number } => ({
    text: String(n),
    attempt: task.attempt,
  });
  const polled = defineTask({
    name: 'polled',
    run: async (n: number, task) => state(n, task),
    poll: { every: 1, timeout: 5, until: (result) => result.attempt === 3 },
    cache: { ttl: 5, key: (n) => n.toFixed() },
  });
  expectTypeOf(polled).toEqualTypeOf<TaskDefinition<number, { text: string; attempt: number }>>();
  shellTask<{ n: number }>({
    name: 'shell',
    command: ({ n }) => `${n}`,
    poll: { every: '1s', timeout: '1m', until: ({ stdout }) => stdout === '' },
    cache: { ttl: 5, key: ({ n }) => `${n}` },
  });
});

test('a batch task takes one item and gives one result, without the errors', () => {
  const sizes = defineBatchTask({
    name: 'sizes',
    batch: { maxSize: 3, windowMs: 5 },
    run: async (items: readonly number[]) => items.map((n) => (n > 1 ? new Error('too large') : String(n))),
  });
  expectTypeOf(sizes).toEqualTypeOf<TaskDefinition<number, string>>();
});

test('what a module takes and gives is told by hand', () => {
  const resize = threadTask<{ width: number }, string>({
    name: 'resize',
    module: new URL('file:///resize.ts'),
    poll: { every: 1, timeout: 4, until: (path) => path === '' },
  });
  expectTypeOf(resize).toEqualTypeOf<TaskDefinition<{ width: number }, string>>();
});

test('settings can be shared by definitions', () => {
  const shared: TaskSettings = { circuit: { threshold: 3, openFor: '1m' }, retry: { attempts: 2 } };
  expectTypeOf(defineTask({ name: 'one', run: (n: number): number => n, ...shared })).toEqualTypeOf<
    TaskDefinition<number, number>
  >();
});
