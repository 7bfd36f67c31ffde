/** What `--json` says of schedules: a contract, versioned in render/json.ts. */
import type { Schedule } from '@pawl/runtime';

import { timestamp } from './run-document.ts';

export function scheduleDocument({
  nextAt,
  lastAt,
  isPaused,
  ...schedule
}: Schedule): Readonly<Record<string, unknown>> {
  return { ...schedule, paused: isPaused, nextAt: timestamp(nextAt), lastAt: timestamp(lastAt) };
}
