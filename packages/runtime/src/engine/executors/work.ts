import type { TaskContext } from '@pawl/sdk';

/** One attempt, as an executor sees it. */
export interface Work {
  /** `task 'resize' (0/2/0)`, for messages. */
  readonly what: string;
  readonly context: TaskContext;
  /**
   * Right before user code is called: another attempt of the same commit may have held the event loop for longer
   * than the lease, and what was aborted before it began need not begin.
   * @throws what the attempt was aborted with, InvariantError
   */
  checkWanted(): void;
}
