import { durationMs, InvalidArgumentError, type PollSettings } from '@pawl/sdk';
import type { Clock } from '../../ports/clock.ts';
import { isPromise } from '../promise-answer.ts';

/**
 * Tries again and again until the result is good.
 * @throws what a try, or `until`, threw; what the signal was aborted with, at once
 */
export async function pollUntil(
  what: string,
  tryOnce: () => Promise<unknown>,
  poll: PollSettings,
  signal: AbortSignal,
  clock: Clock,
): Promise<unknown> {
  const everyMs = durationMs(poll.every, 'poll.every');
  for (;;) {
    const result = await tryOnce();
    // The definition's types say that `until` takes what `run` returns.
    const answer: unknown = poll.until(result as never);
    if (isPromise(answer))
      throw new InvalidArgumentError(`poll.until of ${what} must answer at once, not with a promise.`);
    if (answer) return result;
    await pause(everyMs, signal, clock);
  }
}

function pause(ms: number, signal: AbortSignal, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const stop = (): void => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}
