/** A run's bars in a terminal, one a line, on one scale. What a bar does is told by its form: colour only helps. */
import { displayStatus, type Bar, type ReadRun } from '@pawl/runtime';

import { branchName } from './call-rows.ts';
import { clean } from './clean.ts';
import { columnsOf, fit, padEnd, padStart, wrap } from './columns.ts';
import { formatDuration, formatTime } from './duration.ts';
import { signOf, paintOf, type Theme } from './theme.ts';

export interface TimelineView {
  readonly run: ReadRun;
  readonly bars: readonly Bar[];
  readonly from: number;
  /** Of the last event, or now where somebody drives it. */
  readonly to: number;
}

interface Cell {
  readonly sign: string;
  readonly paint: keyof Theme | undefined;
}

const CELLS = {
  run: { sign: '█', paint: 'good' },
  failed: { sign: '▓', paint: 'bad' },
  wait: { sign: '░', paint: 'dim' },
  backoff: { sign: '·', paint: 'attention' },
  stopped: { sign: '╌', paint: 'attention' },
  group: { sign: '─', paint: 'dim' },
  rest: { sign: '▒', paint: 'dim' },
  none: { sign: ' ', paint: undefined },
} as const satisfies Readonly<Record<string, Cell>>;

const NARROW = 60;

/** What stands above the bars: known before they are. */
export function renderTimelineHead(
  { run, from, to }: Omit<TimelineView, 'bars'>,
  width: number,
  theme: Theme,
): string[] {
  const status = displayStatus(run);
  const facts = `${clean(run.runId)} · ${status} · ${formatDuration(to - from)} · ${formatTime(from)}`;
  return [
    `${theme[paintOf(status)](signOf(status))} ${theme.bold(fit(clean(run.process), width - 2))}`,
    theme.dim(`  ${fit(facts, width - 2)}`),
    '',
  ];
}

export function renderTimeline(view: TimelineView, width: number, theme: Theme): string[] {
  return [...renderTimelineHead(view, width, theme), ...renderBars(view, width, theme)];
}

export function renderBars({ bars, from, to }: TimelineView, width: number, theme: Theme): string[] {
  const names = bars.map((bar) => '  '.repeat(Math.min(bar.depth, 6)) + barTitle(bar));
  const widest = Math.max(8, ...names.map(columnsOf));
  const label = Math.min(widest, Math.floor(width * (width < NARROW ? 0.35 : 0.34)));
  const times = bars.map((bar) => formatDuration((bar.to ?? to) - bar.from));
  const longest = Math.max(4, ...times.map((text) => text.length));
  // Two gaps, and the sign behind the time.
  const room = Math.max(8, width - label - longest - 6);
  const scale = { from, span: Math.max(1, to - from), room };
  return [
    ...axisLines(scale, label, theme),
    ...bars.map((bar, index) => {
      const name = padEnd(fit(names[index] ?? '', label), label);
      const took = padStart(times[index] ?? '', longest);
      return `${bar.kind === 'rest' ? theme.dim(name) : name}  ${barText(bar, to, scale, theme)}  ${theme.dim(took)}${endSign(bar)}`.trimEnd();
    }),
    '',
    ...wrap(legendOf(bars), width).map(theme.dim),
  ];
}

interface Scale {
  readonly from: number;
  readonly span: number;
  readonly room: number;
}

function endSign(bar: Bar): string {
  if (bar.status === 'failed' && bar.kind !== 'rest') return ' ✗';
  return bar.to === null ? ' …' : '';
}

/** What stands before a bar. */
export function barTitle(bar: Bar): string {
  if (bar.kind === 'rest') {
    const failed = bar.failed > 0 ? `, ${bar.failed} failed` : '';
    return `⋮ ${bar.count} more${failed}`;
  }
  const branch = branchName(bar.key.slice(0, Math.max(0, bar.key.lastIndexOf('/'))));
  const own = nameOf(bar);
  const tries = bar.attempts > 1 ? ` · ${bar.attempts} attempts` : '';
  return `${own}${branch === undefined ? '' : ` ${branch}`}${bar.kind === 'task' ? tries : ''}`;
}

function nameOf({ kind, name }: Bar): string {
  switch (kind) {
    case 'wait':
      return `receive ${clean(name)}`;
    case 'child':
      return `run ${clean(name)}`;
    case 'breakpoint':
    case 'source':
      return `${kind} ${clean(name)}`;
    case 'timer':
      return name === 'sleep' ? 'sleep' : 'sleep until';
    case 'task':
    case 'group':
    case 'rest':
      return clean(name);
    default:
      return kind satisfies never;
  }
}

function barText(bar: Bar, now: number, scale: Scale, theme: Theme): string {
  const cells: Cell[] = Array.from({ length: scale.room }, () => CELLS.none);
  const fill = (from: number, to: number, cell: Cell): void => {
    const first = cellOf(from, scale);
    // What took the shortest time has a cell, too.
    const last = Math.max(first, cellOf(to, scale, true));
    for (let i = first; i <= last; i += 1) cells[i] = cell;
  };
  if (bar.kind === 'group' || bar.kind === 'rest') {
    fill(bar.from, bar.to ?? now, CELLS[bar.kind]);
    if (bar.kind === 'group') markEnds(cells, bar, now, scale);
  } else
    for (const part of bar.parts)
      fill(part.from, part.to ?? now, part.failed ? CELLS.failed : CELLS[part.kind]);
  return painted(cells, theme);
}

function markEnds(cells: Cell[], bar: Bar, now: number, scale: Scale): void {
  const first = cellOf(bar.from, scale);
  const last = cellOf(bar.to ?? now, scale, true);
  const paint = bar.status === 'failed' ? 'bad' : 'dim';
  if (last <= first) cells[first] = { sign: '┼', paint };
  else {
    cells[first] = { sign: '├', paint };
    cells[last] = { sign: '┤', paint };
  }
}

/** @param isEnd the cell before the one that begins there */
function cellOf(at: number, { from, span, room }: Scale, isEnd = false): number {
  const place = ((at - from) / span) * room;
  return Math.min(room - 1, Math.max(0, isEnd ? Math.ceil(place) - 1 : Math.floor(place)));
}

/** Neighbours of one colour are painted at once. */
function painted(cells: readonly Cell[], theme: Theme): string {
  let text = '';
  for (let i = 0; i < cells.length;) {
    const paint = cells[i]?.paint;
    let run = '';
    for (; i < cells.length && cells[i]?.paint === paint; i += 1) run += cells[i]?.sign ?? '';
    text += paint === undefined ? run : theme[paint](run);
  }
  return text;
}

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];
/** As people count: a clock has no 50 minutes. */
const STEPS = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30, 60, 90, 180, 365].map((n) => n * DAY),
];

/** Round steps, of which about so many fit. */
export function ticksOf(span: number, most: number): number[] {
  const step = STEPS.find((each) => span / each <= most) ?? DAY * Math.ceil(span / DAY / most);
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, i) => i * step);
}

/** As `formatDuration`, without digits that say nothing. */
export function tickText(ms: number): string {
  return ms === 0
    ? '0'
    : formatDuration(ms)
        .replace(/\.0s$/, 's')
        .replace(/ 0+[smh]$/, '');
}

function axisLines({ span, room }: Scale, label: number, theme: Theme): string[] {
  const ticks = ticksOf(span, Math.max(3, Math.floor(room / 9)));
  let text = '';
  let line = '';
  for (const tick of ticks) {
    const at = Math.min(room - 1, Math.floor((tick / span) * room));
    const word = tickText(tick);
    if (at < text.length + (text === '' ? 0 : 1) || at + word.length > room) continue;
    text = padEnd(text, at) + word;
    line = padEnd(line, at).replaceAll(' ', '─') + '┬';
  }
  const indent = ' '.repeat(label + 2);
  return [theme.dim(indent + text), theme.dim(indent + line.padEnd(room, '─'))];
}

function legendOf(bars: readonly Bar[]): string {
  const parts = bars.flatMap((bar) => bar.parts);
  const has = (kind: string): boolean => parts.some((part) => part.kind === kind);
  return [
    '█ works',
    parts.some(({ failed }) => failed) ? '▓ failed' : '',
    has('wait') ? '░ waits' : '',
    has('backoff') ? '· until the next attempt' : '',
    has('stopped') ? '╌ stopped with its program' : '',
    bars.some(({ kind }) => kind === 'rest') ? '▒ several calls' : '',
  ]
    .filter(Boolean)
    .join('   ');
}
