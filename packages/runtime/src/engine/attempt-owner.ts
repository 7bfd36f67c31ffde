/** What an attempt is to those around it. */
import type { Cost } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { Encoded } from '../journal/event.ts';
import type { Report } from '../kernel/input.ts';

/** The slot that an attempt runs in. */
export interface AttemptSlot {
  readonly isHeld: boolean;
  /** What it really takes; false where it holds nothing any more. */
  reconcile(cost: Cost): boolean;
  /** It holds nothing, and asks for nothing, from now on. */
  giveBack(): void;
  /** After `giveBack`: asks for a slot again, before all others of its priority. */
  comeBack(granted: () => void): void;
}

/** An attempt that is under way, here or in another program. */
export interface LiveAttempt {
  readonly place: AttemptPlace;
  /** Message `n` of its name, which it waits for, is committed. */
  hand(n: number, payload: Encoded): void;
  /** It is not wanted any more. */
  abort(reason: string): void;
  /** Its run is left. */
  leave(reason: string): void;
}

/** Who made an attempt. */
export interface AttemptOwner {
  /** Any number of times: a timeout, and later what really happened. */
  report(report: Report): void;
  /** Once: it ended, or was given up on. */
  gone(attempt: LiveAttempt, slot: AttemptSlot): void;
}

export interface AttemptPlace {
  readonly runId: string;
  readonly key: CallKey;
  readonly attempt: number;
  readonly idempotencyKey: string;
}
