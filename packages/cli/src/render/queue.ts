import { NEVER, type QueuedStart, type SetBackRun } from '@pawl/runtime';

import { clean } from './clean.ts';
import { fit } from './columns.ts';
import { formatAgo, formatDuration } from './duration.ts';
import { renderTable } from './table.ts';
import type { Theme } from './theme.ts';

export interface QueueView {
  readonly starts: readonly QueuedStart[];
  readonly runs: readonly SetBackRun[];
  readonly now: number;
  readonly width: number;
  readonly theme: Theme;
}

const COLUMNS = [
  { head: 'RUN' },
  { head: 'PROCESS' },
  { head: 'QUEUED', align: 'right' },
  { head: 'WAITS FOR' },
] as const;

/** What `pawl queue` prints. */
export function renderQueue({ starts, runs, now, width, theme }: QueueView): string[] {
  const room = Math.max(16, width - 60);
  const waiting = starts.map((start) => [
    fit(clean(start.runId), 32),
    fit(clean(start.process), 16),
    theme.dim(formatAgo(now - start.queuedAt)),
    fit(waitOf(start, now), room),
  ]);
  const failing = runs.map(({ runId, process, at, problem }) => [
    fit(clean(runId), 32),
    fit(clean(process), 16),
    '',
    fit(again(problem, at, now), room),
  ]);
  if (waiting.length + failing.length === 0) return [theme.dim('nothing waits for a worker')];
  return renderTable(COLUMNS, [...waiting, ...failing], theme);
}

/** For what a start waits. */
export function waitOf({ at, isHeld, limit, problem }: QueuedStart, now: number): string {
  if (problem !== null) return again(problem, at, now);
  if (isHeld) return `a run of ${clean(limit?.key ?? '')} to end`;
  return at > now ? `its time, in ${formatDuration(at - now)}` : 'a worker';
}

function again(problem: string, at: number, now: number): string {
  const later = at === NEVER ? 'somebody' : `again in ${formatDuration(at - now)}`;
  const when = at > now ? later : 'now';
  return `${when}: ${clean(problem)}`;
}
