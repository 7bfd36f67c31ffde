import type { QueuedStart } from '@pawl/runtime';

import { clean } from './clean.ts';
import { formatAgo } from './duration.ts';
import { renderFacts, type Fact } from './facts.ts';
import { waitOf } from './queue.ts';
import type { Theme } from './theme.ts';
import { shown } from './value.ts';

/** What `pawl show` prints of a run that has not begun. */
export function renderStart(
  start: QueuedStart,
  view: {
    readonly now: number;
    readonly width: number;
    readonly theme: Theme;
    /** What begins it. */
    readonly begin: string;
  },
): string[] {
  const { now, width, theme, begin } = view;
  const { runId, process, module, queuedAt, priority, schedule, inputs } = start;
  const facts: Fact[] = [
    ['process', clean(process)],
    ['queued', formatAgo(now - queuedAt)],
    ['waits for', waitOf(start, now)],
  ];
  if (module !== null) facts.push(['module', clean(module)]);
  if (priority !== 0) facts.push(['priority', String(priority)]);
  if (schedule !== null) facts.push(['schedule', clean(schedule)]);
  facts.push(['input', shown(inputs)], ['begin it', clean(begin)]);
  return [`${theme.dim('◌')} ${theme.bold(clean(runId))}  queued`, ...renderFacts(facts, width, theme)];
}
