import type { ProcessStats, RunRecord, TaskStats } from '@pawl/runtime';

import { clean } from './clean.ts';
import { fit } from './columns.ts';
import { formatDuration } from './duration.ts';
import { renderFacts, type Fact } from './facts.ts';
import { renderTable } from './table.ts';
import type { Theme } from './theme.ts';

const NARROW = 72;

/** What `pawl stats` prints before it has read anything: of which runs it will tell. */
export function renderStatsHead(
  process: string,
  runs: readonly RunRecord[],
  width: number,
  theme: Theme,
): string[] {
  const counts = new Map<RunRecord['status'], number>();
  for (const { status } of runs) counts.set(status, (counts.get(status) ?? 0) + 1);
  const text = ORDER.flatMap((status) => {
    const count = counts.get(status) ?? 0;
    return count === 0 ? [] : [`${count} ${status}`];
  }).join(', ');
  return [
    theme.bold(fit(clean(process), width)),
    '',
    ...renderFacts([['runs', text === '' ? 'none' : text]], width, theme, LABEL),
  ];
}

const ORDER = ['succeeded', 'failed', 'cancelled', 'continued', 'running'] as const;
/** Of 'resumed'. */
const LABEL = 7;

export function renderStats(stats: ProcessStats, width: number, theme: Theme): string[] {
  const { tasks, slowest } = stats;
  const isNarrow = width < NARROW;
  const columns = [
    { head: 'TASK' },
    { head: 'CALLS', align: 'right' },
    { head: 'FAILED', align: 'right' },
    { head: 'P50', align: 'right' },
    { head: 'P95', align: 'right' },
    ...(isNarrow
      ? []
      : ([
          { head: 'LONGEST', align: 'right' },
          { head: 'RETRIES', align: 'right' },
        ] as const)),
  ] as const;
  const rows = tasks.map((task) => [
    fit(clean(task.name), Math.max(8, width - (isNarrow ? 36 : 62))),
    String(task.calls),
    failedText(task, theme),
    took(task.run.p50Ms, task),
    took(task.run.p95Ms, task),
    ...(isNarrow ? [] : [took(task.run.maxMs, task), retriesText(task, theme)]),
  ]);
  return [
    ...renderFacts(factsOf(stats), width, theme, LABEL),
    ...(tasks.length === 0 ? [] : ['', ...renderTable(columns, rows, theme)]),
    ...(slowest.length === 0
      ? []
      : ['', theme.dim('slowest branches'), ...renderFacts(slowFacts(stats, width), width, theme)]),
  ];
}

/** Nothing, of a task no attempt of which has ended: it took no time yet. */
function took(ms: number, { run }: TaskStats): string {
  return run.count === 0 ? '' : formatDuration(ms);
}

function factsOf({ duration, resumes, savedMs }: ProcessStats): Fact[] {
  const facts: Fact[] = [];
  if (duration.count > 0)
    facts.push(['took', `p50 ${formatDuration(duration.p50Ms)}, p95 ${formatDuration(duration.p95Ms)}`]);
  if (resumes > 0)
    facts.push([
      'resumed',
      `${resumes} ${resumes === 1 ? 'time' : 'times'}: ${formatDuration(savedMs)} of work was not done again`,
    ]);
  return facts;
}

function failedText({ succeeded, failed }: TaskStats, theme: Theme): string {
  if (failed === 0) return theme.dim('0');
  const share = (failed / (failed + succeeded)) * 100;
  return theme.bad(`${failed} (${share < 1 ? '<1' : Math.round(share)}%)`);
}

function retriesText({ retries, retryMs }: TaskStats, theme: Theme): string {
  return retries === 0 ? theme.dim('0') : theme.attention(`${retries}, ${formatDuration(retryMs)}`);
}

function slowFacts({ slowest }: ProcessStats, width: number): Fact[] {
  return slowest.map(({ runId, path, ms }) => [
    formatDuration(ms).padStart(7),
    fit(`${clean(path)} of ${clean(runId)}`, width - 13),
  ]);
}
