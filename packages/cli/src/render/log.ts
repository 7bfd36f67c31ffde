import { logText, type LogEntry, type LogLine, type Said } from '@pawl/runtime';

import { clean, cleanLines } from './clean.ts';
import { formatClock } from './duration.ts';
import type { Theme } from './theme.ts';

/** As `--json` tells it. */
export function logDocument({ values, ...place }: LogEntry): object {
  return { ...place, message: logText(values) };
}

interface Spoken {
  readonly level: LogLine['level'];
  readonly text: string;
  /** Of whom it is, such as the task's name; undefined: the process'. */
  readonly of?: string | undefined;
}

const PAINTS = { debug: 'dim', info: 'dim', warn: 'attention', error: 'bad' } as const;

/** Each line begins with a sign, the first one with its level and whose it is, so that none can be taken for one of ours. */
function linesOf({ level, text, of }: Spoken, theme: Theme): string[] {
  const words = [...(level === 'info' ? [] : [level]), ...(of === undefined ? [] : [clean(of)])];
  const who = words.length === 0 ? '›' : `› ${words.join(' ')}:`;
  const paint = theme[PAINTS[level]];
  return cleanLines(text).map((line, i) => `${paint(i === 0 ? who : '›')} ${line}`);
}

/** What was logged just now. @param of whom it is of; undefined: the process */
export function logLines({ level, values }: Said, of: string | undefined, theme: Theme): string[] {
  return linesOf({ level, text: logText(values), of }, theme);
}

/** What was logged then: `12:00:01.123  › warn charge (2) attempt 2: slow` */
export function keptLogLines(
  line: Pick<LogLine, 'level' | 'text' | 'key' | 'task' | 'attempt'> & { readonly at: number | null },
  theme: Theme,
): string[] {
  const { at, level, text, key, task, attempt } = line;
  const again = attempt !== null && attempt > 1 ? ` attempt ${attempt}` : '';
  const of = key === null ? undefined : `${task ?? 'task'} (${key})${again}`;
  const clock = at === null ? '' : formatClock(at);
  return linesOf({ level, text, of }, theme).map(
    (each, i) => `${i === 0 ? theme.dim(clock) : ' '.repeat(clock.length)}  ${each}`,
  );
}

/** `⋮ 19,000 lines left out` */
export function leftOutLine(leftOut: number, theme: Theme): string {
  return theme.dim(`⋮ ${leftOut.toLocaleString('en')} ${leftOut === 1 ? 'line' : 'lines'} left out`);
}
