import { InvalidArgumentError, type Duration, type TaskContext, type TaskDefinition } from '@pawl/sdk';

/** What a mock gets beside its input. */
export interface MockContext extends TaskContext {
  /** Resolves after that much virtual time; rejects with the reason of `signal`. */
  readonly sleep: (duration: Duration) => Promise<void>;
  /** Never resolves, as what hangs; rejects with the reason of `signal`. Timeouts pass meanwhile. */
  readonly hang: () => Promise<never>;
}

/** What a mock may give: the output, a promise of it, or progress by `yield` and then the output. */
type MockResult<Output, Progress> = Output | Promise<Output> | AsyncGenerator<Progress, Output, undefined>;

/** Code that runs instead of a task's own. */
export interface TaskMock {
  readonly task: TaskDefinition<never, unknown>;
  readonly run: (input: never, task: MockContext) => unknown;
}

/**
 * Code that runs instead of a task's own, with types from the definition. It gets the input as the process gave it,
 * and gives the output as the process gets it: schemas do not change either. Name, version, retries, timeouts and pool
 * are those of the definition. Also for tasks that this program does not do itself: external tasks, commands, threads,
 * transactions.
 *
 *     mock(charge, async ({ cents }, task) => {
 *       await task.sleep('2s');
 *       return { id: `ch_${cents}` };
 *     })
 *
 * @throws InvalidArgumentError
 */
export function mock<Args, Output, Progress>(
  task: TaskDefinition<Args, Output, Progress>,
  run: (input: NoInfer<Args>, task: MockContext) => MockResult<NoInfer<Output>, NoInfer<Progress>>,
): TaskMock {
  if (typeof task?.build !== 'function')
    throw new InvalidArgumentError('mock takes a task as its first argument: mock(task, (input) => output).');
  if (typeof run !== 'function')
    throw new InvalidArgumentError(
      `The mock of task '${task.name}' is a function: mock(task, (input) => output).`,
    );
  return { task, run };
}
