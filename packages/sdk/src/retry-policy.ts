import { InvalidOptionError } from './errors.ts';
import { durationMs, type Duration } from './duration.ts';

/** How often a failed task is tried again. Without a policy a failure is final. */
export interface RetryPolicy {
  /** All attempts, the first one included; an integer >= 1. */
  readonly attempts: number;
  /** Wait before the second attempt (default 100 ms). */
  readonly delay?: Duration;
  /** What each further wait is multiplied by (default 2; 1 = fixed). */
  readonly factor?: number;
  /** The longest wait (default 5 minutes). */
  readonly maxDelay?: Duration;
  /** Share of the wait that is drawn at random, 0 to 1 (default 0). The drawn value is recorded. */
  readonly jitter?: number;
  /** Asked after each failure; false makes it final. It answers at once: a promise is no answer, and also final. */
  readonly shouldRetry?: (error: unknown, attempt: number) => boolean;
}

/** The part of a policy that is recorded: plain data, every default filled in. */
export interface RetryPlan {
  readonly attempts: number;
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  readonly jitter: number;
}

export const NO_RETRY: RetryPlan = { attempts: 1, delayMs: 0, factor: 1, maxDelayMs: 0, jitter: 0 };

const POLICY: ReadonlySet<string> = new Set<keyof RetryPolicy>([
  'attempts',
  'delay',
  'factor',
  'maxDelay',
  'jitter',
  'shouldRetry',
]);

/** @throws InvalidOptionError */
export function retryPlan(policy: RetryPolicy | undefined): RetryPlan {
  if (policy === undefined) return NO_RETRY;
  if (typeof policy !== 'object' || policy === null)
    throw new InvalidOptionError('retry', policy, 'a retry policy');
  for (const [name, value] of Object.entries(policy)) {
    if (!POLICY.has(name))
      throw new InvalidOptionError(
        `retry.${name}`,
        value,
        `left out: a policy takes ${[...POLICY].join(', ')}`,
      );
  }
  const { shouldRetry } = policy;
  if (shouldRetry !== undefined && typeof shouldRetry !== 'function') {
    throw new InvalidOptionError('retry.shouldRetry', shouldRetry, 'a function of error and attempt');
  }
  // A promise is always true: every failure would be tried again.
  if (shouldRetry?.constructor.name === 'AsyncFunction') {
    throw new InvalidOptionError(
      'retry.shouldRetry',
      shouldRetry,
      'a function that answers at once, not async',
    );
  }
  const { attempts, factor = 2, jitter = 0 } = policy;
  if (!Number.isInteger(attempts) || attempts < 1) {
    throw new InvalidOptionError('retry.attempts', attempts, 'an integer >= 1');
  }
  if (!Number.isFinite(factor) || factor < 1) {
    throw new InvalidOptionError('retry.factor', factor, 'a number >= 1');
  }
  if (typeof jitter !== 'number' || !(jitter >= 0 && jitter <= 1)) {
    throw new InvalidOptionError('retry.jitter', jitter, 'a number from 0 to 1');
  }
  return {
    attempts,
    delayMs: durationMs(policy.delay ?? 100, 'retry.delay'),
    factor,
    maxDelayMs: durationMs(policy.maxDelay ?? 300_000, 'retry.maxDelay'),
    jitter,
  };
}
