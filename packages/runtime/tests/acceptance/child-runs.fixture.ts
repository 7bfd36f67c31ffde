import type { Process } from '@pawl/sdk';
import type { AppendRun, LeaseClaim } from '../../src/ports/journal-store.ts';
import { MemoryStore } from '../../src/testing.ts';
import { t, type Stage, type StepInput } from './stage.fixture.ts';

/* What tests of runs that start runs share. */

/** Keeps what it held after every commit. */
export class WatchedStore extends MemoryStore {
  readonly states: ReturnType<MemoryStore['snapshot']>[] = [];

  override append(batch: readonly AppendRun[], claim: LeaseClaim): readonly ('committed' | 'fenced')[] {
    const answers = super.append(batch, claim);
    this.states.push(this.snapshot());
    return answers;
  }
}

export type Program = (stage: Stage) => Process;

/** Two steps, one after the other. */
export const pair = (stage: Stage): Process<StepInput, unknown> =>
  async function pairOf(input, ctx) {
    const first = await ctx.task(stage.step, t(5, 'first'));
    return [first, await ctx.task(stage.step, input)];
  };

export function statuses(store: MemoryStore): Record<string, string> {
  const runs = store.queryRuns({ limit: 100 }, 0);
  return Object.fromEntries(runs.map(({ runId, status }) => [runId, status]));
}
