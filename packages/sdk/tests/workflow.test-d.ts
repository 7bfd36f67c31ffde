import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';

import {
  defineStep,
  defineTask,
  defineWorkflow,
  type Context,
  type GroupResult,
  type WorkflowDefinition,
  type WorkflowScope,
} from '../src/index.ts';

const length = defineTask({ name: 'length', run: async (text: string) => text.length });

test('a workflow is a process of its input schema, and gives what output gives', () => {
  const workflow = defineWorkflow({
    name: 'w',
    input: z.object({ city: z.string(), days: z.coerce.number<string>() }),
    steps: [
      {
        id: 'a',
        task: length,
        input: (scope) => {
          expectTypeOf(scope.inputs).toEqualTypeOf<{ city: string; days: number }>();
          expectTypeOf(scope.results).toEqualTypeOf<Readonly<Record<string, unknown>>>();
          return scope.inputs.city;
        },
        when: ({ inputs }) => inputs.days > 1,
      },
    ],
    output: ({ inputs }) => inputs.days,
  });
  expectTypeOf(workflow).toEqualTypeOf<WorkflowDefinition<{ city: string; days: string }, number>>();
});

test('without output it gives its GroupResult', () => {
  const workflow = defineWorkflow({ name: 'w', steps: [] });
  expectTypeOf(workflow).toEqualTypeOf<WorkflowDefinition<unknown, GroupResult>>();
});

test('inputs can be given as a type', () => {
  const workflow = defineWorkflow<{ n: number }, string>({
    name: 'w',
    steps: [{ id: 'a', run: (ctx, { inputs }) => (expectTypeOf(ctx).toEqualTypeOf<Context>(), inputs.n) }],
    output: ({ inputs }) => String(inputs.n),
  });
  expectTypeOf(workflow).toEqualTypeOf<WorkflowDefinition<{ n: number }, string>>();
});

test('results of typed steps', () => {
  const count = defineStep({ id: 'count', task: length, input: 'text' });
  const double = defineStep({ id: 'double', run: async (_, scope) => (scope.result(count) ?? 0) * 2 });
  const both = defineStep({ id: 'both', parallelGroup: { steps: [count, double] } });
  defineWorkflow({
    name: 'w',
    steps: [both],
    output: (scope) => {
      expectTypeOf(scope.result(count)).toEqualTypeOf<number | undefined>();
      expectTypeOf(scope.result(double)).toEqualTypeOf<number | undefined>();
      expectTypeOf(scope.result(both)).toEqualTypeOf<GroupResult | undefined>();
    },
  });
});

test('wrong steps are errors', () => {
  // @ts-expect-error the task takes text
  defineStep({ id: 'a', task: length, input: 5 });
  // @ts-expect-error so must the function give
  defineStep({ id: 'a', task: length, input: () => 5 });
  // @ts-expect-error no such strategy
  defineWorkflow({ name: 'w', steps: [], parallelConfig: { waitStrategy: 'most' } });
  // @ts-expect-error a condition answers at once
  defineWorkflow({ name: 'w', steps: [{ id: 'a', run: () => 1, when: async () => true }] });
  // @ts-expect-error a step has an id
  defineWorkflow({ name: 'w', steps: [{ run: () => 1 }] });
  // @ts-expect-error a list of ids
  defineWorkflow({ name: 'w', steps: [{ id: 'a', run: () => 1, dependsOn: 'b' }] });
  const scope = {} as WorkflowScope;
  // @ts-expect-error frozen
  scope.results['a'] = 1;
});
