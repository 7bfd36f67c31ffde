import { defineTask, externalTask, shellTask, type ShellResult, type Process, type Context } from '@pawl/sdk';
import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { crashEverywhere, mock, testRuntime, type MockContext } from '../../src/testing.ts';

const charge = defineTask({
  name: 'charge',
  run: async (input: { cents: number }) => ({ id: `${input.cents}` }),
});

describe('mock', () => {
  test('has the input and the output of the definition', () => {
    mock(charge, (input, task) => {
      expectTypeOf(input).toEqualTypeOf<{ cents: number }>();
      expectTypeOf(task).toEqualTypeOf<MockContext>();
      return { id: 'ch_1' };
    });
    mock(charge, async () => ({ id: 'ch_1' }));
    // @ts-expect-error: another output
    mock(charge, () => ({ id: 1 }));
    // @ts-expect-error: another output, later
    mock(charge, async () => 'ch_1');
    // @ts-expect-error: another input
    mock(charge, (input: { euros: number }) => ({ id: `${input.euros}` }));
    // @ts-expect-error: no task
    mock('charge', () => ({ id: 'ch_1' }));
  });

  test('has what the process gives, and what it gets, where schemas are in between', () => {
    const parse = defineTask({
      name: 'parse',
      input: z.object({ n: z.number().default(1) }),
      output: z.string().transform((text) => text.length),
      run: ({ n }) => `${n}`,
    });
    mock(parse, (input) => {
      expectTypeOf(input).toEqualTypeOf<{ n?: number | undefined }>();
      return 3;
    });
    // @ts-expect-error: what the task returns before its schema
    mock(parse, () => '3');
  });

  test('has those of commands, external tasks and generators', () => {
    const build = shellTask<{ folder: string }>({ name: 'build', command: ({ folder }) => ['ls', folder] });
    mock(build, ({ folder }): ShellResult => ({
      exitCode: 0,
      stdout: folder,
      stderr: '',
      truncated: false,
      durationMs: 1,
    }));
    const review = externalTask({ name: 'review', kind: 'person', output: z.object({ ok: z.boolean() }) });
    mock(review, () => ({ ok: true }));
    // @ts-expect-error: another output
    mock(review, () => ({ ok: 'yes' }));
    const load = defineTask({
      name: 'load',
      run: async function* (): AsyncGenerator<number, string, undefined> {
        yield 1;
        return 'done';
      },
    });
    mock(load, () => 'done');
    mock(load, async function* () {
      yield 2;
      return 'done';
    });
    mock(
      load,
      // @ts-expect-error: another progress
      async function* () {
        yield 'half';
        return 'done';
      },
    );
  });
});

test('runs have the types of the process', async () => {
  const order: Process<{ cents: number }, string> = async (inputs, ctx: Context) =>
    (await ctx.task(charge, inputs)).id;
  const runtime = await testRuntime();
  expectTypeOf(runtime.run(order, { cents: 1 })).resolves.toBeString();
  // @ts-expect-error: other inputs
  void runtime.run(order, { euros: 1 });
  // @ts-expect-error: other inputs
  void crashEverywhere(order, { euros: 1 });
});
