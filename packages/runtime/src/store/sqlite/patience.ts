/** Waiting for the locks of others. */
import { isBusy } from './failure.ts';

/**
 * What one try may wait inside SQLite. Its own waiting goes on in steps of up to 100 ms, in which one
 * of eight writers starved for 5 s; ours asks again every few milliseconds.
 */
export const ONE_TRY_MS = 20;
const LONGEST_PAUSE_MS = 4;

/** A moment of random length, so that those who wait do not keep step. */
export function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.random() * LONGEST_PAUSE_MS);
}

/** Does `work` again while others hold a lock, for `budgetMs`; the event loop waits with it. */
export function patiently<T>(budgetMs: number, work: () => T): T {
  const start = performance.now();
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() - start >= budgetMs) throw error;
      pause();
    }
  }
}
