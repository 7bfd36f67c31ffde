/** The members of a group that finds them when it starts. */
import { ValidationError } from './errors.ts';
import { pathText, type IssuePath, type WorkflowIssue } from './workflow-issue.ts';
import {
  planInstances,
  type Instance,
  type PlannedStep,
  type Repeat,
  type WorkflowPlan,
} from './workflow-plan.ts';

/**
 * One member for each item.
 * @param ids of all steps so far; those of the new members are added
 * @throws ValidationError
 */
export function repeated(
  group: string,
  repeat: Repeat,
  items: unknown,
  ids: Map<string, string>,
  tools: WorkflowPlan['tools'],
): readonly PlannedStep[] {
  const { template, path } = repeat;
  const list = listOf(group, items, path);
  if (template === undefined) return [];
  const issues: WorkflowIssue[] = [];
  const instances = list.map((item, index): Instance => {
    const suffix = suffixOf(item, index, repeat);
    if (suffix === undefined)
      issues.push({
        path: [...path, index],
        message: `the item has no name: it must be text or a number, have an 'id' that is one, or keyBy must give one`,
      });
    return { item, index, suffix: suffix ?? '', id: `${repeat.prefix}_${suffix ?? ''}` };
  });
  refuse(group, issues);
  const planned = planInstances(repeat, template, instances, ids, tools);
  refuse(group, planned.issues);
  for (const [name, id] of planned.ids) ids.set(name, id);
  return planned.members;
}

/**
 * The steps that a group picks, which wait for just that.
 * @param picked ids of those that run in some group already; the new ones are added
 * @throws ValidationError
 */
export function picked(
  group: string,
  path: IssuePath,
  choice: unknown,
  onDemand: WorkflowPlan['onDemand'],
  taken: Set<string>,
): readonly PlannedStep[] {
  const issues: WorkflowIssue[] = [];
  const members = listOf(group, choice, path).flatMap((id, index): readonly PlannedStep[] => {
    const step = typeof id === 'string' ? onDemand.get(id) : undefined;
    const place = [...path, index];
    if (step === undefined)
      issues.push({ path: place, message: `there is no step '${String(id)}' with onDemand` });
    else if (taken.has(step.id)) issues.push({ path: place, message: `step '${step.id}' was picked before` });
    else taken.add(step.id);
    return step === undefined ? [] : [step];
  });
  refuse(group, issues);
  return members;
}

function listOf(group: string, items: unknown, path: IssuePath): readonly unknown[] {
  if (!Array.isArray(items)) refuse(group, [{ path, message: `'steps' gave no list` }]);
  return items as readonly unknown[];
}

function refuse(group: string, issues: readonly WorkflowIssue[]): void {
  if (issues.length === 0) return;
  throw new ValidationError(
    `Group '${group}'`,
    issues.map(({ path, message }) => ({ path: pathText(path), message })),
    'has members that cannot run',
  );
}

function suffixOf(item: unknown, index: number, { keyBy }: Repeat): string | undefined {
  // Its author wrote it for these items.
  if (keyBy !== undefined) return nameOf(keyBy(item as never, index));
  return nameOf(typeof item === 'object' && item !== null ? Reflect.get(item, 'id') : item);
}

function nameOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
