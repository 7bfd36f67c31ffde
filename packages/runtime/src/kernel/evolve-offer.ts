import type { JournalEvent } from '../journal/event.ts';
import type { Millis, Seq } from '../journal/ids.ts';
import { broken } from '../journal/invariant.ts';
import { fingerprintOf } from './fingerprint.ts';
import { addCall, addPending, removePending } from './recorded-call.ts';
import type { RunState } from './state.ts';

type OfferEvent = Extract<
  JournalEvent,
  { type: 'TaskOffered' | 'AnswerRefused' | 'AttemptFailed' | 'TaskSucceeded' | 'TaskFailed' }
>;

/** External tasks: work that was asked of others, and what they answered. */
export function applyToOffer(state: RunState, seq: Seq, at: Millis, event: OfferEvent): void {
  const { key } = event;
  if (event.type === 'TaskOffered') {
    const { taskId, policy } = event;
    const { retry, timeoutMs } = policy;
    const fingerprint = fingerprintOf(event);
    const start = {
      kind: 'offer',
      seq,
      taskId,
      offeredAt: at,
      fingerprint,
      retry,
      timeoutMs,
      group: undefined,
    } as const;
    addCall(state, key, { ...start, phase: 'open', failures: 0 });
    addPending(state, key);
    return;
  }
  const call = state.calls.get(key);
  if (!(call?.kind === 'offer' && call.phase === 'open'))
    broken('J4', `${event.type} for ${key}, which is no open external task`);
  if (event.type === 'AnswerRefused') return;
  if (event.type === 'AttemptFailed') {
    if (event.attempt !== call.failures + 1)
      broken('J5', `answer ${event.attempt} of ${key} follows ${call.failures}`);
    call.failures += 1;
    return;
  }
  call.phase = event.type === 'TaskSucceeded' ? 'succeeded' : 'failed';
  removePending(state, key);
}

/** Whether an external task can have such an event, where tasks have it, too. */
export function isOfOffer(
  event: JournalEvent,
): event is Extract<OfferEvent, { type: `${'Attempt' | 'Task'}${string}` }> {
  return event.type === 'AttemptFailed' || event.type === 'TaskSucceeded' || event.type === 'TaskFailed';
}
