import type { SqlRows, SqlValue, SqlView } from '@pawl/runtime';

import { clean } from './clean.ts';
import { columnsOf, fit, wrap } from './columns.ts';
import { renderTable } from './table.ts';
import type { Theme } from './theme.ts';

/** Between two columns. */
const GAP = 2;
/** What a column is not made narrower than, so that something can be read in it. */
const NARROWEST = 10;

/**
 * @param width undefined where nobody looks: then nothing is cut
 */
export function renderSqlRows({ columns, rows }: SqlRows, width: number | undefined, theme: Theme): string[] {
  const heads = columns.map((name) => clean(name));
  const cells = rows.map((row) => row.map((value) => (value === null ? '' : clean(String(value)))));
  const natural = heads.map((head, i) =>
    Math.max(columnsOf(head), ...cells.map((row) => columnsOf(row[i] ?? ''))),
  );
  if (width === undefined) return table(heads, rows, cells, natural, theme);
  const widths = fitted(natural, width);
  return widths === undefined
    ? records(heads, rows, cells, width, theme)
    : table(heads, rows, cells, widths, theme);
}

function table(
  heads: readonly string[],
  rows: SqlRows['rows'],
  cells: readonly (readonly string[])[],
  widths: readonly number[],
  theme: Theme,
): string[] {
  const isNumber = heads.map(
    (_, i) =>
      rows.some((row) => typeof row[i] === 'number') &&
      rows.every((row) => typeof (row[i] ?? 0) === 'number'),
  );
  const shown = cells.map((row, at) =>
    row.map((cell, i) => (rows[at]?.[i] === null ? theme.dim('-') : fit(cell, widths[i] ?? 0))),
  );
  const columns = heads.map((head, i) => ({
    head: fit(head, widths[i] ?? 0),
    align: isNumber[i] === true ? ('right' as const) : ('left' as const),
  }));
  return renderTable(columns, shown, theme);
}

/** The widest give way first; undefined where not all have room. */
function fitted(natural: readonly number[], width: number): number[] | undefined {
  const room = width - GAP * (natural.length - 1);
  const widths = [...natural];
  let over = widths.reduce((sum, each) => sum + each, 0) - room;
  while (over > 0) {
    const widest = Math.max(...widths);
    if (widest <= NARROWEST) return undefined;
    const at = widths.indexOf(widest);
    const next = Math.max(NARROWEST, ...widths.filter((each) => each < widest));
    const less = Math.min(over, Math.max(1, widest - next));
    widths[at] = widest - less;
    over -= less;
  }
  return widths;
}

/** Too many columns for a line: a row is a block, with a column a line. */
function records(
  heads: readonly string[],
  rows: SqlRows['rows'],
  cells: readonly (readonly string[])[],
  width: number,
  theme: Theme,
): string[] {
  const label = Math.min(Math.max(...heads.map(columnsOf)), Math.floor(width / 2));
  return cells.flatMap((row, at) => [
    ...(at === 0 ? [] : ['']),
    ...row.map((cell, i) => {
      const value = isNothing(rows[at]?.[i]) ? theme.dim('-') : fit(cell, width - label - GAP);
      return `${theme.dim(fit(heads[i] ?? '', label).padEnd(label))}${' '.repeat(GAP)}${value}`;
    }),
  ]);
}

function isNothing(value: SqlValue | undefined): boolean {
  return value === null || value === undefined;
}

/** `pawl sql --schema`: what there is to ask for. */
export function renderSqlSchema(views: readonly SqlView[], width: number, theme: Theme): string[] {
  return views.flatMap(({ name, what, columns }, index) => {
    const label = Math.max(...columns.map((column) => column.name.length));
    const indent = label + 13;
    return [
      ...(index === 0 ? [] : ['']),
      ...wrap(`${name}: ${what}`, width).map((line, at) =>
        at === 0 ? line.replace(name, theme.bold(name)) : line,
      ),
      ...columns.flatMap((column) =>
        wrap(column.what, Math.max(20, width - indent)).map((line, at) =>
          at === 0
            ? `  ${column.name.padEnd(label)}  ${theme.dim(column.type.padEnd(7))}  ${line}`
            : `${' '.repeat(indent)}${line}`,
        ),
      ),
    ];
  });
}
