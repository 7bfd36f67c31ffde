/** What `--json` says of external tasks: a contract, versioned in render/json.ts. */
import type { ClaimAnswer, HeartbeatAnswer, OpenTask, Responded, SettledTask, TaskAck } from '@pawl/runtime';

import { timestamp } from './run-document.ts';

type Document = Readonly<Record<string, unknown>>;

/** What became of what somebody did with a task. */
export type TaskAnswer =
  | ClaimAnswer
  | HeartbeatAnswer
  | TaskAck
  | { readonly status: 'released' | 'notHeld' };

export function openTaskDocument(task: OpenTask): Document {
  const { offeredAt, dueAt, claimedUntil, opensAt, ...rest } = task;
  return {
    ...rest,
    offeredAt: timestamp(offeredAt),
    dueAt: timestamp(dueAt),
    claimedUntil: timestamp(claimedUntil),
    opensAt: timestamp(opensAt),
  };
}

export function settledTaskDocument(runId: string, task: SettledTask): Document {
  const { id, offeredAt, settledAt, output, error, reason, ...rest } = task;
  return {
    id,
    runId,
    ...rest,
    offeredAt: timestamp(offeredAt),
    settledAt: timestamp(settledAt),
    output: output ?? null,
    error: error ?? null,
    reason: reason ?? null,
  };
}

export function taskAnswerDocument(answer: TaskAnswer): Document {
  switch (answer.status) {
    case 'claimed':
      return { ...answer, until: timestamp(answer.until), task: openTaskDocument(answer.task) };
    case 'held':
    case 'busy':
      return { ...answer, until: timestamp(answer.until) };
    case 'early':
      return { ...answer, opensAt: timestamp(answer.opensAt) };
    default:
      return answer;
  }
}

/** What a responder did. */
export function respondedDocument(responded: Responded): Document {
  const { task, status } = responded;
  const ack = 'ack' in responded ? responded.ack.status : null;
  const error = 'error' in responded && responded.error !== undefined ? String(responded.error) : null;
  return { id: task.id, runId: task.runId, key: task.key, task: task.task, status, ack, error };
}
