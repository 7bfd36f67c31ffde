/**
 * How a step ended. 'timedOut': its own time, or that of a group around it, was over while it ran.
 * 'cancelled': it ran, and was given up. 'skipped': it never ran.
 */
export type StepStatus = 'completed' | 'failed' | 'timedOut' | 'cancelled' | 'skipped';

/**
 * What became of a group, or of a whole workflow. The five lists of ids share out its members, each in
 * the order in which they are declared. Frozen.
 */
export interface GroupResult {
  /** What the strategy asks for came about. */
  readonly success: boolean;
  /** Nothing failed, timed out or was given up. */
  readonly allSucceeded: boolean;
  /** It failed, and `continueOnError` let the workflow go on. */
  readonly continued: boolean;
  readonly completed: readonly string[];
  readonly failed: readonly string[];
  readonly timedOut: readonly string[];
  readonly cancelled: readonly string[];
  readonly skipped: readonly string[];
  /** Ids of the steps that came to their own end, success or failure, as they did. */
  readonly completionOrder: readonly string[];
  /** Milliseconds of recorded time: the same on replay. */
  readonly duration: number;
  /** 'any' and 'race': the winner's result. Else the results of the completed steps, by id. */
  readonly value: unknown;
  /** 'any' and 'race': the id of the step that decided. Else null. */
  readonly winner: string | null;
  /** Why steps failed, by id. The errors themselves are in the scope: a stack is not the same on replay. */
  readonly errors: Readonly<Record<string, StepFailure>>;
}

export interface StepFailure {
  readonly name: string;
  readonly message: string;
}

/** How one step ended, for those that depend on it. */
export interface StepEnd {
  readonly status: StepStatus;
  readonly value: unknown;
  readonly error: unknown;
  /** Failed, and the workflow was told to go on. */
  readonly tolerated: boolean;
  /** Steps that depend on it may run. */
  readonly satisfies: boolean;
}

export interface EndedMember {
  readonly id: string;
  readonly end: StepEnd;
}

export interface GroupFacts {
  readonly members: readonly EndedMember[];
  readonly completionOrder: readonly string[];
  readonly duration: number;
  readonly success: boolean;
  readonly continued: boolean;
  /** 'any' and 'race': who decided; null: nobody. Undefined: a strategy without a winner. */
  readonly winner: EndedMember | null | undefined;
}

export function groupResult(facts: GroupFacts): GroupResult {
  const { members, completionOrder, duration, success, continued, winner } = facts;
  const lists: Readonly<Record<StepStatus, string[]>> = {
    completed: [],
    failed: [],
    timedOut: [],
    cancelled: [],
    skipped: [],
  };
  for (const { id, end } of members) lists[end.status].push(id);
  const { completed, failed, timedOut, cancelled, skipped } = lists;
  const done = members.filter(({ end }) => end.status === 'completed');
  const wrong = members.filter(({ end }) => end.status === 'failed' || end.status === 'timedOut');
  return Object.freeze({
    success,
    allSucceeded: failed.length + timedOut.length + cancelled.length === 0,
    continued,
    completed: Object.freeze(completed),
    failed: Object.freeze(failed),
    timedOut: Object.freeze(timedOut),
    cancelled: Object.freeze(cancelled),
    skipped: Object.freeze(skipped),
    completionOrder: Object.freeze([...completionOrder]),
    duration,
    value:
      winner === undefined
        ? // Not by assignment: '__proto__' may be an id.
          Object.freeze(Object.fromEntries(done.map(({ id, end }) => [id, end.value])))
        : (winner?.end.value ?? null),
    winner: winner?.id ?? null,
    errors: Object.freeze(Object.fromEntries(wrong.map(({ id, end }) => [id, failureOf(end.error)]))),
  });
}

function failureOf(error: unknown): StepFailure {
  const isError = error instanceof Error;
  return Object.freeze({
    name: isError ? textOf(() => error.name) : 'thrown',
    message: textOf(() => (isError ? error.message : error)),
  });
}

/** Anything can be thrown, also what has no text or a getter that throws. */
export function textOf(read: () => unknown): string {
  try {
    return String(read());
  } catch {
    return 'something that has no text';
  }
}
