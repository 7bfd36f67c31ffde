import { describeReason } from './abort-reason.ts';

/**
 * Tells an abort of the user's signal once, from now on or at once.
 * @returns takes it back
 */
export function listenTo(signal: AbortSignal | undefined, tell: (reason: string) => void): () => void {
  const report = (): void => tell(describeReason(signal?.reason));
  if (signal?.aborted === true) report();
  else signal?.addEventListener('abort', report, { once: true });
  return () => signal?.removeEventListener('abort', report);
}
