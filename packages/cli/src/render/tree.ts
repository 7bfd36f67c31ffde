import type { CallNode } from '@pawl/runtime';

import { callRows, type Row, type RowOptions } from './call-rows.ts';
import { columnsOf, fit, fitEnd, padEnd, padStart, wrap } from './columns.ts';
import { paintStatus, signOf, type Theme } from './theme.ts';

export interface TreeOptions extends RowOptions {
  readonly width: number;
  readonly theme: Theme;
}

interface Layout {
  readonly label: number;
  readonly duration: number;
  /** 0 = not shown. */
  readonly key: number;
  /** 0 = not shown. */
  readonly note: number;
}

const GAP = 2;
const LONGEST_KEY = 14;
const SHORTEST_NOTE = 12;
const NARROW = 60;
/** Lines get hard to follow with the eye beyond this. */
const WIDEST_LABEL = 48;

/** Calls with their durations, one a line, aligned in columns. */
export function renderTree(calls: readonly CallNode[], options: TreeOptions): string[] {
  const rows = callRows(calls, options);
  const layout = layOut(rows, options.width);
  return rows.flatMap((row) => [rowLine(row, layout, options.theme), ...linesBelow(row, options)]);
}

function layOut(rows: readonly Row[], width: number): Layout {
  const widest = (measure: (row: Row) => number): number =>
    rows.reduce((most, row) => Math.max(most, measure(row)), 0);
  const duration = widest((row) => row.duration.length);
  const forDuration = duration === 0 ? 0 : duration + GAP;
  const isNarrow = width < NARROW;
  const share = isNarrow ? width - forDuration : Math.min(WIDEST_LABEL, Math.floor(width * 0.5));
  const label = Math.min(widest(labelWidth), Math.max(8, share));
  const key = isNarrow
    ? 0
    : Math.min(
        LONGEST_KEY,
        widest((row) => columnsOf(row.key)),
      );
  const note = width - label - forDuration - (key === 0 ? 0 : key + GAP) - GAP;
  return { label, duration, key, note: note < SHORTEST_NOTE ? 0 : note };
}

function labelWidth(row: Row): number {
  return columnsOf(row.guide) + (row.status === undefined ? 0 : 2) + columnsOf(row.name);
}

function rowLine(row: Row, layout: Layout, theme: Theme): string {
  const { guide, status, name, duration, key, note } = row;
  const sign = status === undefined ? '' : `${signOf(status)} `;
  const shown = fit(name, layout.label - columnsOf(guide + sign));
  const padding = ' '.repeat(Math.max(0, layout.label - columnsOf(guide + sign + shown)));
  const quiet = status === undefined || status === 'cancelled' || status === 'queued';
  const cells = [
    theme.dim(guide) +
      (status === undefined ? '' : paintStatus(theme, status, sign)) +
      (quiet ? theme.dim(shown) : shown) +
      padding,
  ];
  const has = cellsOf(row, layout);
  if (layout.duration > 0 && has.duration) cells.push(theme.dim(padStart(duration, layout.duration)));
  if (layout.key > 0 && has.key) cells.push(theme.dim(padEnd(fitEnd(key, layout.key), layout.key)));
  if (layout.note > 0 && note.text !== '') {
    const text = fit(note.text, layout.note);
    cells.push(note.paint === undefined ? text : theme[note.paint](text));
  }
  return cells.join(' '.repeat(GAP)).trimEnd();
}

/** A cell that only pads is left out at the end of a line, where colours would hide it from trimming. */
function cellsOf(row: Row, layout: Layout): { readonly duration: boolean; readonly key: boolean } {
  const hasNote = layout.note > 0 && row.note.text !== '';
  const hasKey = layout.key > 0 && row.key !== '';
  return { duration: hasNote || hasKey || row.duration !== '', key: hasNote || hasKey };
}

function linesBelow(row: Row, { width, theme }: TreeOptions): string[] {
  return row.below.flatMap(({ text, paint, isCut = false }) => {
    const room = Math.max(20, width - columnsOf(row.guideBelow) - 2);
    return (isCut ? [fit(text, room)] : wrap(text, room)).map(
      (line) => `${theme.dim(row.guideBelow)}  ${paint === undefined ? line : theme[paint](line)}`,
    );
  });
}
