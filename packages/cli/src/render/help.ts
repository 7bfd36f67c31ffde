import type { Theme } from './theme.ts';

interface Example {
  readonly command: string;
  readonly what: string;
}

/** The end of a help text. */
export function examplesText(examples: readonly Example[], theme: Theme): string {
  const lines = examples.map(({ command, what }) => `  ${command}\n      ${theme.dim(what)}`);
  return `\n${theme.bold('Examples:')}\n${lines.join('\n')}`;
}
