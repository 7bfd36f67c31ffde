import type { Duration } from './duration.ts';
import type { TaskDefaults } from './parallel.ts';
import type { Context, ProcessDefinition } from './process.ts';
import type { Schema, SchemaInput, SchemaOutput } from './standard-schema.ts';
import type { TaskDefinition } from './task.ts';
import type { GroupResult, StepStatus } from './workflow-result.ts';
import { ValidationError } from './errors.ts';
import { pathText, type WorkflowIssue } from './workflow-issue.ts';
import { planWorkflow, type WorkflowPlan } from './workflow-plan.ts';
import { runWorkflow } from './workflow-run.ts';

/**
 * When the members of a group have done their work. 'all' (default): each has; the first failure fails
 * the group and gives up the others. 'any': one has; it fails when all failed. 'race': the first to
 * succeed or fail decides. 'allSettled': all have ended, however they did; it never fails.
 */
export type WaitStrategy = 'all' | 'any' | 'allSettled' | 'race';

/**
 * What lets a step run, once all that it depends on has ended. 'settled' (default): nothing of that
 * failed or was given up; what was skipped by a condition, or failed with `onError: 'continue'`, will
 * do. 'succeeded': all of it completed. 'always': whatever became of it.
 */
export type RunIf = 'settled' | 'succeeded' | 'always';

/** What the callbacks of a workflow see: everything that has ended by now. Frozen. */
export interface WorkflowScope<Inputs = unknown> {
  readonly inputs: Inputs;
  /** By step id; a group's is its GroupResult. Undefined: it has not ended, or gave nothing. */
  readonly results: Readonly<Record<string, unknown>>;
  /** Why steps failed, by step id. */
  readonly errors: Readonly<Record<string, unknown>>;
  readonly statuses: Readonly<Record<string, StepStatus>>;
  /** In a step that was made from a template: its item, and the place of that in the list. */
  readonly item: unknown;
  readonly index: number | undefined;
  /** The result of a step that `defineStep` made, with its type. */
  result<Output>(step: TypedStep<Output>): Output | undefined;
}

declare const output: unique symbol;

/** A step that knows the type of its result. */
export interface TypedStep<Output> {
  readonly id: string;
  /** Never there: it carries the type. */
  readonly [output]?: Output;
}

type Callback<Inputs, Value> = (scope: WorkflowScope<Inputs>) => Value;

/** Anything but a function: a function is called with the scope. */
type Fixed = string | number | boolean | bigint | null | undefined | object;

export type OnError<Inputs = unknown> =
  /** Fails the group around it, as the group's strategy has it (default). */
  | 'fail'
  /** The step has failed, and what depends on it runs without its result. */
  | 'continue'
  /** The step has completed, with this result. */
  | { readonly fallback: Fixed | ((error: unknown, scope: WorkflowScope<Inputs>) => unknown) };

/** What the tasks of a step, or of all steps inside, get that say nothing else in their definition. */
type StepDefaults = Pick<TaskDefaults, 'priority' | 'retry' | 'pool' | 'cost'>;

interface StepCommon<Inputs> extends StepDefaults {
  readonly description?: string;
  /** Ids of steps anywhere in the workflow. The step starts the moment the last of them has ended. */
  readonly dependsOn?: readonly string[];
  /** Asked once all that it depends on has ended; false skips the step. */
  readonly when?: Callback<Inputs, boolean>;
  readonly runIf?: RunIf;
  readonly onError?: OnError<Inputs>;
  /** Longest time of one attempt of a task, of a whole `run`, of a whole group. */
  readonly timeout?: Duration;
  /** Its abort is recorded and gives the step up: it is cancelled, and what depends on it is skipped. */
  readonly signal?: AbortSignal;
  /** Runs only where a group picks it by its id (default false). */
  readonly onDemand?: boolean;
}

export interface TaskStep<Inputs = unknown> extends StepCommon<Inputs> {
  readonly id: string;
  /** Longest time of the call over all its attempts. */
  readonly deadline?: Duration;
  readonly task: TaskDefinition<never, unknown>;
  /** What the task gets, or a function that gives it. */
  readonly input?: Fixed | Callback<Inputs, unknown>;
}

export interface ToolStep<Inputs = unknown> extends StepCommon<Inputs> {
  readonly id: string;
  /** Longest time of the call over all its attempts. */
  readonly deadline?: Duration;
  /** Name of a task in the workflow's `tools`. */
  readonly toolName: string;
  readonly input?: Fixed | Callback<Inputs, unknown>;
}

export interface RunStep<Inputs = unknown> extends StepCommon<Inputs> {
  readonly id: string;
  /** Process code: what has an effect in it goes through `ctx`. */
  readonly run: (ctx: Context, scope: WorkflowScope<Inputs>) => unknown;
}

export interface GroupStep<Inputs = unknown> extends StepCommon<Inputs> {
  /** Can be left out where the group has one. */
  readonly id?: string;
  readonly parallelGroup: ParallelGroup<Inputs>;
}

/** One step: a task, a task named in `tools`, process code, or a group of steps. */
export type WorkflowStep<Inputs = unknown> =
  | TaskStep<Inputs>
  | ToolStep<Inputs>
  | RunStep<Inputs>
  | GroupStep<Inputs>;

/** A step without an id of its own: it gets one for each item. */
export type StepTemplate<Inputs = unknown> =
  | (Omit<TaskStep<Inputs>, 'id' | 'onDemand'> & { readonly id?: string })
  | (Omit<ToolStep<Inputs>, 'id' | 'onDemand'> & { readonly id?: string })
  | (Omit<RunStep<Inputs>, 'id' | 'onDemand'> & { readonly id?: string })
  | Omit<GroupStep<Inputs>, 'onDemand'>;

/** How the members of a group are waited for. */
interface GroupConfig {
  /** How many steps are at work at once, those in groups included; steps that wait do not count. */
  readonly maxConcurrent?: number;
  readonly waitStrategy?: WaitStrategy;
  /** A failure does not fail the workflow; with 'all' the other steps run too. `success` stays truthful. */
  readonly continueOnError?: boolean;
  /** Longest time of each step that has no `timeout` of its own. */
  readonly stepTimeout?: Duration;
}

export interface ParallelConfig extends GroupConfig, StepDefaults {}

export interface ParallelGroup<Inputs = unknown> extends GroupConfig {
  /** Another name for the step's id in `dependsOn` and `results`; the start of its members' ids. */
  readonly id?: string;
  /**
   * Its members: steps, or ids of steps that the workflow declares, which then run here and nowhere else.
   * With `step`: the items that it is repeated for. A function is asked when the group starts.
   */
  readonly steps:
    | readonly (string | WorkflowStep<Inputs>)[]
    | readonly unknown[]
    | ((scope: WorkflowScope<Inputs>) => readonly unknown[]);
  /** One step for each item of `steps`, with the id `${id}_${item}`. */
  readonly step?: StepTemplate<Inputs>;
  /** Names an item that is neither text nor number and has no `id` (default: `item.id`). */
  readonly keyBy?: (item: never, index: number) => string | number;
  /** Longest time of the whole group. What runs then is given up, the rest skipped, and the group fails. */
  readonly timeout?: Duration;
}

interface WorkflowCommon<Inputs> {
  readonly name: string;
  readonly description?: string;
  readonly parallelConfig?: ParallelConfig;
  /** Longest time of the whole workflow; then it fails with a TimeoutError. */
  readonly maxDuration?: Duration;
  /** Tasks by the names that `toolName` uses. */
  readonly tools?: Readonly<Record<string, TaskDefinition<never, unknown>>>;
  readonly steps: readonly WorkflowStep<Inputs>[];
}

export interface WorkflowDefinition<Inputs = never, Output = unknown> extends ProcessDefinition<
  Inputs,
  Output
> {
  readonly description: string | undefined;
  /** Its steps as they were checked, for whoever draws it. */
  readonly plan: WorkflowPlan;
}

export function defineWorkflow<const I extends Schema, O = GroupResult>(
  definition: WorkflowCommon<SchemaOutput<I>> & {
    readonly input: I;
    readonly output?: Callback<SchemaOutput<I>, O>;
  },
): WorkflowDefinition<SchemaInput<I>, Awaited<O>>;
export function defineWorkflow<Inputs = unknown, O = GroupResult>(
  definition: WorkflowCommon<Inputs> & {
    readonly input?: undefined;
    readonly output?: Callback<Inputs, O>;
  },
): WorkflowDefinition<Inputs, Awaited<O>>;
/**
 * A process made of steps instead of code; it runs, resumes and is inspected like any other.
 * Without `output` it returns the GroupResult of its steps.
 * @throws ValidationError with all problems of the definition at once, each with its path
 */
export function defineWorkflow(definition: WorkflowCommon<never> & object): WorkflowDefinition {
  const planned = planWorkflow(definition);
  if ('issues' in planned) throw refusal(definition, planned.issues);
  const { plan } = planned;
  return {
    name: plan.name,
    description: plan.description,
    input: plan.input,
    run: (inputs, ctx) => runWorkflow(plan, inputs, ctx),
    plan,
  };
}

/** Everything that is wrong with a definition, each with its path; empty: it can be defined. */
export function workflowIssues(definition: unknown): readonly WorkflowIssue[] {
  const planned = planWorkflow(definition);
  return 'issues' in planned ? planned.issues : [];
}

function refusal(definition: unknown, issues: readonly WorkflowIssue[]): ValidationError {
  const name: unknown =
    typeof definition === 'object' && definition !== null ? Reflect.get(definition, 'name') : undefined;
  return new ValidationError(
    typeof name === 'string' ? `The workflow '${name}'` : 'The workflow',
    issues.map(({ path, message }) => ({ path: pathText(path), message })),
    'cannot be defined',
  );
}

interface TypedTaskStep<Args, Output, Inputs>
  extends Omit<TaskStep<Inputs>, 'task' | 'input'>, TypedStep<Output> {
  readonly id: string;
  readonly task: TaskDefinition<Args, Output>;
  readonly input?: Args | Callback<Inputs, Args>;
}

interface TypedRunStep<Output, Inputs> extends Omit<RunStep<Inputs>, 'run'> {
  readonly run: (ctx: Context, scope: WorkflowScope<Inputs>) => Output;
}

export function defineStep<Args, Output, Inputs = unknown>(
  step: TypedTaskStep<Args, Output, Inputs>,
): TaskStep<Inputs> & TypedStep<Output>;
export function defineStep<Output, Inputs = unknown>(
  step: TypedRunStep<Output, Inputs>,
): RunStep<Inputs> & TypedStep<Awaited<Output>>;
export function defineStep<Inputs = unknown>(
  step: GroupStep<Inputs> & { readonly id: string },
): GroupStep<Inputs> & TypedStep<GroupResult>;
/**
 * A step whose input is checked against its task by the compiler, and whose result has a type:
 * `scope.result(step)`. At run time it is the step itself.
 */
export function defineStep(step: object): object {
  return step;
}
