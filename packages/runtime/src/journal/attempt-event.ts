/** What becomes of the attempts of a call. */
import type { CallKey } from './call-key.ts';
import type { ErrorRecord } from './error-record.ts';
import type { Millis } from './ids.ts';

export interface AttemptStarted {
  readonly type: 'AttemptStarted';
  readonly key: CallKey;
  readonly attempt: number;
  /** Another program makes it: it goes on when this one dies. Left out for all others. */
  readonly remote?: true;
}
/** An attempt failed and another will follow; a final failure is TaskFailed alone. */
export interface AttemptFailed {
  readonly type: 'AttemptFailed';
  readonly key: CallKey;
  readonly attempt: number;
  readonly error: ErrorRecord;
  readonly retryAt: Millis;
  readonly delayMs: number;
}
/** We stopped the attempt (shutdown) and it acknowledged: it counts neither as failed nor unknown. */
export interface AttemptInterrupted {
  readonly type: 'AttemptInterrupted';
  readonly key: CallKey;
  readonly attempt: number;
  /** Its end was unknown, and a check said that it is to be made again: it counts as such. Left out for all others. */
  readonly unknown?: true;
}
/** What became of the attempt is unknown and a person has to say it. */
export interface OutcomeAsked {
  readonly type: 'OutcomeAsked';
  readonly key: CallKey;
  readonly attempt: number;
}
/** An attempt ended after its call was settled; kept for audit only. */
export interface LateResult {
  readonly type: 'LateResult';
  readonly key: CallKey;
  readonly attempt: number;
  readonly outcome: 'succeeded' | 'failed' | 'interrupted';
}
