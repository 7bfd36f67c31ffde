import {
  defineTask,
  defineWorkflow,
  ValidationError,
  workflowIssues,
  type GroupResult,
  type ParallelGroup,
} from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { shape } from '../lab.fixture.ts';
import { everywhere, perform, t, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

const run = (): number => 1;

/** The problems of a definition, as they are told. */
function problems(definition: object): readonly string[] {
  try {
    defineWorkflow({ name: 'w', ...definition } as never);
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError);
    return (error as ValidationError).issues.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

describe('B49 steps that wait for each other', () => {
  it.each<[string, object[], string[]]>([
    [
      'a cycle of two',
      [
        { id: 'a', run, dependsOn: ['b'] },
        { id: 'b', run, dependsOn: ['a'] },
      ],
      ['a→b→a'],
    ],
    ['itself', [{ id: 'a', run, dependsOn: ['a'] }], ['a→a']],
    [
      'a longer one, and what leads there is not named',
      [
        { id: 'x', run, dependsOn: ['c'] },
        { id: 'c', run, dependsOn: ['b'] },
        { id: 'b', run, dependsOn: ['a'] },
        { id: 'a', run, dependsOn: ['c'] },
      ],
      ['c→b→a→c'],
    ],
    [
      'each cycle',
      [
        { id: 'a', run, dependsOn: ['b'] },
        { id: 'b', run, dependsOn: ['a'] },
        { id: 'c', run, dependsOn: ['c', 'a'] },
        { id: 'd', run, dependsOn: ['d'] },
      ],
      ['a→b→a', 'c→c', 'd→d'],
    ],
    [
      'a member and its group',
      [{ id: 'g', parallelGroup: { steps: [{ id: 'm', run, dependsOn: ['g'] }] } }],
      ['g→m→g'],
    ],
    [
      'a member and what waits for its group',
      [
        { id: 'g', parallelGroup: { steps: [{ id: 'm', run, dependsOn: ['x'] }] } },
        { id: 'x', run, dependsOn: ['g'] },
      ],
      ['g→m→x→g'],
    ],
    [
      'groups within each other',
      [
        { id: 'g', parallelGroup: { steps: ['h'] } },
        { id: 'h', parallelGroup: { steps: ['g'] } },
      ],
      ['g→h→g'],
    ],
    [
      'a template and its group',
      [{ id: 'g', parallelGroup: { steps: ['1'], step: { run, dependsOn: ['g'] } } }],
      ['g→g_*→g'],
    ],
    [
      'a step and a group that may pick it',
      [
        { id: 'g', parallelGroup: { steps: () => ['x'] } },
        { id: 'x', onDemand: true, run, dependsOn: ['g'] },
      ],
      ['g→x→g'],
    ],
  ])('%s', (_, steps, cycles) => {
    const told = problems({ steps });
    expect(told.map((line) => /steps wait for each other: (.*)$/.exec(line)?.[1] ?? line)).toEqual(cycles);
  });

  it('is no cycle: a member that depends on a step outside, a step that depends on a member', () => {
    expect(
      problems({
        steps: [
          { id: 'x', run },
          {
            id: 'g',
            parallelGroup: {
              steps: [
                { id: 'm', run, dependsOn: ['x'] },
                { id: 'n', run, dependsOn: ['m'] },
              ],
            },
          },
          { id: 'y', run, dependsOn: ['m'] },
          { id: 'z', run, dependsOn: ['g', 'y'] },
        ],
      }),
    ).toEqual([]);
  });
});

it('B50 one error lists a duplicate id, an unknown dependency and an unknown member', async () => {
  const steps = [
    { id: 'a', run },
    { id: 'a', run },
    { id: 'b', run, dependsOn: ['a', 'nowhere'] },
    { id: 'g', parallelGroup: { steps: ['b', 'nobody'] } },
  ];
  expect(problems({ steps })).toEqual([
    "$.steps[1].id: the id 'a' is used twice",
    "$.steps[3].parallelGroup.steps[1]: there is no step 'nobody'",
    "$.steps[2].dependsOn[1]: there is no step 'nowhere'",
  ]);
  expect(() => defineWorkflow({ name: 'w', steps })).toThrow(
    "The workflow 'w' cannot be defined:\n  $.steps[1].id: the id 'a' is used twice\n  $.steps[3]",
  );
  // Journal untouched: a process that defines it while it runs has recorded nothing.
  const { store, value } = await perform(() => () => defineWorkflow({ name: 'w', steps }).name);
  expect(value).toMatch(/^threw ValidationError/);
  expect(shape(store)).toEqual(['RunStarted', 'RunFailed']);
});

describe('every bad part of a definition is told with its place', () => {
  const step = (fields: object): object => ({ steps: [{ id: 'a', run, ...fields }] });
  const group = (fields: object): object => ({
    steps: [{ id: 'g', parallelGroup: { steps: [{ id: 'm', run }], ...fields } }],
  });

  it.each<[object, string]>([
    [{ steps: 5 }, "$.steps: 'steps' must be a list of steps"],
    [{ steps: [5] }, '$.steps[0]: must be a step: an object'],
    [{ name: '', steps: [] }, "$.name: 'name' must be a name that is not empty"],
    [{ steps: [], stepz: [] }, "$.stepz: 'stepz' is not known here"],
    [{ steps: [], input: 5 }, "$.input: 'input' must be a Standard Schema"],
    [{ steps: [], output: 5 }, "$.output: 'output' must be a function"],
    [{ steps: [], description: 5 }, "$.description: 'description' must be text"],
    [{ steps: [], maxDuration: 'soon' }, "$.maxDuration: Option 'maxDuration' must be a duration"],
    [{ steps: [], maxDuration: 0 }, "$.maxDuration: 'maxDuration' must be longer than 0"],
    [{ steps: [], tools: 5 }, "$.tools: 'tools' must be an object of tasks"],
    [{ steps: [], tools: { x: 5 } }, '$.tools.x: must be a task'],
    [{ steps: [], parallelConfig: 5 }, "$.parallelConfig: 'parallelConfig' must be an object"],
    ...[0, -1, 1.5, Number.NaN, '3', null].map((maxConcurrent): [object, string] => [
      { steps: [], parallelConfig: { maxConcurrent } },
      "$.parallelConfig.maxConcurrent: 'maxConcurrent' must be an integer >= 1",
    ]),
    [
      { steps: [], parallelConfig: { waitStrategy: 'most' } },
      "$.parallelConfig.waitStrategy: 'waitStrategy' must be 'all'",
    ],
    [{ steps: [], parallelConfig: { priority: 'high' } }, "$.parallelConfig.priority: 'priority' must be"],
    [{ steps: [], parallelConfig: { queue: 1 } }, "$.parallelConfig.queue: 'queue' is not known here"],
    [{ steps: [{ run }] }, '$.steps[0].id: a step needs an id'],
    [{ steps: [{ id: '', run }] }, "$.steps[0].id: 'id' must be text of 1 to 200"],
    [{ steps: [{ id: 'x'.repeat(201), run }] }, "$.steps[0].id: 'id' must be"],
    [{ steps: [{ id: '\uD800', run }] }, "$.steps[0].id: 'id' must be"],
    [{ steps: [{ id: 'a' }] }, '$.steps[0]: a step has exactly one of task, toolName, run, parallelGroup'],
    [step({ task: defineTask({ name: 't', run }) }), '$.steps[0]: a step has exactly one of'],
    [{ steps: [{ id: 'a', task: run }] }, "$.steps[0].task: 'task' must be a task made by defineTask"],
    [
      { steps: [{ id: 'a', toolName: 'x' }] },
      "$.steps[0].toolName: there is no tool 'x': the workflow has no tools",
    ],
    [{ steps: [{ id: 'a', run: 'ls' }] }, "$.steps[0].run: 'run' must be a function"],
    [step({ when: true }), "$.steps[0].when: 'when' must be a function"],
    [step({ runIf: 'never' }), "$.steps[0].runIf: 'runIf' must be 'settled', 'succeeded', 'always'"],
    [
      step({ onError: 'ignore' }),
      "$.steps[0].onError: 'onError' must be 'fail', 'continue' or { fallback: … }",
    ],
    [step({ onError: { fallback: 1, retry: 2 } }), "$.steps[0].onError: 'onError' must be"],
    [step({ timeout: -1 }), "$.steps[0].timeout: Option 'timeout' must be a duration"],
    [step({ deadline: 5 }), "$.steps[0].deadline: 'deadline' is not known here: a step with 'run' takes"],
    [step({ input: 3 }), "$.steps[0].input: 'input' is not known here"],
    [step({ dependsOn: 'b' }), "$.steps[0]: 'dependsOn' must be a list of ids"],
    [step({ dependsOn: [5] }), '$.steps[0].dependsOn[0]: must be the id of a step'],
    [step({ dependson: ['b'] }), "$.steps[0].dependson: 'dependson' is not known here"],
    [step({ cost: 0 }), "$.steps[0].cost: Option 'cost' must be a finite number above 0"],
    [step({ retry: { attempts: 0 } }), "$.steps[0].retry: Option 'retry.attempts' must be"],
    [step({ priority: Number.NaN }), "$.steps[0].priority: 'priority' must be"],
    [step({ signal: {} }), "$.steps[0].signal: 'signal' must be an AbortSignal"],
    [step({ onDemand: 1 }), "$.steps[0].onDemand: 'onDemand' must be true or false"],
    [
      { steps: [{ id: 'a', task: defineTask({ name: 't', run }), retry: { attempts: 0 } }] },
      "$.steps[0].retry: Option 'retry.attempts' must be an integer >= 1",
    ],
    [
      { steps: [{ id: 'a', task: defineTask({ name: 't', run }), pool: '' }] },
      "$.steps[0].pool: Option 'pool' must be the name of a pool",
    ],
    [{ steps: [{ id: 'g', parallelGroup: [] }] }, '$.steps[0].parallelGroup: must be an object'],
    [group({ steps: undefined }), "$.steps[0].parallelGroup.steps: 'steps' must be a list, or a function"],
    [group({ steps: [7] }), '$.steps[0].parallelGroup.steps[0]: must be a step, or the id of one'],
    [group({ maxConcurrent: 0 }), "$.steps[0].parallelGroup.maxConcurrent: 'maxConcurrent' must be"],
    [
      group({ continueOnError: 'yes' }),
      "$.steps[0].parallelGroup.continueOnError: 'continueOnError' must be true or false",
    ],
    [group({ keyBy: run }), "$.steps[0].parallelGroup.keyBy: 'keyBy' goes with step"],
    [group({ step: 5 }), "$.steps[0].parallelGroup.step: 'step' must be a step"],
    [
      group({ steps: run, step: { run, onDemand: true } }),
      "$.steps[0].parallelGroup.step.onDemand: 'onDemand' is not known here",
    ],
    [
      group({ stepTimeout: 'x' }),
      "$.steps[0].parallelGroup.stepTimeout: Option 'stepTimeout' must be a duration",
    ],
    [group({ steps: [{ id: 'g', run }] }), "$.steps[0].parallelGroup.steps[0].id: the id 'g' is used twice"],
    [
      { steps: [{ id: 'g', timeout: 5, parallelGroup: { steps: [], timeout: 6 } }] },
      "$.steps[0].parallelGroup.timeout: 'timeout' is given by the step too",
    ],
    [
      {
        steps: [
          { id: 'm', run },
          { id: 'g', parallelGroup: { steps: ['m', 'm'] } },
        ],
      },
      "$.steps[1].parallelGroup.steps[1]: step 'm' is a member of group 'g' already",
    ],
    [
      {
        steps: [
          { id: 'x', onDemand: true, run },
          { id: 'y', run, dependsOn: ['x'] },
        ],
      },
      "$.steps[1].dependsOn[0]: step 'x' is onDemand",
    ],
  ])('%j', (definition, message) => {
    const told = problems(definition);
    expect(told).toHaveLength(1);
    expect(told[0]?.replace('$.steps[0].dependsOn: ', '$.steps[0]: ').startsWith(message), told[0]).toBe(
      true,
    );
  });

  it('what is no definition at all', () => {
    for (const definition of [null, 5, 'steps', [], undefined])
      expect(workflowIssues(definition)).toHaveLength(1);
  });

  it('no more than 100 problems are listed', () => {
    const told = problems({ steps: Array.from({ length: 500 }, () => ({})) });
    expect(told).toHaveLength(101);
    expect(told.at(-1)).toBe('$: 900 more problems are not listed.');
  });

  it('a definition that holds itself', () => {
    const endless = { id: 'g', parallelGroup: { steps: [] as object[] } };
    endless.parallelGroup.steps.push(endless);
    expect(problems({ steps: [endless] }).join()).toContain('deeper than 100');
  });
});

describe('repeated steps', () => {
  const users = [1, 2, 3];
  const notify =
    (options: Partial<ParallelGroup> = {}): Program =>
    (stage) =>
      defineWorkflow({
        name: 'w',
        steps: [
          { id: 'fetch_users', run: () => users },
          {
            id: 'notify',
            dependsOn: ['fetch_users'],
            onError: 'continue',
            parallelGroup: {
              steps: ({ results }) => results['fetch_users'] as number[],
              step: {
                task: stage.step,
                input: ({ item, index }) => t(5, `${String(item)} at ${String(index)}`),
              },
              ...options,
            },
          },
        ],
        output: ({ results, errors }) => {
          const group = results['notify'] as GroupResult | undefined;
          return group === undefined
            ? String(errors['notify'])
            : [group.completed, group.value, results['notify_2'] ?? null];
        },
      }).run;

  it('⟲ B38 one step for each item, with its id', async () => {
    const { store } = await everywhere(
      notify(),
      [
        ['notify_1', 'notify_2', 'notify_3'],
        { notify_1: '1 at 0', notify_2: '2 at 1', notify_3: '3 at 2' },
        '2 at 1',
      ],
      { depth: 2 },
    );
    expect(shape(store).filter((line) => line.startsWith('TaskScheduled'))).toEqual([
      'TaskScheduled 0/:notify/0/:notify_1/0',
      'TaskScheduled 0/:notify/0/:notify_2/0',
      'TaskScheduled 0/:notify/0/:notify_3/0',
    ]);
  });

  it.each(['all', 'allSettled'] as const)("B40 no items: '%s' of nothing succeeds", async (waitStrategy) => {
    const { value } = await perform(notify({ steps: () => [], waitStrategy }));
    expect(value).toEqual([[], {}, null]);
  });

  it.each(['any', 'race'] as const)(
    "B40 no items: '%s' of nothing fails, as in code",
    async (waitStrategy) => {
      const { value } = await perform((stage) => async (inputs, ctx) => {
        const code = await ctx.parallel[waitStrategy]([]).catch((error: Error) => error.name);
        const flow = defineWorkflow({
          name: 'w',
          steps: [{ id: 'g', parallelGroup: { waitStrategy, steps: () => [], step: { task: stage.step } } }],
        });
        return [
          code,
          await Promise.resolve(flow.run(inputs as never, ctx)).catch((error: Error) => error.name),
        ];
      });
      expect(value).toEqual(
        waitStrategy === 'any'
          ? ['AggregateError', 'AggregateError']
          : ['EmptyGroupError', 'EmptyGroupError'],
      );
    },
  );

  it('B40 the same item twice', async () => {
    const { value, store } = await perform(notify({ steps: () => ['a', 'a'] }));
    expect(value).toBe(
      "ValidationError: Group 'notify' has members that cannot run:\n  $.steps[1].parallelGroup.steps[1].id: the id 'notify_a' is used twice",
    );
    expect(shape(store)).toEqual(['RunStarted', 'ScopeOpened 0', 'ScopeClosed 0', 'RunSucceeded']);
  });

  it.each<[string, Partial<ParallelGroup>, string]>([
    ['no list', { steps: () => 5 as never }, "'steps' gave no list"],
    ['an item without a name', { steps: () => [{ name: 'x' }] }, 'the item has no name'],
    [
      'an id that is taken',
      { steps: () => ['x'], step: { id: 'fetch', run }, keyBy: () => 'users' },
      "the id 'fetch_users' is used twice",
    ],
    ['a promise', { steps: () => Promise.resolve([1]) as never }, "'steps' gave a promise"],
  ])('%s', async (_, options, message) => {
    const { value } = await perform(notify(options));
    expect(value).toContain(message);
  });

  it('items by their id or by keyBy; the template may be a group with dependencies inside', async () => {
    const { value, store } = await perform(
      (stage) =>
        defineWorkflow({
          name: 'w',
          steps: [
            {
              id: 'all',
              parallelGroup: {
                steps: [{ id: 'eu' }, { id: 'us' }],
                step: {
                  id: 'region',
                  parallelGroup: {
                    steps: [
                      { id: 'load', run: (_, { item }) => (item as { id: string }).id },
                      {
                        id: 'save',
                        dependsOn: ['load'],
                        task: stage.step,
                        input: ({ results, item }) =>
                          t(1, `${String(results[`load_${(item as { id: string }).id}`])}!`),
                      },
                    ],
                  },
                },
              },
            },
            {
              id: 'end',
              dependsOn: ['all'],
              run: (_, { results }) => [results['save_eu'], results['save_us']],
            },
          ],
          output: ({ results }) => [results['end'], (results['all'] as GroupResult).completed],
        }).run,
    );
    expect(value).toEqual([
      ['eu!', 'us!'],
      ['region_eu', 'region_us'],
    ]);
    expect(shape(store)).toContain('TaskScheduled 0/:all/0/:region_us/0/:save_us/0');
  });

  it('a step that a group picks when it starts runs there, once, or not at all', async () => {
    const flow =
      (choice: unknown): Program =>
      () =>
        defineWorkflow({
          name: 'w',
          steps: [
            { id: 'x', onDemand: true, run: () => 'X' },
            {
              id: 'y',
              onDemand: true,
              dependsOn: ['x'],
              run: (_, { results }) => `after ${String(results['x'])}`,
            },
            { id: 'pick', onError: 'continue', parallelGroup: { steps: () => choice as string[] } },
          ],
          output: ({ results, errors }) =>
            (results['pick'] as GroupResult | undefined)?.value ?? String(errors['pick']),
        }).run;
    expect((await perform(flow(['y', 'x']))).value).toEqual({ y: 'after X', x: 'X' });
    expect((await perform(flow(['y']))).value).toEqual({ y: 'after undefined' });
    expect((await perform(flow(['x', 'x']))).value).toContain("step 'x' was picked before");
    expect((await perform(flow(['z']))).value).toContain("there is no step 'z' with onDemand");
  });
});

it('B41 a member that is declared as a step too runs exactly once', async () => {
  const { value, stage } = await perform(
    (at) =>
      defineWorkflow({
        name: 'w',
        steps: [
          { id: 'a', task: at.step, input: t(5, 'A') },
          {
            id: 'g',
            parallelGroup: { id: 'group', steps: [{ id: 'b', task: at.step, input: t(5, 'B') }, 'a', 'c'] },
          },
          { id: 'c', task: at.step, input: t(5, 'C') },
          {
            id: 'd',
            dependsOn: ['a', 'group'],
            run: (_, { results }) => [results['a'], (results['group'] as GroupResult).completed],
          },
        ],
      }).run,
  );
  expect(value).toMatchObject({ completed: ['g', 'd'], value: { d: ['A', ['b', 'a', 'c']] } });
  expect(stage.invoked.map(({ key }) => key)).toEqual(['0/:g/0/:b/0', '0/:g/0/:a/0', '0/:g/0/:c/0']);
});

describe('the scope', () => {
  it('is frozen, and shows what had ended when it was made', async () => {
    const { value } = await perform(
      (stage) =>
        defineWorkflow({
          name: 'w',
          steps: [
            { id: 'a', run: () => 'A' },
            { id: '__proto__', run: () => 'proto' },
            {
              id: 'late',
              run: async (ctx, scope) => {
                const before = Object.keys(scope.results);
                await ctx.task(stage.step, t(10));
                const refused = [
                  () => Object.assign(scope.results, { a: 1 }),
                  () => Object.assign(scope, { item: 1 }),
                  () => Reflect.deleteProperty(scope.results, 'a') || never(),
                  () => Object.defineProperty(scope.statuses, 'x', { value: 1 }),
                ].map((attempt) => {
                  try {
                    attempt();
                    return 'done';
                  } catch (error) {
                    return error instanceof TypeError;
                  }
                });
                return [
                  before,
                  Object.keys(scope.results),
                  'b' in scope.results,
                  refused,
                  Object.isFrozen(scope),
                ];
              },
            },
            { id: 'b', task: stage.step, input: t(5) },
          ],
          output: ({ results }) => [
            results['late'],
            results['__proto__'],
            JSON.stringify(results).length > 10,
          ],
        }).run,
    );
    expect(value).toEqual([[[], [], false, [true, true, true, true], true], 'proto', true]);
  });

  function never(): never {
    throw new TypeError('refused');
  }

  it('results are frozen records', async () => {
    const { value } = await perform(
      (stage) =>
        defineWorkflow({
          name: 'w',
          steps: [{ id: 'g', parallelGroup: { steps: [{ id: 'a', task: stage.step, input: t(1, 'A') }] } }],
          output: ({ results }) => {
            const group = results['g'] as GroupResult;
            return [group, group.completed, group.value, group.errors, group.completionOrder].map(
              Object.isFrozen,
            );
          },
        }).run,
    );
    expect(value).toEqual([true, true, true, true, true]);
  });
});

it('steps that are reordered between a crash and the resume keep their keys', async () => {
  const flow =
    (ids: readonly string[]): Program =>
    (stage) =>
      defineWorkflow({
        name: 'w',
        steps: ids.map((id) => ({ id, task: stage.step, input: t(id.length * 10, id) })),
        output: ({ results }) => ({ ...results }),
      }).run;
  const { resumeAt, seqOf } = await import('./stage.fixture.ts');
  const { store } = await perform(flow(['x', 'yy', 'zzz']));
  const resumed = await resumeAt(store, seqOf(store, 'TaskSucceeded'), flow(['zzz', 'x', 'yy']));
  expect(resumed.value).toEqual({ x: 'x', yy: 'yy', zzz: 'zzz' });
  expect(resumed.stage.invoked).toHaveLength(2);
});
