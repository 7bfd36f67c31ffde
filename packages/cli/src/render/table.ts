import { createRequire } from 'node:module';

import type CliTable from 'cli-table3';

import type { Theme } from './theme.ts';

const require = createRequire(import.meta.url);

const EDGES = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
  'left',
  'left-mid',
  'mid',
  'mid-mid',
  'right',
  'right-mid',
  'middle',
] as const;

const NO_EDGES = Object.fromEntries(EDGES.map((edge) => [edge, '']));

export interface Column {
  readonly head: string;
  readonly align?: 'left' | 'right';
}

/** Columns without lines between them: what is aligned needs none. Cells may have colours. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  theme: Theme,
): string[] {
  // Most views that may have a table have none: they do not wait for what draws it.
  const Table = require('cli-table3') as typeof CliTable;
  const table = new Table({
    head: columns.map(({ head }) => theme.dim(head)),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: NO_EDGES,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}
