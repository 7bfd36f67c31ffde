import type { CallKey } from './call-key.ts';
import type { Millis, RunId, Seq } from './ids.ts';

export type RunStatus = 'running' | 'succeeded' | 'failed' | 'cancelled' | 'continued';

/** One line about a run: a fold of its events, kept in the store beside them. */
export interface RunSummary {
  readonly runId: RunId;
  readonly process: string;
  readonly module: string | null;
  readonly codeHash: string | null;
  readonly inputsHash: string;
  readonly status: RunStatus;
  readonly startedAt: Millis;
  readonly updatedAt: Millis;
  readonly lastSeq: Seq;
  readonly tasksScheduled: number;
  readonly tasksSettled: number;
  /** Calls that wait for an answer from outside: an outcome that a person has to say, a message. */
  readonly asked: readonly CallKey[];
  /** First line of the error that ended the run. */
  readonly error: string | null;
}
