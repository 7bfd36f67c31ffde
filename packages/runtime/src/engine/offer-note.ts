import type { Recorded } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import type { OfferNote } from '../journal/offer.ts';
import type { RunState } from '../kernel/state.ts';

/** What an event of a run means to those who look for work: noted in its commit. */
export function offerNote(
  runId: RunId,
  state: Readonly<RunState>,
  { seq, at, event }: Recorded,
): OfferNote | undefined {
  switch (event.type) {
    case 'TaskOffered': {
      const { taskId, key, task, kind, policy } = event;
      const { timeoutMs, leaseMs } = policy;
      const dueAt = timeoutMs === null ? null : at + timeoutMs;
      const offer = { taskId, runId, key, seq, task, kind, offeredAt: at, dueAt, leaseMs };
      return { kind: 'offered', seq, offer };
    }
    case 'TaskSucceeded':
    case 'TaskFailed':
    case 'TaskCancelled':
    case 'AttemptFailed':
    case 'AnswerRefused': {
      const call = state.calls.get(event.key);
      if (call?.kind !== 'offer') return undefined;
      const { taskId } = call;
      if (event.type === 'AttemptFailed')
        return { kind: 'reopened', seq, taskId, failures: 1, opensAt: event.retryAt, refusal: null };
      if (event.type !== 'AnswerRefused') return { kind: 'withdrawn', seq, taskId };
      const refusal = event.issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
      return { kind: 'reopened', seq, taskId, failures: 0, opensAt: 0, refusal };
    }
    default:
      return undefined;
  }
}
