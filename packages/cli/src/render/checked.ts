import { clean } from './clean.ts';
import { wrap } from './columns.ts';
import { count } from './run.ts';
import type { Theme } from './theme.ts';

export interface Checked {
  readonly file: string;
  readonly name: string | undefined;
  /** Undefined: a process in code. */
  readonly steps: number | undefined;
  readonly problems: readonly { readonly line: number; readonly column: number; readonly message: string }[];
}

/** What `pawl check` prints: each problem with a place that editors and terminals can follow. */
export function renderChecked(
  { file, name, steps, problems }: Checked,
  width: number,
  theme: Theme,
): string[] {
  if (problems.length === 0) {
    const what =
      steps === undefined ? `process ${name ?? ''}` : `workflow ${name ?? ''}, ${count(steps, 'step')}`;
    return [`${theme.good('✓')} ${clean(`${file}: ${what}`)}`];
  }
  return [
    `${theme.bad('✗')} ${clean(file)}: ${count(problems.length, 'problem')}`,
    ...problems.flatMap(({ line, column, message }) => [
      theme.dim(clean(`${file}:${line}:${column}`)),
      ...wrap(clean(message), width - 2).map((each) => `  ${each}`),
    ]),
  ];
}
