import type { CallKey } from '../journal/call-key.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type { Encoded, Recorded } from '../journal/event.ts';
import type { Millis } from '../journal/ids.ts';
import type { TaskOffered } from '../journal/offer-event.ts';

/** An external task that is over. */
export interface SettledTask {
  readonly id: string;
  readonly key: CallKey;
  readonly task: string;
  readonly kind: string;
  readonly status: 'succeeded' | 'failed' | 'timedOut' | 'cancelled';
  /** Plain JSON, as the process wrote it. */
  readonly description: Encoded;
  readonly offeredAt: Millis;
  readonly settledAt: Millis;
  /** Who answered; null where nobody did. */
  readonly worker: string | null;
  readonly output: Encoded | undefined;
  readonly error: ErrorRecord | undefined;
  /** Why it was given up. */
  readonly reason: string | undefined;
}

/** External tasks of these events that are over, in the order in which they were offered. */
export function settledTasks(events: Iterable<Recorded>): SettledTask[] {
  const offered = new Map<CallKey, { readonly event: TaskOffered; readonly at: Millis }>();
  const settled: SettledTask[] = [];
  for (const { at, event } of events) {
    if (event.type === 'TaskOffered') {
      offered.set(event.key, { event, at });
      continue;
    }
    if (event.type !== 'TaskSucceeded' && event.type !== 'TaskFailed' && event.type !== 'TaskCancelled')
      continue;
    const open = offered.get(event.key);
    if (open === undefined) continue;
    offered.delete(event.key);
    const { taskId: id, key, task, kind, description } = open.event;
    const base = { id, key, task, kind, description, offeredAt: open.at, settledAt: at };
    settled.push({ ...base, ...endOf(event) });
  }
  return settled.toSorted((a, b) => a.offeredAt - b.offeredAt);
}

type End = Extract<Recorded['event'], { type: 'TaskSucceeded' | 'TaskFailed' | 'TaskCancelled' }>;

function endOf(event: End): Pick<SettledTask, 'status' | 'worker' | 'output' | 'error' | 'reason'> {
  const nothing = { worker: null, output: undefined, error: undefined, reason: undefined };
  switch (event.type) {
    case 'TaskSucceeded':
      return { ...nothing, status: 'succeeded', worker: event.worker ?? null, output: event.output };
    case 'TaskFailed': {
      const status = event.cause === 'timeout' ? 'timedOut' : 'failed';
      return { ...nothing, status, worker: event.worker ?? null, error: event.error };
    }
    case 'TaskCancelled':
      return { ...nothing, status: 'cancelled', reason: event.reason };
    default:
      return event satisfies never;
  }
}
