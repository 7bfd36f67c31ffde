import type { Millis } from '../journal/ids.ts';

/**
 * What a timer is for: `upkeep` looks after leases and inboxes, again and again; `stall` ends a wait for something
 * outside ctx. Time that moves by itself has no reason to go there.
 */
export type TimerKind = 'due' | 'upkeep' | 'stall';

export interface Clock {
  /** Wall-clock time. It may jump. */
  now(): Millis;
  /** Milliseconds that only grow, from an arbitrary start. */
  monotonic(): Millis;
  /** Calls back once after `delayMs` of monotonic time, however long; the result cancels it. Default 'due'. */
  after(delayMs: number, callback: () => void, kind?: TimerKind): () => void;
}
