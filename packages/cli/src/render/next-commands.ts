import { columnsOf, padEnd, wrap } from './columns.ts';
import type { Theme } from './theme.ts';

export interface NextCommand {
  readonly command: string;
  readonly why: string;
}

/** What to type next; a reason goes below its command where it does not fit beside it. */
export function renderNext(commands: readonly NextCommand[], width: number, theme: Theme): string[] {
  const widest = Math.max(...commands.map(({ command }) => columnsOf(command)));
  const longest = Math.max(...commands.map(({ why }) => columnsOf(why)));
  const isBeside = widest + longest + 4 <= width;
  const lines = commands.flatMap(({ command, why }) =>
    isBeside
      ? [`  ${padEnd(command, widest)}  ${theme.dim(why)}`]
      : [`  ${command}`, ...wrap(why, width - 4).map((line) => `    ${theme.dim(line)}`)],
  );
  return [theme.dim('next'), ...lines];
}

/** How a message is sent; what stands in a command line stays in the shell's history, so a secret comes by stdin. */
export function sendCommand(
  pawl: (...words: readonly string[]) => string,
  runId: string,
  name: string,
  isSecret: boolean,
): string {
  return isSecret ? pawl('send', runId, name, '-', '--secret') : `${pawl('send', runId, name)} <json>`;
}

/** A command line to copy: what a shell would take apart is quoted. */
export function shellWords(...words: readonly string[]): string {
  return words
    .map((word) =>
      /^[\w@%+=:,./-][\w@%+=:,./~-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`,
    )
    .join(' ');
}
