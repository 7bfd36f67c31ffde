import type { Duration } from './duration.ts';

/**
 * Whose answers decide:
 * - `single`, `first`: the first answer, whoever gives it;
 * - `all`: everybody in `experts` has to approve, and the first rejection decides;
 * - `quorum`: as many approvals as `quorum` says. It is rejected once they cannot be reached any more; where nobody
 *   says who is asked, at as many rejections.
 */
export type BreakpointStrategy = 'single' | 'first' | 'all' | 'quorum';

/** What people are asked. */
export interface BreakpointQuestion {
  readonly question: string;
  /** What it is about, in a few words, and what makes the call the same call on replay. Default: the question. */
  readonly title?: string;
  /** Shown beside the question. */
  readonly context?: unknown;
  /** What can be chosen: an answer names one of them or none. */
  readonly options?: readonly string[];
  /** For whom the question is. It is shown, and anybody may answer. */
  readonly expert?: string | readonly string[];
  readonly tags?: readonly string[];
  /** Default: 'single'. */
  readonly strategy?: BreakpointStrategy;
  /** How many have to approve, with the strategy 'quorum'. */
  readonly quorum?: number;
  /** Who may answer, and nobody else. With the strategy 'all' these are the ones. */
  readonly experts?: readonly string[];
}

export interface BreakpointOptions {
  /** Names the call inside its scope, so that its identity does not depend on its position. */
  readonly key?: string;
  /** How long answers are waited for. Default: for ever. */
  readonly timeout?: Duration;
  /** What it comes to when the time has passed; 'fail' (default) rejects with TimeoutError. */
  readonly onTimeout?: 'reject' | 'approve' | 'fail';
}

/** One person's answer. */
export interface BreakpointResponse {
  readonly respondedBy: string;
  readonly approved: boolean;
  readonly option: string | null;
  readonly feedback: string | null;
  /** What was given with it; else the option, else the feedback. */
  readonly response: unknown;
}

export interface BreakpointResult {
  readonly approved: boolean;
  /** What most of those chose whose answers agree with the decision; the earlier where it is equal. */
  readonly option: string | null;
  /** Of the answer that decided. */
  readonly response: unknown;
  /** Of the answer that decided. */
  readonly feedback: string | null;
  /** Whose answer decided; null where the time had passed. */
  readonly respondedBy: string | null;
  /** Every answer up to the decision, in the order in which they were recorded; one a person. */
  readonly allResponses: readonly BreakpointResponse[];
}
