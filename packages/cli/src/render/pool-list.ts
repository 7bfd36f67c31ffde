import type { PoolStatus } from '@pawl/runtime';

import { clean } from './clean.ts';
import { fit } from './columns.ts';
import { formatDuration } from './duration.ts';
import { renderTable, type Column } from './table.ts';
import type { Theme } from './theme.ts';

export interface PoolListView {
  readonly pools: readonly PoolStatus[];
  /** Of how many runs the statistics are. */
  readonly runs: number;
  readonly width: number;
  readonly theme: Theme;
}

const NARROW = 78;
const WIDE = 118;
const METER = 8;

/** What `pawl pools` prints: each pool below its parent. */
export function renderPoolList(view: PoolListView): string[] {
  if (view.pools.length === 0) return [view.theme.dim('no pools')];
  const rows = inTree(view.pools);
  const lines = view.width < NARROW ? narrowList(rows, view) : tableOf(rows, view);
  return [
    ...lines,
    '',
    view.theme.dim(fit(`times and counts are of the newest ${view.runs} runs`, view.width)),
  ];
}

interface Row {
  readonly pool: PoolStatus;
  readonly depth: number;
}

/** A pool whose parent is not there, or that lies in a ring, stands for itself. */
function inTree(pools: readonly PoolStatus[]): Row[] {
  const names = new Set(pools.map(({ name }) => name));
  const rows: Row[] = [];
  const seen = new Set<string>();
  const add = (pool: PoolStatus, depth: number): void => {
    if (seen.has(pool.name)) return;
    seen.add(pool.name);
    rows.push({ pool, depth });
    for (const child of pools) if (child.parent === pool.name) add(child, depth + 1);
  };
  for (const pool of pools) if (pool.parent === null || !names.has(pool.parent)) add(pool, 0);
  for (const pool of pools) add(pool, 0);
  return rows;
}

function tableOf(rows: readonly Row[], { width, theme }: PoolListView): string[] {
  const isWide = width >= WIDE;
  const right = { align: 'right' } as const;
  const columns: Column[] = [
    { head: 'POOL' },
    { head: 'IN USE' },
    { head: 'WAITING', ...right },
    { head: 'DONE', ...right },
    { head: 'FAILED', ...right },
    ...(isWide
      ? [
          { head: 'REFUSED', ...right },
          { head: 'RETRIES', ...right },
        ]
      : []),
    { head: isWide ? 'WAITED p50 p95' : 'WAITED', ...right },
    { head: isWide ? 'TOOK p50 p95' : 'TOOK', ...right },
  ];
  const uses = rows.map(({ pool }) => useOf(pool));
  // What the other columns need at most, gaps included.
  const room = width - (isWide ? 105 : 66);
  const cells = rows.map(({ pool, depth }, index) => {
    const { stats } = pool;
    const times = ({ p50Ms, p95Ms, count }: typeof stats.wait): string =>
      count === 0
        ? theme.dim('–')
        : isWide
          ? `${formatDuration(p50Ms)} ${formatDuration(p95Ms)}`
          : formatDuration(p50Ms);
    return [
      fit(`${'  '.repeat(depth)}${nameOf(pool)}`, Math.max(12, room)),
      `${meter(pool, theme)} ${fit(uses[index] ?? '', isWide ? 20 : 12)}`,
      counted(pool.queueLength, theme, 'attention'),
      counted(stats.completed, theme),
      counted(stats.failed + stats.timedOut, theme, 'bad'),
      ...(isWide ? [counted(stats.refused, theme, 'bad'), counted(stats.retries, theme)] : []),
      times(stats.wait),
      times(stats.run),
    ];
  });
  return renderTable(columns, cells, theme);
}

/** Two lines a pool. */
function narrowList(rows: readonly Row[], { width, theme }: PoolListView): string[] {
  return rows.flatMap(({ pool, depth }) => {
    const indent = '  '.repeat(depth);
    const { completed, failed, timedOut } = pool.stats;
    return [
      `${indent}${meter(pool, theme)} ${fit(nameOf(pool), Math.max(4, width - METER - 1 - indent.length))}`,
      `${indent}${theme.dim(
        fit(
          `${useOf(pool)} in use, ${pool.queueLength} waiting, ${completed} done, ${failed + timedOut} failed`,
          Math.max(4, width - indent.length),
        ),
      )}`,
    ];
  });
}

function nameOf({ name, isSet }: PoolStatus): string {
  if (name === '') return '(no pool)';
  return isSet ? `${clean(name)} *` : clean(name);
}

/** `3/10`, or `gpu 1/2 mem 4/8`. */
function useOf({ limits, used }: PoolStatus): string {
  const resources = Object.keys(limits);
  if (resources.length === 0) return '–';
  return resources
    .map((resource) => {
      const share = `${amount(used[resource] ?? 0)}/${amount(limits[resource] ?? Infinity)}`;
      return resources.length === 1 && resource === 'slots' ? share : `${clean(resource)} ${share}`;
    })
    .join(' ');
}

function amount(value: number): string {
  return value === Infinity ? '∞' : String(Math.round(value * 100) / 100);
}

function meter({ utilization }: PoolStatus, theme: Theme): string {
  const share = Math.min(1, Math.max(0, utilization));
  // Something in use is never shown as nothing, nor something free as full.
  const cells =
    share > 0 && share < 1 ? Math.min(METER - 1, Math.max(1, Math.round(share * METER))) : share * METER;
  const paint = share >= 1 ? theme.attention : theme.busy;
  return `${paint('█'.repeat(cells))}${theme.dim('░'.repeat(METER - cells))}`;
}

function counted(value: number, theme: Theme, paint?: keyof Theme): string {
  if (value === 0) return theme.dim('0');
  return paint === undefined ? String(value) : theme[paint](String(value));
}
