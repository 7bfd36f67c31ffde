import type { MatcherState } from 'vitest';
import { NonDeterminismError, type TaskDefinition } from '@pawl/sdk';
import { RuntimeError } from '../errors.ts';
import { decode } from '../journal/codec.ts';
import { isTerminal } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import type { AnyProcess } from '../process/definition.ts';
import { eventsOf } from '../run-events.ts';
import { assertReplays } from './replay-fixture.ts';
import type { TestRuntime } from './test-runtime.ts';

type Asked = Pick<MatcherState, 'equals' | 'utils'>;

interface Matched {
  readonly pass: boolean;
  readonly message: () => string;
}

type AnyTask = Pick<TaskDefinition<never, unknown>, 'name'>;

export interface PawlMatchers<R, _T> {
  /** Of a test runtime: the task's code, or its mock, was invoked so many times; at least once where nothing is said. */
  toHaveRunTask(task: AnyTask | string, times?: number): R;
  /** Of a test runtime: the run has ended with this output; as `toEqual` compares. */
  toHaveSucceededWith(run: RunId, output: unknown): R;
  /** Of a recorded run, its text or its file: the process does again all that is recorded. To be awaited. */
  toReplay(process: AnyProcess<never, unknown>): Promise<void>;
}

declare module 'vitest' {
  // Declarations merge where their parameters are the same.
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> extends PawlMatchers<
    R,
    T
  > {}
}

function toHaveRunTask(this: Asked, test: TestRuntime, task: AnyTask | string, times?: number): Matched {
  const name = typeof task === 'string' ? task : task.name;
  const count = test.invocations.filter((invocation) => invocation.task === name).length;
  const others = [...new Set(test.invocations.map((invocation) => invocation.task))];
  const expected = times === undefined ? '' : ` ${times} times`;
  return {
    pass: times === undefined ? count > 0 : count === times,
    message: () =>
      `Task '${name}' ran ${count} times; expected that it did, or with .not that it did not, run${expected}. What ran: ${others.join(', ') || 'nothing'}.`,
  };
}

function toHaveSucceededWith(this: Asked, test: TestRuntime, run: RunId, output: unknown): Matched {
  const last = [...eventsOf(test.runtime.store, run)].findLast(({ event }) => isTerminal(event))?.event;
  const got = last?.type === 'RunSucceeded' ? decode(last.output) : undefined;
  const pass = last?.type === 'RunSucceeded' && this.equals(got, output);
  const status =
    last === undefined
      ? test.runtime.get(run) === undefined
        ? 'is not there'
        : 'has not ended'
      : last.type === 'RunSucceeded'
        ? `gave ${this.utils.stringify(got)}`
        : last.type === 'RunFailed'
          ? `failed with ${last.error.name}: ${last.error.message}`
          : `ended by ${last.type}`;
  return {
    pass,
    message: () =>
      `Run ${run} ${status}; expected that it ${pass ? 'does not give' : 'gives'} ${this.utils.stringify(output)}.`,
  };
}

async function toReplay(
  this: Asked,
  journal: string | URL,
  process: AnyProcess<never, unknown>,
): Promise<Matched> {
  try {
    const { events } = await assertReplays(journal, process);
    return { pass: true, message: () => `It does again all ${events} events; expected that it does not.` };
  } catch (error) {
    const isAnswer =
      error instanceof NonDeterminismError || (error instanceof RuntimeError && error.code === 'STALLED');
    if (!isAnswer) throw error;
    return { pass: false, message: () => error.message };
  }
}

/** For Vitest: `expect.extend(pawlMatchers)`, once, in a setup file or in the test. */
export const pawlMatchers: {
  readonly toHaveRunTask: typeof toHaveRunTask;
  readonly toHaveSucceededWith: typeof toHaveSucceededWith;
  readonly toReplay: typeof toReplay;
} = { toHaveRunTask, toHaveSucceededWith, toReplay };
