import type { TaskNode } from '@pawl/runtime';

import type { Line } from './call-rows.ts';
import { clean } from './clean.ts';
import { formatDuration } from './duration.ts';
import { errorTitle } from './error-record.ts';

/** What is said of an external task that is open. */
export function offerNote({ offer, attempts, error, retryAt }: TaskNode, now: number): Line {
  const waits = `waits for ${clean(offer?.taskKind ?? 'somebody')}`;
  const again = retryAt !== null && retryAt > now ? `, open again in ${formatDuration(retryAt - now)}` : '';
  const failed = attempts === 0 ? '' : `failed ${attempts === 1 ? 'once' : `${attempts} times`}${again}`;
  const left =
    offer === null || offer.dueAt === null
      ? ''
      : `gives up in ${formatDuration(Math.max(0, offer.dueAt - now))}`;
  const why = error === undefined ? '' : errorTitle(error);
  return { text: [waits, left, failed, why].filter((part) => part !== '').join(' · '), paint: 'attention' };
}

/** Who told how a task ended, where that is not its attempt. */
export function settledBy(task: TaskNode): string {
  if (task.settledBy === 'person') return 'said by a person';
  if (task.settledBy === 'worker') return task.worker === undefined ? '' : `by ${clean(task.worker)}`;
  if (task.settledBy === 'cache') return 'kept from an earlier run';
  return task.settledBy === 'check' ? 'found out by its check' : '';
}
