import { defineWorkflow, type GroupResult, type ParallelGroup, type WorkflowStep } from '@pawl/sdk';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { journal, settledKeys, transcript } from '../lab.fixture.ts';
import {
  f,
  perform,
  replays,
  resumeAt,
  startsInClosedScopes,
  t,
  watchForLeaks,
  type Program,
  type Told,
  type Stage,
} from './stage.fixture.ts';

watchForLeaks();

/** A step of a random workflow; its id is its place in the list of all. */
interface Plan {
  readonly kind: 'task' | 'code' | 'group' | 'repeat';
  readonly ms: number;
  readonly fails: boolean;
  readonly failures: number;
  readonly when: boolean;
  readonly runIf: 'settled' | 'succeeded' | 'always';
  readonly onError: 'fail' | 'continue' | 'fallback';
  readonly timeout: number | undefined;
  /** How far back in the order of declaration the steps are that it depends on, wherever they lie. */
  readonly after: readonly number[];
  readonly waitStrategy: 'all' | 'any' | 'race' | 'allSettled';
  readonly continueOnError: boolean;
  readonly maxConcurrent: number;
  readonly stepTimeout: number | undefined;
  readonly members: readonly Plan[];
  readonly items: readonly number[];
}

const ms = fc.integer({ min: 1, max: 30 });
const maybe = (arbitrary: fc.Arbitrary<number>): fc.Arbitrary<number | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 4 });

const planOf = (depth: number): fc.Arbitrary<Plan> =>
  fc.record({
    kind:
      depth === 0
        ? fc.constantFrom('task', 'code')
        : fc.constantFrom('task', 'task', 'code', 'group', 'repeat'),
    ms,
    fails: fc.constantFrom(false, false, true),
    failures: fc.constantFrom(0, 0, 1),
    when: fc.constantFrom(true, true, true, false),
    runIf: fc.constantFrom('settled', 'settled', 'succeeded', 'always'),
    onError: fc.constantFrom('fail', 'continue', 'fallback'),
    timeout: maybe(fc.integer({ min: 5, max: 40 })),
    after: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }),
    waitStrategy: fc.constantFrom('all', 'all', 'any', 'race', 'allSettled'),
    continueOnError: fc.boolean(),
    maxConcurrent: fc.constantFrom(1, 2, Infinity),
    stepTimeout: maybe(fc.integer({ min: 5, max: 40 })),
    members: depth === 0 ? fc.constant([]) : fc.array(planOf(depth - 1), { maxLength: 4 }),
    items: fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }),
  } as const);

/** Builds the steps of a workflow, and remembers each with what it depends on. */
class Builder {
  readonly declared: {
    readonly id: string;
    readonly dependsOn: readonly string[];
    readonly inside: readonly string[];
  }[] = [];
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  step(plan: Plan, inside: readonly string[]): WorkflowStep {
    const id = `s${this.declared.length}`;
    // Not on groups around it, which end after it.
    const candidates = this.declared.filter((each) => !inside.includes(each.id));
    const dependsOn = [...new Set(plan.after.flatMap((back) => candidates.at(-back)?.id ?? []))];
    this.declared.push({ id, dependsOn, inside });
    return { id, dependsOn, ...this.#rest(plan, [...inside, id]) } as unknown as WorkflowStep;
  }

  #rest(plan: Plan, inside: readonly string[]): object {
    const { when, runIf, onError, timeout } = plan;
    return {
      ...(when ? {} : { when: () => false }),
      runIf,
      onError: onError === 'fallback' ? { fallback: 'fell back' } : onError,
      ...(timeout === undefined ? {} : { timeout }),
      ...this.#work(plan, inside),
    };
  }

  #work(plan: Plan, inside: readonly string[]): object {
    const { kind, failures, members, items } = plan;
    const input = { ...(plan.fails ? f(plan.ms, 'x') : t(plan.ms)), failures };
    const retry = { attempts: 2, delay: 3 };
    switch (kind) {
      case 'task':
        return { task: this.#stage.step, input, retry };
      case 'code':
        return {
          run: async (ctx: Parameters<NonNullable<Extract<WorkflowStep, { run: unknown }>['run']>>[0]) => {
            await ctx.sleep(plan.ms);
            return await ctx.task(this.#stage.step, input, { retry });
          },
        };
      case 'group':
        return {
          parallelGroup: { ...groupOf(plan), steps: members.map((member) => this.step(member, inside)) },
        };
      case 'repeat':
        return {
          parallelGroup: { ...groupOf(plan), steps: () => items, step: { task: this.#stage.step, input } },
        };
      default:
        return kind satisfies never;
    }
  }
}

function groupOf({
  waitStrategy,
  continueOnError,
  maxConcurrent,
  stepTimeout,
}: Plan): Omit<ParallelGroup, 'steps'> {
  return {
    waitStrategy,
    continueOnError,
    maxConcurrent,
    ...(stepTimeout === undefined ? {} : { stepTimeout }),
  };
}

const programOf =
  (plans: readonly Plan[], root: Plan): Program =>
  (stage) => {
    const builder = new Builder(stage);
    const steps = plans.map((plan) => builder.step(plan, []));
    return defineWorkflow({
      name: 'random',
      parallelConfig: groupOf(root),
      steps,
      output: (scope) => {
        for (const { id, inside } of builder.declared) {
          // What ended has a status; all has ended, but what lies in a group that never began to exist.
          expect(scope.statuses[id], `${id} in ${inside.join('/')}`).toBeDefined();
        }
        return [
          Object.entries(scope.statuses).toSorted(),
          Object.values(scope.results)
            .filter(isGroupResult)
            .map((result) => partition(result)),
        ];
      },
    }).run;
  };

function isGroupResult(value: unknown): value is GroupResult {
  return typeof value === 'object' && value !== null && 'completionOrder' in value;
}

function partition({
  completed,
  failed,
  timedOut,
  cancelled,
  skipped,
  completionOrder,
}: GroupResult): string[] {
  const all = [completed, failed, timedOut, cancelled, skipped].flat();
  expect(new Set(all).size).toBe(all.length);
  expect(all).toEqual(expect.arrayContaining([...completionOrder]));
  return all.toSorted();
}

/** It may fail as its steps do, and not because something was found to be wrong. */
function sound(told: Told): void {
  if (
    'error' in told &&
    !['TaskError', 'TimeoutError', 'AggregateError', 'EmptyGroupError'].includes(told.error.name)
  )
    throw told.error;
}

it('B36 B46 B48 random graphs of nested groups end, replay, and survive a crash anywhere', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(planOf(2), { maxLength: 6 }),
      planOf(0),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (plans, root, where) => {
        const program = programOf(plans, root);
        const { store, stage, told } = await perform(program);
        sound(told);
        expect(startsInClosedScopes(journal(store)), transcript(store).join('\n')).toEqual([]);
        if (root.maxConcurrent < Infinity) expect(stage.maxParallel).toBeLessThanOrEqual(root.maxConcurrent);
        await replays(store, program);
        const events = journal(store);
        const seq = Math.max(1, Math.ceil(where * events.length));
        const resumed = await resumeAt(store, seq, program);
        sound(resumed.told);
        const settled = settledKeys(events.slice(0, seq));
        expect(resumed.stage.invoked.filter(({ key }) => settled.has(key))).toEqual([]);
        expect(startsInClosedScopes(journal(resumed.store))).toEqual([]);
        await replays(resumed.store, program);
      },
    ),
    { numRuns: 200, seed: 1 },
  );
});
