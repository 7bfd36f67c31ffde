/** What `--json` says of external tasks: a contract, versioned in render/json.ts. */
import type { OpenTask, SettledTask } from '@pawl/runtime';

import { timestamp } from './run-document.ts';

type Document = Readonly<Record<string, unknown>>;

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
