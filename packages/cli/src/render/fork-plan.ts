/** What `--dry-run` prints of a fork. */
import type { ForkedCall, ForkPlan, RunId } from '@pawl/runtime';

import { clean } from './clean.ts';
import { fit, wrap } from './columns.ts';
import { renderFacts, type Fact } from './facts.ts';
import { count } from './run.ts';
import { renderTable } from './table.ts';
import type { Theme } from './theme.ts';

interface View {
  readonly word: string;
  readonly runId: RunId;
  readonly plan: ForkPlan;
}

/** Calls that are listed; a program gets all. */
const MOST_CALLS = 30;
const NAME = 28;

export function renderForkPlan({ word, runId, plan }: View, width: number, theme: Theme): string[] {
  const { seq, before, kept, reused, again } = plan;
  const place = before === null ? '' : ` (before call ${clean(before)})`;
  const facts: Fact[] = [
    ['keeps', kept.size === 0 ? 'nothing but the start' : namesOf(kept)],
    ...(reused.length === 0
      ? []
      : [['takes over', `${namesOf(counted(reused))}, where the same is asked`] as const]),
    ['does again', again.length === 0 ? 'nothing that was begun' : namesOf(counted(again))],
  ];
  const risky = again.filter(({ isRisky }) => isRisky).length;
  const [title = '', ...more] = wrap(`${word} of ${clean(runId)} behind event ${seq}${place}`, width);
  return [
    `${theme.bold(word)}${title.slice(word.length)}`,
    ...more,
    '',
    ...renderFacts(facts, width, theme),
    ...(again.length === 0 ? [] : ['', ...callLines(again, theme)]),
    ...(risky === 0
      ? []
      : [
          '',
          ...wrap(
            `! ${count(risky, 'call')} may have had an effect that nothing declares safe to be repeated`,
            width,
          ).map((line) => theme.attention(line)),
        ]),
    '',
    theme.dim('nothing was done or written'),
  ];
}

function counted(calls: readonly ForkedCall[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of calls) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** `12 fetch, 1 parse`, the most first. */
function namesOf(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, times]) => `${times} ${clean(name)}`)
    .join(', ');
}

const OUTCOMES = { succeeded: 'had succeeded', failed: 'had failed', cancelled: 'was given up' } as const;

function callLines(again: readonly ForkedCall[], theme: Theme): string[] {
  const rows = again
    .slice(0, MOST_CALLS)
    .map(({ key, name, outcome, isRisky }) => [
      isRisky ? theme.attention('  !') : '   ',
      clean(key),
      fit(clean(name), NAME),
      outcome === null ? 'was under way' : OUTCOMES[outcome],
    ]);
  const head = [{ head: '   ' }, { head: 'call' }, { head: 'name' }, { head: 'in the run' }];
  const more = again.length - rows.length;
  return [
    ...renderTable(head, rows, theme),
    ...(more === 0 ? [] : [theme.dim(`    and ${more} more: see --json`)]),
  ];
}
