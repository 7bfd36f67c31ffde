import { clean } from './clean.ts';
import { fit } from './columns.ts';
import type { Failure } from './failure.ts';
import { renderTable } from './table.ts';
import type { Theme } from './theme.ts';

export interface ResumedRun {
  readonly runId: string;
  readonly process: string;
  /** Why it did not end well, or was left. */
  readonly failure: Failure | undefined;
}

/** One line for each run that was resumed. */
export function renderResumedRuns(runs: readonly ResumedRun[], width: number, theme: Theme): string[] {
  const rows = runs.map(({ runId, process, failure }) => [
    failure === undefined ? theme.good('✓') : theme.bad('✗'),
    fit(clean(process), 24),
    theme.dim(fit(clean(runId), 32)),
    failure === undefined ? '' : fit(clean(failure.message), Math.max(20, width - 64)),
  ]);
  const columns = [{ head: '' }, { head: 'PROCESS' }, { head: 'RUN' }, { head: '' }];
  return renderTable(columns, rows, theme);
}
