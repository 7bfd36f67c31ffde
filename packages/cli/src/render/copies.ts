/** What `pawl export`, `pawl import`, `pawl backup`, `pawl prune` and `pawl compact` print. */
import type { Exported, ImportedRunNote, Pruned } from '@pawl/runtime';

import { clean } from './clean.ts';
import { renderNext, shellWords } from './next-commands.ts';
import { count } from './run.ts';
import { renderTable } from './table.ts';
import { statusWord, type Theme } from './theme.ts';

const SHOWN = 20;
/** Less is used again before anybody misses it. */
const WORTH_BYTES = 1_000_000;

export function renderExport(
  file: string,
  { runs, events }: Exported,
  isRedacted: boolean,
  theme: Theme,
): string[] {
  const note = isRedacted ? theme.attention(', redacted: to look at, and not to go on with') : '';
  return [`${theme.good('✓')} ${clean(file)}: ${count(events, 'event')} of ${count(runs, 'run')}${note}`];
}

export function renderPageExport(file: string, bytes: number, isRedacted: boolean, theme: Theme): string[] {
  const note = isRedacted ? theme.attention(', redacted') : '';
  return [`${theme.good('✓')} ${clean(file)}: a page of ${Math.ceil(bytes / 1000)} kB${note}`];
}

export function renderImport(
  runs: readonly ImportedRunNote[],
  flags: readonly string[],
  width: number,
  theme: Theme,
): string[] {
  const rows = runs
    .slice(0, SHOWN)
    .map((run) => [
      clean(run.runId),
      clean(run.process),
      statusWord(theme, run.status === 'running' ? 'interrupted' : run.status),
      String(run.events),
      noteOf(run, theme),
    ]);
  const columns = [
    { head: 'RUN' },
    { head: 'PROCESS' },
    { head: 'STATUS' },
    { head: 'EVENTS', align: 'right' } as const,
    { head: '' },
  ];
  const more = runs.length - rows.length;
  const open = runs.find(({ status, isRedacted }) => status === 'running' && !isRedacted);
  const [first] = runs;
  const id = open?.runId ?? first?.runId ?? '';
  const next =
    open === undefined
      ? { command: shellWords('pawl', 'show', id, ...flags), why: 'look at it' }
      : {
          command: shellWords('pawl', 'resume', id, ...flags),
          why: 'go on with it, if it does not go on where it came from',
        };
  return [
    ...renderTable(columns, rows, theme),
    ...(more > 0 ? [theme.dim(`and ${more} more`)] : []),
    ...renderNext([next], width, theme),
  ];
}

function noteOf({ outcome, isVerified, isRedacted }: ImportedRunNote, theme: Theme): string {
  if (outcome === 'same') return theme.dim('here already, the very same');
  if (isRedacted) return theme.attention('redacted: to look at only');
  return isVerified ? '' : theme.attention('says no checksum');
}

export function renderBackup(file: string, bytes: number, width: number, theme: Theme): string[] {
  return [
    `${theme.good('✓')} ${clean(file)}: ${size(bytes)}`,
    ...renderNext([{ command: shellWords('pawl', 'verify', '--db', file), why: 'check it' }], width, theme),
  ];
}

/** What `pawl prune` prints: the oldest first. */
export function renderPruned(
  { families, runs, events, freeBytes }: Pruned,
  isDryRun: boolean,
  flags: readonly string[],
  width: number,
  theme: Theme,
): string[] {
  if (runs === 0) return [theme.dim('nothing to prune')];
  const columns = [
    { head: 'RUN' },
    { head: 'PROCESS' },
    { head: 'STATUS' },
    { head: 'ENDED', align: 'right' } as const,
    { head: '' },
  ];
  const rows = families
    .slice(0, SHOWN)
    .map(({ runs: [first, ...others], status, endedAt }) => [
      clean(first?.runId ?? ''),
      clean(first?.process ?? ''),
      statusWord(theme, status === 'running' ? 'interrupted' : status),
      formatDay(endedAt),
      others.length === 0 ? '' : theme.dim(`and ${count(others.length, 'run')} of it`),
    ]);
  const more = families.length - rows.length;
  const sum = `${count(runs, 'run')}, ${count(events, 'event')}`;
  const compact = {
    command: shellWords('pawl', 'compact', ...flags),
    why: `gives ${size(freeBytes)} back to the disk`,
  };
  const isWorthIt = !isDryRun && freeBytes >= WORTH_BYTES;
  return [
    ...renderTable(columns, rows, theme),
    ...(more > 0 ? [theme.dim(`and ${more} more`)] : []),
    isDryRun ? `${theme.dim('·')} ${sum} would go` : `${theme.good('✓')} ${sum} are gone`,
    ...(isWorthIt ? renderNext([compact], width, theme) : []),
  ];
}

export function renderCompacted(before: number, after: number, theme: Theme): string[] {
  return [`${theme.good('✓')} ${size(before)} before, ${size(after)} now`];
}

/** Day by day is as exact as anybody asks of what goes. */
function formatDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

const UNITS = ['kB', 'MB', 'GB', 'TB'] as const;

function size(bytes: number): string {
  let amount = bytes / 1000;
  let unit = 0;
  for (; amount >= 1000 && unit < UNITS.length - 1; unit += 1) amount /= 1000;
  return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[unit] ?? ''}`;
}
