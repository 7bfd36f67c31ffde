import { InvalidArgumentError } from '@pawl/sdk';
import type { Report } from '../kernel/input.ts';
import type { OpenTask } from '../process/open-call.ts';
import type { AttemptPlace, AttemptSlot } from './attempt-owner.ts';
import { Attempt, type AttemptDeps } from './attempt.ts';
import { NO_SLOT } from './slot.ts';

/** What an attempt needs that is made beside its run: it receives nothing. */
export function loneMessages(
  task: string,
  why: string,
): Pick<AttemptDeps, 'isOurs' | 'recordedMessage' | 'awaitMessage' | 'forgoMessage'> {
  const alone = (): never => {
    throw new InvalidArgumentError(`Task '${task}' cannot use task.receive: ${why}.`);
  };
  return {
    isOurs: () => true,
    recordedMessage: alone,
    awaitMessage: alone,
    forgoMessage: () => undefined,
  };
}

/**
 * Makes one attempt beside its run.
 * @returns its end; one that is aborted has one within the grace
 */
export async function attemptAlone(
  place: AttemptPlace,
  task: OpenTask,
  deps: AttemptDeps,
  signal: AbortSignal | undefined,
  slot: AttemptSlot = NO_SLOT,
): Promise<Report> {
  const { key, attempt: number } = place;
  const { promise, resolve } = Promise.withResolvers<Report>();
  const owner = {
    report: (told: Report) => {
      if (told.type !== 'ItemProduced') resolve(told);
    },
    gone: () => resolve({ type: 'AttemptStopped', key, attempt: number }),
  };
  const attempt = new Attempt(place, task, deps, slot, undefined, owner);
  const abort = (): void => attempt.abort(String(signal?.reason));
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted === true) abort();
  attempt.start();
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
