import { displayStatus, type RunRecord } from '@pawl/runtime';

import { clean } from './clean.ts';
import { columnsOf, fit, padEnd } from './columns.ts';
import { formatAgo, formatDuration } from './duration.ts';
import { renderTable } from './table.ts';
import { paintStatus, signOf, statusWord, type Theme } from './theme.ts';

export interface RunListView {
  readonly runs: readonly RunRecord[];
  /** There are older ones. */
  readonly hasMore: boolean;
  readonly now: number;
  readonly width: number;
  readonly theme: Theme;
}

const NARROW = 72;
const WIDE = 96;

/** What `pawl list` prints: the newest run first. */
export function renderRunList(view: RunListView): string[] {
  if (view.runs.length === 0) return [view.theme.dim('no runs')];
  return view.width < NARROW ? narrowList(view) : tableOf(view);
}

function tableOf({ runs, now, width, theme }: RunListView): string[] {
  const isWide = width >= WIDE;
  const ids = Math.max(...runs.map((run) => run.runId.length));
  // What the other columns need at most, gaps included.
  const room = width - Math.min(ids, 32) - (isWide ? 46 : 28);
  const columns = [
    { head: 'RUN' },
    { head: 'PROCESS' },
    { head: 'STATUS' },
    ...(isWide
      ? [{ head: 'TASKS', align: 'right' } as const, { head: 'TOOK', align: 'right' } as const]
      : []),
    { head: 'STARTED', align: 'right' } as const,
  ];
  const rows = runs.map((run) => [
    fit(clean(run.runId), 32),
    fit(clean(run.process), Math.max(10, room)),
    statusWord(theme, displayStatus(run)),
    ...(isWide ? [tasksOf(run), theme.dim(tookOf(run, now))] : []),
    theme.dim(formatAgo(now - run.startedAt)),
  ]);
  return renderTable(columns, rows, theme);
}

/** Two lines a run, since an id alone takes thirty columns. */
function narrowList({ runs, now, width, theme }: RunListView): string[] {
  return runs.flatMap((run) => {
    const status = displayStatus(run);
    const ago = formatAgo(now - run.startedAt);
    const name = fit(clean(run.process), width - columnsOf(ago) - 4);
    const padded = padEnd(name, width - columnsOf(ago) - 2);
    return [
      `${paintStatus(theme, status, signOf(status))} ${padded}${theme.dim(ago)}`,
      `  ${theme.dim(fit(clean(run.runId), width - 2))}`,
    ];
  });
}

function tasksOf({ tasksScheduled, tasksSettled }: RunRecord): string {
  return tasksSettled === tasksScheduled ? String(tasksSettled) : `${tasksSettled}/${tasksScheduled}`;
}

function tookOf(run: RunRecord, now: number): string {
  const isLive = displayStatus(run) === 'running';
  return formatDuration((isLive ? now : run.updatedAt) - run.startedAt);
}
