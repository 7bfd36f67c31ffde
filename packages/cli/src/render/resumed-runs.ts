import { clean } from './clean.ts';
import { columnsOf, fit } from './columns.ts';
import type { Failure } from './failure.ts';
import { renderTable } from './table.ts';
import type { Theme } from './theme.ts';

export interface ResumedRun {
  readonly runId: string;
  readonly process: string;
  /** Why it did not end well, or was left. */
  readonly failure: Failure | undefined;
}

const SHORTEST_WHY = 16;

/** One line for each run that was resumed. */
export function renderResumedRuns(runs: readonly ResumedRun[], width: number, theme: Theme): string[] {
  const names = runs.map(({ process }) => fit(clean(process), 24));
  const ids = runs.map(({ runId }) => fit(clean(runId), 32));
  const room = width - widest(names) - widest(ids) - 7;
  const rows = runs.map(({ failure }, index) => [
    failure === undefined
      ? theme.good('✓')
      : failure.code === 'WAITING'
        ? theme.attention('?')
        : theme.bad('✗'),
    names[index] ?? '',
    theme.dim(ids[index] ?? ''),
    ...(room < SHORTEST_WHY ? [] : [failure === undefined ? '' : fit(clean(failure.message), room)]),
  ]);
  const columns = [{ head: '' }, { head: 'PROCESS' }, { head: 'RUN' }];
  return renderTable(room < SHORTEST_WHY ? columns : [...columns, { head: '' }], rows, theme);
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(columnsOf));
}
