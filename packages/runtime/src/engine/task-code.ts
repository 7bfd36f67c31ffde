import { AsyncLocalStorage } from 'node:async_hooks';
import { claimStrayRejections } from '../process/stray-rejections.ts';

type Warn = (message: string) => void;

const code = new AsyncLocalStorage<Warn>();

/**
 * Runs what a user wrote for a task, or a source. A rejection that it leaves behind, and nobody waits for, is told
 * instead of ending the program with all its runs.
 */
export function asTask<T>(warn: Warn, work: () => T): T {
  claimStrayRejections(warnOfTask);
  return code.run(warn, work);
}

function warnOfTask(): Warn | undefined {
  const warn = code.getStore();
  return warn === undefined ? undefined : (message) => code.exit(() => warn(message));
}
