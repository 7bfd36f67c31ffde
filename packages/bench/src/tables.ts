/** What is printed: tables as text. */
import Table from 'cli-table3';

import type { Change, Comparison } from './compare.ts';
import { numberText, rangeText } from './number-text.ts';
import { isMet, type CaseReport, type Report, type SubjectReport } from './report.ts';

type Align = 'left' | 'right';

/** Lines below the head and around the whole, none between rows. */
const CHARS = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };

export function tableOf(
  head: readonly string[],
  aligns: readonly Align[],
  rows: readonly string[][],
): string {
  const style = { head: [], border: [] };
  const table = new Table({ head: [...head], colAligns: [...aligns], style, chars: CHARS });
  for (const row of rows) table.push(row);
  return String(table);
}

/** Each figure beside its goal. */
export function figureTable({ cases }: Report): string {
  const rows = cases.flatMap((each) =>
    each.figures.map((figure, place) => {
      const met = isMet(figure);
      const sign = figure.better === 'more' ? '≥' : '≤';
      return [
        place === 0 ? each.id : '',
        place === 0 ? each.title : '',
        figure.name,
        `${numberText(figure.median)} ${figure.unit}`,
        rangeText(figure),
        figure.goal === null ? '' : `${sign} ${numberText(figure.goal)}`,
        met === undefined ? '' : met ? 'met' : 'missed',
      ];
    }),
  );
  return tableOf(
    ['', 'case', 'figure', 'median', 'range', 'goal', ''],
    ['left', 'left', 'left', 'right', 'right', 'right', 'left'],
    rows,
  );
}

const COUNT_COLUMNS = [
  'µs CPU a step',
  'commits',
  'rows',
  'bytes a step',
  'log, MiB',
  'RSS, MiB',
  'delay p99, ms',
  'longest delay, ms',
];

/** Everybody who was measured in a case. */
export function subjectTable(each: CaseReport): string {
  const rows = each.subjects.map((subject) => subjectRow(subject));
  const aligns: Align[] = ['left', 'right', 'right', ...COUNT_COLUMNS.map((): Align => 'right')];
  return tableOf(['', each.speed, 'range', ...COUNT_COLUMNS], aligns, rows);
}

function subjectRow({ who, skipped, speed, counts }: SubjectReport): string[] {
  if (speed === null) return [who, 'skipped', (skipped ?? '').split('\n')[0]?.slice(0, 60) ?? ''];
  const cell = (name: string): string => {
    const count = counts[name];
    return count === undefined ? '' : numberText(count.median);
  };
  return [who, numberText(speed.median), rangeText(speed), ...COUNT_COLUMNS.map(cell)];
}

/** How durable each peer is, which is half of what it costs; its first note stands for all cases. */
export function durabilityLines({ cases }: Report): string[] {
  const lines = new Map<string, string>();
  for (const { who, kind, durability, note } of cases.flatMap(({ subjects }) => subjects)) {
    if (kind !== 'peer' || durability === '' || lines.has(who)) continue;
    lines.set(who, `${who}: ${durability}${note === '' ? '' : ` (${note})`}`);
  }
  return [...lines.values()];
}

export function comparisonText({ worse, better, drift, sameMachine }: Comparison): string {
  const parts = [
    sameMachine ? '' : 'Measured on another machine: only counts are compared.',
    changesText('worse, beyond the spreads', worse),
    changesText('better, beyond the spreads', better),
    changesText('the machine itself (raw)', drift),
    worse.length === 0 ? 'Nothing got worse beyond the spreads.' : '',
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function changesText(title: string, changes: readonly Change[]): string {
  if (changes.length === 0) return '';
  const rows = changes.map(({ what, before, after, worseBy }) => [
    what,
    `${numberText(before.median)} (${rangeText(before)})`,
    `${numberText(after.median)} (${rangeText(after)})`,
    `${worseBy > 0 ? '+' : ''}${(worseBy * 100).toFixed(0)} %`,
  ]);
  const head = [title, 'before', 'now', 'cost'];
  return tableOf(head, ['left', 'right', 'right', 'right'], rows);
}
