import { pid } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { defineProcess, defineTask, type ProcessDefinition, type TaskContext } from '@pawl/sdk';
import type { Recorded } from '@pawl/runtime';
import type { Seen } from './random-process.fixture.ts';
import { unrecorded } from './trial.fixture.ts';

export interface Steady {
  readonly steps: number;
  /** That a step takes. */
  readonly ms: number;
}

/** One step after the other, each as long as the others: where it stands still, that is seen. */
export function steadyProcess(invoked: (invocation: Seen) => void): ProcessDefinition<Steady, number> {
  const step = defineTask({
    name: 'step',
    run: async ({ n, ms }: { n: number; ms: number }, task: TaskContext) => {
      const { key, attempt, idempotencyKey, runId } = task;
      invoked({ what: 'run', key, attempt, idempotencyKey, runId, pid, at: Date.now() });
      await delay(ms);
      return n;
    },
  });
  return defineProcess({
    name: 'steady',
    run: async ({ steps, ms }: Steady, ctx) => {
      let sum = 0;
      for (let n = 0; n < steps; n += 1) sum += await ctx.task(step, { n, ms });
      return sum;
    },
  });
}

export function sumOf({ steps }: Steady): number {
  return (steps * (steps - 1)) / 2;
}

/** What is wrong with it; undefined: nothing. */
export function wrongInSteady(
  steady: Steady,
  journal: readonly Recorded[],
  sum: unknown,
  seen: readonly Seen[],
): string | undefined {
  if (sum !== sumOf(steady)) return `it came to ${String(sum)}, and not to ${sumOf(steady)}`;
  const done = new Set<string>();
  for (const { event } of journal) {
    if (event.type === 'TaskSucceeded') done.add(event.key);
    if (event.type === 'AttemptStarted' && done.has(event.key))
      return `${event.key} was done, and started again`;
  }
  return unrecorded(journal, seen);
}
