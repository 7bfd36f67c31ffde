/** The rules of ends: which of them decides its group, and what a group is told to its parent as. */
import { InvalidArgumentError, isPawlError } from './errors.ts';
import type { WorkflowScope } from './workflow.ts';
import type { PlannedGroup, PlannedStep } from './workflow-plan.ts';
import type { GroupResult, StepEnd, StepStatus } from './workflow-result.ts';

export function completed(value: unknown): StepEnd {
  return { status: 'completed', value, error: undefined, tolerated: false, satisfies: true };
}

/** @param satisfies skipped by its own condition, and not because of what it depends on */
export function skipped(satisfies: boolean): StepEnd {
  return { status: 'skipped', value: undefined, error: undefined, tolerated: false, satisfies };
}

/** It ran, and somebody else's end or time ended it. */
export function givenUp(status: 'cancelled' | 'timedOut'): StepEnd {
  return { status, value: undefined, error: undefined, tolerated: false, satisfies: false };
}

/**
 * The end of a step whose work threw, as its `onError` has it.
 * @param value the result that a failed group has all the same
 */
export function failed(
  { definition }: PlannedStep,
  error: unknown,
  value: unknown,
  scope: () => WorkflowScope<never>,
): StepEnd {
  const { onError = 'fail', signal } = definition;
  const status = statusOf(error, signal !== undefined);
  if (status === 'cancelled') return { ...givenUp('cancelled'), error, value };
  if (onError === 'fail') return { status, value, error, tolerated: false, satisfies: false };
  if (onError === 'continue') return { status, value, error, tolerated: true, satisfies: true };
  const { fallback } = onError;
  if (!isCallback(fallback)) return completed(fallback);
  try {
    return completed(settledValue('fallback', fallback(error, scope())));
  } catch (thrown) {
    return { status: 'failed', value, error: thrown, tolerated: false, satisfies: false };
  }
}

/** A step's own signal gives it up; any other CancelledError is a failure like all others. */
function statusOf(error: unknown, hasSignal: boolean): 'cancelled' | 'timedOut' | 'failed' {
  if (hasSignal && isPawlError(error, 'CANCELLED')) return 'cancelled';
  return isPawlError(error, 'TIMEOUT') ? 'timedOut' : 'failed';
}

function isCallback(value: unknown): value is (...args: readonly unknown[]) => unknown {
  return typeof value === 'function';
}

/** Callbacks answer at once: whatever takes time in them would not be recorded. */
export function settledValue(name: string, value: unknown): unknown {
  const isThenable =
    typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
  if (!isThenable) return value;
  throw new InvalidArgumentError(
    `'${name}' gave a promise; it has to answer at once. Do what takes time in a step with 'task' or 'run'.`,
  );
}

/** A failure that nobody tolerates. */
export function isFailure({ status, tolerated }: StepEnd): boolean {
  return (status === 'failed' || status === 'timedOut') && !tolerated;
}

/** Whether this end decides its group, and so gives up the other members. */
export function decides({ strategy, continueOnError }: PlannedGroup, end: StepEnd): boolean {
  switch (strategy) {
    case 'all':
      return isFailure(end) && !continueOnError;
    case 'any':
      return end.status === 'completed';
    case 'race':
      return end.status === 'completed' || isFailure(end);
    case 'allSettled':
      return false;
    default:
      return strategy satisfies never;
  }
}

/**
 * What the end of a step is to its parallel call. Steps that are skipped, given up, or failed and
 * tolerated, win nothing: `any` takes them for failures, and in a `race` they tell nothing.
 */
export function tells(
  { strategy, continueOnError }: PlannedGroup,
  end: StepEnd,
): 'value' | 'failure' | 'nothing' {
  switch (strategy) {
    case 'all':
      return isFailure(end) && !continueOnError ? 'failure' : 'value';
    case 'allSettled':
      return isFailure(end) ? 'failure' : 'value';
    case 'any':
      return end.status === 'completed' ? 'value' : 'failure';
    case 'race':
      if (end.status === 'completed') return 'value';
      return isFailure(end) ? 'failure' : 'nothing';
    default:
      return strategy satisfies never;
  }
}

const LISTED = 10;

/** The lists of a group's result in words. */
export function inWords(result: GroupResult): string {
  const parts = (['completed', 'failed', 'timedOut', 'cancelled', 'skipped'] as const)
    .filter((status) => result[status].length > 0)
    .map((status) => `${WORDS[status]} ${listed(result[status])}`);
  return parts.length === 0 ? 'it has no steps' : parts.join('; ');
}

const WORDS: Readonly<Record<StepStatus, string>> = {
  completed: 'completed',
  failed: 'failed',
  timedOut: 'timed out',
  cancelled: 'cancelled',
  skipped: 'skipped',
};

function listed(ids: readonly string[]): string {
  const more = ids.length > LISTED ? ` and ${ids.length - LISTED} more` : '';
  return `${ids.slice(0, LISTED).join(', ')}${more}`;
}
