/** What a process asks of others: work that is done outside this program, and the answers to it. */
import type { RetryPlan } from '@pawl/sdk';
import type { CallKey } from './call-key.ts';
import type { Encoded } from './event.ts';

/** What of an external task decides what happens next. */
export interface OfferPolicy {
  readonly retry: RetryPlan;
  /** From the recording of the call, over all answers; null = for ever. */
  readonly timeoutMs: number | null;
  /** How long a claim lasts without a heartbeat, at most. */
  readonly leaseMs: number;
}

/**
 * The process asked for work that somebody else does. It is described once, here: a replay never builds the
 * description again. Who works on it now is no fact, and has no row.
 */
export interface TaskOffered {
  readonly type: 'TaskOffered';
  readonly key: CallKey;
  /** Unique over all runs, and safe in a file name. */
  readonly taskId: string;
  readonly task: string;
  readonly version: string | null;
  readonly inputHash: string;
  readonly args: Encoded;
  /** Who shall do it: 'agent', 'shell', … */
  readonly kind: string;
  /** What whoever does it reads: plain JSON. */
  readonly description: Encoded;
  /** JSON Schema of what is answered; null where nothing is known of it. */
  readonly outputSchema: Encoded;
  readonly policy: OfferPolicy;
}

/** An answer was not what the task gives. It settles nothing, and the task is offered again. */
export interface AnswerRefused {
  readonly type: 'AnswerRefused';
  readonly key: CallKey;
  readonly messageId: string;
  /** Who answered, as they call themselves. */
  readonly worker: string;
  readonly issues: readonly { readonly path: string; readonly message: string }[];
}
