import type { Clock } from '../../ports/clock.ts';

/** Between the request to end and the force. */
const KILL_AFTER_MS = 2000;

/**
 * An abort ends the whole process group of a child that was started detached: SIGTERM, and SIGKILL two
 * seconds later.
 * @returns to be called when the child ended
 */
export function killGroupOnAbort(pid: number | undefined, signal: AbortSignal, clock: Clock): () => void {
  if (pid === undefined) return () => undefined;
  let cancelForce = nothing;
  const end = (): void => {
    killGroup(pid, 'SIGTERM');
    cancelForce = clock.after(KILL_AFTER_MS, () => killGroup(pid, 'SIGKILL'));
  };
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  return () => {
    signal.removeEventListener('abort', end);
    cancelForce();
    // The command ended; children of it that ignored the request go with it.
    if (signal.aborted) killGroup(pid, 'SIGKILL');
  };
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone.
  }
}

function nothing(): void {
  // No force was asked for.
}
