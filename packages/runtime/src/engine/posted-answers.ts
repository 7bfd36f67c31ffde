import type { CallKey } from '../journal/call-key.ts';
import type { RunId } from '../journal/ids.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import type { AnswerMessage } from './response.ts';

/** Answers to the question of a call which the run has not taken yet, in the order of their coming. */
export function postedAnswers(
  store: Pick<JournalStore, 'takeInbox'>,
  runId: RunId,
  key: CallKey,
): AnswerMessage[] {
  return store
    .takeInbox(runId)
    .filter((message) => message.kind === 'answer')
    .filter((answer) => answer.runId === runId && answer.key === key);
}
