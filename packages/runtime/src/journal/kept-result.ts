import type { Encoded } from './event.ts';
import type { Millis, Seq } from './ids.ts';

/** A result that later runs may use. */
export interface KeptNote {
  readonly kind: 'kept';
  /** The event that has it. */
  readonly seq: Seq;
  readonly at: Millis;
  /** Digest of what tells the call from others: task, version and input. */
  readonly place: string;
  readonly task: string;
  readonly output: Encoded;
  readonly ttlMs: number;
}

/** Results kept at a time, and the size of all of them in characters of JSON; the oldest go first. */
export const KEPT_RESULTS = 10_000;
export const KEPT_SIZE: number = 64 * 1024 * 1024;
/** One larger than this would drive out too many others, and is not kept. */
export const LARGEST_KEPT: number = KEPT_SIZE / 16;

/** A result is good for the shorter of the time it was kept for and the time its caller accepts. */
export function isFresh(
  kept: { readonly at: Millis; readonly ttlMs: number },
  now: Millis,
  ttlMs: number,
): boolean {
  const age = now - kept.at;
  return age >= 0 && age < Math.min(kept.ttlMs, ttlMs);
}
