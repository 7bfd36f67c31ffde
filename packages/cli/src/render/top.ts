/** What `pawl top` draws: at most `rows` lines, the selected run marked. */
import type { LeafNode } from '@pawl/runtime';

import type { TopRow, TopView } from '../top-reader.ts';
import { clean } from './clean.ts';
import { columnsOf, fit, padEnd, padStart } from './columns.ts';
import { formatDuration } from './duration.ts';
import { paintStatus, signOf, type Theme } from './theme.ts';

export interface TopLook {
  readonly view: TopView;
  /** Of the rows; undefined where nobody selects. */
  readonly selected: number | undefined;
  readonly filter: string;
  /** Somebody is typing it. */
  readonly isTyping: boolean;
  readonly width: number;
  readonly rows: number;
  readonly theme: Theme;
}

const STATUSES = [
  'running',
  'waiting',
  'sleeping',
  'cancelling',
  'interrupted',
  'failed',
  'cancelled',
  'continued',
  'succeeded',
] as const;

const MOST_POOLS = 4;
const NARROW = 64;

export function renderTop(look: TopLook): string[] {
  const { view, filter, isTyping, width, rows, theme } = look;
  const head = [statusLine(view, width, theme), rateLine(view, theme), ...poolLines(view, width, theme)];
  const foot =
    look.selected === undefined ? [] : ['', footLine(isTyping ? `${filter}_` : filter, width, theme)];
  const room = Math.max(1, rows - head.length - foot.length - 2);
  return [...head, '', ...runLines(look, room), ...foot];
}

/** Lines that runs have at most. */
export function topRoom({ pools }: Pick<TopView, 'pools'>, rows: number): number {
  return Math.max(1, rows - 2 - Math.min(MOST_POOLS, pools.length) - 4);
}

function statusLine({ counts, hasMore }: TopView, width: number, theme: Theme): string {
  const parts: string[] = [];
  let used = 0;
  for (const status of STATUSES) {
    const count = counts.get(status) ?? 0;
    if (count === 0) continue;
    const text = `${signOf(status)} ${count} ${status}`;
    used += columnsOf(text) + 3;
    if (used > width) break;
    parts.push(paintStatus(theme, status, text));
  }
  if (parts.length === 0) return theme.dim('no runs');
  const more = hasMore && used + 18 <= width ? theme.dim('  of the newest 1000') : '';
  return parts.join(theme.dim(' · ')) + more;
}

function rateLine({ endedLastMinute, tasksPerSecond }: TopView, theme: Theme): string {
  const tasks = tasksPerSecond === undefined ? '' : `, ${rateText(tasksPerSecond)} tasks/s`;
  const runs = `${endedLastMinute} ${endedLastMinute === 1 ? 'run' : 'runs'} ended`;
  return `${theme.dim('last minute')}  ${runs}${tasks}`;
}

function rateText(rate: number): string {
  return rate >= 100 ? String(Math.round(rate)) : rate.toFixed(1);
}

function poolLines({ pools }: TopView, width: number, theme: Theme): string[] {
  return pools.slice(0, MOST_POOLS).map(({ name, active, queueLength, utilization }) => {
    const label = padEnd(fit(`pool ${clean(name === '' ? 'tasks' : name)}`, 20), 11);
    const queue = queueLength === 0 ? '' : `, ${queueLength} wait`;
    const share =
      Number.isFinite(utilization) && utilization > 0 ? `, ${Math.round(utilization * 100)} %` : '';
    return `${theme.dim(label)}  ${fit(`${active} under way${queue}${share}`, width - columnsOf(label) - 2)}`;
  });
}

function runLines({ view, selected, filter, width, theme }: TopLook, room: number): string[] {
  const { rows, hidden, now } = view;
  if (rows.length === 0)
    return [
      theme.dim(filter === '' ? 'nothing is open' : `no open run has '${clean(filter)}' in its name or id`),
    ];
  const shown = rows.slice(0, room);
  const times = shown.map(({ run }) => formatDuration(now - run.startedAt));
  const time = Math.max(...times.map(columnsOf));
  const isNarrow = width < NARROW;
  const name = Math.min(
    Math.max(...shown.map(({ run }) => columnsOf(clean(run.process)))),
    isNarrow ? 14 : 20,
  );
  const id = isNarrow ? 0 : Math.min(Math.max(...shown.map(({ run }) => columnsOf(clean(run.runId)))), 24);
  const lines = shown.map((row, index) => {
    const { run, status } = row;
    const mark = selected === index ? theme.bold('▸') : ' ';
    const cells = [
      padEnd(fit(clean(run.process), name), name),
      ...(id === 0 ? [] : [theme.dim(padEnd(fit(clean(run.runId), id), id))]),
      theme.dim(padStart(times[index] ?? '', time)),
    ];
    const left = width - 4 - name - (id === 0 ? 0 : id + 2) - time - 4;
    const what = fit(whatOf(row), left);
    return `${mark} ${paintStatus(theme, status, signOf(status))} ${cells.join('  ')}  ${what}`.trimEnd();
  });
  const left = hidden + rows.length - shown.length;
  return left === 0 ? lines : [...lines, theme.dim(`  ⋮ ${left} more`)];
}

/** What is open in it: names, and how often. */
function whatOf({ run, status, open }: TopRow): string {
  const names = new Map<string, number>();
  for (const node of open) names.set(nameOf(node), (names.get(nameOf(node)) ?? 0) + 1);
  const parts = [...names].map(([name, count]) => (count === 1 ? name : `${name} ×${count}`));
  const done = run.tasksScheduled === 0 ? '' : `${run.tasksSettled}/${run.tasksScheduled}`;
  const word = status === 'running' ? '' : status;
  return [word, parts.join(', '), done].filter((text) => text !== '').join(' · ');
}

function nameOf(node: LeafNode): string {
  switch (node.kind) {
    case 'timer':
      return 'sleep';
    case 'wait':
      return `message '${clean(node.name)}'`;
    case 'breakpoint':
      return clean(node.question);
    case 'child':
      return `run ${clean(node.name)}`;
    case 'source':
      return `source ${clean(node.name)}`;
    case 'task':
      return node.status === 'backoff' ? `${clean(node.name)} (to try again)` : clean(node.name);
    default:
      return node satisfies never;
  }
}

function footLine(filter: string, width: number, theme: Theme): string {
  const keys = '↑↓ select  enter why  / filter  q quit';
  return theme.dim(fit(filter === '' ? keys : `/${clean(filter)}   ${keys}`, width));
}
