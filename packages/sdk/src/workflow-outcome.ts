/** How the parallel call of a group settled, and what that makes of the group. */
import { isPawlError, TimeoutError } from './errors.ts';
import type { WaitStrategy } from './workflow.ts';
import { inWords, isFailure } from './workflow-end.ts';
import type { PlannedGroup, PlannedStep } from './workflow-plan.ts';
import { textOf, type EndedMember, type GroupResult, type StepEnd } from './workflow-result.ts';

/** What the branch of a step gives. */
export class Ended {
  readonly step: PlannedStep;
  readonly end: StepEnd;

  constructor(step: PlannedStep, end: StepEnd) {
    this.step = step;
    this.end = end;
  }
}

/** What it rejects with where its end is a failure to its group; nobody else gets to see it. */
export class Failed extends Error {
  readonly ended: Ended;

  constructor(ended: Ended) {
    super(`step '${ended.step.id}' failed`);
    this.ended = ended;
  }
}

/** How a group's parallel call settled. */
export type Outcome =
  | { readonly status: 'ended' | 'timedOut' }
  | { readonly status: 'decided'; readonly by: Ended }
  | { readonly status: 'unwon' | 'aborted'; readonly error: unknown };

/** Why a parallel call did not wait for its branches. */
export function interruption(reason: unknown): Outcome {
  return isPawlError(reason, 'TIMEOUT') ? { status: 'timedOut' } : { status: 'aborted', error: reason };
}

export function reasonOf(entry: unknown): unknown {
  return typeof entry === 'object' && entry !== null ? Reflect.get(entry, 'reason') : undefined;
}

/** Of `any` and `race`: all members have ended, and none of them won. */
export function nobodyWon(
  name: string,
  strategy: WaitStrategy,
  members: readonly EndedMember[],
  error: unknown,
): unknown {
  if (strategy === 'all' || members.length === 0) return error;
  const errors = members.flatMap(({ end }) =>
    end.status === 'failed' || end.status === 'timedOut' ? [end.error] : [],
  );
  const list = errors.map((each) => textOf(() => (each instanceof Error ? each.message : each))).join('; ');
  const who = errors.length === 1 ? 'the only step that ran' : `all ${errors.length} steps that ran`;
  return new AggregateError(
    errors,
    errors.length === 0
      ? `${name}: no step came to an end that counts, all were skipped or given up`
      : `${name}: ${who} failed: ${list}`,
  );
}

/** Whether the strategy has what it asks for. */
export function succeeded(
  { strategy }: PlannedGroup,
  outcome: Outcome,
  ended: readonly EndedMember[],
): boolean {
  switch (outcome.status) {
    case 'ended':
      return strategy === 'allSettled' || !ended.some(({ end }) => isFailure(end));
    case 'decided':
      return outcome.by.end.status === 'completed';
    case 'timedOut':
      return strategy === 'allSettled';
    case 'unwon':
    case 'aborted':
      return false;
    default:
      return outcome satisfies never;
  }
}

/** What a group fails with. */
export function errorOf(
  name: string,
  outcome: Outcome,
  result: GroupResult,
  ended: readonly EndedMember[],
): unknown {
  switch (outcome.status) {
    case 'ended':
      return ended.find(({ end }) => isFailure(end))?.end.error;
    case 'decided':
      return outcome.by.end.error;
    case 'timedOut':
      return new TimeoutError(`${name} ran out of time: ${inWords(result)}.`);
    case 'unwon':
    case 'aborted':
      return outcome.error;
    default:
      return outcome satisfies never;
  }
}
