import type { BreakpointNode } from '@pawl/runtime';

import { clean } from './clean.ts';
import { formatDuration } from './duration.ts';
import type { Theme } from './theme.ts';

export interface Note {
  readonly text: string;
  readonly paint: keyof Theme;
}

/** What is said of a question to people: what is asked, who has answered, and what it came to. */
export function breakpointNote(node: BreakpointNode, now: number): Note {
  const { answers, asked, dueAt, outcome, decidedBy, question, status } = node;
  if (status === 'cancelled') return { text: '', paint: 'dim' };
  if (outcome === 'failed') return { text: 'not answered in time', paint: 'attention' };
  if (outcome !== undefined) {
    const last = answers.at(-1);
    const by = decidedBy === 'timeout' ? 'since its time had passed' : `by ${last?.by ?? ''}`;
    const said = decidedBy === 'timeout' ? [] : [last?.option, last?.feedback];
    const text = [`${outcome} ${by}`, ...said].filter(Boolean).join(' · ');
    return { text: clean(text), paint: outcome === 'approved' ? 'dim' : 'attention' };
  }
  const parts = [
    clean(question),
    asked.length === 0 ? '' : `for ${clean(asked.join(', '))}`,
    answers.length === 0 ? '' : `answered: ${clean(answers.map(({ by }) => by).join(', '))}`,
    dueAt === null ? '' : `gives up in ${formatDuration(Math.max(0, dueAt - now))}`,
  ];
  return { text: parts.filter(Boolean).join(' · '), paint: 'attention' };
}
