import type { Encoded, ErrorRecord } from '@pawl/runtime';
import type { FinalEvent } from '@pawl/runtime/elsewhere';

/** What the handler `run` of a process' workflow takes; values as the journal has them. */
export interface RunRequest {
  readonly inputs: Encoded;
}

/** How a run ended: errors are data, since Restate carries no more of one than a code and a text. */
export type RunResult =
  | { readonly status: 'ended'; readonly event: FinalEvent }
  /** The inputs are not what the process takes. */
  | { readonly status: 'refused'; readonly error: ErrorRecord };

/** What the handler gives for it. */
export type Told =
  | RunResult
  /** It is too large for one message, and is asked for in so many. */
  | { readonly status: 'pieces'; readonly count: number };
