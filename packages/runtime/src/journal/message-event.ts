import type { CallKey } from './call-key.ts';
import type { Encoded } from './event.ts';

/** The process waits for a message from outside. */
export interface SignalAwaited {
  readonly type: 'SignalAwaited';
  readonly key: CallKey;
  readonly name: string;
  /** From the recording of the wait; null = for ever. */
  readonly timeoutMs: number | null;
  /** What is shown to whoever can answer. */
  readonly prompt: string | null;
  readonly data: Encoded;
  /** The message is kept encrypted, and given to the process as a handle. Left out where it is not. */
  readonly secret?: true;
  /** JSON Schema of what it takes. Left out where nothing is known of that. */
  readonly schema?: Encoded;
}
export interface SignalReceived {
  readonly type: 'SignalReceived';
  readonly key: CallKey;
  readonly messageId: string;
  readonly payload: Encoded;
}
export interface SignalTimedOut {
  readonly type: 'SignalTimedOut';
  readonly key: CallKey;
}
/**
 * Messages that a wait for the latest passed over: nobody gets them. It is no outcome, and comes with the SignalReceived
 * of the newest one.
 */
export interface SignalsSuperseded {
  readonly type: 'SignalsSuperseded';
  readonly key: CallKey;
  /** In the order in which they came. */
  readonly messageIds: readonly string[];
}

/** A running attempt waits for a message, and none is there. It is no outcome, as all that a task does with messages. */
export interface TaskSignalAwaited {
  readonly type: 'TaskSignalAwaited';
  readonly key: CallKey;
  readonly attempt: number;
  readonly name: string;
  /** From the recording of it; null = for ever. */
  readonly timeoutMs: number | null;
  /** JSON Schema of what it takes. Left out where nothing is known of that. */
  readonly schema?: Encoded;
}
/** The attempt goes on without it, since its time had passed. */
export interface TaskSignalForgone {
  readonly type: 'TaskSignalForgone';
  readonly key: CallKey;
  readonly attempt: number;
  readonly name: string;
}
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

/** Somebody was told that the run waits for people here: once a wait. It is no outcome. */
export interface WaitNotified {
  readonly type: 'WaitNotified';
  readonly key: CallKey;
}
