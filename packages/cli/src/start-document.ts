/** What `--json` says of a start that waits: a contract, versioned in render/json.ts. */
import type { QueuedStart } from '@pawl/runtime';

import { timestamp } from './run-document.ts';

type Document = Readonly<Record<string, unknown>>;

export function startDocument({
  runId,
  at,
  queuedAt,
  inputsHash: _,
  isWhole: __,
  ...start
}: QueuedStart): Document {
  const { debounce, limit, isHeld, ...rest } = start;
  return {
    id: runId,
    ...rest,
    queuedAt: timestamp(queuedAt),
    at: timestamp(at),
    held: isHeld,
    concurrency: limit === null ? null : { key: limit.key.replace(/^key /, ''), limit: limit.count },
    debounced: debounce !== null,
  };
}

/** As a run that is to be. */
export function queuedRunDocument(start: QueuedStart): Document {
  return { ...startDocument(start), status: 'queued' };
}
