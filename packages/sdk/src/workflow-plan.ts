/** From a definition to a plan: options resolved, members found, dependencies known to have no cycle. */
import type { Duration } from './duration.ts';
import type { TaskDefaults } from './parallel.ts';
import type { Schema } from './standard-schema.ts';
import type { TaskDefinition } from './task.ts';
import type { RunIf, TaskStep, ToolStep, WaitStrategy, WorkflowScope, WorkflowStep } from './workflow.ts';
import { checkWorkflow, isFields, kindOf, type StepKind } from './workflow-check.ts';
import { cyclesOf } from './workflow-cycle.ts';
import { Drafts, find, instanceOf, prefixOf, type Draft, type Fields, type Names } from './workflow-draft.ts';
import { WorkflowIssues, type IssuePath, type WorkflowIssue } from './workflow-issue.ts';

/** The item that a step was made for. */
export interface Item {
  readonly item: unknown;
  readonly index: number;
}

export interface PlannedStep {
  readonly id: string;
  /** Another name that `dependsOn` and `results` know it by. */
  readonly alias: string | undefined;
  readonly description: string | undefined;
  readonly kind: StepKind;
  /** Ids of steps, the aliases resolved. */
  readonly dependsOn: readonly string[];
  readonly runIf: RunIf;
  readonly isConditional: boolean;
  readonly definition: WorkflowStep<never>;
  /** Of a step with `task` or `toolName`. */
  readonly task: TaskDefinition<never, unknown> | undefined;
  readonly group: PlannedGroup | undefined;
  readonly item: Item | undefined;
}

export interface PlannedGroup {
  readonly strategy: WaitStrategy;
  readonly maxConcurrent: number;
  readonly continueOnError: boolean;
  readonly timeout: Duration | undefined;
  readonly stepTimeout: Duration | undefined;
  /** What is given to all tasks inside. */
  readonly defaults: Pick<TaskDefaults, 'priority' | 'retry' | 'pool' | 'cost'>;
  /** Of a group that is repeated, or picks its members: none yet. */
  readonly members: readonly PlannedStep[];
  readonly repeat: Repeat | undefined;
}

/** How a group finds its members when it starts. */
export interface Repeat {
  readonly items: readonly unknown[] | ((scope: WorkflowScope<never>) => unknown);
  readonly template: Fields | undefined;
  /** The template as a step, with the id `prefix_*`: for whoever draws it. */
  readonly sample: PlannedStep | undefined;
  readonly prefix: string;
  readonly keyBy: ((item: never, index: number) => unknown) | undefined;
  readonly path: IssuePath;
}

export interface WorkflowPlan {
  readonly name: string;
  readonly description: string | undefined;
  readonly input: Schema | undefined;
  readonly output: ((scope: WorkflowScope<never>) => unknown) | undefined;
  readonly tools: Readonly<Record<string, TaskDefinition<never, unknown>>>;
  readonly root: PlannedGroup;
  /** Steps that run only where a group picks them. */
  readonly onDemand: ReadonlyMap<string, PlannedStep>;
  /** Every id and alias, with the id that it stands for. */
  readonly ids: ReadonlyMap<string, string>;
}

type Planned = { readonly plan: WorkflowPlan } | { readonly issues: readonly WorkflowIssue[] };

export function planWorkflow(definition: unknown): Planned {
  const issues = new WorkflowIssues();
  if (!isFields(definition)) {
    issues.add([], 'must be an object with a name and a list of steps');
    return { issues: issues.all() };
  }
  checkWorkflow(definition, issues);
  // As they were just checked; with problems the plan is not used.
  const { name, description, input, output, tools = {}, parallelConfig } = definition as unknown as Checked;
  const drafts = new Drafts(issues, new Set());
  const names: Names = { own: new Map(), around: undefined };
  const listed = Array.isArray(definition['steps'])
    ? drafts.readList(definition['steps'], ['steps'], names)
    : [];
  link(drafts.all, issues);
  checkTools(drafts.all, tools, issues);
  if (issues.list.length > 0) return { issues: issues.all() };
  const own = listed.filter(({ parent }) => parent === undefined);
  const planStep = (draft: Draft): PlannedStep => planned(draft, tools, undefined);
  const config = { ...parallelConfig, timeout: definition['maxDuration'] };
  return {
    plan: {
      name,
      description,
      input,
      output,
      tools,
      root: plannedGroup(config, own.filter((draft) => !isOnDemand(draft)).map(planStep), undefined),
      onDemand: new Map(own.filter(isOnDemand).map((draft) => [draft.id, planStep(draft)])),
      ids: new Map([...names.own].map(([id, draft]) => [id, draft.id])),
    },
  };
}

interface Checked {
  readonly name: string;
  readonly description: string | undefined;
  readonly input: Schema | undefined;
  readonly output: WorkflowPlan['output'];
  readonly tools?: WorkflowPlan['tools'];
  readonly parallelConfig: Fields | undefined;
}

/** A step that a group repeats, for one of its items. */
export interface Instance extends Item {
  readonly id: string;
  readonly suffix: string;
}

interface PlannedInstances {
  readonly members: readonly PlannedStep[];
  readonly issues: readonly WorkflowIssue[];
  /** Ids and aliases of the new steps. */
  readonly ids: ReadonlyMap<string, string>;
}

/**
 * The members of a repeated group. The template was checked; what is new are the ids.
 * @param taken ids of all steps so far, with the id that each stands for
 */
export function planInstances(
  repeat: Repeat,
  template: Fields,
  instances: readonly Instance[],
  taken: ReadonlyMap<string, string>,
  tools: WorkflowPlan['tools'],
): PlannedInstances {
  const issues = new WorkflowIssues();
  const drafts = new Drafts(issues, new Set(taken.keys()));
  const names: Names = { own: new Map(), around: undefined };
  const listed = instances.flatMap((instance) => {
    const step = instanceOf(template, instance.id, instance.suffix);
    return drafts
      .read(step, [...repeat.path, instance.index], names, undefined)
      .map((draft) => ({ draft, instance }));
  });
  link(drafts.all, issues, taken);
  const members =
    issues.list.length > 0 ? [] : listed.map(({ draft, instance }) => planned(draft, tools, instance, taken));
  const ids = new Map([...names.own].map(([id, draft]) => [id, draft.id]));
  return { members, issues: issues.all(), ids };
}

/** Finds members by their ids, and tells ids that stand for nothing, members of two groups, and cycles. */
function link(drafts: readonly Draft[], issues: WorkflowIssues, taken?: ReadonlyMap<string, string>): void {
  for (const draft of drafts) for (const reference of draft.references) adopt(draft, reference, issues);
  const onDemand = drafts.filter((draft) => isOnDemand(draft) && draft.parent === undefined);
  const mayNotRun = new Set(onDemand);
  for (const { dependsOn, names, path, fields } of drafts) {
    dependsOn.forEach((id) => {
      const found = find(names, id);
      const place = [
        ...path,
        'dependsOn',
        Array.isArray(fields['dependsOn']) ? fields['dependsOn'].indexOf(id) : 0,
      ];
      if (found === undefined && taken?.has(id) !== true) issues.add(place, `there is no step '${id}'`);
      else if (found !== undefined && mayNotRun.has(found) && fields['onDemand'] !== true)
        issues.add(place, `step '${id}' is onDemand, so it may never run: depend on the group that picks it`);
    });
  }
  const pickers = drafts.filter(({ fields }) => isPicker(fields));
  for (const cycle of cyclesOf(drafts, pickers, onDemand)) {
    const [first] = cycle;
    if (first !== undefined)
      issues.add(first.path, `steps wait for each other: ${cycle.map(({ id }) => id).join('→')}`);
  }
}

/** Makes a step that is declared elsewhere a member of this group, and of no other. */
function adopt(
  group: Draft,
  { id, at, path }: { readonly id: string; readonly at: number; readonly path: IssuePath },
  issues: WorkflowIssues,
): void {
  const found = find(group.names, id);
  if (found === undefined) issues.add(path, `there is no step '${id}'`);
  else if (found.parent !== undefined)
    issues.add(path, `step '${id}' is a member of group '${found.parent.id}' already`);
  else {
    found.parent = group;
    group.members.splice(at, 0, found);
  }
}

function isOnDemand({ fields }: Draft): boolean {
  return fields['onDemand'] === true;
}

function isPicker(fields: Fields): boolean {
  const group = fields['parallelGroup'];
  return isFields(group) && typeof group['steps'] === 'function' && group['step'] === undefined;
}

function checkTools(drafts: readonly Draft[], tools: unknown, issues: WorkflowIssues): void {
  const known = isFields(tools) ? Object.keys(tools) : [];
  for (const { fields, path } of drafts) {
    const { toolName } = fields;
    if (typeof toolName !== 'string' || known.includes(toolName)) continue;
    const there = known.length === 0 ? 'the workflow has no tools' : `there are ${known.join(', ')}`;
    issues.add([...path, 'toolName'], `there is no tool '${toolName}': ${there}`);
  }
}

function planned(
  draft: Draft,
  tools: WorkflowPlan['tools'],
  item: Item | undefined,
  taken?: ReadonlyMap<string, string>,
): PlannedStep {
  const { fields, id, alias } = draft;
  // As it was checked.
  const definition = fields as unknown as WorkflowStep<never>;
  const members = draft.members.map((member) => planned(member, tools, item, taken));
  return {
    id,
    alias,
    description: definition.description,
    kind: kindOf(fields) ?? 'run',
    dependsOn: draft.dependsOn.map((name) => find(draft.names, name)?.id ?? taken?.get(name) ?? name),
    runIf: definition.runIf ?? 'settled',
    isConditional: definition.when !== undefined,
    definition,
    task: taskOf(definition, tools),
    group: 'parallelGroup' in definition ? groupOf(draft, members) : undefined,
    item,
  };
}

function taskOf(
  step: WorkflowStep<never>,
  tools: WorkflowPlan['tools'],
): TaskDefinition<never, unknown> | undefined {
  if (!isTaskStep(step)) return undefined;
  return 'toolName' in step ? tools[step.toolName] : step.task;
}

export function isTaskStep(step: WorkflowStep<never>): step is TaskStep<never> | ToolStep<never> {
  return ('task' in step && step.task !== undefined) || ('toolName' in step && step.toolName !== undefined);
}

function groupOf(draft: Draft, members: readonly PlannedStep[]): PlannedGroup {
  const group = draft.fields['parallelGroup'] as Fields;
  const { timeout, priority, retry, pool, cost } = draft.fields;
  const [sample] = members;
  const isRepeated = group['step'] !== undefined || typeof group['steps'] === 'function';
  const repeat: Repeat | undefined = isRepeated
    ? {
        items: group['steps'] as Repeat['items'],
        template: group['step'] as Fields | undefined,
        sample,
        prefix: prefixOf(draft.fields),
        keyBy: group['keyBy'] as Repeat['keyBy'],
        path: [...draft.path, 'parallelGroup', 'steps'],
      }
    : undefined;
  return plannedGroup(
    { timeout, priority, retry, pool, cost, ...given(group) },
    isRepeated ? [] : members,
    repeat,
  );
}

function given(group: Fields): Fields {
  return Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined));
}

function plannedGroup(
  config: Fields,
  members: readonly PlannedStep[],
  repeat: Repeat | undefined,
): PlannedGroup {
  const { waitStrategy, maxConcurrent, continueOnError, timeout, stepTimeout, ...rest } =
    config as Partial<PlannedGroup> & TaskDefaults & { readonly waitStrategy?: WaitStrategy };
  const { priority, retry, pool, cost } = rest;
  return {
    strategy: waitStrategy ?? 'all',
    maxConcurrent: maxConcurrent ?? Infinity,
    continueOnError: continueOnError ?? false,
    timeout,
    stepTimeout,
    defaults: given({ priority, retry, pool, cost }),
    members,
    repeat,
  };
}
