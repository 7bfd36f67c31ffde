/** A rule of our own was broken: a bug in Pawl. The run is left as it is. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
  /** Number of the invariant in ARCHITECTURE.md, such as 'J4'. */
  readonly invariant: string;
  /** What is not as it must be, without who is to blame: in a file it may be whoever wrote it. */
  readonly problem: string;

  constructor(invariant: string, problem: string) {
    super(`Invariant ${invariant} is broken: ${problem}. This is a bug in Pawl; the run was left as it was.`);
    this.invariant = invariant;
    this.problem = problem;
  }
}

/** For a message that is no work to make. */
export function assert(condition: boolean, invariant: string, message: string): asserts condition {
  if (!condition) broken(invariant, message);
}

/** For a message that is made only where the rule is broken: there are events by the million. */
export function broken(invariant: string, message: string): never {
  throw new InvariantError(invariant, message);
}

/** For the end of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new InvariantError('K2', `unexpected value ${JSON.stringify(value)}`);
}
