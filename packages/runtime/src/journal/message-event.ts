import type { CallKey } from './call-key.ts';
import type { Encoded } from './event.ts';

/**
 * A running attempt took a message (`task.receive`). It is no outcome: the process does not see it, and a replay
 * does not compare it. A later attempt of the call is given it first.
 */
export interface TaskSignalReceived {
  readonly type: 'TaskSignalReceived';
  readonly key: CallKey;
  readonly attempt: number;
  /** 0, 1, 2 … of the messages of this name that the call took, over all attempts. */
  readonly n: number;
  readonly name: string;
  readonly messageId: string;
  readonly payload: Encoded;
}
