import { LimitError, UnserializableError, ValidationError } from '@pawl/sdk';
import type { OpenTask } from '../process/open-call.ts';
import { inWords } from '../journal/in-words.ts';
import { isPromise } from './promise-answer.ts';

/** Whether what an attempt of a task threw may go by another one. */
export function isRetryable(
  error: unknown,
  { shouldRetry, definition }: OpenTask,
  attempt: number,
  warn: (message: string) => void,
): boolean {
  // Anything can be thrown: to look at a revoked proxy throws.
  try {
    // Its effect is done; only its value cannot be kept.
    if (
      error instanceof UnserializableError ||
      error instanceof LimitError ||
      error instanceof ValidationError
    )
      return false;
  } catch {
    return false;
  }
  if (shouldRetry === undefined) return true;
  try {
    const answer: unknown = shouldRetry(error, attempt);
    if (!isPromise(answer)) return Boolean(answer);
    warn(
      `shouldRetry of task '${definition.name}' must answer at once: it gave a promise, and the failure is final.`,
    );
    return false;
  } catch (failure) {
    warn(`shouldRetry of task '${definition.name}' threw, and the failure is final: ${inWords(failure)}`);
    return false;
  }
}
