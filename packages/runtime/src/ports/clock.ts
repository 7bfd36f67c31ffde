import type { Millis } from '../journal/ids.ts';

export interface Clock {
  /** Wall-clock time. It may jump. */
  now(): Millis;
  /** Milliseconds that only grow, from an arbitrary start. */
  monotonic(): Millis;
  /** Calls back once after `delayMs` of monotonic time, however long; the result cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}
