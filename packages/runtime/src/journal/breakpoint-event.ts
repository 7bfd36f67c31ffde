/** A question to people, their answers, and what was decided by them. */
import type { BreakpointStrategy } from '@pawl/sdk';
import type { CallKey } from './call-key.ts';
import type { Encoded } from './event.ts';

export type OnTimeout = 'reject' | 'approve' | 'fail';

export interface BreakpointOpened {
  readonly type: 'BreakpointOpened';
  readonly key: CallKey;
  /** Its identity on replay. */
  readonly title: string;
  readonly question: string;
  readonly context: Encoded;
  /** Empty where nothing can be chosen. */
  readonly options: readonly string[];
  /** For whom it is; empty where that was not said. */
  readonly expert: readonly string[];
  readonly tags: readonly string[];
  readonly strategy: BreakpointStrategy;
  /** Of the strategy 'quorum', else null. */
  readonly quorum: number | null;
  /** Who may answer; null = anybody. */
  readonly experts: readonly string[] | null;
  /** From the recording of the question; null = for ever. */
  readonly timeoutMs: number | null;
  readonly onTimeout: OnTimeout;
}
/** An answer that counts. It is no outcome: the one that decides is followed by BreakpointClosed. */
export interface BreakpointAnswered {
  readonly type: 'BreakpointAnswered';
  readonly key: CallKey;
  readonly messageId: string;
  readonly by: string;
  readonly approved: boolean;
  readonly option: string | null;
  readonly feedback: string | null;
  /** What was given with it, null where nothing was. */
  readonly response: Encoded;
}
export interface BreakpointClosed {
  readonly type: 'BreakpointClosed';
  readonly key: CallKey;
  /** 'failed' where the time had passed, and that is a failure. */
  readonly outcome: 'approved' | 'rejected' | 'failed';
  /** What decided: the last answer before it, or that its time had passed. */
  readonly by: 'answer' | 'timeout';
}
