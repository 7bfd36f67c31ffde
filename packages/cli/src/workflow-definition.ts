import type { PlannedStep, ProcessDefinition, WorkflowDefinition, WorkflowPlan } from '@pawl/sdk';

/** Whether a process is made of steps. */
export function isWorkflow(process: ProcessDefinition | undefined): process is WorkflowDefinition {
  return (
    process !== undefined && 'plan' in process && typeof process.plan === 'object' && process.plan !== null
  );
}

/** Every step that is declared, templates included, at whatever depth. */
export function stepsOf({ root, onDemand }: WorkflowPlan): readonly PlannedStep[] {
  return [...root.members, ...onDemand.values()].flatMap(withMembers);
}

function withMembers(step: PlannedStep): readonly PlannedStep[] {
  const { group } = step;
  const sample = group?.repeat?.sample;
  return [
    step,
    ...(group?.members ?? []).flatMap(withMembers),
    ...(sample === undefined ? [] : withMembers(sample)),
  ];
}
