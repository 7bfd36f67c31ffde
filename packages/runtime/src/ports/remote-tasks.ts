import type { CallKey } from '../journal/call-key.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type { Encoded } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';

/** Which attempt it is: what is asked for twice is one. */
export interface RemotePlace {
  readonly task: string;
  readonly runId: RunId;
  readonly key: CallKey;
  readonly attempt: number;
  readonly idempotencyKey: string;
}

/** An attempt, as whoever makes it has to know it. */
export interface RemoteWork extends RemotePlace {
  /** Of the run, for what is logged. */
  readonly process: string;
  readonly args: Encoded;
  /** Of its work: until that begins, no time passes for it. */
  readonly timeoutMs: number | null;
  /** Null = the slots that all tasks share. */
  readonly pool: string | null;
  readonly cost: number | Readonly<Record<string, number>> | undefined;
  readonly priority: number;
}

export type RemoteEnd =
  | { readonly status: 'done'; readonly output: Encoded }
  | {
      readonly status: 'failed';
      readonly error: ErrorRecord;
      readonly cause: 'error' | 'timeout';
      /** No further attempt would change it. */
      readonly isFinal: boolean;
    }
  /** It was stopped, and acknowledged. */
  | { readonly status: 'stopped' }
  /** It began, and nobody knows how it ended. */
  | { readonly status: 'unknown' };

/** Attempts in other programs, which go on when this one dies. */
export interface RemoteTasks {
  /**
   * Has the attempt made, and waits for its end.
   * @param isAgain it was asked for before: where it is not there, its end is unknown, and it is not made any more
   * @param left aborted when nobody here waits for it any more; it goes on
   * @throws what is the attempt's failure
   */
  make(work: RemoteWork, isAgain: boolean, left: AbortSignal): Promise<RemoteEnd>;
  /** It is not wanted any more, wherever it is. */
  stop(place: RemotePlace, reason: string): void;
}
