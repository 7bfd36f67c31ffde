/** What links a run with the runs that it starts by `ctx.run`. */
import type { CallKey } from './call-key.ts';
import type { ErrorRecord } from './error-record.ts';
import type { Encoded } from './event.ts';
import type { RunId } from './ids.ts';

/** The process asked for a run of its own. That run is created in the same commit. */
export interface ChildStarted {
  readonly type: 'ChildStarted';
  readonly key: CallKey;
  readonly process: string;
  /** Digest of the canonical inputs, which the child's own journal holds. */
  readonly inputHash: string;
  readonly runId: RunId;
  /** It is not waited for. */
  readonly detached?: true;
  /** It goes on where the call is given up. Default: it is cancelled with it. */
  readonly onParentCancel?: 'abandon';
}
/** How it ended, or the last of the runs that followed it; or that it goes on without being waited for. */
export interface ChildFinished {
  readonly type: 'ChildFinished';
  readonly key: CallKey;
  readonly outcome: ChildOutcome;
}
export type ChildOutcome =
  | { readonly status: 'succeeded'; readonly output: Encoded }
  | { readonly status: 'failed'; readonly error: ErrorRecord }
  | { readonly status: 'cancelled'; readonly reason: string }
  | { readonly status: 'detached' };

/** Second event of a run that another one started, and of those that follow it. */
export interface ParentRecorded {
  readonly type: 'ParentRecorded';
  readonly parentRunId: RunId;
  readonly parentKey: CallKey;
  /** Runs above it: 1 for a child of a run that nothing started. */
  readonly depth: number;
  /** That run does not wait for this one. */
  readonly detached?: true;
  /** That run waits for this one only while its call is pending. Default: always. */
  readonly onParentCancel?: 'abandon';
}
