import type { CallKey, Recorded, RunId } from '@pawl/runtime';
import { listed, type Admin } from './admin.ts';
import { taskService } from './remote-messages.ts';

interface RemoteWait {
  readonly task: string;
  readonly attempt: number;
}

interface Row {
  readonly key: string;
  readonly failure?: string;
}

/** Remote attempts that are under way, by call. */
function remoteWaits(events: Iterable<Recorded>): ReadonlyMap<CallKey, RemoteWait> {
  const tasks = new Map<CallKey, string>();
  const waits = new Map<CallKey, RemoteWait>();
  for (const { event } of events) {
    switch (event.type) {
      case 'TaskScheduled':
        tasks.set(event.key, event.task);
        break;
      case 'AttemptStarted':
        waits.delete(event.key);
        if (event.remote === true)
          waits.set(event.key, { task: tasks.get(event.key) ?? '', attempt: event.attempt });
        break;
      case 'AttemptFailed':
      case 'AttemptInterrupted':
      case 'OutcomeAsked':
      case 'TaskSucceeded':
      case 'TaskFailed':
      case 'TaskCancelled':
        waits.delete(event.key);
        tasks.delete(event.key);
        break;
      default:
    }
  }
  return waits;
}

/** Why a run does not move that waits for remote attempts: nobody does their task. Undefined where somebody does. */
export async function remoteProblem(
  admin: Admin,
  runId: RunId,
  events: Iterable<Recorded>,
): Promise<string | undefined> {
  const waits = remoteWaits(events);
  if (waits.size === 0) return undefined;
  const announced = new Set(await admin.services());
  for (const [key, { task }] of waits)
    if (!announced.has(taskService(task)))
      return `No worker has announced task '${task}' (${key}) to Restate: serve({ tasks: […] }).`;
  const services = [...new Set([...waits.values()].map(({ task }) => taskService(task)))];
  const rows = await admin.sql<Row>(
    'select target_service_key as key, last_failure as failure from sys_invocation ' +
      `where status in ('backing-off', 'paused') and target_service_name in (${listed(services)})`,
  );
  for (const [key, { task, attempt }] of waits) {
    const failed = rows.find((row) => row.key.startsWith(`${runId}/${key}/${attempt}/`));
    if (failed !== undefined)
      return `Task '${task}' (${key}) finds no worker: ${failed.failure ?? 'it is paused'}`;
  }
  return undefined;
}
