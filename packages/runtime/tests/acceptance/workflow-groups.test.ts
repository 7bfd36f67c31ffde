import {
  defineStep,
  defineWorkflow,
  type GroupResult,
  type ParallelGroup,
  type WorkflowStep,
} from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { journal } from '../lab.fixture.ts';
import {
  brief,
  everywhere,
  f,
  perform,
  replays,
  resumeAt,
  seqOf,
  t,
  watchForLeaks,
  type Program,
  type Stage,
  type StepInput,
} from './stage.fixture.ts';

watchForLeaks();

type Inputs = Readonly<Record<string, StepInput>>;

/** Steps of a stage by id. */
function stepsOf(stage: Stage, inputs: Inputs): WorkflowStep[] {
  return Object.entries(inputs).map(([id, input]) => ({ id, task: stage.step, input }));
}

/** A workflow of one group; what the group became is its output, also where it failed. */
const group =
  (inputs: Inputs, options: Omit<ParallelGroup, 'steps'> = {}): Program =>
  (stage) =>
    defineWorkflow({
      name: 'one group',
      steps: [
        { id: 'it', parallelGroup: { ...options, steps: stepsOf(stage, inputs) }, onError: 'continue' },
      ],
      output: ({ results, errors }) => told(results['it'], errors['it']),
    }).run;

/** A group's result without what is empty. */
function told(result: unknown, error: unknown): unknown {
  const { success, completed, failed, timedOut, cancelled, skipped, value, winner } = result as GroupResult;
  const lists = Object.entries({ completed, failed, timedOut, cancelled, skipped });
  return {
    success,
    ...Object.fromEntries(lists.filter(([, ids]) => ids.length > 0)),
    ...(winner === null ? {} : { winner, value }),
    ...(error === undefined ? {} : { error: reasons(error) }),
  };
}

const reasons = (error: unknown): unknown =>
  error instanceof AggregateError ? error.errors.map(brief) : brief(error);

/** The group alone: what it fails with, the run fails with. */
const bare =
  (inputs: Inputs, options: Omit<ParallelGroup, 'steps'> = {}): Program =>
  (stage) =>
    defineWorkflow({
      name: 'bare group',
      steps: [{ id: 'g', parallelGroup: { ...options, steps: stepsOf(stage, inputs) } }],
      output: ({ results }) => (results['g'] as GroupResult).value,
    }).run;

const SCENARIO: Inputs = { a: t(10, 'A'), b: f(20, 'b failed'), c: t(30, 'C') };
const FALLBACK: Inputs = { primary: f(5, 'down'), cache: t(40, 'cached'), secondary: t(200, 'second') };
const FAILING: Inputs = { a: f(10, 'a'), b: f(20, 'b'), c: f(5, 'c') };

const everywhereCases: Record<string, { program: Program; expected: unknown }> = {
  "B17 'all' fails with the first failure and cancels the rest": {
    program: group(SCENARIO),
    expected: {
      success: false,
      completed: ['a'],
      failed: ['b'],
      cancelled: ['c'],
      error: 'TaskError: b failed',
    },
  },
  "B18 'any' gives the first value": {
    program: group(SCENARIO, { waitStrategy: 'any' }),
    expected: { success: true, completed: ['a'], cancelled: ['b', 'c'], winner: 'a', value: 'A' },
  },
  "B20 'race' gives the first to settle": {
    program: group(SCENARIO, { waitStrategy: 'race' }),
    expected: { success: true, completed: ['a'], cancelled: ['b', 'c'], winner: 'a', value: 'A' },
  },
  "B21 'any' passes over a failure": {
    program: group(FALLBACK, { waitStrategy: 'any' }),
    expected: {
      success: true,
      completed: ['cache'],
      failed: ['primary'],
      cancelled: ['secondary'],
      winner: 'cache',
      value: 'cached',
    },
  },
  "B22 'any' fails when all failed, with all their errors": {
    program: group(FAILING, { waitStrategy: 'any' }),
    expected: {
      success: false,
      failed: ['a', 'b', 'c'],
      error: ['TaskError: a', 'TaskError: b', 'TaskError: c'],
    },
  },
  "B25 'race' fails with the first to settle": {
    program: group({ a: f(5, 'fast'), b: t(50) }, { waitStrategy: 'race' }),
    expected: {
      success: false,
      failed: ['a'],
      cancelled: ['b'],
      winner: 'a',
      error: 'TaskError: fast',
    },
  },
  "B26 'all' completes all, in input order": {
    program: group({ a: t(30, 1), b: t(5, 2), c: t(15, 3) }),
    expected: { success: true, completed: ['a', 'b', 'c'] },
  },
  'B33 a timeout parts what ran from what never did': {
    program: group({ a: t(60), b: t(60), c: t(60) }, { maxConcurrent: 1, timeout: 100 }),
    expected: {
      success: false,
      completed: ['a'],
      timedOut: ['b'],
      skipped: ['c'],
      error: 'TimeoutError',
    },
  },
  'B34 a timeout of each step': {
    program: group({ a: t(60), b: t(60), c: t(60) }, { maxConcurrent: 1, stepTimeout: 100 }),
    expected: { success: true, completed: ['a', 'b', 'c'] },
  },
};

describe.each(Object.entries(everywhereCases))('⟲ %s', (_, { program, expected }) => {
  it('live, replayed, after a crash anywhere, and inside a branch', async () => {
    await everywhere(program, withNull(expected), { depth: 2 });
  });
});

/** A race that was lost has a winner and no value. */
function withNull(expected: unknown): unknown {
  const { winner, value, ...rest } = expected as Record<string, unknown>;
  return winner === undefined ? expected : { ...rest, winner, value: value ?? null };
}

describe('what a failing group does to its workflow', () => {
  it("⟲ B17 'all': the run fails with the step's own error, and the losers are aborted", async () => {
    const { told: end, stage } = await perform(bare(SCENARIO));
    expect('error' in end && brief(end.error)).toBe('TaskError: b failed');
    expect(stage.spans.map(({ to, aborted }) => [to, aborted])).toEqual([
      [10, false],
      [20, false],
      [20, true],
    ]);
  });

  it("B22 'any': the run fails with an AggregateError", async () => {
    const { told: end } = await perform(bare(FAILING, { waitStrategy: 'any' }));
    const error = 'error' in end ? end.error : undefined;
    expect(error).toBeInstanceOf(AggregateError);
    expect(reasons(error)).toEqual(['TaskError: a', 'TaskError: b', 'TaskError: c']);
    expect(error?.message).toBe("Group 'g': all 3 steps that ran failed: a; b; c");
  });

  it("B25 'race': the run fails with the first error", async () => {
    const { value } = await perform(bare({ a: f(5, 'fast'), b: t(50) }, { waitStrategy: 'race' }));
    expect(value).toBe('threw TaskError: fast');
  });

  it('B33 a timeout tells what became of each step', async () => {
    const { value } = await perform(
      bare({ a: t(60), b: t(60), c: t(60) }, { maxConcurrent: 1, timeout: 100 }),
    );
    expect(value).toBe("threw TimeoutError: Group 'g' ran out of time: completed a; timed out b; skipped c.");
  });

  it.each(['all', 'any', 'race', 'allSettled'] as const)(
    'B45 a member of %s fails without onError: what depends on the group is skipped or gets it',
    async (waitStrategy) => {
      const { told: end, stage } = await perform(
        (at) =>
          defineWorkflow({
            name: 'w',
            steps: [
              { id: 'g', parallelGroup: { waitStrategy, steps: stepsOf(at, { a: f(5, 'x') }) } },
              { id: 'after', dependsOn: ['g'], task: at.step, input: t(1) },
            ],
          }).run,
      );
      if (waitStrategy === 'allSettled') {
        expect(end).toHaveProperty('value.completed', ['g', 'after']);
        return;
      }
      expect(end).toHaveProperty('error');
      expect(stage.invoked).toHaveLength(1);
    },
  );
});

it("B24 'allSettled' never fails: success is the strategy's, allSucceeded the steps'", async () => {
  const { value } = await perform(
    (stage) =>
      defineWorkflow({
        name: 'w',
        steps: stepsOf(stage, FAILING),
        parallelConfig: { waitStrategy: 'allSettled' },
      }).run,
  );
  expect(value).toMatchObject({
    success: true,
    allSucceeded: false,
    failed: ['a', 'b', 'c'],
    completionOrder: ['c', 'a', 'b'],
    value: {},
  });
});

describe('places', () => {
  const eight = Object.fromEntries([...'abcdefgh'].map((id) => [id, t(20)]));

  it('B28 no more steps at work than maxConcurrent', async () => {
    const { stage } = await perform(group(eight, { maxConcurrent: 3 }));
    expect(stage.maxParallel).toBe(3);
  });

  it('B29 a slow step holds one place, the others go on', async () => {
    const inputs = { a: t(100), b: t(20), c: t(20), d: t(20), e: t(20), f: t(20) };
    const { stage } = await perform(group(inputs, { maxConcurrent: 2 }));
    expect(stage.spans.map(({ from }) => from)).toEqual([0, 0, 20, 40, 60, 80]);
    expect(stage.clock.monotonic()).toBeLessThan(110);
  });

  it('B30 a step starts where one ends', async () => {
    const inputs = { a: t(30), b: t(50), c: t(40), d: t(10) };
    const { stage } = await perform(group(inputs, { maxConcurrent: 2 }));
    expect(stage.spans.map(({ from }) => from)).toEqual([0, 0, 30, 50]);
  });

  it("B32 'race' holds to it too, and what never started is skipped", async () => {
    const { value, stage } = await perform(
      group({ a: t(20), b: t(30), c: t(1), d: t(1) }, { waitStrategy: 'race', maxConcurrent: 2 }),
    );
    expect(stage.maxParallel).toBe(2);
    expect(value).toMatchObject({ completed: ['a'], cancelled: ['b'], skipped: ['c', 'd'] });
    expect(stage.invoked).toHaveLength(2);
  });

  it.each([1, 2, 5, undefined])(
    'the limit may be another one after a crash (%s instead of 3)',
    async (maxConcurrent) => {
      const first = await perform(group(eight, { maxConcurrent: 3 }));
      const events = journal(first.store);
      const changed = group(eight, maxConcurrent === undefined ? {} : { maxConcurrent });
      for (let seq = 1; seq < events.length; seq += 1) {
        const { value } = await resumeAt(first.store, seq, changed);
        expect(value, `at ${seq}`).toMatchObject({ success: true, completed: [...'abcdefgh'] });
      }
      const resumed = await resumeAt(first.store, seqOf(first.store, 'TaskSucceeded'), changed);
      if (maxConcurrent === 5)
        expect(journal(resumed.store).map(({ event }) => event.type)).toContain('ScopeRetuned');
    },
  );

  it('a place of the workflow is free again once a group gave its holders up', async () => {
    const { value, stage } = await perform(
      (at) =>
        defineWorkflow({
          name: 'w',
          parallelConfig: { maxConcurrent: 2 },
          steps: [
            {
              id: 'g',
              parallelGroup: { waitStrategy: 'any', steps: stepsOf(at, { a: t(10), b: t(500), c: t(1) }) },
            },
            { id: 'd', dependsOn: ['g'], task: at.step, input: t(20) },
            { id: 'e', dependsOn: ['g'], task: at.step, input: t(20) },
          ],
        }).run,
    );
    expect(value).toMatchObject({ success: true, completed: ['g', 'd', 'e'] });
    expect(stage.spans.map(({ from }) => from)).toEqual([0, 0, 10, 10]);
  });

  it('B48 three levels of groups with a pool of two', async () => {
    const level = (stage: Stage, name: string, depth: number): WorkflowStep => ({
      id: name,
      parallelGroup: {
        steps: Array.from({ length: 5 }, (_, i): WorkflowStep =>
          depth === 1
            ? { id: `${name}.${i}`, task: stage.with({ pool: 'two' }), input: t(1) }
            : level(stage, `${name}.${i}`, depth - 1),
        ),
      },
    });
    const { value, stage } = await perform(
      (at) => defineWorkflow({ name: 'deep', steps: [level(at, 'g', 3)] }).run,
      { pools: { two: 2 } },
    );
    expect(value).toMatchObject({ success: true, completed: ['g'] });
    expect(stage.invoked).toHaveLength(125);
    expect(stage.maxParallel).toBe(2);
  });

  it('pool, priority and retry of the workflow, a group, or process code are for the tasks inside', async () => {
    const { value, stage } = await perform(
      (at) =>
        defineWorkflow({
          name: 'w',
          parallelConfig: { pool: 'one', retry: { attempts: 3, delay: 5 } },
          steps: [
            { id: 'flaky', task: at.step, input: { ...t(5), failures: 2 } },
            { id: 'g', parallelGroup: { steps: stepsOf(at, { a: t(5), b: t(5) }) } },
            { id: 'h', priority: 5, parallelGroup: { steps: stepsOf(at, { c: t(5), d: t(5) }) } },
            { id: 'code', priority: 'user-blocking', run: (ctx) => ctx.task(at.step, t(5)) },
          ],
        }).run,
      { pools: { one: 1 } },
    );
    expect(value).toMatchObject({ success: true });
    expect(stage.maxParallel).toBe(1);
    const names = stage.spans.map(({ key }) => /:([^/:]+)(\/0)+$/.exec(key)?.[1]);
    expect(names.slice(0, 6)).toEqual(['code', 'c', 'd', 'flaky', 'a', 'b']);
    expect(names.filter((name) => name === 'flaky')).toHaveLength(3);
  });

  it('B48 one limit for the leaves of all levels', async () => {
    const { value, stage } = await perform(
      (at) =>
        defineWorkflow({
          name: 'deep',
          parallelConfig: { maxConcurrent: 2 },
          steps: ['x', 'y', 'z'].map((id) => ({
            id,
            parallelGroup: {
              maxConcurrent: 3,
              steps: stepsOf(at, { [`${id}1`]: t(5), [`${id}2`]: t(5), [`${id}3`]: t(5) }),
            },
          })),
        }).run,
    );
    expect(value).toMatchObject({ success: true });
    expect(stage.maxParallel).toBe(2);
    expect(stage.invoked).toHaveLength(9);
  });
});

describe('failures that the workflow goes on after', () => {
  const b37: Program = (stage) =>
    defineWorkflow({
      name: 'w',
      steps: [
        { id: 'g', parallelGroup: { continueOnError: true, steps: stepsOf(stage, SCENARIO) } },
        { id: 'after', dependsOn: ['g'], run: (_, { results }) => (results['g'] as GroupResult).completed },
      ],
      output: ({ results }) => [results['g'], results['after']],
    }).run;

  it('B37 with continueOnError all steps run, and success stays truthful', async () => {
    const { value } = await perform(b37);
    expect(value).toMatchObject([
      {
        success: false,
        continued: true,
        completed: ['a', 'c'],
        failed: ['b'],
        completionOrder: ['a', 'b', 'c'],
        value: { a: 'A', c: 'C' },
      },
      ['a', 'c'],
    ]);
  });

  it('onError: continue, and a fallback', async () => {
    const { value } = await perform(
      (stage) =>
        defineWorkflow({
          name: 'w',
          steps: [
            { id: 'a', task: stage.step, input: f(5, 'x'), onError: 'continue' },
            { id: 'b', task: stage.step, input: f(5, 'y'), onError: { fallback: 7 } },
            {
              id: 'c',
              task: stage.step,
              input: f(5, 'z'),
              onError: { fallback: (error, { inputs }) => [brief(error), inputs] },
            },
            { id: 'd', dependsOn: ['a', 'b', 'c'], run: (_, { results }) => ({ ...results }) },
            { id: 'e', dependsOn: ['a'], runIf: 'succeeded', run: () => 'never' },
            { id: 'f', dependsOn: ['e'], run: () => 'e was skipped by its own rule' },
          ],
        }).run,
    );
    expect(value).toMatchObject({
      success: true,
      allSucceeded: false,
      failed: ['a'],
      completed: ['b', 'c', 'd', 'f'],
      skipped: ['e'],
      value: { b: 7, c: ['TaskError: z', null], d: { b: 7, c: ['TaskError: z', null] } },
    });
  });

  it("runIf 'always' runs after a failure and after what was skipped because of it", async () => {
    const { value } = await perform(
      (stage) =>
        defineWorkflow({
          name: 'w',
          parallelConfig: { continueOnError: true },
          steps: [
            { id: 'a', task: stage.step, input: f(5, 'x') },
            { id: 'b', dependsOn: ['a'], run: () => 1 },
            { id: 'c', dependsOn: ['b'], run: () => 1 },
            { id: 'd', dependsOn: ['c'], runIf: 'always', run: (_, { statuses }) => ({ ...statuses }) },
          ],
        }).run,
    );
    expect(value).toMatchObject({
      success: false,
      continued: true,
      failed: ['a'],
      skipped: ['b', 'c'],
      value: { d: { a: 'failed', b: 'skipped', c: 'skipped' } },
    });
  });
});

it('⟲ B44 the next step gets the winner of a group, and who it was', async () => {
  const program: Program = (stage) => {
    const fetch = defineStep({
      id: 'fetch_weather',
      parallelGroup: {
        waitStrategy: 'any',
        steps: stepsOf(stage, {
          noaa: f(5, 'down'),
          metno: t(20, { temp: 7 }),
          openweather: t(90, { temp: 8 }),
        }),
      },
    });
    return defineWorkflow({
      name: 'weather',
      steps: [
        fetch,
        {
          id: 'format_weather',
          dependsOn: ['fetch_weather'],
          task: stage.step,
          input: (scope) => {
            const first = scope.result(fetch);
            return t(1, `${JSON.stringify(first?.value)} by ${first?.winner}`);
          },
        },
      ],
      output: ({ results }) => results['format_weather'],
    }).run;
  };
  await everywhere(program, '{"temp":7} by metno', { depth: 2 });
});

it('B57 after a crash with two of three members done only the third is invoked', async () => {
  const program = group({ a: t(10), b: t(20), c: t(30) });
  const { store } = await perform(program);
  const second = journal(store).filter(({ event }) => event.type === 'TaskSucceeded')[1];
  const resumed = await resumeAt(store, second?.seq ?? 0, program);
  expect(resumed.stage.invoked.map(({ key }) => key)).toEqual(['0/:it/0/:c/0']);
  expect(resumed.value).toMatchObject({ completed: ['a', 'b', 'c'] });
});

describe('⟲ B58 the duration of a result is recorded time', () => {
  const program: Program = (stage) =>
    defineWorkflow({
      name: 'w',
      steps: [
        { id: 'before', task: stage.step, input: t(7) },
        { id: 'g', dependsOn: ['before'], parallelGroup: { steps: stepsOf(stage, { a: t(30), b: t(45) }) } },
        { id: 'after', dependsOn: ['g'], task: stage.step, input: t(9) },
      ],
      output: ({ results }) => `took ${(results['g'] as GroupResult).duration} ms`,
    }).run;

  it('the same on replay, and after a crash anywhere behind its end', async () => {
    const { store, value } = await perform(program);
    expect(value).toBe('took 45 ms');
    await replays(store, program);
    for (let seq = seqOf(store, 'ScopeClosed', '0/:g/0'); seq < journal(store).length; seq += 1)
      expect((await resumeAt(store, seq, program)).value).toBe(value);
  });

  it('after a crash within it the work that began again counts, live and on replay', async () => {
    const { store } = await perform(program);
    const resumed = await resumeAt(store, seqOf(store, 'TaskSucceeded', '0/:g/0/:a/0'), program);
    expect(resumed.value).toBe('took 75 ms');
    await replays(resumed.store, program);
  });
});

describe('B36 the five lists share out the members of any group', () => {
  const part = ({ completed, failed, timedOut, cancelled, skipped }: GroupResult): string[] =>
    [completed, failed, timedOut, cancelled, skipped].flat().toSorted();

  it('random groups', async () => {
    const { assert, asyncProperty, array, constantFrom, integer, option, record, boolean } =
      await import('fast-check');
    const member = record({
      ms: integer({ min: 1, max: 30 }),
      fails: boolean(),
      onError: constantFrom('fail', 'continue'),
      when: constantFrom(true, true, false),
      after: option(integer({ min: 1, max: 3 })),
      runIf: constantFrom('settled', 'succeeded', 'always'),
      retries: constantFrom(0, 0, 1),
    } as const);
    const shape = record({
      members: array(member, { maxLength: 6 }),
      waitStrategy: constantFrom('all', 'any', 'race', 'allSettled'),
      continueOnError: boolean(),
      maxConcurrent: constantFrom(1, 2, Infinity),
      timeout: option(integer({ min: 5, max: 60 }), { nil: undefined }),
      stepTimeout: option(integer({ min: 5, max: 40 }), { nil: undefined }),
    } as const);
    await assert(
      asyncProperty(shape, async ({ members, timeout, stepTimeout, ...options }) => {
        const program: Program = (stage) =>
          defineWorkflow({
            name: 'w',
            steps: [
              {
                id: 'g',
                onError: 'continue',
                parallelGroup: {
                  ...options,
                  ...(timeout === undefined ? {} : { timeout }),
                  ...(stepTimeout === undefined ? {} : { stepTimeout }),
                  steps: members.map(
                    ({ ms, fails, onError, when, after, runIf, retries }, i): WorkflowStep => ({
                      id: `s${i}`,
                      task: stage.step,
                      input: fails ? f(ms, 'x') : t(ms),
                      onError,
                      runIf,
                      when: () => when,
                      retry: { attempts: retries + 1, delay: 3 },
                      dependsOn: after === null || i < after ? [] : [`s${i - after}`],
                    }),
                  ),
                },
              },
            ],
            output: ({ results }) => results['g'],
          }).run;
        const { value, stage, store } = await perform(program);
        const result = value as GroupResult;
        expect(part(result)).toEqual(members.map((_, i) => `s${i}`));
        expect(stage.maxParallel).toBeLessThanOrEqual(options.maxConcurrent);
        expect(result.duration).toBeLessThanOrEqual(timeout ?? Infinity);
        await replays(store, program);
        const resumed = await resumeAt(store, Math.ceil(journal(store).length / 2), program);
        expect(part(resumed.value as GroupResult)).toEqual(part(result));
        await replays(resumed.store, program);
      }),
      { numRuns: 150, seed: 36 },
    );
  });
});
