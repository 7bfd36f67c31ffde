/** The shape of a definition: each property is what it may be. Names and dependencies are the plan's. */
import { durationMs } from './duration.ts';
import type { Cost, PoolReference } from './parallel.ts';
import { retryPlan, type RetryPolicy } from './retry-policy.ts';
import { isSchema } from './standard-schema.ts';
import { checkCost, poolName } from './task-resources.ts';
import type { IssuePath, WorkflowIssues } from './workflow-issue.ts';

type Fields = Readonly<Record<string, unknown>>;

export type StepKind = 'task' | 'toolName' | 'run' | 'parallelGroup';

/** What each step may have. */
const OF_ALL_STEPS = [
  'id',
  'description',
  'dependsOn',
  'when',
  'runIf',
  'onError',
  'timeout',
  'priority',
  'retry',
  'pool',
  'cost',
  'signal',
  'onDemand',
];
const OF_TASKS = ['input', 'deadline'];
const DEFAULTS = ['priority', 'retry', 'pool', 'cost'];
const KINDS = { task: OF_TASKS, toolName: OF_TASKS, run: [], parallelGroup: [] } as const satisfies Readonly<
  Record<string, readonly string[]>
>;
const OF_CONFIG = ['maxConcurrent', 'waitStrategy', 'continueOnError', 'stepTimeout'];
const OF_GROUP = ['id', 'steps', 'step', 'keyBy', 'timeout', ...OF_CONFIG];
const OF_WORKFLOW = [
  'name',
  'description',
  'input',
  'output',
  'parallelConfig',
  'maxDuration',
  'steps',
  'tools',
];

const STRATEGIES: readonly unknown[] = ['all', 'any', 'allSettled', 'race'];
const RUN_IF: readonly unknown[] = ['settled', 'succeeded', 'always'];
const PRIORITIES: readonly unknown[] = ['user-blocking', 'user-visible', 'background'];
/** As long as a key of ctx may be, since ids name calls. */
const LONGEST_ID = 200;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_ID && value.isWellFormed();
}

/** The kind of a step that has exactly one. */
export function kindOf(step: Fields): StepKind | undefined {
  const [kind, another] = Object.keys(KINDS).filter((name) => step[name] !== undefined);
  return another === undefined ? (kind as StepKind | undefined) : undefined;
}

export function checkWorkflow(definition: Fields, issues: WorkflowIssues): void {
  const check = new Checks(definition, [], issues);
  check.only(OF_WORKFLOW, 'a workflow');
  if (typeof definition['name'] !== 'string' || definition['name'] === '')
    check.wrong('name', 'must be a name that is not empty');
  check.text('description');
  if (definition['input'] !== undefined && !isSchema(definition['input']))
    check.wrong('input', 'must be a Standard Schema, as zod, valibot and arktype make them');
  check.function('output', '(scope)');
  check.duration('maxDuration');
  const { parallelConfig, tools, steps } = definition;
  if (parallelConfig !== undefined) {
    if (isFields(parallelConfig)) {
      const config = new Checks(parallelConfig, ['parallelConfig'], issues);
      config.only([...OF_CONFIG, ...DEFAULTS], 'parallelConfig');
      checkConfig(config);
      config.defaults();
    } else check.wrong('parallelConfig', 'must be an object');
  }
  if (!Array.isArray(steps)) check.wrong('steps', 'must be a list of steps');
  if (tools === undefined) return;
  if (!isFields(tools)) check.wrong('tools', 'must be an object of tasks');
  else
    for (const [name, task] of Object.entries(tools)) {
      if (!isTask(task)) issues.add(['tools', name], 'must be a task made by defineTask or shellTask');
    }
}

export function isTask(value: unknown): boolean {
  return isFields(value) && typeof value['build'] === 'function' && typeof value['name'] === 'string';
}

function checkConfig(check: Checks): void {
  check.oneOf('waitStrategy', STRATEGIES);
  check.boolean('continueOnError');
  check.duration('stepTimeout');
  const { maxConcurrent } = check.fields;
  if (maxConcurrent === undefined || maxConcurrent === Infinity) return;
  if (typeof maxConcurrent !== 'number' || !Number.isInteger(maxConcurrent) || maxConcurrent < 1)
    check.wrong('maxConcurrent', 'must be an integer >= 1, or Infinity');
}

/** Everything of one step but its members, its names and what it depends on. */
export function checkStep(step: Fields, path: IssuePath, issues: WorkflowIssues, isTemplate: boolean): void {
  const check = new Checks(step, path, issues);
  const kind = kindOf(step);
  if (kind === undefined) issues.add(path, `a step has exactly one of ${Object.keys(KINDS).join(', ')}`);
  const kinds = kind === undefined ? [...Object.keys(KINDS), ...OF_TASKS] : [kind, ...KINDS[kind]];
  const what =
    kind === undefined ? 'a step' : isTemplate ? `a template with '${kind}'` : `a step with '${kind}'`;
  check.only([...(isTemplate ? OF_ALL_STEPS.slice(0, -1) : OF_ALL_STEPS), ...kinds], what);
  check.text('description');
  check.function('when', '(scope)');
  check.oneOf('runIf', RUN_IF);
  checkOnError(check);
  check.duration('timeout');
  check.duration('deadline');
  check.defaults();
  check.boolean('onDemand');
  const { task, toolName, run, signal } = step;
  if (task !== undefined && !isTask(task))
    check.wrong('task', 'must be a task made by defineTask or shellTask');
  if (toolName !== undefined && typeof toolName !== 'string') check.wrong('toolName', 'must be a name');
  if (run !== undefined && typeof run !== 'function') check.wrong('run', 'must be a function (ctx, scope)');
  if (signal !== undefined && !(signal instanceof AbortSignal))
    check.wrong('signal', 'must be an AbortSignal');
  if (step['parallelGroup'] !== undefined) checkGroup(step, path, issues);
}

function checkOnError(check: Checks): void {
  const { onError } = check.fields;
  if (onError === undefined || onError === 'fail' || onError === 'continue') return;
  const isFallback = isFields(onError) && Object.keys(onError).join() === 'fallback';
  if (!isFallback) check.wrong('onError', `must be 'fail', 'continue' or { fallback: … }`);
}

function checkGroup(step: Fields, path: IssuePath, issues: WorkflowIssues): void {
  const group = step['parallelGroup'];
  const place = [...path, 'parallelGroup'];
  if (!isFields(group)) {
    issues.add(place, 'must be an object with a list of steps');
    return;
  }
  const check = new Checks(group, place, issues);
  check.only(OF_GROUP, 'a parallelGroup');
  checkConfig(check);
  check.duration('timeout');
  if (group['timeout'] !== undefined && step['timeout'] !== undefined)
    check.wrong('timeout', 'is given by the step too: leave one of them out');
  if (group['id'] !== undefined && !isId(group['id'])) check.wrong('id', ID);
  const { steps, step: template, keyBy } = group;
  if (!Array.isArray(steps) && typeof steps !== 'function')
    check.wrong('steps', 'must be a list, or a function (scope) that gives one');
  if (template !== undefined && !isFields(template))
    check.wrong('step', 'must be a step, repeated for each item');
  check.function('keyBy', '(item, index)');
  if (keyBy !== undefined && template === undefined)
    check.wrong('keyBy', 'goes with step, the template of what is repeated');
}

export const ID: string = `must be text of 1 to ${LONGEST_ID} characters, well-formed Unicode`;

/** Checks of the properties of one object. */
class Checks {
  readonly fields: Fields;
  readonly #path: IssuePath;
  readonly #issues: WorkflowIssues;

  constructor(fields: Fields, path: IssuePath, issues: WorkflowIssues) {
    this.fields = fields;
    this.#path = path;
    this.#issues = issues;
  }

  wrong(name: string, message: string): void {
    this.#issues.add([...this.#path, name], `'${name}' ${message}`);
  }

  only(names: readonly string[], what: string): void {
    for (const name of Object.keys(this.fields)) {
      if (!names.includes(name) && this.fields[name] !== undefined)
        this.wrong(name, `is not known here: ${what} takes ${names.join(', ')}`);
    }
  }

  text(name: string): void {
    const value = this.fields[name];
    if (value !== undefined && typeof value !== 'string') this.wrong(name, 'must be text');
  }

  boolean(name: string): void {
    const value = this.fields[name];
    if (value !== undefined && typeof value !== 'boolean') this.wrong(name, 'must be true or false');
  }

  function(name: string, parameters: string): void {
    const value = this.fields[name];
    if (value !== undefined && typeof value !== 'function')
      this.wrong(name, `must be a function ${parameters}`);
  }

  oneOf(name: string, values: readonly unknown[]): void {
    const value = this.fields[name];
    if (value !== undefined && !values.includes(value))
      this.wrong(name, `must be ${values.map((known) => `'${String(known)}'`).join(', ')}`);
  }

  duration(name: string): void {
    const value = this.fields[name];
    if (value === undefined) return;
    this.#try(name, () => {
      // durationMs looks at what it gets, whatever that is.
      if (durationMs(value as Parameters<typeof durationMs>[0], name) === 0)
        this.wrong(name, 'must be longer than 0');
    });
  }

  /** What a step, or all steps, may say for their tasks. These look at what they get, whatever that is. */
  defaults(): void {
    const { priority, retry, pool, cost } = this.fields;
    if (priority !== undefined && !PRIORITIES.includes(priority) && !Number.isFinite(priority))
      this.wrong('priority', `must be a finite number, 'user-blocking', 'user-visible' or 'background'`);
    if (retry !== undefined) this.#try('retry', () => retryPlan(retry as RetryPolicy));
    if (pool !== undefined) this.#try('pool', () => poolName(pool as PoolReference));
    if (cost !== undefined) this.#try('cost', () => checkCost(cost as Cost));
  }

  #try(name: string, check: () => void): void {
    this.#issues.try([...this.#path, name], check);
  }
}
