/** What `pawl export` and `pawl import` print. */
import type { Exported, ImportedRunNote } from '@pawl/runtime';

import { clean } from './clean.ts';
import { renderNext, shellWords } from './next-commands.ts';
import { count } from './run.ts';
import { renderTable } from './table.ts';
import { statusWord, type Theme } from './theme.ts';

const SHOWN = 20;

export function renderExport(
  file: string,
  { runs, events }: Exported,
  isRedacted: boolean,
  theme: Theme,
): string[] {
  const note = isRedacted ? theme.attention(', redacted: to look at, and not to go on with') : '';
  return [`${theme.good('✓')} ${clean(file)}: ${count(events, 'event')} of ${count(runs, 'run')}${note}`];
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
