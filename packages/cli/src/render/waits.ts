import type { OpenWait, RunId } from '@pawl/runtime';

import { clean } from './clean.ts';
import { formatDuration } from './duration.ts';
import { renderFacts, type Fact } from './facts.ts';
import { shellWords } from './next-commands.ts';
import type { Theme } from './theme.ts';
import { shown } from './value.ts';

export interface WaitOfRun {
  readonly runId: RunId;
  readonly process: string;
  readonly wait: OpenWait;
}

/** Each wait as a few lines: the question first, then what belongs to it, then how to answer. */
export function renderWaits(view: {
  readonly waits: readonly WaitOfRun[];
  readonly now: number;
  readonly width: number;
  readonly theme: Theme;
  readonly flags: readonly string[];
}): string[] {
  const { waits, now, width, theme, flags } = view;
  if (waits.length === 0) return ['nothing waits'];
  return waits.flatMap(({ runId, process, wait }, index) => {
    const facts: Fact[] = [
      ['run', `${clean(runId)}  ${clean(process)}`],
      ['call', clean(wait.key)],
      ['since', `${formatDuration(now - wait.since)} ago`],
    ];
    if (wait.dueAt !== null) facts.push(['gives up', `in ${formatDuration(Math.max(0, wait.dueAt - now))}`]);
    if (wait.data !== null) facts.push(['data', shown(wait.data)]);
    facts.push([
      'answer',
      // What stands in a command line stays in the shell's history.
      wait.secret
        ? clean(shellWords('pawl', 'send', runId, wait.name, '-', '--secret', ...flags))
        : clean(shellWords('pawl', 'send', runId, wait.name, '<json>', ...flags)).replace(
            "'<json>'",
            '<json>',
          ),
    ]);
    const question = wait.prompt ?? `waits for message '${wait.name}'`;
    return [
      ...(index === 0 ? [] : ['']),
      `${theme.attention('?')} ${theme.bold(clean(question))}`,
      ...renderFacts(facts, width, theme),
    ];
  });
}
